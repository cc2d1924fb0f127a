"""pg_dump's archives: the programs that write and read them, what goes in, what their table of contents says."""

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import commands
from tasks.checkpoints import Json, writing_to
from tasks.commands import ProgramFailed
from tasks.errors import DestinationUnfit, DumpFailed, ToolMissing
from tasks.postgres import Database

# From 17 on pg_restore begins with `set transaction_timeout`, which a server before 17 refuses.
_SENDS_NEW_SETTINGS = 17

# Where distributions keep each major version; PATH and the embedded wheel come besides.
_VERSIONED_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin")


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
class Tool:
    """A PostgreSQL client program and its version."""

    path: Path
    major: int
    version: str


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The pair that dumps and restores."""

    pg_dump: Tool
    pg_restore: Tool


@dataclass(frozen=True)
class Entry:
    """One line of `pg_restore --list`; `title` is descriptor, schema (or `-`), name and owner."""

    line: str
    classid: int
    oid: int
    title: str


def choose_tools(folder: str, bundled: Path, *, source_major: int, destination_major: int) -> Tools:
    """Find pg_dump of the source's own major version, else the next newer, and a pg_restore that fits both.

    `folder`, where given, is the only one searched. An older pg_dump refuses; a newer one can write what the
    server's version does not know (18.6's on a 15.20 source: every table fails at restore).

    Raises:
        ToolMissing: none will do; says which version is needed and where it looked.
        DestinationUnfit: the destination is too old for whatever can read a dump of the source.
    """
    folders = [Path(folder)] if folder else _folders(bundled)
    dumpers = [tool for tool in _versions("pg_dump", folders) if tool.major >= source_major]
    if not dumpers:
        raise _missing("pg_dump", source_major, folders)
    pg_dump = min(dumpers, key=lambda tool: tool.major)
    restorers = [tool for tool in _versions("pg_restore", folders) if tool.major >= pg_dump.major]
    if not restorers:
        raise _missing("pg_restore", pg_dump.major, folders)
    # The destination's own major where it can read the archive.
    pg_restore = min(restorers, key=lambda tool: (tool.major != destination_major, tool.major))
    if pg_restore.major >= _SENDS_NEW_SETTINGS > destination_major:
        raise DestinationUnfit(
            f"a dump of PostgreSQL {source_major} takes pg_restore {pg_restore.major}, which sends settings that a "
            f"destination of PostgreSQL {destination_major} does not know; nothing was changed",
            hint=f"bring the destination to PostgreSQL {_SENDS_NEW_SETTINGS} or newer",
        )
    return Tools(pg_dump=pg_dump, pg_restore=pg_restore)


def pg_dump(
    source: Database,
    tool: Tool,
    options: DumpOptions,
    output: Path,
    arguments: list[str],
    *,
    on_line: commands.Line | None = None,
) -> None:
    """Run pg_dump with the options' patterns, and what all our dumps have in common.

    Raises:
        DumpFailed: it ended with an error.
        ArtifactsUnwritable: the disk of the output is full.
    """
    command = [
        str(tool.path),
        f"--file={output}",
        *arguments,
        *options.patterns,
        f"--compress={options.compress}",
        f"--lock-wait-timeout={round(options.lock_timeout_seconds * 1000)}",
        "--encoding=UTF8",
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
            with writing_to(output.parent):
                raise OSError(errno.ENOSPC, "No space left on device") from error
        raise DumpFailed(
            f"pg_dump of {source} failed: {said.removeprefix('pg_dump: ')}; the destination was not touched",
            hint="mend the cause and run again; the log above has all that pg_dump said",
        ) from error


def entries(pg_restore: Tool, archive: Path, *, timeout_seconds: float) -> list[Entry]:
    """Read the table of contents. Raises CommandFailed where the archive cannot be read."""
    listing = archive.with_name(f".{archive.name}.list")
    try:
        commands.run(
            [str(pg_restore.path), "--list", f"--file={listing}", str(archive)], timeout_seconds=timeout_seconds
        )
        lines = listing.read_text(encoding="utf-8").split("\n")
    finally:
        listing.unlink(missing_ok=True)
    found = (re.fullmatch(r"\d+; (\d+) (\d+) (.*)", line) for line in lines)
    return [Entry(match[0], int(match[1]), int(match[2]), match[3]) for match in found if match]


def _folders(bundled: Path) -> list[Path]:
    versioned = [folder for pattern in _VERSIONED_FOLDERS for folder in sorted(Path("/").glob(pattern))]
    return [*commands.search_path(), *versioned, bundled]


def _versions(program: str, folders: Sequence[Path]) -> list[Tool]:
    tools = []
    for path in dict.fromkeys(found for folder in folders if (found := commands.find(program, [folder]))):
        said = commands.run([str(path), "--version"], timeout_seconds=10)
        match = re.search(r"\) ((\d+)\S*)", said[-1] if said else "")
        if match:
            tools.append(Tool(path=path, major=int(match[2]), version=match[1]))
    return tools


def _missing(program: str, major: int, folders: Sequence[Path]) -> ToolMissing:
    return ToolMissing(
        f"{program} {major} or newer is needed and was not found in {', '.join(map(str, dict.fromkeys(folders)))}; "
        "nothing was changed",
        hint=f"install the PostgreSQL {major} client programs, or name their folder in [dump] tools_folder",
    )


# What belongs to the whole database, to its roles or to other servers: all that has `-` in the place of a schema, but
# for what we make ourselves, and these, which have a schema.
_LEFT_OUT = re.compile(
    r"(EVENT TRIGGER|CAST|PUBLICATION|SUBSCRIPTION|FOREIGN DATA WRAPPER|SERVER|USER MAPPING|PROCEDURAL LANGUAGE"
    r"|TRANSFORM|ACCESS METHOD|BLOBS?|BLOB METADATA|LARGE OBJECTS?|DATABASE|DATABASE PROPERTIES|COMMENT) - "
    r"|(FOREIGN TABLE|PUBLICATION TABLES? ?(IN SCHEMA)?|SUBSCRIPTION TABLE|POLICY|ROW SECURITY|SECURITY LABEL"
    r"|DEFAULT ACL|ACL|STATISTICS DATA) "
    r"|COMMENT .*? (POLICY|FOREIGN TABLE) "
)
# Made before pg_restore begins, because they outlive the load.
_OURS = re.compile(r"(SCHEMA|EXTENSION) - |COMMENT - EXTENSION ")


def restored(contents: Sequence[Entry]) -> list[Entry]:
    """List what pg_restore is to make: all that lives in schemas and does not outlive the load."""
    defined = _defined(contents)
    return [e for e in contents if not _is_left_out(e, defined) and _OURS.match(e.title) is None]


def left_out(contents: Sequence[Entry]) -> list[str]:
    """Name what a copy into schemas cannot carry, and of which a person should know."""
    defined = _defined(contents)
    return [e.title for e in contents if _is_left_out(e, defined) and _OURS.match(e.title) is None]


def _defined(contents: Sequence[Entry]) -> set[str]:
    return {entry.title for entry in contents if entry.title.startswith(("TABLE ", "SEQUENCE "))}


def _is_left_out(entry: Entry, defined: set[str]) -> bool:
    # Rows that a user added to an extension's own table, and the state of its sequences: they outlive the load.
    table, sequence = entry.title.removeprefix("TABLE DATA "), entry.title.removeprefix("SEQUENCE SET ")
    if (table != entry.title and f"TABLE {table}" not in defined) or (
        sequence != entry.title and f"SEQUENCE {sequence}" not in defined
    ):
        return True
    return _LEFT_OUT.match(entry.title) is not None
