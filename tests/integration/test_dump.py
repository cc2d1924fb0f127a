import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest

from tasks import dump
from tasks.archive import DumpOptions
from tasks.checkpoints import sizes_in
from tasks.errors import ArtifactsUnwritable, DumpFailed, SourceBusy, SourceEmpty, SourceUnreadable
from tasks.manifest import Manifest
from tasks.postgres import Database, connect
from tasks.tools import Tool, Tools
from tests.conftest import PROJECT, uri_of
from tests.integration.copying import copied, dumped, restored


def run(database: Database, *statements: str) -> None:
    """What somebody does who is not Towpath."""
    with connect(database) as session:
        for statement in statements:
            session.run(statement)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def locker(films) -> Iterator[psycopg2.extensions.connection]:
    """Somebody who migrates a table, in a transaction that is open."""
    connection = psycopg2.connect(**{**films.parameters, "application_name": "migration 12"})
    connection.cursor().execute("lock table public.films in access exclusive mode")
    try:
        yield connection
    finally:
        connection.close()


@pytest.fixture
def guest(films) -> Iterator[Database]:
    """The source in the eyes of a role that owns nothing."""
    name = f"{films.parameters['dbname']}_guest"
    run(films, f"create role {name} login")
    yield Database(parameters={**films.parameters, "user": name})
    run(films, f"drop owned by {name}", f"drop role {name}")


def rows_of(manifest: Manifest) -> dict[str, int]:
    return {str(table): table.rows for table in manifest.tables}


SAMPLE_TABLES = {"public.actors", "public.film_actors", "public.film_category", "public.films", "public.users"}


