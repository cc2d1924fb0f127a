import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import embedded, proof
from tasks.archive import DumpOptions
from tasks.errors import CopyDiffers, StatementFailed
from tasks.landing import Load
from tasks.manifest import Manifest
from tasks.postgres import Database, connect
from tasks.statements import quoted
from tasks.tools import Tools, choose_tools
from tests.conftest import DATA, run_sql_file
from tests.integration.copying import OPTIONS, dumped, restored

CHECKSUMS = DumpOptions(verify="checksums")


def run(database: Database, *statements: str) -> None:
    """What somebody does who is not Towpath."""
    with connect(database) as session:
        for statement in statements:
            session.run(statement)


def proved(source: Database, destination: Database, tools: Tools, folder: Path) -> tuple[Manifest, Load]:
    """Dump and restore, with every row compared."""
    manifest = dumped(source, folder, tools, CHECKSUMS)
    return manifest, restored(manifest, folder, destination, tools, dataclasses.replace(OPTIONS, verify="checksums"))


def compare(destination: Database, manifest: Manifest, level: str = "checksums") -> str:
    with connect(destination) as session:
        return proof.compare(session, manifest, level).verified


def digest(database: Database, name: str, *changes: str) -> str | None:
    """Return the digest of a table of the schema public as it is after some changes, which are then undone."""
    with connect(database) as session:
        session.run("begin")
        for change in changes:
            session.run(change)
        measured = proof.measure(session, [("public", name)], "checksums", state="nothing was changed")
        session.run("rollback")
    return measured["public", name].digest


def test_every_type_has_the_same_digest_on_both_sides(source, destination, tools, tmp_path):
    run_sql_file(source, DATA / "real_world.sql")

    manifest, load = proved(source, destination, tools, tmp_path)

    assert len(manifest.tables) > 25
    assert all(table.digest is not None for table in manifest.tables)
    assert load.verified == "every row's digest compared, table by table, but for 2 generated columns"
    assert load.not_compared == ["Sales.Article.gross", "Sales.Article.slug"]


def test_every_type_counts_in_the_digest(source, query):
    run_sql_file(source, DATA / "real_world.sql")
    columns = "select attname from pg_attribute where attrelid = 'public.all_types'::regclass and attnum > 0"
    names = [name for (name,) in query(source, f"{columns} order by attnum")]
    whole = digest(source, "all_types")

    unseen = [
        name
        for name in names
        if digest(source, "all_types", f"update public.all_types set {quoted(name)} = {other(name)} where id = 1")
        == whole
    ]

    # It is null: not every server is built with libxml.
    assert unseen == ["markup"]


def other(column: str) -> str:
    return "99" if column == "id" else "null"


PRICES = """
    create table public.prices (film integer, price numeric, note text, remark text);
    insert into public.prices values
        (1, 1.50, 'one', 'uno'), (2, 2.50, 'two', ''), (3, 3.50, 'three', null),
        (4, 4.50, 'four', '4'), (4, 4.50, 'four', '4');
    create table public.others (id integer);
    insert into public.others values (1);
"""


@pytest.mark.parametrize(
    "changes",
    [
        ["update public.prices set price = 1.51 where film = 1"],
        ["update public.prices set price = 1.5 where film = 1"],
        ["update public.prices set note = 'One' where film = 1"],
        ["update public.prices set remark = null where film = 2"],
        ["update public.prices set note = remark, remark = note where film = 1"],
        ["update public.prices set note = case film when 1 then 'two' else 'one' end where film < 3"],
        [
            "delete from public.prices where film = 1",
            "insert into public.prices select * from public.prices where film = 2",
        ],
        ["update public.prices set film = 5 where film = 4"],
    ],
    ids=[
        "a value",
        "a trailing zero",
        "a letter's case",
        "null for empty",
        "two columns swapped in a row",
        "two rows with each other's value",
        "one row lost and another doubled",
        "two equal rows for two other equal rows",
    ],
)
def test_what_counts_cannot_see_is_found_and_the_table_named(source, destination, tools, tmp_path, changes):
    run(source, PRICES)
    run(destination, PRICES, *changes)
    manifest = dumped(source, tmp_path, tools, CHECKSUMS)

    with pytest.raises(CopyDiffers) as refused:
        compare(destination, manifest)

    assert compare(destination, manifest, "counts") == "counted on both sides, table by table"
    assert refused.value.message == (
        f"public.prices has 5 rows in the dump and in {destination}, but their contents differ; "
        "the landing is being put back as it was, readers see what they saw"
    )


