"""Destinations in each state in which the steps leave one: made once, copied for each test.

A copy of a database has the same numbers in its catalogues, so the ledger in it stays true.
"""

import itertools
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import psycopg2
import psycopg2.extensions
import pytest

from tasks import claims, dump, landing, ledger, models, publish, rollback
from tasks.archive import DumpOptions
from tasks.dbt_program import DbtOptions
from tasks.landing import Load, RestoreOptions
from tasks.manifest import Manifest
from tasks.models import Build
from tasks.postgres import Database, connect
from tasks.progress import Listener
from tasks.publish import Publication, PublishOptions
from tasks.run_folder import RunFolder
from tasks.tools import Tools
from tests.conftest import DATA, PROJECT, run_sql_file
from tests.servers import serve, server_15

__all__ = ["serve", "server_15"]

DBT = Path(sys.executable).with_name("dbt")

_numbers = itertools.count(1)


def ignore(percentage, text):
    """Nobody watches."""


@dataclass
class Warehouse:
    """A destination, and the steps to be taken in it, in-process, with short time limits."""

    destination: Database
    tools: Tools
    folder: Path
    dumps: dict[str, Manifest]
    dump_folder: Path
    project: Path = DATA / "versions_dbt"
    rebinds: bool = True
    opened: list[psycopg2.extensions.connection] = field(default_factory=list)

    def query(self, statement: str, values=None) -> list[tuple[Any, ...]]:
        with connect(self.destination) as session:
            return session.all(statement, values)

    def reader(self, *begun_with: str) -> psycopg2.extensions.connection:
        """Open the session of somebody called analyst, who runs some statements first; autocommit, but for `begin`."""
        parameters: dict[str, Any] = {**self.destination.parameters, "application_name": "analyst"}
        connection: psycopg2.extensions.connection = psycopg2.connect(**parameters)
        connection.autocommit = True
        self.opened.append(connection)
        with connection.cursor() as cursor:
            for statement in begun_with:
                cursor.execute(statement)
        return connection

    @property
    def landed_load(self) -> int:
        landed = ledger.holding_of(self.destination).load_at("landing")
        assert landed is not None
        return landed.load_id

    def load(self, run: str) -> Load:
        """Restore the dump `first`, `second` or `third`."""
        options = RestoreOptions(
            jobs=2,
            timeout_seconds=60,
            readers_timeout_seconds=3,
            allow_older=False,
            rebinds=self.rebinds,
            verify="counts",
        )
        folder = RunFolder(self.dump_folder / run).dump
        return landing.restore(self.dumps[run], folder, self.destination, self.tools, options, run=run, listener=ignore)

    def dbt_options(self, variables: str, **changes) -> DbtOptions:
        standard: dict[str, Any] = {
            "executable": str(DBT),
            "project": self.project,
            "profiles": PROJECT / "dbt_models",
            "schema": "analytics",
            "threads": 2,
            "variables": variables,
            "timeout_seconds": 120,
            "readers_timeout_seconds": 3,
        }
        return DbtOptions(**{**standard, **changes})

    def build(self, variables: str, *, listener: Listener = ignore, **changes) -> Build:
        options = self.dbt_options(variables, **changes)
        return models.build(
            self.landed_load, options.digest(), self.destination, options, self.folder / "dbt",
            run="test", listener=listener,
        )  # fmt: skip

    def publish(self, variables: str, *, readers_timeout_seconds=3.0, keep_previous=True) -> Publication:
        options = PublishOptions(
            readers_timeout_seconds=readers_timeout_seconds, keep_previous=keep_previous, rebinds=self.rebinds
        )
        digest = self.dbt_options(variables).digest()
        return publish.publish(self.landed_load, digest, self.destination, options)

    def roll_back(self, *, readers_timeout_seconds=3.0) -> None:
        rollback.roll_back(self.destination, readers_timeout_seconds=readers_timeout_seconds, rebinds=self.rebinds)


FIRST, SECOND = "{version: first}", "{version: second}"