def test_a_dump_is_described_file_by_file_and_table_by_table(films, tools, tmp_path):
    manifest = dumped(films, tmp_path, tools)

    on_disk = sizes_in(tmp_path / "dump")
    assert {name: file["bytes"] for name, file in manifest.files.items()} == on_disk
    assert rows_of(manifest).keys() == SAMPLE_TABLES
    assert (rows_of(manifest)["public.films"], manifest.rows) == (20, 191)
    assert manifest.schemas == ["public"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", manifest.snapshot_at)
    assert re.fullmatch(r"[0-9A-F]+/[0-9A-F]+", manifest.lsn)


def test_a_manifest_is_the_same_after_a_journey_through_json(films, tools, tmp_path):
    manifest = dumped(films, tmp_path, tools)

    assert Manifest.from_json(manifest.to_json()) == manifest


def test_a_table_that_is_refilled_while_the_dump_waits_for_it_arrives_with_its_new_rows(
    films, destination, tools, tmp_path, query
):
    """Somebody locks the table between pg_dump's look at the definitions and our locks."""
    real, defined, go = tools.pg_dump.path, tmp_path / "defined", tmp_path / "go"
    held = f'touch "{defined}"; while ! [ -e "{go}" ]; do sleep 0.05; done'
    waiting = program(tmp_path / "pg_dump", f'"{real}" "$@" || exit\ncase "$*" in *schema-only*) {held};; esac')
    slowed = Tools(pg_dump=Tool(path=waiting, major=18, version="18"), pg_restore=tools.pg_restore, psql=tools.psql)
    with ThreadPoolExecutor(1) as thread, closing(psycopg2.connect(**films.parameters)) as migration:
        dumping = thread.submit(dumped, films, tmp_path / "run", slowed, DumpOptions(lock_wait_timeout=10))
        wait_until(defined.exists)
        refilling = migration.cursor()
        refilling.execute("lock table public.film_category in access exclusive mode")
        go.touch()
        wait_until(lambda: query(films, WAITING, [films.parameters["dbname"]]) == [(1,)])
        refilling.execute("truncate public.film_category; insert into public.film_category values (1, 1, 'Refilled')")

        migration.commit()
        manifest = dumping.result()
    restored(manifest, tmp_path / "run", destination, tools)

    assert rows_of(manifest)["public.film_category"] == 1
    assert query(destination, "select * from public.film_category") == [(1, 1, "Refilled")]


WAITING = "select count(*) from pg_catalog.pg_stat_activity where datname = %s and wait_event_type = 'Lock'"


def test_what_was_seen_beforehand_is_not_looked_for_again(films, tools, tmp_path):
    expected = numbers_of(dumped(films, tmp_path / "first", tools))
    counted = tmp_path / "counted"
    real = program(tmp_path / "pg_dump", f'echo "$*" >> "{counted}"\nexec "{tools.pg_dump.path}" "$@"')
    counting = Tools(pg_dump=Tool(path=real, major=18, version="18"), pg_restore=tools.pg_restore, psql=tools.psql)

    manifest = dumped(films, tmp_path / "second", counting, expected=expected)

    assert set(rows_of(manifest)) == SAMPLE_TABLES
    (once,) = counted.read_text().splitlines()
    assert "--snapshot=" in once


@pytest.mark.parametrize(
    "since",
    [
        pytest.param(["create table public.late (n integer)", "insert into public.late values (1), (2)"], id="came"),
        pytest.param(["drop table public.film_category"], id="went"),
        pytest.param(["alter table public.film_category rename to categories_of_films"], id="is called otherwise"),
    ],
)
def test_what_has_come_or_gone_since_it_was_seen_is_noticed(films, tools, tmp_path, since, query):
    seen = numbers_of(dumped(films, tmp_path / "first", tools))
    run(films, *since)

    manifest = dumped(films, tmp_path / "second", tools, expected=seen)

    there = query(films, "select schemaname || '.' || tablename from pg_catalog.pg_tables where schemaname = 'public'")
    assert set(rows_of(manifest)) == {name for (name,) in there}
    assert rows_of(manifest).get("public.late", 2) == 2


def test_where_nothing_of_what_was_seen_is_there_pg_dump_is_asked_anew(films, tools, tmp_path):
    manifest = dumped(films, tmp_path, tools, expected=[1, 2, 3])

    assert set(rows_of(manifest)) == SAMPLE_TABLES


def numbers_of(manifest: Manifest) -> list[int]:
    return [table.oid for table in manifest.tables]


def test_a_table_that_is_locked_is_named_with_the_session_that_holds_it(films, locker, tools, tmp_path):
    with pytest.raises(SourceBusy) as refused:
        dumped(films, tmp_path, tools, DumpOptions(lock_wait_timeout=1))

    assert "public.films" in refused.value.message
    assert (
        f"session {locker.info.backend_pid} (postgres, migration 12, idle in transaction, since "
        in refused.value.message
    )
    assert list(tmp_path.iterdir()) == []


def test_rows_that_come_after_the_snapshot_are_neither_counted_nor_dumped(films, destination, tools, tmp_path, query):
    """The writer is at work all the time, so any two moments differ."""
    run(films, "create table public.events (event_id integer)", "insert into public.events values (0)")
    is_done = threading.Event()

    def write() -> None:
        with connect(films) as session:
            while not is_done.is_set():
                session.run("insert into public.events select count(*) from public.events")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        manifest = dumped(films, tmp_path, tools)
    finally:
        is_done.set()
        writer.join()
    restored(manifest, tmp_path, destination, tools)

    in_the_dump = rows_of(manifest)["public.events"]
    assert query(destination, "select count(*) from public.events") == [(in_the_dump,)]
    assert query(films, "select count(*) from public.events")[0][0] > in_the_dump


def test_every_table_that_may_not_be_read_is_named(films, guest, tools, tmp_path):
    run(films, f"grant select on public.users, public.actors to {guest.parameters['user']}")

    with pytest.raises(SourceUnreadable) as refused:
        dumped(guest, tmp_path, tools)

    assert "public.film_actors, public.film_category, public.films" in refused.value.message
    assert "public.users" not in refused.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_sequence_that_may_not_be_read_is_named(films, guest, tools, tmp_path):
    run(
        films,
        f"grant select on all tables in schema public to {guest.parameters['user']}",
        "create sequence public.tickets",
    )

    with pytest.raises(SourceUnreadable, match=r"public\.tickets"):
        dumped(guest, tmp_path, tools)


def test_a_table_that_may_not_be_read_can_be_left_out(films, guest, tools, tmp_path):
    run(
        films,
        f"grant select on all tables in schema public to {guest.parameters['user']}",
        f"revoke select on public.users from {guest.parameters['user']}",
    )

    manifest = dumped(guest, tmp_path, tools, DumpOptions(exclude_tables=("public.users",)))

    assert rows_of(manifest).keys() == SAMPLE_TABLES - {"public.users"}


def test_a_role_with_nothing_but_pg_read_all_data_is_enough(films, guest, destination, tools, tmp_path, query):
    run(films, f"grant pg_read_all_data to {guest.parameters['user']}")

    load = copied(guest, destination, tools, tmp_path)

    assert load.rows == 191
    assert query(destination, "select count(*) from public.films") == [(20,)]


def test_row_level_security_that_hides_rows_is_refused(films, guest, tools, tmp_path):
    run(
        films,
        f"grant pg_read_all_data to {guest.parameters['user']}",
        "alter table public.users enable row level security",
        "create policy few on public.users using (id < 3)",
    )

    with pytest.raises(SourceUnreadable, match=r"row-level security hides rows.*public\.users"):
        dumped(guest, tmp_path, tools)

    assert list(tmp_path.iterdir()) == []


def test_a_source_without_a_table_is_told(source, tools, tmp_path):
    with pytest.raises(SourceEmpty):
        dumped(source, tmp_path, tools)

    assert list(tmp_path.iterdir()) == []


def test_patterns_that_select_no_table_are_told(films, tools, tmp_path):
    run(films, "create schema sales")

    with pytest.raises(SourceEmpty):
        dumped(films, tmp_path, tools, DumpOptions(schemas=("sales",)))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "tables"),
    [
        (DumpOptions(schemas=("sales",)), {"sales.orders"}),
        (DumpOptions(schemas=("sal*", "public")), SAMPLE_TABLES | {"sales.orders"}),
        (DumpOptions(exclude_schemas=("public",)), {"sales.orders", "Mixed Case.things"}),
        (DumpOptions(tables=("public.film*", '"Mixed Case".*')), {
            "public.films", "public.film_actors", "public.film_category", "Mixed Case.things"
        }),
        (DumpOptions(exclude_schemas=('"Mixed Case"', "sales"), exclude_tables=("public.users", "*.film_*")), {
            "public.actors", "public.films"
        }),
    ],
    ids=["one schema", "two patterns", "all but one schema", "tables", "all but some"],
)  # fmt: skip
def test_patterns_select_what_is_dumped(films, tools, tmp_path, options, tables):
    run(
        films,
        "create schema sales",
        "create table sales.orders (id integer)",
        'create schema "Mixed Case"',
        'create table "Mixed Case".things (id integer)',
    )

    manifest = dumped(films, tmp_path, tools, options)

    assert rows_of(manifest).keys() == tables
    assert set(manifest.schemas) == {table.split(".")[0] for table in tables}