def test_every_table_that_differs_is_named_with_its_rows(source, destination, tools, tmp_path):
    run(source, PRICES)
    run(destination, PRICES, "update public.prices set price = 0", "insert into public.others values (2)")
    manifest = dumped(source, tmp_path, tools, CHECKSUMS)

    with pytest.raises(CopyDiffers) as refused:
        compare(destination, manifest)

    assert f"public.others has 1 rows in the dump but 2 in {destination}; " in refused.value.message
    assert f"public.prices has 5 rows in the dump and in {destination}, but" in refused.value.message


@pytest.mark.parametrize("level", ["counts", "checksums"])
def test_a_table_that_has_gone_is_named(source, destination, tools, tmp_path, level):
    run(source, PRICES)
    run(destination, PRICES, "drop table public.prices")
    manifest = dumped(source, tmp_path, tools, CHECKSUMS)

    with pytest.raises(CopyDiffers, match=r"public\.prices has 5 rows in the dump but is not there in"):
        compare(destination, manifest, level)


def test_a_table_that_cannot_be_read_is_named(source, destination, tools, tmp_path, analyst):
    run(source, PRICES)
    run(destination, PRICES, "grant select on public.others to analyst")
    manifest = dumped(source, tmp_path, tools, CHECKSUMS)

    with pytest.raises(StatementFailed, match=r"rows of public\.prices could not be measured: .*permission denied"):
        compare(Database(parameters={**destination.parameters, "user": analyst}), manifest)


def test_a_table_whose_rows_cannot_be_digested_is_named_by_the_dump(source, tools, tmp_path):
    """The snapshot ends with the statement that failed, so psql fails as well, and knows nothing of the cause."""
    run(source, "create type public.mood as enum ('good', 'bad')", "create table public.days (mood public.mood)")
    run(source, "insert into public.days values ('bad')", "delete from pg_catalog.pg_enum where enumlabel = 'bad'")
    later = tmp_path / "psql"
    later.write_text(f'#!/bin/sh\nsleep 3\nexec "{tools.psql.path}" "$@"\n')
    later.chmod(0o755)
    slow = dataclasses.replace(tools, psql=dataclasses.replace(tools.psql, path=later))

    with pytest.raises(StatementFailed, match=r"rows of public\.days could not be measured: .*invalid internal value"):
        dumped(source, tmp_path / "run", slow, CHECKSUMS)

    assert list((tmp_path / "run").iterdir()) == []


def test_the_cause_is_told_that_is_known_a_moment_after_a_program_failed_of_it(source, tools, tmp_path):
    run(source, "create type public.mood as enum ('good', 'bad')", "create table public.days (mood public.mood)")
    # The digest comes to the last row when psql has long failed.
    run(source, "insert into public.days select 'good' from generate_series(1, 400000)")
    run(source, "insert into public.days values ('bad')", "delete from pg_catalog.pg_enum where enumlabel = 'bad'")
    failing = tmp_path / "psql"
    failing.write_text("#!/bin/sh\necho 'psql:<stdin>:4: ERROR:  a symptom' >&2\nexit 3\n")
    failing.chmod(0o755)
    hasty = dataclasses.replace(tools, psql=dataclasses.replace(tools.psql, path=failing))

    with pytest.raises(StatementFailed, match=r"rows of public\.days could not be measured: .*invalid internal value"):
        dumped(source, tmp_path / "run", hasty, CHECKSUMS)


