"""Tables that are as they were when the dump before was made are not read again; all others are."""

from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from tasks.archive import DumpOptions
from tasks.checkpoints import Checkpoint
from tasks.manifest import Manifest
from tasks.postgres import connect
from tests.integration.copying import dumped, restored

TABLES = """
    create table public.large (id integer primary key, word text);
    insert into public.large select n, md5(n::text) || repeat('x', 60) from generate_series(1, 50000) as n;
    create table public.small (id integer primary key, word text);
    insert into public.small select n, 'word ' || n from generate_series(1, 100) as n;
    create table public.other (id integer);
    insert into public.other values (1)
"""


@pytest.fixture
def filled(source):
    with connect(source) as session:
        session.run(TABLES)
        # A dump that takes no longer than a commit may wait for the disk is not built on; ours take no time at all.
        session.run("alter system set wal_writer_delay = '1ms'")
        session.run("select pg_catalog.pg_reload_conf()")
    yield source
    with connect(source) as session:
        session.run("alter system reset wal_writer_delay")
        session.run("select pg_catalog.pg_reload_conf()")


@pytest.fixture
def dumps(filled, tools, tmp_path):
    """Dump as a run of its own; the manifest is where the run leaves it."""

    def dump(run: str, options: DumpOptions | None = None) -> Manifest:
        manifest = dumped(filled, tmp_path / run, tools, options)
        # Else nothing would be taken over, whatever the reason.
        assert manifest.moment is not None
        Checkpoint(tmp_path / run / "dump.json").write({}, manifest.to_json())
        return manifest

    return dump


@pytest.fixture
def taken_over(tmp_path):
    """The names of the tables of which a run's dump has the very files of another."""

    def names(manifest: Manifest, run: str) -> set[str]:
        folder = tmp_path / run / "dump"
        return {
            t.name for t in manifest.tables if t.files and all((folder / name).stat().st_nlink > 1 for name in t.files)
        }

    return names


def test_nothing_is_read_again_where_nothing_was_written(
    dumps, taken_over, tools, tmp_path, destination, filled, query
):
    first, second = dumps("first"), dumps("second")

    assert taken_over(second, "second") == {"large", "small", "other"}
    assert [(t.name, t.rows, second.content_of(t)) for t in second.tables] == [
        (t.name, t.rows, first.content_of(t)) for t in first.tables
    ]
    restored(second, tmp_path / "second", destination, tools)
    everything = "select count(*), sum(hashtext(word)) from public.large"
    assert query(destination, everything) == query(filled, everything)


