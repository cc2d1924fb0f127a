"""A world of its own for each test: a source, a destination, an artifacts folder, a dbt project, and the command.

What is costly, the sample and a first published version, is made once and copied: databases are cloned under their
own name and number, so that the checkpoints which were written about them are true of the copies too.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.checkpoints import Json
from tasks.postgres import Database, connect
from tasks.run_folder import RunFolder
from tasks.statements import quoted
from tests.conftest import DATA, PROJECT, luigi_command, run_sql_file

Contents = dict[str, list[tuple[Any, ...]]]
Completed = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class World:
    """Where a test's job works; `project` is a copy of the small dbt project, free to be edited."""

    source: Database
    destination: Database
    artifacts: Path
    project: Path

    def command(self, *arguments: str) -> list[str]:
        """The words of the command: a task, then flags."""
        words = luigi_command(self.source, self.destination, self.artifacts, *arguments)
        return [*words, f"--dbt-project-dir={self.project}"]

    def run(self, *arguments: str, **environment: str) -> Completed:
        """Run the real command to its end."""
        return run_to_the_end(self.command(*arguments), **environment)

    def folder(self, run_id: str) -> RunFolder:
        return RunFolder(self.artifacts / run_id)

    def checkpoint(self, run_id: str, name: str) -> Json:
        """The content of one of a run's checkpoints, which must be there."""
        content = self.folder(run_id).checkpoint(name).read()
        assert content is not None, f"{name}.json of {run_id} is not there"
        return content

    def times(self, run_id: str) -> dict[str, str]:
        """When each finished step of a run began: what has been done again has another time."""
        names = ("dump", "restore", "dbt", "publish", "report")
        found = {name: self.folder(run_id).checkpoint(name).read() for name in names}
        # The report of a failed run is no step's.
        return {name: content["started_at"] for name, content in found.items() if content and "started_at" in content}

    def litter(self) -> list[str]:
        """Files and folders with a passing name."""
        return [str(path) for path in self.artifacts.rglob("*") if path.name[0] == "." or "unfinished" in path.name]


def run_to_the_end(command: list[str], **environment: str) -> Completed:
    """Run a command as a person would, in the project's folder."""
    return subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False
    )


def ask(database: Database, statement: str, values: Any = None) -> list[tuple[Any, ...]]:
    """Ask a database in a session of its own."""
    with connect(database) as session:
        return session.all(statement, values)


def contents(database: Database) -> Contents:
    """Every row of every table and view outside the system's schemas and the ledger's, by qualified name."""
    relations = ask(
        database,
        "select table_schema::text, table_name::text from information_schema.tables"
        " where table_schema not in ('pg_catalog', 'information_schema', 'towpath') order by 1, 2",
    )
    with connect(database) as session:
        return {
            f"{schema}.{name}": session.all(f"select * from {quoted(schema)}.{quoted(name)} as one order by one::text")
            for schema, name in relations
        }


@contextlib.contextmanager
def locked(database: Database, table: str, mode: str) -> Iterator[None]:
    """A transaction of somebody's that holds a lock on a table for the length of a block."""
    with connect(database) as session:
        session.run("begin")
        session.run(f"lock table {table} in {mode} mode")
        yield
        session.run("commit")


def passing_schemas(database: Database) -> list[str]:
    """The schemas that no finished run leaves."""
    query = "select nspname::text from pg_namespace where nspname like '%\\_\\_next%' or nspname like '%\\_\\_dropped'"
    return [name for (name,) in ask(database, query)]