def test_the_order_of_rows_does_not_matter(source, destination, tools, tmp_path):
    run(source, PRICES)
    run(destination, PRICES, "create table public.again as table public.prices", "truncate public.prices")
    run(destination, "insert into public.prices select * from public.again order by film desc", "vacuum public.prices")
    manifest = dumped(source, tmp_path, tools, CHECKSUMS)

    assert compare(destination, manifest) == "every row's digest compared, table by table"


def test_what_does_not_come_along_is_not_missed(source, destination, tools, tmp_path):
    run(source, PRICES)
    manifest = dumped(source, tmp_path, tools, dataclasses.replace(CHECKSUMS, exclude_table_data=("prices",)))
    run(destination, PRICES, "truncate public.prices")

    assert compare(destination, manifest) == "every row's digest compared, table by table"


# What role and database may have set, and values whose text it changes.
BENDING = {
    "timezone": "Asia/Tokyo",
    "datestyle": "German, DMY",
    "intervalstyle": "sql_standard",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "lc_monetary": "POSIX",
    "xmlbinary": "hex",
    "quote_all_identifiers": "on",
    "search_path": "public",
    "client_encoding": "LATIN1",
}
BENT = """
    create table public.bent (
        instant timestamptz, day date, clock timetz, span interval, single real, double float8, amount money, raw bytea,
        relation regclass, during tstzrange, places point[]
    );
    insert into public.bent values (
        '2024-03-31 02:30:00.123456+02', '2024-02-01', '04:05:06.789-08', '1 year -2 mons 3 days -04:05:06.7',
        0.1::real / 3, 0.1::float8 / 3, 12.30, '\\x00ff5c0a', 'public.bent', '[2024-01-01,2024-02-01)',
        array[point(0.1::float8 / 3, -2)]
    );
"""


@pytest.mark.parametrize("side", ["source", "destination"])
def test_settings_of_role_and_database_do_not_bend_the_digest(source, destination, tools, tmp_path, side):
    run(source, BENT)
    straight = digest(source, "bent")
    bent = {"source": source, "destination": destination}[side]
    name = bent.parameters["dbname"]
    run(bent, *(f"alter database {name} set {setting} = {value!r}" for setting, value in BENDING.items()))
    run(bent, f"alter role postgres in database {name} set timezone = 'America/St_Johns'")
    run(bent, f"alter role postgres in database {name} set search_path = public, pg_temp")

    manifest, _ = proved(source, destination, tools, tmp_path)

    assert manifest.tables[0].digest == straight
    assert digest(destination, "bent") == straight


# Names that a statement's own may be taken for, or that may end it.
NAMES = [
    "own_rows", "row", "sum", "select", "{columns}", "100 %s %(x)s", 'it\'s "ours"', "two\nlines; --", "ctid\\", "é"
]  # fmt: skip
ODD = """
    create table public.columnless ();
    insert into public.columnless default values;
    insert into public.columnless default values;
    create table public.shrunk (gone integer, kept text);
    insert into public.shrunk values (1, 'kept');
    alter table public.shrunk drop column gone;
    -- What is virtual fails here whenever it is read.
    create table public.generated (
        a integer, b integer, total integer generated always as (a + b) stored,
        ratio integer generated always as (a / b) virtual
    );
    insert into public.generated values (1, 0);
    -- Made anew, the child has all of its parent's columns before its own.
    create table public.parent (first integer);
    create table public.child (own text) inherits (public.parent);
    alter table public.parent add column second integer;
    insert into public.parent values (1, 2);
    insert into public.child values (3, 'own', 4);
    create table public.parted (id integer, region text) partition by list (region);
    create table public.parted_eu (region text, id integer);
    alter table public.parted attach partition public.parted_eu for values in ('eu');
    insert into public.parted values (1, 'eu');
    create unlogged table public.empty (id integer);
"""


