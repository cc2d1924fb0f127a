"""Source to one pg_dump directory: one snapshot, taken after the locks, its rows counted."""

import logging
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tasks import archive, commands
from tasks.archive import Entry, Tool, Tools
from tasks.checkpoints import Json, RunFolder, files_in, sizes_in, writing_to
from tasks.commands import ProgramFailed
from tasks.errors import (
    DumpFailed,
    LockNotGranted,
    PipelineError,
    SourceBusy,
    SourceEmpty,
    SourceUnreadable,
)
from tasks.manifest import Extension, Manifest, Table
from tasks.postgres import Database, Session, connect, statement, with_names
from tasks.progress import Listener, Progress

logger = logging.getLogger(__name__)

_ATTEMPTS = 3
_BEGUN = re.compile(r'dumping contents of table "(.+)"$')


@dataclass(frozen=True, kw_only=True)
class DumpOptions:
    """What to dump (patterns as pg_dump and psql read them) and how."""

    schemas: tuple[str, ...] = ()
    exclude_schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    exclude_tables: tuple[str, ...] = ()
    exclude_table_data: tuple[str, ...] = ()
    exclude_extensions: tuple[str, ...] = ()
    jobs: int = 2
    compress: str = "1"
    lock_timeout_seconds: float = 60
    timeout_seconds: float = 6 * 3600

    @property
    def selection(self) -> Json:
        """What decides which rows are dumped; jobs and time limits do not."""
        return {name: list(value) for name, value in vars(self).items() if isinstance(value, tuple)}

    @property
    def patterns(self) -> list[str]:
        """The selection as pg_dump's arguments."""
        named = {
            "schema": self.schemas,
            "exclude-schema": self.exclude_schemas,
            "table": self.tables,
            "exclude-table": self.exclude_tables,
            "exclude-table-data": self.exclude_table_data,
        }
        return [f"--{option}={pattern}" for option, patterns in named.items() for pattern in patterns]


@dataclass(frozen=True, kw_only=True)
class _SourceTable:
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


def dump_database(
    source: Database, folder: RunFolder, tools: Tools, options: DumpOptions, *, listener: Listener
) -> Manifest:
    """Dump the source into `folder.dump`, whole and flushed to disk or not at all, and describe it.

    Raises:
        SourceUnreadable, SourceEmpty, SourceBusy: before a row was read.
        DumpFailed: pg_dump failed, or its dump lacks a table of the snapshot.
        ArtifactsUnwritable: the disk is full or the folder not ours.
    """
    started = time.monotonic()
    with folder.unfinished(folder.dump) as directory, connect(source) as session:
        with _snapshot(session, tools, options, directory.parent) as (snapshot, tables, wanted):
            arguments = ["--format=directory", f"--file={directory}", f"--snapshot={snapshot['snapshot']}"]
            counts = _count_and_dump(session, tools.pg_dump, options, arguments, tables, listener=listener)
            described = _describe(session, wanted, options)
        contents = archive.entries(tools.pg_restore, directory, timeout_seconds=options.timeout_seconds)
        dumped = _tables_of(tables, counts, contents, source)
        manifest = Manifest(
            source=str(source),
            system_identifier=snapshot["system_identifier"],
            database_oid=snapshot["database_oid"],
            server_version=session.server_version,
            pg_dump=tools.pg_dump.version,
            snapshot_at=snapshot["snapshot_at"],
            lsn=snapshot["lsn"],
            tables=dumped,
            files=files_in(directory),
            left_out=archive.left_out(contents),
            seconds=round(time.monotonic() - started, 3),
            **described,
        )
    logger.info(
        "dumped %s to %s: %d tables, %d rows, %d bytes in %.1f s",
        source, folder.dump, len(manifest.tables), manifest.rows, manifest.bytes, manifest.seconds,
    )  # fmt: skip
    return manifest


@contextmanager
def _snapshot(
    session: Session, tools: Tools, options: DumpOptions, folder: Path
) -> Iterator[tuple[Json, list[_SourceTable], list[Entry]]]:
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


def _tables(session: Session) -> list[_SourceTable]:
    names = _SourceTable.__dataclass_fields__
    return [_SourceTable(**dict(zip(names, row, strict=True))) for row in session.all(statement("read_tables"))]


def _definitions(
    session: Session, tools: Tools, options: DumpOptions, folder: Path, tables: list[_SourceTable]
) -> list[Entry]:
    """Let pg_dump itself say what its patterns select."""
    file = folder / ".definitions.unfinished"
    try:
        _pg_dump(session.database, tools.pg_dump, options, ["--schema-only", "--format=custom", f"--file={file}"])
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


def _ensure_readable(session: Session, tables: list[_SourceTable]) -> None:
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


def _lock(session: Session, tables: list[_SourceTable]) -> None:
    for table in tables:
        try:
            session.run(with_names("lock table only {} in access share mode", (table.schema, table.name)))
        except LockNotGranted as error:  # noqa: PERF203  the table that is locked must be named
            raise _locked(session.database, table) from error


