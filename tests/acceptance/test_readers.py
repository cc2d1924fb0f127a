"""Readers at work during a whole load with changed data: one scenario, played once, looked at from all sides."""

import os
import random
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import pytest

from tasks import embedded
from tasks.postgres import Database, connect
from tests.conftest import PROJECT, luigi_command, run_sql_file

MODELS = (
    "silver.films",
    "silver.actors",
    "silver.film_actors",
    "silver.film_categories",
    "silver.users",
    "gold.film_ratings",
    "gold.film_classification",
    "gold.specific_movie",
    "gold.actor_filmography",
    "gold.category_summary",
)
# Nothing of a version is like it was in the one before.
CHANGES = """
    update films set price = price + 1, user_rating = user_rating - 0.5;
    update actors set actor_name = actor_name || ' II';
    update film_category set category_name = category_name || ' II';
    update users set last_name = last_name || ' II';
    insert into films values (21, 'Sequel', '2020-01-01', 1, 'R', 3);
    insert into actors values (57, 'Nobody');
    insert into film_actors values (21, 57);
    insert into film_category values (40, 21, 'Drama II');
    insert into users values (15, 'Otto', 'Novice', 'otto.novice@example.com', '2000-01-01');
"""
# A test of the project refuses ratings above 5.
FORBIDDEN = "alter table films drop constraint films_user_rating_check; update films set user_rating = 6, price = 3"
# Which models a reader reads, and in which order.
_chance = random.Random(7)  # noqa: S311 -- no secret hangs on it
OLD, NEW = "the old version", "the new version"

Seen = dict[str, str | None]
Ended = subprocess.CompletedProcess[str]


def content(model):
    """The statement that sums a model up in one text; null for an empty one."""
    return f"select md5(string_agg(row::text, '|' order by row::text)) from {model} as row"


ALL_AT_ONCE = " union all ".join(f"select '{model}', ({content(model)})" for model in MODELS)


@dataclass
class Readers:
    """Threads that read until they are told to stop: what each transaction saw, by the way that it read."""

    destination: Database
    transactions: dict[str, list[Seen]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self):
        for way in (read_alone, read_all_at_once, read_committed, read_repeatably):
            self.transactions[way.__name__] = []
            self._threads.append(threading.Thread(target=self._read, args=(way,)))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _read(self, way):
        connection = open_reader(self.destination)
        try:
            while not self._is_over.is_set():
                self.transactions[way.__name__].append(way(connection))
                time.sleep(0.02)
        except psycopg2.Error as error:
            self.failures.append(f"{way.__name__}: {error}")
        finally:
            connection.close()


def open_reader(destination):
    connection = psycopg2.connect(**{**destination.parameters, "application_name": "analyst"})
    connection.autocommit = True
    return connection


