"""The source in one snapshot, taken after the locks: which tables are wanted, whether they can be read and kept."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.archive import DumpOptions
from tasks.contents import Entry
from tasks.errors import LockNotGranted, ObjectMissing, SourceBusy
from tasks.moment import Moment, read_moment
from tasks.postgres import Session, connect
from tasks.selection import (
    SourceTable,
    all_tables,
    definitions,
    ensure_readable,
    ensure_unlocked,
    relations_among,
    table_numbers,
)
from tasks.statements import statement, with_names
from tasks.tools import Tools

logger = logging.getLogger(__name__)

_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """An exported snapshot (`name`), what it identifies, and what is wanted of it: all is locked, all is there."""

    name: str
    moment: Moment | None
    taken_at: str
    lsn: str
    system_identifier: str
    database_oid: int
    large_objects: int
    tables: list[SourceTable]
    sizes_bytes: dict[int, int]
    wanted: list[Entry]


@contextmanager
def held_snapshot(session: Session, tools: Tools, options: DumpOptions, folder: Path) -> Iterator[Snapshot]:
    """Hold locks on all wanted tables and, taken after them, a snapshot in which those are all that is wanted.

    pg_dump by itself takes its snapshot first: a table truncated and refilled before it gets the lock is dumped
    as empty, with exit code 0.
    """
    for _ in range(_ATTEMPTS):
        before = all_tables(session)
        wanted = definitions(session, tools, options, folder, before)
        numbers = table_numbers(wanted)
        tables = [table for table in before if table.oid in numbers]
        ensure_readable(session, relations_among(before, wanted))
        with session.transaction(snapshot=True, lock_timeout_seconds=options.lock_wait_timeout):
            if _lock(session, tables):
                snapshot = _take(session, tables, wanted)
                if {table.oid for table in all_tables(session)} != {table.oid for table in before}:
                    # Tables came or went; it may be that none of them is wanted.
                    wanted = definitions(session, tools, options, folder, before, snapshot=snapshot.name)
                if table_numbers(wanted) == {table.oid for table in tables}:
                    yield replace(snapshot, wanted=wanted)
                    return
        logger.warning("tables of %s came or went while they were being locked; locking again", session.database)
    raise SourceBusy(
        f"tables of {session.database} came and went during {_ATTEMPTS} attempts to lock them; nothing was dumped",
        hint="run again when no migration is running on the source",
    )


def _take(session: Session, tables: list[SourceTable], wanted: list[Entry]) -> Snapshot:
    row = session.all(statement("read_snapshot"))[0]
    name, taken_at, lsn, system_identifier, database_oid, large_objects = row
    return Snapshot(
        name=name,
        moment=read_moment(session),
        taken_at=taken_at,
        lsn=lsn,
        system_identifier=system_identifier,
        database_oid=database_oid,
        large_objects=large_objects,
        tables=tables,
        sizes_bytes=dict(session.all(statement("read_table_sizes"), {"oids": [table.oid for table in tables]})),
        wanted=wanted,
    )


def _lock(session: Session, tables: list[SourceTable]) -> bool:
    """Lock them all; False, and the transaction is at its end, where one is gone."""
    try:
        names = [(table.schema, table.name) for table in tables]
        session.run(with_names(f"lock table {', '.join(['only {}'] * len(names))} in access share mode", *names))
    except LockNotGranted:
        with connect(session.database) as other:
            ensure_unlocked(other, tables)
        raise
    except ObjectMissing:
        return False
    return True
