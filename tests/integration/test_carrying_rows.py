"""Rows from the source's pages to the landing's: in ranges, in files, frozen, under the settings of the landing."""

import os
import re
import subprocess
import time
from dataclasses import replace

import pytest

from tasks import crew, rows, unloading
from tasks.archive import DumpOptions
from tasks.errors import CopyDiffers, DumpFailed, RestoreFailed
from tasks.indexing import Indexing
from tasks.postgres import Database, connect
from tasks.psql import Psql
from tasks.row_sources import read_row_sources
from tasks.rows import Compression
from tasks.run_folder import RunFolder
from tasks.unloading import Unloading
from tests.integration.copying import OPTIONS, copied, dumped, restored
from tests.worlds import wait_until

# Rows of many sizes, dead ones between them, whole pages of dead ones, and pages at the end that are empty.
WITH_GAPS = """
    create table public.gaps (id integer primary key, word text, amount numeric, tags text[]);
    insert into public.gaps
    select n, repeat(md5(n::text), 1 + n % 9), n / 7.0, array[n::text, null] from generate_series(1, 60000) as n;
    delete from public.gaps where id % 3 = 0 or id between 20000 and 30000 or id > 55000;
    update public.gaps set amount = -amount where id % 5 = 0
"""
EVERYTHING = "select * from public.gaps order by id"


def test_ranges_of_pages_hold_every_row_once(source, tools, tmp_path, query):
    with connect(source) as session:
        session.run(WITH_GAPS)
        with session.transaction(snapshot=True):
            snapshot = session.value("select pg_catalog.pg_export_snapshot()")
            (found,) = read_row_sources(session, [session.value("select 'public.gaps'::regclass::oid::bigint")])
            # As large as a table must be for so many ranges.
            large = replace(found, toast_bytes=20 * (64 << 20) - found.heap_bytes)
            shipments = unloading.plan([large], Compression(1), server_version=session.server_version)
            psql = Psql(session, tools.psql, time.monotonic() + 60)
            unload = Unloading(
                psql=psql, snapshot=snapshot, directory=tmp_path, compression=Compression(1), begin=lambda _: None
            )
            crew.side_by_side(unload.work(shipments), jobs=2)

    table = shipments[0][0].table
    assert len(table.files) == 10
    assert table.rows == query(source, "select count(*) from public.gaps")[0][0]
    again = "create table public.again (like public.gaps); copy public.again from stdin with (format binary)"
    whole = b"".join(rows.read([tmp_path / name for name in table.files], is_binary=True))
    subprocess.run(
        [str(tools.psql.path), "--no-psqlrc", *(f"--command={order}" for order in again.split("; "))],
        input=whole, env=source.libpq_environment(), check=True,
    )  # fmt: skip
    assert query(source, "select * from public.again order by id") == query(source, EVERYTHING)


@pytest.fixture
def filled(source, query):
    with connect(source) as session:
        session.run(WITH_GAPS)
        session.run("create table public.small (id integer, word text)")
        session.run("insert into public.small values (1, E'a\\tb'), (2, null), (3, '\\.'), (4, ''), (5, E'line\\nend')")
    return source


@pytest.mark.parametrize("compress", ["none", "zstd:3"])
def test_a_large_table_and_small_ones_arrive_as_they_were(filled, destination, tools, tmp_path, query, compress):
    manifest = dumped(filled, tmp_path, tools, DumpOptions(compress=Compression.from_text(compress)))

    restored(manifest, tmp_path, destination, tools)

    assert {table.name: table.is_binary for table in manifest.tables} == {"gaps": True, "small": False}
    assert query(destination, EVERYTHING) == query(filled, EVERYTHING)
    assert query(destination, "table public.small") == query(filled, "table public.small")


def test_dates_are_dumped_in_one_form_whatever_the_shell_says(source, destination, tools, tmp_path, query, monkeypatch):
    with connect(source) as session:
        session.run("create table public.days (day date); insert into public.days values ('2024-04-03')")
    monkeypatch.setenv("PGDATESTYLE", "SQL, DMY")
    manifest = dumped(source, tmp_path, tools)
    monkeypatch.delenv("PGDATESTYLE")

    restored(manifest, tmp_path, destination, tools)

    assert query(destination, "select day::text from public.days") == [("2024-04-03",)]


def test_the_same_rows_give_the_same_files_on_another_day_and_others_do_not(filled, tools, tmp_path, query):
    first, second = dumped(filled, tmp_path / "1", tools), dumped(filled, tmp_path / "2", tools)
    with connect(filled) as session:
        session.run("update public.small set word = 'c' where id = 1")
    third = dumped(filled, tmp_path / "3", tools)

    def contents(manifest):
        return {table.name: manifest.content_of(table) for table in manifest.tables}

    assert contents(first) == contents(second)
    assert first.definitions == second.definitions == third.definitions
    assert contents(third)["gaps"] == contents(first)["gaps"]
    assert contents(third)["small"] != contents(first)["small"]