def test_a_table_whose_rows_are_left_out_arrives_empty_and_is_recorded_so(films, destination, tools, tmp_path, query):
    manifest = dumped(films, tmp_path, tools, DumpOptions(exclude_table_data=("public.film_category",)))

    load = restored(manifest, tmp_path, destination, tools)

    without_rows = [str(table) for table in manifest.tables if not table.with_data]
    assert without_rows == ["public.film_category"]
    assert load.rows == 191 - 39
    assert query(destination, "select count(*) from public.film_category") == [(0,)]
    assert query(destination, "select count(*) from public.films") == [(20,)]


def test_an_extension_that_is_not_wanted_is_not_asked_of_the_destination(films, tools, tmp_path):
    run(films, "create extension citext schema public", "create extension pg_trgm schema public")

    manifest = dumped(films, tmp_path, tools, DumpOptions(exclude_extensions=("pg_trgm",)))

    assert [extension.name for extension in manifest.extensions] == ["citext"]


def program(path: Path, text: str) -> Path:
    """A program that does something before it becomes the real one."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_pg_dump_that_is_killed_leaves_no_dump_behind(films, tools, tmp_path):
    """Killed when it begins to write: its directory is there, and not whole."""
    real = tools.pg_dump.path
    killed = program(tmp_path / "pg_dump", f'"{real}" "$@" || exit\ncase "$*" in *--snapshot=*) kill -9 $$;; esac')
    broken = Tools(pg_dump=Tool(path=killed, major=18, version="18"), pg_restore=tools.pg_restore, psql=tools.psql)

    with pytest.raises(DumpFailed):
        dumped(films, tmp_path / "run", broken)

    assert list((tmp_path / "run").iterdir()) == []


def test_an_older_dump_is_kept_when_a_new_one_fails(films, locker, tools, tmp_path):
    locker.rollback()
    manifest = dumped(films, tmp_path, tools)
    locker.cursor().execute("lock table public.films in access exclusive mode")

    with pytest.raises(SourceBusy):
        dumped(films, tmp_path, tools, DumpOptions(lock_wait_timeout=1))

    assert dump.is_in_place(tmp_path / "dump", manifest)
    assert [file.name for file in tmp_path.iterdir()] == ["dump"]


def test_what_a_killed_dump_left_is_cleared_away_by_the_next_one(films, tools, tmp_path):
    litter = tmp_path / ".dump.unfinished"
    litter.mkdir()
    (litter / "definitions.pgdump").write_bytes(b"half")

    manifest = dumped(films, tmp_path, tools)

    assert dump.is_in_place(tmp_path / "dump", manifest)
    assert [file.name for file in tmp_path.iterdir()] == ["dump"]


CHILD = """
import sys
from pathlib import Path
from tasks.archive import DumpOptions
from tasks.tools import Tool, Tools
from tasks.run_folder import RunFolder
from tasks.dump import dump_database
from tasks.errors import PipelineError
from tasks.postgres import Database

