"""The source in one snapshot, taken after the locks: which tables are wanted, whether they can be read and kept."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tasks import archive
from tasks.archive import DumpOptions, Entry
from tasks.errors import DumpFailed, LockNotGranted, ObjectMissing, SourceBusy, SourceEmpty, SourceUnreadable
from tasks.postgres import Session, connect
from tasks.statements import statement, with_names
from tasks.tools import Tools

logger = logging.getLogger(__name__)

_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """A row of `read_tables.sql`."""

    oid: int
    schema: str
    name: str
    kind: str
    is_readable: bool
    is_filtered: bool

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """An exported snapshot (`name`), what it identifies, and what is wanted of it: all is locked, all is there."""

    name: str
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
        before = _tables(session)
        wanted = _definitions(session, tools, options, folder, before)
        numbers = table_numbers(wanted)
        tables = [table for table in before if table.oid in numbers]
        relations = {entry.oid for entry in wanted if entry.title.startswith(("TABLE ", "SEQUENCE "))}
        _ensure_readable(session, [relation for relation in before if relation.oid in relations])
        with session.transaction(snapshot=True, lock_timeout_seconds=options.lock_timeout_seconds):
            if _lock(session, tables):
                snapshot = _take(session, tables, wanted)
                if {table.oid for table in _tables(session)} != {table.oid for table in before}:
                    # Tables came or went; it may be that none of them is wanted.
                    wanted = _definitions(session, tools, options, folder, before, snapshot=snapshot.name)
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
        taken_at=taken_at,
        lsn=lsn,
        system_identifier=system_identifier,
        database_oid=database_oid,
        large_objects=large_objects,
        tables=tables,
        sizes_bytes=dict(session.all(statement("read_table_sizes"), {"oids": [table.oid for table in tables]})),
        wanted=wanted,
    )


def table_numbers(wanted: list[Entry]) -> set[int]:
    """Return the numbers of the tables that a table of contents defines."""
    return {entry.oid for entry in wanted if entry.classid and entry.title.startswith("TABLE ")}


def _tables(session: Session) -> list[SourceTable]:
    names = SourceTable.__dataclass_fields__
    return [SourceTable(**dict(zip(names, row, strict=True))) for row in session.all(statement("read_tables"))]


def _definitions(
    session: Session,
    tools: Tools,
    options: DumpOptions,
    folder: Path,
    tables: list[SourceTable],
    *,
    snapshot: str | None = None,
) -> list[Entry]:
    """Let pg_dump itself say what its patterns select, now or in a snapshot."""
    file = folder / ".definitions.unfinished"
    arguments = ["--schema-only", "--format=custom", *([f"--snapshot={snapshot}"] if snapshot else [])]
    try:
        archive.pg_dump(session.database, tools.pg_dump, options, file, arguments)
        wanted = archive.entries(tools.pg_restore, file, timeout_seconds=options.timeout_seconds)
    except DumpFailed:
        # pg_dump names the first table that it may not read, and none that it waited for in vain; whoever mends
        # it wants to know them all.
        _ensure_readable(session, tables)
        _ensure_unlocked(session, tables)
        raise
    finally:
        file.unlink(missing_ok=True)
    if not table_numbers(wanted):
        raise SourceEmpty(
            f"{session.database} has no table to copy; the destination was not touched",
            hint="point the job at the right database, or widen the patterns in [source]",
        )
    return wanted


def _ensure_readable(session: Session, tables: list[SourceTable]) -> None:
    unreadable = [str(table) for table in tables if not table.is_readable]
    filtered = [str(table) for table in tables if table.is_filtered]
    if unreadable:
        raise SourceUnreadable(
            f"the role may not read {len(unreadable)} tables of {session.database}: {', '.join(unreadable)}; "
            "nothing was dumped",
            hint="grant it pg_read_all_data, or leave the tables out with [source] exclude_tables",
        )
    if filtered:
        raise SourceUnreadable(
            f"row-level security hides rows from the role in {len(filtered)} tables of {session.database}: "
            f"{', '.join(filtered)}; nothing was dumped",
            hint="alter role … bypassrls, or leave the tables out with [source] exclude_tables",
        )


def _lock(session: Session, tables: list[SourceTable]) -> bool:
    """Lock them all; False, and the transaction is at its end, where one is gone."""
    try:
        for table in tables:
            session.run(with_names("lock table only {} in access share mode", (table.schema, table.name)))
    except LockNotGranted:
        with connect(session.database) as other:
            _ensure_unlocked(other, tables)
        raise
    except ObjectMissing:
        return False
    return True


def _ensure_unlocked(session: Session, tables: list[SourceTable]) -> None:
    rows = session.all(statement("read_lock_holders"), {"oids": [table.oid for table in tables]})
    held = [f"{name} by session {pid} ({role}, {app or 'unnamed'}, {state})" for name, pid, role, app, state in rows]
    if held:
        raise SourceBusy(
            f"tables of {session.database} are locked: {', '.join(held)}; nothing was dumped",
            hint="run again when that session has ended, or raise [dump] lock_timeout_seconds",
        )
