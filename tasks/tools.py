"""PostgreSQL's client programs: which of those on this machine dump this source and restore into that destination."""

import functools
import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import commands
from tasks.commands import ProgramFailed
from tasks.errors import DestinationUnfit, ToolMissing

logger = logging.getLogger(__name__)

# From 17 on pg_restore begins with `set transaction_timeout`, which a server before 17 refuses.
_SENDS_NEW_SETTINGS = 17
# Any that is still maintained: psql talks to older and newer servers alike.
_OLDEST_PSQL = 14

# Where distributions keep each major version; PATH and the embedded wheel come besides.
_VERSIONED_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin")


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A PostgreSQL client program and its version."""

    path: Path
    major: int
    version: str


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What dumps and restores definitions, and what carries rows."""

    pg_dump: Tool
    pg_restore: Tool
    psql: Tool


def choose_tools(folder: str, bundled: Path | None, *, source_major: int, destination_major: int) -> Tools:
    """Find pg_dump of the source's own major version, else the next newer, and a pg_restore that fits both.

    `folder`, where given, is the only one searched; else `bundled`, where there is one, is the last: its programs have
    no TLS. An older pg_dump refuses; a newer one can write what the server's version does not know (18.6's on a 15.20
    source: every table fails at restore).

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
    pg_restore = min(
        restorers,
        key=lambda tool: (
            # A newer one can send settings that the server does not know.
            tool.major > destination_major,
            tool.path.parent == bundled,
            tool.major != destination_major,
            tool.major,
        ),
    )
    if pg_restore.major >= _SENDS_NEW_SETTINGS > destination_major:
        raise DestinationUnfit(
            f"a dump of PostgreSQL {source_major} takes pg_restore {pg_restore.major}, which sends settings that a "
            f"destination of PostgreSQL {destination_major} does not know; nothing was changed",
            hint=f"bring the destination to PostgreSQL {_SENDS_NEW_SETTINGS} or newer",
        )
    psql = next(_versions("psql", [pg_restore.path.parent, *folders]), None)
    if psql is None:
        raise _missing("psql", _OLDEST_PSQL, folders)
    return Tools(pg_dump=pg_dump, pg_restore=pg_restore, psql=psql)


def _folders(bundled: Path | None) -> list[Path]:
    versioned = [folder for pattern in _VERSIONED_FOLDERS for folder in sorted(Path("/").glob(pattern))]
    found: dict[str, Path] = {}
    for folder in [*commands.search_path(), *versioned, *([bundled] if bundled else [])]:
        # On many systems /bin leads to /usr/bin. The programs' own links are not followed: some go by their name.
        found.setdefault(os.path.realpath(folder), folder)
    return list(found.values())


def _versions(program: str, folders: Sequence[Path]) -> Iterator[Tool]:
    for path in dict.fromkeys(path for folder in folders if (path := commands.find(program, [folder]))):
        if tool := _tool(path, path.stat().st_mtime_ns):
            yield tool


@functools.cache
def _tool(path: Path, _changed_at: int) -> Tool | None:
    """Ask a program for its version, once: each step of a run chooses anew, among a dozen programs."""
    try:
        said = commands.run([str(path), "--version"], timeout_seconds=10)
    except ProgramFailed as error:
        # Debian's pg_dump, for one, which only starts that of a version, where none is installed.
        logger.debug("%s is passed over: %s", path, error.message)
        return None
    match = re.search(r"\) ((\d+)\S*)", said[-1] if said else "")
    return Tool(path=path, major=int(match[2]), version=match[1]) if match else None


def _missing(program: str, major: int, folders: Sequence[Path]) -> ToolMissing:
    return ToolMissing(
        f"{program} {major} or newer is needed and was not found in {', '.join(map(str, dict.fromkeys(folders)))}; "
        "nothing was changed",
        hint=f"install the PostgreSQL {major} client programs, or name their folder in [dump] tools_folder",
    )