def wait_until(holds: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait for a moment, which must come."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.01)


class Job:
    """The command at work, watched, with whatever it starts."""

    def __init__(self, command: list[str], errors: Path, **environment: str) -> None:
        self._errors = errors
        with errors.open("w") as file:
            self.process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=os.environ | environment,
                stdout=subprocess.DEVNULL,
                stderr=file,
                # A shell that starts us in the background has had SIGINT ignored, and that is inherited.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            )

    @property
    def said(self) -> str:
        """What it has written to standard error so far."""
        return self._errors.read_text(encoding="utf-8")

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(120)

    def end(self, number: signal.Signals) -> list[int]:
        """Send it a signal, wait for its end, and return the children that it had."""
        children = descendants(self.process.pid)
        self.process.send_signal(number)
        self.wait()
        return children


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            child = int(stat.parent.name)
            found += [child, *descendants(child)]
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and not only waited for by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Clones:
    """Databases on one server that are thrown away and made again from a template, under the same name and number."""

    def __init__(self, server_uri: str) -> None:
        self.server = Database.from_uri(server_uri, application_name="pytest")

    def create(self, name: str, *, template: str = "template0", number: int = 0) -> Database:
        numbered = f" oid {number}" if number else ""
        with connect(self.server) as session:
            session.run(f"create database {name} template {template} encoding 'UTF8'{numbered}")
        return Database(parameters={**self.server.parameters, "dbname": name, "application_name": "reader"})

    def drop(self, *names: str) -> None:
        with connect(self.server) as session:
            for name in names:
                session.run(f"drop database if exists {name} with (force)")

    def number(self, name: str) -> int:
        return int(ask(self.server, "select oid::bigint from pg_database where datname = %s", [name])[0][0])


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Job]]:
    """Start a command and go on: `job = start(world.command("DumpSource"))`; gone at the end, come what may."""
    jobs: list[Job] = []

    def started(command: list[str], **environment: str) -> Job:
        jobs.append(Job(command, tmp_path / f"stderr-{len(jobs)}", **environment))
        return jobs[-1]

    yield started
    for job in jobs:
        if job.process.poll() is None:
            job.process.kill()
            job.process.wait()


@pytest.fixture(scope="session")
def sources(servers) -> Iterator[Clones]:
    """The source server, with the sample in the template `films_template`."""
    clones = Clones(servers["source"])
    run_sql_file(clones.create("films_template"), PROJECT / "source_db_init" / "init.sql")
    yield clones
    clones.drop("films_template")


@pytest.fixture(scope="session")
def destinations(servers) -> Clones:
    """The destination server."""
    return Clones(servers["destination"])


@pytest.fixture
def world(sources, destinations, tmp_path) -> Iterator[World]:
    """The sample as the source and an empty destination."""
    project = shutil.copytree(DATA / "small_dbt", tmp_path / "models")
    source, destination = sources.create("shop", template="films_template"), destinations.create("warehouse")
    yield World(source, destination, tmp_path / "artifacts", project)
    sources.drop("shop")
    destinations.drop("warehouse")


@pytest.fixture(scope="session")
def first_run(sources, destinations, tmp_path_factory) -> Iterator[tuple[Path, int]]:
    """The artifacts of the run `first` and its destination's number; the destination is `warehouse_template`."""
    artifacts = tmp_path_factory.mktemp("first") / "artifacts"
    source, destination = sources.create("shop", template="films_template"), destinations.create("warehouse")
    done = World(source, destination, artifacts, DATA / "small_dbt").run("FullPipeline", "--run-id=first")
    assert done.returncode == 0, done.stderr
    number = destinations.number("warehouse")
    destinations.create("warehouse_template", template="warehouse")
    destinations.drop("warehouse")
    sources.drop("shop")
    yield artifacts, number
    destinations.drop("warehouse_template")


@pytest.fixture
def published(first_run, sources, destinations, tmp_path) -> Iterator[World]:
    """A world in which the run `first` has been done: its artifacts, its source, its published models."""
    made, number = first_run
    artifacts = shutil.copytree(made, tmp_path / "artifacts")
    project = shutil.copytree(DATA / "small_dbt", tmp_path / "models")
    source = sources.create("shop", template="films_template")
    destination = destinations.create("warehouse", template="warehouse_template", number=number)
    yield World(source, destination, artifacts, project)
    sources.drop("shop")
    destinations.drop("warehouse")


PASSWORD = "pa:ss @w/o%r'd\\\"?#ü"
ENCODED_PASSWORD = "pa%3Ass%20%40w%2Fo%25r%27d%5C%22%3F%23%C3%BC"


@pytest.fixture(scope="session")
def keeper(servers) -> Iterator[str]:
    """A superuser of both servers who is let in with PASSWORD only."""
    name = "keeper"
    for uri in servers.values():
        with connect(Database.from_uri(uri, application_name="pytest")) as session:
            session.run(f"create role {name} superuser login password %s", [PASSWORD])
            rules = Path(session.value("show hba_file"))
            rules.write_text(f"local all {name} scram-sha-256\n{rules.read_text()}", encoding="utf-8")
            session.run("select pg_reload_conf()")
    yield name
    for uri in servers.values():
        with connect(Database.from_uri(uri, application_name="pytest")) as session:
            session.run(f"drop role {name}")


def url_of(database: Database, user: str, encoded_password: str) -> str:
    """A connection URI with a password in it."""
    host = database.parameters["host"].replace("/", "%2F")
    return f"postgresql://{user}:{encoded_password}@/{database.parameters['dbname']}?host={host}"
