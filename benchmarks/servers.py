"""Two servers, as Towpath itself makes its embedded ones, in a folder that is gone at the end with all in it."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from tasks import claims, embedded
from tasks.amounts import size
from tasks.postgres import Database, connect

PROJECT = Path(__file__).resolve().parents[1]
SAMPLE = PROJECT / "source_db_init" / "init.sql"
STATEMENTS = Path(__file__).with_name("sql")

# The locale of Towpath's embedded databases: the order of texts costs the same on each machine.
_NEW = "template template0 encoding 'UTF8' locale 'C' locale_provider builtin builtin_locale 'C.UTF-8'"
# What two empty servers, their WAL and the artifacts of small runs take, in bytes.
_LEAST_ROOM = 3_000_000_000
# For each byte of the source: itself, two loads in the destination, an SQL file or two dumps, what is sorted on disk.
_ROOM_PER_BYTE = 4.5
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a benchmark works: `source` and `destination` are the servers' databases `postgres`."""

    root: Path
    source: Database
    destination: Database
    tools: Path
    compress: str

    @property
    def environment(self) -> dict[str, str]:
        """What every program is started with: the same client programs for all, and no word to anybody."""
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{self.tools}:{os.environ['PATH']}",
            "LUIGI_CONFIG_PATH": "",
            "NOTIFY_URLS": "",
            "PGOPTIONS": "",
            "DO_NOT_TRACK": "1",
        }

    def fresh(self, server: Database, name: str) -> Database:
        """Make an empty database, in place of one of that name, with nothing left to be written of the one before."""
        database = server.named(name)
        claims.release(database)
        with connect(server) as session:
            session.run(f"drop database if exists {name} with (force)")
            session.run(f"create database {name} {_NEW}")
            session.run("checkpoint")
        os.sync()
        return database


@contextlib.contextmanager
def two_servers(source_bytes: float) -> Iterator[Place]:
    """Start two servers with room for so large a source; stop them and remove their data, whatever ends us.

    Raises:
        SystemExit: the disk has not the room.
    """
    need, parent = _LEAST_ROOM + _ROOM_PER_BYTE * source_bytes, Path(tempfile.gettempdir())
    if (free := shutil.disk_usage(parent).free) < need:
        sys.exit(f"{parent} has {size(free)} free, and this takes {size(need)}: name another folder in $TMPDIR")
    for number in _ENDING:
        signal.signal(number, _leave)
    root = Path(tempfile.mkdtemp(prefix="towpath-bench-"))
    # Once more at the very end: the wheel, in an exit handler of its own that comes before, makes its lock files anew.
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    try:
        # The servers' user must come in.
        root.chmod(0o755)
        embedded.start(root, embedded.ROLES, SAMPLE)
        roles = (Database.from_uri(embedded.uri(root, role), application_name="bench") for role in embedded.ROLES)
        source, destination = (database.named("postgres") for database in roles)
        tools, compress = _tools(source)
        yield Place(root=root, source=source, destination=destination, tools=tools, compress=compress)
    finally:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        embedded.stop(root)
        shutil.rmtree(root, ignore_errors=True)


def postmaster(root: Path, role: str) -> int:
    """Return the process number of a server."""
    return int((root / role / "postmaster.pid").read_text().split()[0])


def uri_of(database: Database) -> str:
    """Return a connection string for programs."""
    names = ("host", "port", "user", "dbname")
    return " ".join(f"{name}={database.parameters[name]}" for name in names if name in database.parameters)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    sys.exit(128 + number)


def _tools(source: Database) -> tuple[Path, str]:
    """Return the folder of the client programs, and how fast they can compress: lz4 where any on this machine can."""
    for folder in [*map(Path, os.get_exec_path()), Path("/usr/lib/postgresql/18/bin")]:
        if all((folder / program).exists() for program in ("pg_dump", "pg_restore", "psql")) and _has_lz4(
            folder, source
        ):
            return folder, "lz4:1"
    return embedded.binaries(), "gzip:1"


def _has_lz4(folder: Path, source: Database) -> bool:
    words = [str(folder / "pg_dump"), "--schema-only", "--compress=lz4:1", f"--dbname={uri_of(source)}"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0
