"""pg_dump's archives of definitions: how they are written, and restored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO

from tasks import commands
from tasks.checkpoints import Json, ensure_writable
from tasks.commands import ProgramFailed
from tasks.contents import Entry
from tasks.errors import DumpFailed, RestoreFailed
from tasks.postgres import Session
from tasks.progress import unheard
from tasks.rows import ZSTD_1, Compression
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
    compress: Compression = ZSTD_1
    large_objects: str = "refuse"
    lock_wait_timeout: float = 60
    timeout_seconds: float = 6 * 3600
    verify: str = "counts"
    takes_over: bool = True

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


def dump_definitions(
    session: Session,
    tool: Tool,
    options: DumpOptions,
    output: Path,
    *,
    snapshot: str | None = None,
    patterns: Sequence[str] | None = None,
    ensure_going: Callable[[], None] = unheard,
) -> None:
    """Let pg_dump write what the options' patterns select, or these patterns, without rows, to an archive.

    Raises:
        DumpFailed: it ended with an error.
        ArtifactsUnwritable: the disk of the output is full.
    """
    command = [
        str(tool.path),
        f"--file={output}",
        "--schema-only",
        "--format=custom",
        *([f"--snapshot={snapshot}"] if snapshot else []),
        *(options.patterns if patterns is None else patterns),
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
            listen=session.heartbeat().beside(ensure_going),
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


@dataclass(frozen=True, kw_only=True)
class Restoring:
    """pg_restore from an archive, which lies in a folder of the run's own, into a session's database, as its role's.

    A crash of the server may undo what was made last; a later commit of ours, which waits for the disk, keeps it all.
    """

    session: Session
    tool: Tool
    archive: Path
    timeout_seconds: float

    def make(
        self,
        wanted: Sequence[Entry],
        *,
        section: str,
        jobs: int,
        ensure_going: Callable[[], None] = unheard,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Make what these entries define, as far as they are of the section: `pre-data` or `post-data`.

        `settings` are the server's, for these sessions.

        Raises:
            RestoreFailed: it ended with an error; some of them may be there.
            DatabaseUnreachable: because the server went away.
        """
        if not wanted:
            return
        use_list = "".join(f"{entry.line}\n" for entry in wanted).encode()

        def feed(stream: IO[bytes]) -> None:
            stream.write(use_list)

        try:
            commands.run(
                self._command(section, jobs),
                environment=self.session.libpq_environment(as_ours=False, synchronous_commit="off", **settings),
                timeout_seconds=self.timeout_seconds,
                listen=self.session.heartbeat().beside(ensure_going),
                feed=feed,
            )
        except ProgramFailed as error:
            raise self._failure(error) from error

    def _command(self, section: str, jobs: int) -> list[str]:
        return [
            str(self.tool.path),
            self.session.dbname_option(),
            f"--jobs={jobs}",
            f"--section={section}",
            # A file would be left behind by a kill.
            "--use-list=/dev/stdin",
            "--no-owner",
            "--no-privileges",
            "--no-tablespaces",
            "--exit-on-error",
            "--verbose",
            str(self.archive),
        ]

    def _failure(self, error: ProgramFailed) -> RestoreFailed:
        self.session.ensure_in_reach()
        said = [line.removeprefix("pg_restore: ") for line in error.lines if "error:" in line]
        return RestoreFailed(
            f"pg_restore to {self.session.database} failed: {said[0] if said else error.message}; "
            "the landing is being put back as it was, readers see what they saw",
            hint="mend the cause and run again: the dump is kept",
        )