def _locked(source: Database, table: _SourceTable) -> SourceBusy:
    with connect(source) as other:
        rows = other.all(statement("read_lock_holders"), {"oids": [table.oid]})
    holders = [f"by session {pid} ({role}, {name or 'unnamed'}, {state})" for _, pid, role, name, state in rows]
    return SourceBusy(
        f"{table} of {source} is locked {', '.join(holders) or 'by a session that has just let go'}; nothing was dumped",
        hint="run again when that session has ended, or raise [dump] lock_timeout_seconds",
    )


def _count_and_dump(
    session: Session,
    tool: Tool,
    options: DumpOptions,
    arguments: list[str],
    tables: list[_SourceTable],
    *,
    listener: Listener,
) -> dict[int, int]:
    """Dump while this session, which holds the snapshot, counts; return the rows of each table by its number."""
    sizes = {str(table): table.bytes for table in tables}
    with ThreadPoolExecutor(1) as threads, Progress("dumping", sizes, listener, at_work=options.jobs) as progress:
        counting = threads.submit(_count, session, tables)

        def on_line(line: str) -> None:
            if match := _BEGUN.search(line):
                progress.begin(match[1])

        try:
            _pg_dump(session.database, tool, options, [f"--jobs={options.jobs}", *arguments], on_line)
        except BaseException:
            session.cancel()
            with suppress(PipelineError):
                counting.result()
            raise
        return counting.result()


def _count(session: Session, tables: list[_SourceTable]) -> dict[int, int]:
    query = "select count(*) from only {}"
    return {t.oid: session.value(with_names(query, (t.schema, t.name))) if t.kind == "r" else 0 for t in tables}


def _pg_dump(
    source: Database, tool: Tool, options: DumpOptions, arguments: list[str], on_line: commands.Line | None = None
) -> None:
    command = [
        str(tool.path),
        *arguments,
        *options.patterns,
        f"--compress={options.compress}",
        f"--lock-wait-timeout={round(options.lock_timeout_seconds * 1000)}",
        "--encoding=UTF8",
        "--no-privileges",
        "--no-publications",
        "--no-subscriptions",
        "--no-security-labels",
        "--no-tablespaces",
        "--no-blobs",
        "--verbose",
    ]
    try:
        commands.run(
            command, environment=source.libpq_environment(), timeout_seconds=options.timeout_seconds, on_line=on_line
        )
    except ProgramFailed as error:
        said = next((line for line in error.lines if "error:" in line), error.message)
        if any("No space left on device" in line for line in error.lines):
            with writing_to(Path(arguments[-1])):
                raise OSError(28, "No space left on device") from error
        raise DumpFailed(
            f"pg_dump of {source} failed: {said.removeprefix('pg_dump: ')}; the destination was not touched",
            hint="mend the cause and run again; the log above has all that pg_dump said",
        ) from error


def _describe(session: Session, wanted: list[Entry], options: DumpOptions) -> Json:
    """Name, in the dump's snapshot, what was dumped; the snapshot's transaction must still be open."""
    numbered = [entry for entry in wanted if entry.classid]
    numbers = {"classids": [entry.classid for entry in numbered], "oids": [entry.oid for entry in numbered]}
    objects = session.all(statement("read_objects"), numbers)
    titles = [entry.title for entry in wanted]
    extensions = [
        Extension(name=name, schema=schema, version=version)
        for name, schema, version in session.all(statement("read_extensions"))
        if any(title.startswith(f"EXTENSION - {name} ") for title in titles) and name not in options.exclude_extensions
    ]
    return {
        "schemas": sorted({schema for _, schema, _ in objects}),
        "objects": sorted((kind, identity) for kind, _, identity in objects),
        "extensions": extensions,
    }


def _tables_of(
    tables: list[_SourceTable], counts: dict[int, int], contents: list[Entry], source: Database
) -> list[Table]:
    defined = {entry.oid for entry in contents if entry.classid and entry.title.startswith("TABLE ")}
    filled = {entry.oid for entry in contents if entry.title.startswith("TABLE DATA ")}
    if defined != {table.oid for table in tables}:
        raise DumpFailed(
            f"pg_dump of {source} wrote {len(defined)} tables where the snapshot has {len(tables)}; "
            "the dump was thrown away, the destination was not touched",
            hint="run again when no migration is running on the source",
        )
    return [
        Table(schema=t.schema, name=t.name, rows=counts[t.oid], bytes=t.bytes, with_data=t.oid in filled)
        for t in tables
    ]  # fmt: skip


def is_in_place(directory: Path, manifest: Manifest) -> bool:
    """Whether the dump's files are there in the sizes that the manifest has; their digests are compared on loading."""
    return sizes_in(directory) == {name: file["bytes"] for name, file in manifest.files.items()}