SHRINKING = """
    create table public.shrinking (id integer, filling text) with (autovacuum_enabled = false);
    insert into public.shrinking select n, repeat('x', 200) from generate_series(1, 30000) as n
"""


@pytest.mark.parametrize(
    "deleted",
    ["false", "id between 5000 and 25000", "id > 25000", "id > 1000", "id > 10", "id < 29990", "true"],
)
def test_a_table_is_as_large_as_its_pages_up_to_the_last_row(source, query, deleted):
    with connect(source) as session:
        session.run(f"{SHRINKING}; delete from public.shrinking where {deleted}")
        with session.transaction(snapshot=True):
            (found,) = read_row_sources(session, [session.value("select 'public.shrinking'::regclass::oid::bigint")])
            # What others do since then is not seen.
            with connect(source) as other:
                other.run("delete from public.shrinking")
            (again,) = read_row_sources(session, [found.oid])
            last = session.value("select max((ctid::text::point)[0])::bigint + 1 from public.shrinking") or 0

    assert (found.pages, found.rows_bytes) == (last, last * 8192)
    assert again == found


@pytest.mark.parametrize("kept", [100, 18000])
def test_a_table_gives_the_same_files_when_the_server_takes_the_pages_at_its_end(source, tools, tmp_path, query, kept):
    with connect(source) as session:
        session.run("create table public.shrinking (id integer, filling text) with (autovacuum_enabled = false)")
        # A page for each row: 144 MB are three ranges of it, 800 kB one file of text.
        session.run("alter table public.shrinking alter filling set storage plain")
        session.run("insert into public.shrinking select n, repeat('x', 7000) from generate_series(1, 24000) as n")
        session.run(f"delete from public.shrinking where id > {kept}")
    before = dumped(source, tmp_path / "before", tools)
    pages = "select pg_relation_size('public.shrinking') / 8192"
    ((untouched,),) = query(source, pages)

    def is_shorter():
        # Somebody's old snapshot keeps the server from it for a while.
        with connect(source) as session:
            session.run("vacuum public.shrinking")
        return query(source, pages) < [(untouched,)]

    wait_until(is_shorter)
    after = dumped(source, tmp_path / "after", tools)

    (table,), (same,) = before.tables, after.tables
    assert (table.rows, len(table.files)) == (kept, 3 if kept > 10000 else 1)
    assert after.content_of(same) == before.content_of(table)


@pytest.mark.parametrize("page", [3, -1])
def test_a_table_with_a_damaged_page_is_named(serve, tools, tmp_path, query, page):
    server = serve()
    server.start(autovacuum="off")
    database = Database.from_uri(server.uri("postgres"), application_name="towpath test")
    with connect(database) as session:
        session.run(SHRINKING)
        session.run("checkpoint")
        file = server.data / session.value("select pg_relation_filepath('public.shrinking')")
    server.stop()
    with file.open("r+b") as pages:
        pages.seek(page * 8192, os.SEEK_END if page < 0 else os.SEEK_SET)
        pages.write(b"damaged " * 1024)
    server.start()

    with pytest.raises(DumpFailed) as raised:
        dumped(database, tmp_path, tools)

    assert re.search(
        "^the rows of public.shrinking in postgres on .* could not be read: .*invalid page in block .*; "
        "the destination was not touched$",
        raised.value.message,
    )
    assert not (tmp_path / "dump").exists()


def test_another_definition_has_another_digest(filled, tools, tmp_path):
    before = dumped(filled, tmp_path / "1", tools)
    with connect(filled) as session:
        session.run("create index on public.small (word)")

    assert dumped(filled, tmp_path / "2", tools).definitions != before.definitions


def test_landed_rows_are_frozen_so_that_nobody_writes_them_again(filled, destination, tools, tmp_path, query):
    copied(filled, destination, tools, tmp_path)

    pages = (
        "select relname, relallvisible > 0.9 * relpages from pg_catalog.pg_class"
        " where relname in ('gaps', 'small') order by relname"
    )
    assert query(destination, pages) == [("gaps", True), ("small", True)]


def test_a_dump_is_loaded_by_hand_as_its_readme_says(filled, destination, tools, tmp_path, query):
    with connect(filled) as session:
        session.run("create sequence public.counter; select setval('public.counter', 41)")
        session.run("create materialized view public.words as select count(*) as words from public.small")
    dumped(filled, tmp_path, tools, DumpOptions(compress=Compression(0)))
    readme = (tmp_path / "dump" / "README").read_text(encoding="utf-8")
    commands = [line.strip() for line in readme.splitlines() if line.startswith("    p") and "--" in line]

    said = [
        subprocess.run(
            command.replace("=copy", f"={destination.parameters['dbname']}").split(),
            cwd=tmp_path / "dump", check=True, text=True,
            env={**destination.libpq_environment(), "PATH": str(tools.psql.path.parent)}, capture_output=True,
        ).stderr
        for command in commands
    ]  # fmt: skip

    assert len(commands) == 3
    assert said == ["", "", ""]
    assert query(destination, EVERYTHING) == query(filled, EVERYTHING)
    assert query(destination, "table public.small") == query(filled, "table public.small")
    assert query(destination, "select nextval('public.counter'), (table public.words)") == [(42, 5)]
    assert query(destination, "select count(*) from pg_catalog.pg_index where indrelid = 'public.gaps'::regclass") == [
        (1,)
    ]