class Stock:
    """The destinations that tests get copies of, by the name of their state; each is made when first asked for."""

    _before: ClassVar = {
        "published": "landed",
        "loaded again": "published",
        "rebuilt": "loaded again",
        "replaced": "rebuilt",
    }

    def __init__(self, servers: dict[str, str], tools: Tools, folder: Path) -> None:
        self.server = Database.from_uri(servers["destination"], application_name="pytest")
        self._tools = tools
        self._folder = folder
        self._made: dict[str, Database] = {}
        self._dumps = self._dump_three_times(Database.from_uri(servers["source"], application_name="pytest"))

    def copy(self, state: str | None, folder: Path) -> Warehouse:
        name = f"stock_{next(_numbers)}"
        template = self._of(state).parameters["dbname"] if state else "template0"
        with connect(self.server) as session:
            session.run(f"create database {name} template {template} encoding 'UTF8'")
        parameters = {**self.server.named(name).parameters, "application_name": "towpath test"}
        return Warehouse(Database(parameters=parameters), self._tools, folder, self._dumps, self._folder)

    def drop(self, warehouse: Warehouse) -> None:
        for connection in warehouse.opened:
            with suppress(psycopg2.Error):
                connection.close()
        claims.release(warehouse.destination)
        with connect(self.server) as session:
            session.run(f"drop database {warehouse.destination.parameters['dbname']} with (force)")

    def _of(self, state: str) -> Database:
        if state not in self._made:
            warehouse = self.copy(self._before.get(state), self._folder / state)
            self._bring_to(state, warehouse)
            claims.release(warehouse.destination)
            self._made[state] = warehouse.destination
        return self._made[state]

    def _bring_to(self, state: str, warehouse: Warehouse) -> None:
        if state == "landed":
            warehouse.load("first")
        elif state == "published":
            warehouse.build(FIRST)
            warehouse.publish(FIRST)
        elif state == "loaded again":
            warehouse.load("second")
        elif state == "rebuilt":
            warehouse.build(SECOND)
        elif state == "replaced":
            warehouse.publish(SECOND)

    def _dump_three_times(self, server: Database) -> dict[str, Manifest]:
        with connect(server) as session:
            session.run("create database stock_source template template0 encoding 'UTF8'")
        source = server.named("stock_source")
        run_sql_file(source, PROJECT / "source_db_init" / "init.sql")
        with connect(source) as session:
            session.run("create type public.mood as enum ('good', 'bad')")
        dumps = {"first": self._dumped(source, "first")}
        with connect(source) as session:
            session.run("update public.films set price = 99")
            session.run("insert into public.films values (21, 'Sequel', '2020-01-01', 99, 'R', 3)")
        return {**dumps, "second": self._dumped(source, "second"), "third": self._dumped(source, "third")}

    def _dumped(self, source: Database, run: str) -> Manifest:
        folder = RunFolder(self._folder / run)
        return dump.dump_database(source, folder, self._tools, DumpOptions(), listener=ignore)


@pytest.fixture(scope="session")
def stock(servers, tools, tmp_path_factory) -> Stock:
    return Stock(servers, tools, tmp_path_factory.mktemp("stock"))


def _copied(stock: Stock, state: str | None, folder: Path) -> Iterator[Warehouse]:
    warehouse = stock.copy(state, folder)
    yield warehouse
    stock.drop(warehouse)


@pytest.fixture
def empty(stock, tmp_path) -> Iterator[Warehouse]:
    """Nothing was ever loaded."""
    yield from _copied(stock, None, tmp_path)


@pytest.fixture
def landed(stock, tmp_path) -> Iterator[Warehouse]:
    """The first load, 20 films, is in the landing; no model was ever built."""
    yield from _copied(stock, "landed", tmp_path)


@pytest.fixture
def published(stock, tmp_path) -> Iterator[Warehouse]:
    """Readers see the version `first`, on 20 films."""
    yield from _copied(stock, "published", tmp_path)


@pytest.fixture
def loaded_again(stock, tmp_path) -> Iterator[Warehouse]:
    """As `published`, and the second load, 21 films at the price of 99, is in the landing."""
    yield from _copied(stock, "loaded again", tmp_path)


@pytest.fixture
def rebuilt(stock, tmp_path) -> Iterator[Warehouse]:
    """As `loaded_again`, and the version `second` is built on it, but not published."""
    yield from _copied(stock, "rebuilt", tmp_path)


@pytest.fixture
def replaced(stock, tmp_path) -> Iterator[Warehouse]:
    """Readers see the version `second`, on 21 films; the version `first` is kept."""
    yield from _copied(stock, "replaced", tmp_path)


@pytest.fixture(scope="session")
def analyst(servers) -> str:
    """A role on the destination's server that owns nothing and may nothing."""
    with connect(Database.from_uri(servers["destination"], application_name="pytest")) as session:
        session.run("create role analyst login")
    return "analyst"