uri, folder, pg_dump, pg_restore, psql = sys.argv[1:]
tools = Tools(
    pg_dump=Tool(path=Path(pg_dump), major=18, version="18"),
    pg_restore=Tool(path=Path(pg_restore), major=18, version="18"),
    psql=Tool(path=Path(psql), major=18, version="18"),
)
source = Database.from_uri(uri, application_name="towpath test")
try:
    dump_database(source, RunFolder(Path(folder)), tools, DumpOptions(), listener=lambda percentage, text: None)
except PipelineError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def dump_in_a_process_of_its_own(source: Database, folder: Path, tools: Tools) -> list[str]:
    programs = [str(tool.path) for tool in (tools.pg_dump, tools.pg_restore, tools.psql)]
    return [sys.executable, "-c", CHILD, uri_of(source), str(folder), *programs]


def test_a_dump_has_its_final_name_only_when_it_is_whole(films, tools, tmp_path):
    """The process is killed while pg_dump waits for its turn to write."""
    real = tools.pg_dump.path
    slow = program(tmp_path / "pg_dump", f'case "$*" in *--snapshot=*) sleep 30;; esac\nexec "{real}" "$@"')
    slowed = Tools(pg_dump=Tool(path=slow, major=18, version="18"), pg_restore=tools.pg_restore, psql=tools.psql)
    unfinished = tmp_path / "run" / ".dump.unfinished"
    child = subprocess.Popen(dump_in_a_process_of_its_own(films, tmp_path / "run", slowed), cwd=PROJECT)

    try:
        wait_until(unfinished.exists)
    finally:
        child.kill()
        child.wait()

    assert not (tmp_path / "run" / "dump").exists()


@pytest.fixture
def small_disk(tmp_path) -> Callable[[list[str]], subprocess.CompletedProcess[str]]:
    """Run a program with `tmp_path/disk` on a disk of 256 KB, of its own; nobody else sees it."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def on_it(command: list[str]) -> subprocess.CompletedProcess[str]:
        script = f'mount -t tmpfs -o size=256k tmpfs "{disk}" && "$@"; status=$?; find "{disk}" >&2; exit $status'
        namespace = ["unshare", "--map-root-user", "--mount"] if os.geteuid() else ["unshare", "--mount"]
        return subprocess.run(
            [*namespace, "sh", "-c", script, "sh", *command], cwd=PROJECT, capture_output=True, text=True, check=False
        )

    return on_it


def test_a_disk_that_is_full_is_told_and_nothing_is_left_on_it(films, tools, tmp_path, small_disk):
    run(
        films,
        "create table public.noise as select pg_catalog.md5(n::text) as noise from generate_series(1, 40000) as n",
    )

    ended = small_disk(dump_in_a_process_of_its_own(films, tmp_path / "disk" / "run", tools))

    assert ended.returncode == 1
    assert "ArtifactsUnwritable" in ended.stderr
    assert "no space is left on its disk" in ended.stderr
    assert ended.stderr.splitlines()[-2:] == [str(tmp_path / "disk"), str(tmp_path / "disk" / "run")]


def test_a_folder_that_cannot_be_made_is_told(films, tools, tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(ArtifactsUnwritable):
        dumped(films, tmp_path / "file" / "run", tools)
