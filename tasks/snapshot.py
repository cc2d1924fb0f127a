"""The source in one snapshot, taken after the locks: which tables are wanted, whether they can be read and kept."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasks import archive
from tasks.archive import DumpOptions, Entry, Tools
from tasks.checkpoints import Json
from tasks.errors import DumpFailed, LockNotGranted, SourceBusy, SourceEmpty, SourceUnreadable
from tasks.postgres import Database, Session, connect, statement, with_names

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
    bytes: int
    is_extension_member: bool

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@contextmanager
def held_snapshot(
    session: Session, tools: Tools, options: DumpOptions, folder: Path
) -> Iterator[tuple[Json, list[SourceTable], list[Entry]]]:
    """Hold locks on all wanted tables and, taken after them, a snapshot in which those are all that is wanted.

    pg_dump by itself takes its snapshot first: a table truncated and refilled before it gets the lock is dumped
    as empty, with exit code 0.
    """
    for _ in range(_ATTEMPTS):
        before = _tables(session)
        wanted = _definitions(session, tools, options, folder, before)
        numbers = {entry.oid for entry in wanted if entry.title.startswith("TABLE ")}
        tables = [table for table in before if table.oid in numbers]
        _ensure_readable(session, tables)
        with session.transaction(snapshot=True, lock_timeout_seconds=options.lock_timeout_seconds):
            _lock(session, tables)
            row = session.all(statement("read_snapshot"))[0]
            if {table.oid for table in _tables(session)} == {table.oid for table in before}:
                names = ("snapshot", "snapshot_at", "lsn", "system_identifier", "database_oid")
                yield dict(zip(names, row, strict=True)), tables, wanted
                return
        logger.warning("tables of %s came or went while they were being locked; locking again", session.database)
    raise SourceBusy(
        f"tables of {session.database} came and went during {_ATTEMPTS} attempts to lock them; nothing was dumped",
        hint="run again when no migration is running on the source",
    )


def _tables(session: Session) -> list[SourceTable]:
    names = SourceTable.__dataclass_fields__
    return [SourceTable(**dict(zip(names, row, strict=True))) for row in session.all(statement("read_tables"))]


def _definitions(
    session: Session, tools: Tools, options: DumpOptions, folder: Path, tables: list[SourceTable]
) -> list[Entry]:
    """Let pg_dump itself say what its patterns select."""
    file = folder / ".definitions.unfinished"
    try:
        archive.pg_dump(
            session.database, tools.pg_dump, options, ["--schema-only", "--format=custom", f"--file={file}"]
        )
        wanted = archive.entries(tools.pg_restore, file, timeout_seconds=options.timeout_seconds)
    except DumpFailed:
        # pg_dump names the first table that it may not read; whoever mends it wants to know them all.
        _ensure_readable(session, tables)
        raise
    finally:
        file.unlink(missing_ok=True)
    if not any(entry.title.startswith("TABLE ") for entry in wanted):
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


def _lock(session: Session, tables: list[SourceTable]) -> None:
    for table in tables:
        try:
            session.run(with_names("lock table only {} in access share mode", (table.schema, table.name)))
        except LockNotGranted as error:  # noqa: PERF203  the table that is locked must be named
            raise _locked(session.database, table) from error


def _locked(source: Database, table: SourceTable) -> SourceBusy:
    with connect(source) as other:
        rows = other.all(statement("read_lock_holders"), {"oids": [table.oid]})
    holders = [f"by session {pid} ({role}, {name or 'unnamed'}, {state})" for _, pid, role, name, state in rows]
    held = ", ".join(holders) or "by a session that has just let go"
    return SourceBusy(
        f"{table} of {source} is locked {held}; nothing was dumped",
        hint="run again when that session has ended, or raise [dump] lock_timeout_seconds",
    )
