"""The source in one snapshot, taken after the locks: which tables are wanted, whether they can be read and kept."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tasks.archive import DumpOptions
from tasks.contents import Entry
from tasks.errors import DumpFailed, LockNotGranted, ObjectMissing, SourceBusy
from tasks.moment import Moment, read_moment
from tasks.postgres import Session, connect
from tasks.selection import definitions, selected, table_numbers
from tasks.source_tables import SourceTable, all_tables, ensure_readable, ensure_unlocked, relations_among
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
    wanted: list[Entry]


@contextmanager
def held_snapshot(
    session: Session, tools: Tools, options: DumpOptions, file: Path, *, expected: Collection[int] = ()
) -> Iterator[Snapshot]:
    """Hold locks on all wanted tables and, taken after them, a snapshot whose definitions, in the file, are of those.

    `expected` are the numbers of the tables that are thought to be wanted; pg_dump is asked where there are none.

    pg_dump by itself takes its snapshot first: a table truncated and refilled before it gets the lock is dumped
    as empty, with exit code 0.
    """
    for _ in range(_ATTEMPTS):
        there = all_tables(session)
        numbers = {table.oid for table in there}.intersection(expected)
        numbers = numbers or table_numbers(selected(session, tools, options, file.parent, there))
        tables = [table for table in there if table.oid in numbers]
        ensure_readable(session, tables)
        with session.transaction(snapshot=True, lock_timeout_seconds=options.lock_wait_timeout):
            if tables and _lock(session, tables) and (seen := _as_locked(session, tables)):
                snapshot = _take(session, seen)
                wanted = _wanted(session, tools, options, file, snapshot.name, may_fail=bool(expected))
                if table_numbers(wanted) == numbers:
                    ensure_readable(session, relations_among(all_tables(session), wanted))
                    yield replace(snapshot, wanted=wanted)
                    return
        logger.warning("tables of %s came or went while they were being locked; locking again", session.database)
        expected = ()
    raise SourceBusy(
        f"tables of {session.database} came and went during {_ATTEMPTS} attempts to lock them; nothing was dumped",
        hint="run again when no migration is running on the source",
    )


def _as_locked(session: Session, tables: list[SourceTable]) -> list[SourceTable]:
    """Return these tables as the snapshot sees them; none where others bear the names that were locked.

    Two may have exchanged theirs while the lock was waited for: their numbers alone would not tell.
    """
    numbers = {table.oid for table in tables}
    seen = [table for table in all_tables(session) if table.oid in numbers]
    return seen if {(t.schema, t.name) for t in seen} == {(t.schema, t.name) for t in tables} else []


def _wanted(
    session: Session, tools: Tools, options: DumpOptions, file: Path, snapshot: str, *, may_fail: bool
) -> list[Entry]:
    """Let pg_dump write the definitions; nothing where it failed, and it may be for a table that nobody expected."""
    try:
        return definitions(session, tools, options, file, all_tables(session), snapshot=snapshot)
    except (DumpFailed, SourceBusy) as error:
        if not may_fail:
            raise
        logger.warning("what was seen beforehand could not be dumped: %s", error.message)
        return []


def _take(session: Session, tables: list[SourceTable]) -> Snapshot:
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
        wanted=[],
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