CHANGES = {
    "a row more": "insert into public.small values (101, 'new')",
    "a row less": "delete from public.small where id = 50",
    "a row in place of another": "delete from public.small where id = 50; insert into public.small values (50, 'new')",
    "an update": "update public.small set word = 'new' where id = 50",
    "an update that changes nothing": "update public.small set word = word where id = 50",
    "emptied and filled": "create temp table kept as table public.small; truncate public.small;"
    " insert into public.small table kept",
    "vacuumed after an update": "update public.small set word = 'new' where id = 50; vacuum (freeze) public.small",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_table_that_was_written_is_read_again_and_it_alone(dumps, taken_over, filled, change):
    dumps("first")
    with connect(filled) as session:
        for statement in change.split("; "):
            session.run(statement)

    second = dumps("second")

    assert taken_over(second, "second") == {"large", "other"}
    counts = {table.name: table.rows for table in second.tables}
    with connect(filled) as session:
        assert counts["small"] == session.value("select count(*) from public.small")


@pytest.mark.parametrize("change", ["vacuum (freeze, analyze) public.small", "vacuum full public.small", "select 1"])
def test_a_table_that_was_only_tended_is_not_read_again(dumps, taken_over, filled, change):
    dumps("first")
    with connect(filled) as session:
        session.run(change)

    assert taken_over(dumps("second"), "second") == {"large", "small", "other"}


@pytest.mark.parametrize("savepoint", ["", "savepoint inside;"])
def test_what_a_transaction_wrote_that_was_open_then_is_read_when_it_has_ended(dumps, taken_over, filled, savepoint):
    with closing(psycopg2.connect(**filled.parameters)) as writer:
        cursor = writer.cursor()
        cursor.execute(
            f"create temp table early (id integer); {savepoint} insert into public.small values (101, 'late')"
        )
        cursor.execute("delete from public.small where id = 1")
        first = dumps("first")
        writer.commit()
        second = dumps("second")

    assert next(table.rows for table in first.tables if table.name == "small") == 100
    assert taken_over(second, "second") == {"large", "other"}


def test_all_is_read_where_a_definition_changed(dumps, taken_over, filled):
    dumps("first")
    with connect(filled) as session:
        session.run("alter table public.other add column word text default 'there'")

    assert taken_over(dumps("second"), "second") == set()


def test_a_column_that_was_dropped_and_made_again_with_other_values_is_read(dumps, taken_over, filled):
    with connect(filled) as session:
        session.run("alter table public.small add column mark integer default 1")
        dumps("first")
        session.run("alter table public.small drop column mark")
        session.run("alter table public.small add column mark integer default 2")
        session.run("alter table public.small alter column mark set default 1")

    assert taken_over(dumps("second"), "second") == {"large", "other"}


def test_a_table_that_shows_the_names_of_things_is_always_read(dumps, taken_over, filled):
    with connect(filled) as session:
        session.run("create domain public.thing as regclass")
        session.run("create table public.named (id integer, what public.thing)")
        session.run("insert into public.named values (1, 'public.large')")

    dumps("first")

    assert taken_over(dumps("second"), "second") == {"large", "small", "other"}


def test_all_is_read_where_it_is_to_be(dumps, taken_over):
    dumps("first")

    assert taken_over(dumps("second", DumpOptions(takes_over=False)), "second") == set()


def test_a_file_that_is_no_longer_what_was_written_is_not_taken_over(dumps, taken_over, tmp_path):
    first = dumps("first")
    (name,) = next(table.files for table in first.tables if table.name == "small")
    path = tmp_path / "first" / "dump" / name
    path.write_bytes(path.read_bytes().replace(b"word 7", b"word 8"))

    second = dumps("second")

    assert taken_over(second, "second") == {"large", "other"}
    assert second.content_of(second.tables[-1]) == first.content_of(first.tables[-1])


def test_a_table_of_which_one_file_is_gone_is_read_and_the_older_dump_stays_as_it_was(dumps, tmp_path, filled):
    first = dumps("first")
    large = next(table for table in first.tables if table.name == "large")
    gone = {"rows/gone.copy.zst": {"bytes": 1, "sha256": ""}}
    tables = [replace(t, files=[*t.files, *gone]) if t.name == "large" else t for t in first.tables]
    parted = replace(first, tables=tables, files={**first.files, **gone})
    Checkpoint(tmp_path / "first" / "dump.json").write({}, parted.to_json())
    path = tmp_path / "first" / "dump" / large.files[0]
    before = path.read_bytes()
    with connect(filled) as session:
        session.run("vacuum full public.large")

    dumps("second")

    assert path.read_bytes() == before
    assert path.stat().st_nlink == 1


def test_a_dump_of_another_history_is_not_built_on(dumps, taken_over, tmp_path):
    first = dumps("first")
    assert first.moment is not None
    restarted = replace(first, moment=replace(first.moment, started_at="2020-01-01 00:00:00+00"))
    Checkpoint(tmp_path / "first" / "dump.json").write({}, restarted.to_json())

    assert taken_over(dumps("second"), "second") == set()


def test_a_dump_that_is_gone_costs_nothing_but_a_read(dumps, tmp_path, taken_over):
    first = dumps("first")
    for name in first.files:
        (tmp_path / "first" / "dump" / name).unlink()

    assert taken_over(dumps("second"), "second") == set()


def test_the_older_dump_may_go_and_the_newer_is_whole(dumps, tmp_path, tools, destination, query):
    dumps("first")
    second = dumps("second")
    for path in (tmp_path / "first" / "dump").rglob("*.*"):
        path.unlink()

    restored(second, tmp_path / "second", destination, tools)

    assert query(destination, "select count(*) from public.large") == [(50000,)]