def test_tables_of_any_shape_and_name_are_proved(source, destination, tools, tmp_path):
    columns, values = ", ".join(f"{quoted(name)} text" for name in NAMES), ", ".join(["'x'"] * len(NAMES))
    run(source, ODD, *(f"create table public.{quoted(name)} ({columns})" for name in NAMES))
    run(source, *(f"insert into public.{quoted(name)} values ({values})" for name in NAMES))

    manifest, _ = proved(source, destination, tools, tmp_path)

    found = {table.name: (table.rows, table.digest != "0") for table in manifest.tables}
    assert found == {
        "columnless": (2, True), "shrunk": (1, True), "generated": (1, True), "parent": (1, True), "child": (1, True),
        "parted": (0, False), "parted_eu": (1, True), "empty": (0, False), **dict.fromkeys(NAMES, (1, True))
    }  # fmt: skip


def test_generated_columns_are_not_compared_and_named(source, destination, tools, tmp_path):
    """They are not copied: a function that has been replaced since gives another value when they are made anew."""
    run(
        source,
        "create function public.doubled(integer) returns integer language sql immutable return $1 * 2",
        "create table public.numbers (one integer, two integer generated always as (public.doubled(one)) stored)",
        "insert into public.numbers values (1)",
        "create or replace function public.doubled(integer) returns integer language sql immutable return $1 * 3",
    )

    _, load = proved(source, destination, tools, tmp_path)

    assert load.not_compared == ["public.numbers.two"]
    assert load.verified == "every row's digest compared, table by table, but for 1 generated columns"


@pytest.fixture
def latin(servers) -> Iterator[Database]:
    """A source whose encoding is not the destination's."""
    server = Database.from_uri(servers["source"], application_name="pytest")
    run(server, "create database latin template template0 encoding 'LATIN1' locale 'C'")
    yield server.named("latin")
    run(server, "drop database latin with (force)")


def test_a_source_in_another_encoding_has_the_same_digest(latin, destination, tools, tmp_path):
    run(latin, "create table public.words (word text)", "insert into public.words values ('naïve'), ('Straße')")

    manifest, _ = proved(latin, destination, tools, tmp_path)

    assert manifest.tables[0].digest == digest(destination, "words")


def test_a_source_of_postgresql_15_has_the_same_digests_in_18(server_15, destination, tools, tmp_path):
    run(server_15.database("postgres"), "create database real_world template template0")
    source = server_15.database("real_world")
    run_sql_file(source, DATA / "real_world.sql")
    # A reserved word from 17 on, which the text of a regclass then quotes.
    run(
        source,
        "create table public.json_table (relation regclass)",
        "insert into public.json_table values ('public.json_table')",
    )
    of_15 = choose_tools("", embedded.binaries(), source_major=15, destination_major=18)

    manifest, load = proved(source, destination, of_15, tmp_path)

    assert manifest.server_version // 10000 == 15
    assert load.verified.startswith("every row's digest compared, table by table")


def test_a_load_that_was_only_counted_says_so(source, destination, tools, tmp_path):
    run(source, PRICES)

    manifest = dumped(source, tmp_path, tools)
    load = restored(manifest, tmp_path, destination, tools)

    assert {table.digest for table in manifest.tables} == {None}
    assert (load.level, load.verified) == ("counts", "counted on both sides, table by table")
    assert load.not_compared == []


def test_a_load_that_was_not_compared_says_so(source, destination, tools, tmp_path):
    run(source, PRICES)
    manifest = dumped(source, tmp_path, tools, DumpOptions(verify="off"))

    load = restored(manifest, tmp_path, destination, tools, dataclasses.replace(OPTIONS, verify="off"))

    assert (load.level, load.verified) == ("off", "not compared with the source")