def ask(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def run(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def read(connection, models, pause_seconds=0.0) -> Seen:
    seen: Seen = {}
    for model in models:
        seen[model] = ask(connection, content(model))[0][0]
        time.sleep(pause_seconds)
    return seen


def read_alone(connection) -> Seen:
    """One statement in autocommit mode."""
    return read(connection, [_chance.choice(MODELS)])


def read_all_at_once(connection) -> Seen:
    """One statement that reads all models."""
    return dict(ask(connection, ALL_AT_ONCE))


def read_committed(connection) -> Seen:
    """A transaction of several statements, each with a snapshot of its own."""
    return in_transaction(connection, "read committed")


def read_repeatably(connection) -> Seen:
    """A transaction of several statements in one snapshot."""
    return in_transaction(connection, "repeatable read")


def in_transaction(connection, level) -> Seen:
    run(connection, f"begin isolation level {level}")
    seen = read(connection, _chance.sample(MODELS, 4), pause_seconds=0.01)
    run(connection, "commit")
    return seen


@dataclass
class Swap:
    """What happened around the swap."""

    second: Ended
    early_snapshot: Seen
    was_published_over_early_snapshot: bool
    pg_dump: Ended
    was_published_over_dump: bool
    late_snapshot: Seen


@dataclass
class Observed:
    """What was seen while the version was replaced."""

    old: Seen
    new: Seen
    readers: Readers
    swap: Swap
    dumped: Seen
    failed: Ended
    readers_of_failed: Readers

    def versions(self, seen: Seen) -> set[str]:
        """Name the versions that a transaction saw; a text that is neither's is named by itself."""
        return {self._version(model, digest) for model, digest in seen.items()}

    def _version(self, model, digest):
        known = {self.old[model]: OLD, self.new[model]: NEW}
        return known.get(digest, f"{model} with neither: {digest}")

    def mixed(self, transactions: list[Seen]) -> list[Seen]:
        """List the transactions that saw something else than one version whole."""
        return [seen for seen in transactions if self.versions(seen) not in ({OLD}, {NEW})]


class Play:
    """A source, a destination, and the luigi command between them."""

    def __init__(self, source: Database, destination: Database, folder: Path):
        self.source, self.destination, self.folder = source, destination, folder

    def change(self, statements):
        with connect(self.source) as session:
            session.run("set search_path = public")
            session.run(statements)

    def start(self, run_id):
        words = luigi_command(self.source, self.destination, self.folder, "FullPipeline", "--run-id", run_id)
        return subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, run_id):
        return ended(self.start(run_id))

    def read(self) -> Seen:
        reader = open_reader(self.destination)
        try:
            return read(reader, MODELS)
        finally:
            reader.close()

    def is_so(self, condition) -> bool:
        with connect(self.destination) as session:
            return bool(session.value(f"select {condition}"))

    def wait_until(self, condition, process) -> None:
        deadline = time.monotonic() + 60
        while not self.is_so(condition):
            assert process.poll() is None, ended(process).stdout
            assert time.monotonic() < deadline, f"not within a minute: {condition}"
            time.sleep(0.05)


def ended(process):
    output, _ = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, output, None)


IS_BUILT = "exists (select 1 from towpath.versions where run = 'second' and state = 'built')"
IS_PUBLISHED = "exists (select 1 from towpath.versions where run = 'second' and state = 'published')"
DUMP_WAITS = "exists (select 1 from pg_stat_activity where application_name = 'pg_dump' and wait_event_type = 'Lock')"


@pytest.fixture(scope="module")
def play(servers, tmp_path_factory):
    made = {}
    for role, uri in servers.items():
        server = Database.from_uri(uri, application_name="pytest")
        with connect(server) as session:
            session.run(f"create database readers_{role} template template0 encoding 'UTF8'")
        made[role] = server.named(f"readers_{role}")
    run_sql_file(made["source"], PROJECT / "source_db_init" / "init.sql")
    yield Play(made["source"], made["destination"], tmp_path_factory.mktemp("artifacts"))
    for role, uri in servers.items():
        with connect(Database.from_uri(uri, application_name="pytest")) as session:
            session.run(f"drop database readers_{role} with (force)")


@pytest.fixture(scope="module")
def observed(play, servers):
    assert play.run("first").returncode == 0
    with connect(play.destination) as session:
        session.run("create schema own; create table own.large as select 1 as one")
    old = play.read()
    play.change(CHANGES)
    with Readers(play.destination) as readers:
        time.sleep(1)
        swap = watch_the_swap(play)
        time.sleep(1)
    new = play.read()
    play.change(FORBIDDEN)
    with Readers(play.destination) as readers_of_failed:
        failed = play.run("third")
    return Observed(old, new, readers, swap, content_of_dump(play, servers), failed, readers_of_failed)


def watch_the_swap(play) -> Swap:
    """Play the second run against two transactions that began before it and a dump that begins during it."""
    holder, early, late = (open_reader(play.destination) for _ in range(3))
    run(early, "begin isolation level repeatable read")
    run(early, "select 1")
    run(late, "begin isolation level repeatable read")
    second = play.start("second")
    play.wait_until(IS_BUILT, second)
    time.sleep(3)
    was_published_over_early_snapshot = play.is_so(IS_PUBLISHED)
    early_snapshot = read(early, MODELS)
    # pg_dump has its snapshot and stands still, as if it were slow, for the sake of a lock on a table of the user's.
    run(holder, "begin; lock table own.large in access exclusive mode")
    pg_dump = start_pg_dump(play.destination, play.folder / "dump")
    play.wait_until(DUMP_WAITS, pg_dump)
    run(early, "commit")
    time.sleep(3)
    was_published_over_dump = play.is_so(IS_PUBLISHED)
    run(holder, "commit")
    dumped = ended(pg_dump)
    play.wait_until(IS_PUBLISHED, second)
    late_snapshot = read(late, MODELS)
    for connection in (holder, early, late):
        connection.close()
    return Swap(
        ended(second), early_snapshot, was_published_over_early_snapshot, dumped, was_published_over_dump, late_snapshot
    )


