"""pg_dump's archives: how they are written and restored, what goes in, what their table of contents says."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import commands
from tasks.checkpoints import Json, ensure_writable, writing_to
from tasks.commands import ProgramFailed
from tasks.errors import DumpFailed, RestoreFailed
from tasks.postgres import Session
from tasks.tools import Tool


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
    large_objects: str = "refuse"
    lock_wait_timeout: float = 60
    timeout_seconds: float = 6 * 3600
    verify: str = "counts"

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


@dataclass(frozen=True)
class Entry:
    """One line of `pg_restore --list`; `title` is descriptor, schema (or `-`), name and owner, none of them quoted.

    What is defined has a `classid`; rows, the state of a sequence and comments have 0.
    """

    line: str
    classid: int
    oid: int
    title: str

    @property
    def brings_rows(self) -> bool:
        """Whether it is a table's rows, and not a table in a schema called DATA."""
        return not self.classid and self.title.startswith("TABLE DATA ")


def pg_dump(
    session: Session,
    tool: Tool,
    options: DumpOptions,
    output: Path,
    arguments: list[str],
    *,
    on_line: commands.Line | None = None,
) -> None:
    """Run pg_dump on the session's database with the options' patterns, and what all our dumps have in common.

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
        f"--lock-wait-timeout={round(options.lock_wait_timeout * 1000)}",
        "--encoding=UTF8",
        "--no-blobs",
        "--verbose",
    ]
    try:
        commands.run(
            command,
            environment=session.libpq_environment(),
            timeout_seconds=options.timeout_seconds,
            on_line=on_line,
            listen=session.heartbeat().listen,
        )
    except ProgramFailed as error:
        # What the server said of it may be in the line after.
        said = [line.removeprefix("pg_dump: ") for line in error.lines if "error:" in line or "detail:" in line]
        ensure_writable(output.parent)
        raise DumpFailed(
            f"pg_dump of {session.database} failed: {'; '.join(said[:2]) or error.message}; "
            "the destination was not touched",
            hint="mend the cause and run again; the log above has all that pg_dump said",
        ) from error


def entries(pg_restore: Tool, archive: Path, *, timeout_seconds: float) -> list[Entry]:
    """Read the table of contents.

    Raises:
        CommandFailed: the archive cannot be read.
        ArtifactsUnwritable: the disk beside it is full, or the folder not ours.
    """
    listing = archive.with_name(f".{archive.name}.list")
    command = [str(pg_restore.path), "--list", f"--file={listing}", str(archive)]
    try:
        commands.run(command, timeout_seconds=timeout_seconds)
        lines = listing.read_text(encoding="utf-8").split("\n")
    except ProgramFailed:
        ensure_writable(archive.parent)
        raise
    finally:
        listing.unlink(missing_ok=True)
    found = (re.fullmatch(r"\d+; (\d+) (\d+) (.*)", line) for line in lines)
    return [Entry(match[0], int(match[1]), int(match[2]), match[3]) for match in found if match]


def pg_restore(
    session: Session,
    tool: Tool,
    archive: Path,
    wanted: Sequence[Entry],
    *,
    jobs: int,
    timeout_seconds: float,
    on_line: commands.Line,
) -> None:
    """Restore some entries of an archive into the session's database, as its role's own.

    Raises:
        RestoreFailed: it ended with an error; some of them may be there.
        ArtifactsUnwritable: the disk of the archive is full, or the folder not ours.
        DatabaseUnreachable: because the server went away.
    """
    use_list = archive.with_name(".use_list.unfinished")
    command = [
        str(tool.path),
        session.dbname_option(),
        f"--jobs={jobs}",
        f"--use-list={use_list}",
        "--no-owner",
        "--no-privileges",
        "--no-tablespaces",
        "--exit-on-error",
        "--verbose",
        str(archive),
    ]
    try:
        with writing_to(archive.parent):
            use_list.write_text("".join(f"{entry.line}\n" for entry in wanted), encoding="utf-8")
        commands.run(
            command,
            environment=session.libpq_environment(),
            timeout_seconds=timeout_seconds,
            on_line=on_line,
            listen=session.heartbeat().listen,
        )
    except ProgramFailed as error:
        session.ensure_in_reach()
        said = [line.removeprefix("pg_restore: ") for line in error.lines if "error:" in line]
        raise RestoreFailed(
            f"pg_restore to {session.database} failed: {said[0] if said else error.message}; "
            "the landing is being put back as it was, readers see what they saw",
            hint="mend the cause and run again: the dump is kept",
        ) from error
    finally:
        use_list.unlink(missing_ok=True)


# What belongs to the whole database, to its roles or to other servers: all that has `-` in the place of a schema, but
# for what we make ourselves, and these, which have a schema.
_LEFT_OUT = re.compile(
    r"(EVENT TRIGGER|CAST|PUBLICATION|SUBSCRIPTION|FOREIGN DATA WRAPPER|SERVER|USER MAPPING|PROCEDURAL LANGUAGE"
    r"|TRANSFORM|ACCESS METHOD|BLOBS?|BLOB METADATA|LARGE OBJECTS?|DATABASE|DATABASE PROPERTIES|COMMENT) - "
    r"|(FOREIGN TABLE|PUBLICATION TABLES? ?(IN SCHEMA)?|SUBSCRIPTION TABLE|POLICY|ROW SECURITY|SECURITY LABEL"
    r"|DEFAULT ACL|ACL) "
    r"|COMMENT .*? (POLICY|FOREIGN TABLE) "
)
# Of these the destination has its own: they say who may do what at the source, and where its changes go.
_THE_SOURCES_OWN = re.compile(
    r"(PUBLICATION|SUBSCRIPTION|DATABASE|DATABASE PROPERTIES) - "
    r"|(PUBLICATION TABLES? ?(IN SCHEMA)?|SUBSCRIPTION TABLE|POLICY|ROW SECURITY|SECURITY LABEL|DEFAULT ACL|ACL) "
    r"|COMMENT "
)
# Made before pg_restore begins, because they outlive the load.
_OURS = re.compile(r"(SCHEMA|EXTENSION) - |COMMENT - EXTENSION ")


def restored(contents: Sequence[Entry], except_titles: Collection[str] = ()) -> list[Entry]:
    """List what pg_restore is to make: all that lives in schemas and does not outlive the load."""
    defined = _defined(contents)
    made = [e for e in contents if not _is_left_out(e, defined) and _OURS.match(e.title) is None]
    return [e for e in made if e.title not in except_titles]


def left_out(contents: Sequence[Entry]) -> list[str]:
    """Name what a copy into schemas cannot carry, and of which a person should know."""
    defined = _defined(contents)
    return [e.title for e in contents if _is_left_out(e, defined) and _OURS.match(e.title) is None]


def is_the_sources_own(title: str) -> bool:
    """Whether something left out is no loss: grants, policies, publications, comments."""
    return _THE_SOURCES_OWN.match(title) is not None


def _defined(contents: Sequence[Entry]) -> set[str]:
    return {entry.title for entry in contents if entry.classid and entry.title.startswith(("TABLE ", "SEQUENCE "))}


def _is_left_out(entry: Entry, defined: set[str]) -> bool:
    # Rows that a user added to an extension's own table, and the state of its sequences: they outlive the load.
    if entry.brings_rows:
        return entry.title.replace("TABLE DATA ", "TABLE ", 1) not in defined
    if not entry.classid and entry.title.startswith("SEQUENCE SET "):
        return entry.title.replace("SEQUENCE SET ", "SEQUENCE ", 1) not in defined
    return _LEFT_OUT.match(entry.title) is not None