def test_the_script_for_a_compressed_dump_names_the_program_that_it_takes(filled, tools, tmp_path):
    manifest = dumped(filled, tmp_path, tools)

    (file,) = next(table.files for table in manifest.tables if table.name == "gaps")
    script = (tmp_path / "dump" / "load.sql").read_text(encoding="utf-8")
    assert file.endswith(".zst")
    assert f"from program 'zstd -dcq {file}' with (format binary)" in script


@pytest.mark.parametrize(
    ("indexes", "left"), [("all", {"films_pkey", "by_code", "by_title"}), ("keys", {"films_pkey", "by_code"})]
)
def test_the_landing_has_the_indexes_that_it_is_to_have(source, destination, tools, tmp_path, query, indexes, left):
    with connect(source) as session:
        session.run("create table public.films (id integer primary key, code text, title text)")
        session.run("create unique index by_code on public.films (code); create index by_title on public.films (title)")
        session.run("create table public.reviews (film text references public.films (code))")
        session.run("comment on index public.by_title is 'for the search'")
        session.run("comment on constraint reviews_film_fkey on public.reviews is 'by code'")
    manifest = dumped(source, tmp_path, tools)

    restored(manifest, tmp_path, destination, tools, replace(OPTIONS, indexing=Indexing(indexes=indexes)))

    found = query(
        destination,
        "select relname from pg_catalog.pg_class where relkind = 'i' and relnamespace = 'public'::regnamespace",
    )
    assert {name for (name,) in found} == left
    assert query(
        destination, "select count(*) from pg_catalog.pg_description where objsubid = 0 and description = 'by code'"
    ) == [(1,)]


VALIDATED = (
    "select distinct convalidated from pg_catalog.pg_constraint"
    " where contype = 'f' and connamespace = 'public'::regnamespace"
)


@pytest.mark.parametrize(("foreign_keys", "found"), [("validate", [(True,)]), ("not_valid", [(False,)]), ("skip", [])])
def test_the_landing_has_the_foreign_keys_that_it_is_to_have(
    films, destination, tools, tmp_path, query, foreign_keys, found
):
    manifest = dumped(films, tmp_path, tools)

    load = restored(
        manifest, tmp_path, destination, tools, replace(OPTIONS, indexing=Indexing(foreign_keys=foreign_keys))
    )

    assert query(destination, VALIDATED) == found
    assert load.rows == manifest.rows


def test_a_table_that_cannot_be_read_is_named_with_what_the_server_said(filled, tools, tmp_path):
    with connect(filled) as session:
        session.run("create type public.mood as enum ('fine', 'low')")
        session.run(
            "create table public.broken (id integer, mood public.mood); insert into public.broken values (1, 'low')"
        )
        # As a damaged page would, but in the same words each time.
        session.run("delete from pg_catalog.pg_enum where enumlabel = 'low'")

    with pytest.raises(DumpFailed) as failed:
        dumped(filled, tmp_path, tools)

    assert "the rows of public.broken" in failed.value.message
    assert "invalid internal value for enum" in failed.value.message
    assert not RunFolder(tmp_path).dump.exists()
    assert list(tmp_path.iterdir()) == []


def test_rows_that_the_landing_refuses_are_told_with_their_table(filled, destination, tools, tmp_path):
    manifest = dumped(filled, tmp_path, tools)
    broken = replace(
        manifest, tables=[replace(table, columns=["word", *table.columns[1:]]) for table in manifest.tables]
    )

    with pytest.raises(RestoreFailed) as failed:
        restored(broken, tmp_path, destination, tools)

    assert "public.gaps" in failed.value.message or "public.small" in failed.value.message
    assert "specified more than once" in failed.value.message
    assert "put back as it was" in failed.value.message


def test_rows_that_are_missing_from_what_was_counted_are_noticed_as_they_are_loaded(
    filled, destination, tools, tmp_path
):
    manifest = dumped(filled, tmp_path, tools)
    tables = [replace(table, rows=table.rows + (table.name == "gaps")) for table in manifest.tables]

    with pytest.raises(CopyDiffers) as differing:
        restored(replace(manifest, tables=tables), tmp_path, destination, tools)

    assert "public.gaps" in differing.value.message