def start_pg_dump(database, file):
    command = [str(embedded.binaries() / "pg_dump"), "--format=custom", "--no-owner", f"--file={file}"]
    environment = os.environ | database.libpq_environment() | {"PGAPPNAME": "pg_dump"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def content_of_dump(play, servers) -> Seen:
    server = Database.from_uri(servers["destination"], application_name="pytest")
    with connect(server) as session:
        session.run("create database readers_third template template0 encoding 'UTF8'")
    third = server.named("readers_third")
    command = [str(embedded.binaries() / "pg_restore"), "--exit-on-error", "--dbname=readers_third", "--no-owner"]
    environment = os.environ | third.libpq_environment()
    subprocess.run([*command, str(play.folder / "dump")], env=environment, check=True, capture_output=True)
    try:
        return Play(third, third, play.folder).read()
    finally:
        with connect(server) as session:
            session.run("drop database readers_third with (force)")


def test_every_model_of_the_new_version_differs_from_the_old_one(observed):
    assert observed.swap.second.returncode == 0, observed.swap.second.stdout
    assert set(observed.old) == set(observed.new) == set(MODELS)
    assert [model for model in MODELS if observed.old[model] == observed.new[model]] == []
    assert None not in [*observed.old.values(), *observed.new.values()]


@pytest.mark.parametrize("way", [read_alone, read_all_at_once, read_committed, read_repeatably])
def test_readers_see_one_version_whole_while_it_is_replaced(observed, way):
    transactions = observed.readers.transactions[way.__name__]

    assert observed.mixed(transactions) == []
    assert observed.readers.failures == []


@pytest.mark.parametrize("way", [read_alone, read_all_at_once, read_committed, read_repeatably])
def test_readers_were_at_work_before_and_after_the_swap(observed, way):
    transactions = observed.readers.transactions[way.__name__]

    sequence = [observed.versions(seen) for seen in transactions]
    assert sequence == sorted(sequence, key={NEW}.__eq__), "the old version came back"
    assert sequence.count({OLD}) > 50
    assert sequence.count({NEW}) > 5


def test_publishing_waits_for_a_snapshot_that_was_taken_before_the_load(observed):
    assert not observed.swap.was_published_over_early_snapshot
    assert observed.versions(observed.swap.early_snapshot) == {OLD}


def test_a_transaction_that_began_before_the_load_and_reads_after_it_sees_the_new_version(observed):
    assert observed.versions(observed.swap.late_snapshot) == {NEW}


def test_a_dump_of_the_destination_that_is_under_way_holds_one_version_whole(observed):
    assert observed.swap.pg_dump.returncode == 0, observed.swap.pg_dump.stdout
    assert not observed.swap.was_published_over_dump
    assert set(observed.dumped) == set(MODELS)
    assert observed.versions(observed.dumped) == {OLD}


def test_those_who_are_waited_for_are_named_in_the_log(observed):
    waiting = [line for line in observed.swap.second.stdout.splitlines() if "waits for" in line]

    assert any("analyst" in line for line in waiting)
    assert any("pg_dump" in line for line in waiting)


def test_readers_see_nothing_of_a_run_whose_tests_fail(observed):
    seen = [seen for way in observed.readers_of_failed.transactions.values() for seen in way]

    assert observed.failed.returncode == 28, observed.failed.stdout
    assert observed.readers_of_failed.failures == []
    assert [one for one in seen if observed.versions(one) != {NEW}] == []
    assert len(seen) > 100
