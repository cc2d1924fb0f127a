"""What a copy leaves out, and names; what it refuses rather than read less."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.archive import DumpOptions
from tasks.errors import SourceUncopyable, SourceUnreadable
from tasks.postgres import Database, connect
from tests.integration.comparing import differences, everything
from tests.integration.copying import copied, dumped, restored


def run(database: Database, *statements: str) -> None:
    """What somebody does who is not Towpath."""
    with connect(database) as session:
        for statement in statements:
            session.run(statement)


FOREIGN_TABLES = """
set search_path = public;
create extension file_fdw;
create server files foreign data wrapper file_fdw;
create function note() returns trigger language plpgsql as $$ begin return new; end $$;
create foreign table far (
    id integer generated always as identity, serial serial, word text constraint short check (length(word) < 9)
) server files options (filename '/nowhere');
create trigger noted before insert on far for each row execute function note();
create statistics of_far on id, word from far;
comment on foreign table far is 'far';
comment on column far.word is 'word';
comment on constraint short on far is 'short';
comment on trigger noted on far is 'noted';

create table parents (id integer, word text);
insert into parents values (1, 'own');
create table children () inherits (parents);
insert into children values (2, 'a child''s');
create foreign table far_children () inherits (parents) server files options (filename '/nowhere');

create table parted (id integer, word text) partition by list (id);
create table parted_near partition of parted for values in (1);
insert into parted values (1, 'near');
create foreign table parted_far partition of parted for values in (2) server files options (filename '/nowhere');
create trigger noted before insert on parted for each row execute function note();
"""


def test_foreign_tables_are_never_read_and_are_left_out_with_all_their_parts_and_named(
    source, destination, tools, tmp_path, query
):
    run(source, FOREIGN_TABLES)

    manifest = dumped(source, tmp_path, tools)
    restored(manifest, tmp_path, destination, tools)

    named = {line.split(" ")[3] for line in manifest.left_out if line.startswith("FOREIGN TABLE ")}
    assert named == {"far", "far_children", "parted_far"}
    relations = "select relname from pg_catalog.pg_class where relnamespace = 'public'::regnamespace order by 1"
    assert [name for (name,) in query(destination, relations)] == ["children", "parents", "parted", "parted_near"]
    found = "select tableoid::regclass::text, id, word from public.{} order by id"
    parents = [("public.parents", 1, "own"), ("public.children", 2, "a child's")]
    assert query(destination, found.format("parents")) == parents
    assert query(destination, found.format("parted")) == [("public.parted_near", 1, "near")]


@pytest.fixture
def catalogued(source, destination) -> Iterator[str]:
    """An extension that both servers have, with tables that a dump is told to carry rows of."""
    with tempfile.TemporaryDirectory(prefix="towpath-") as folder:
        Path(folder).chmod(0o755)
        extensions = Path(folder) / "extension"
        extensions.mkdir()
        (extensions / "catalogued.control").write_text("default_version = '1'\nrelocatable = false\nschema = public\n")
        (extensions / "catalogued--1.sql").write_text(
            """
            create table public.codes (code text, is_own boolean);
            insert into public.codes values ('shipped', false);
            create sequence public.numbers;
            create table public.plain (id integer);
            select pg_catalog.pg_extension_config_dump('public.codes', 'where is_own');
            select pg_catalog.pg_extension_config_dump('public.numbers', '');
            """
        )
        for database in (source, destination):
            name = database.parameters["dbname"]
            run(database, f"alter database {name} set extension_control_path = '{folder}:$system'")
        yield "catalogued"


def test_what_users_keep_in_the_tables_of_an_extension_is_left_out_and_named(
    source, destination, tools, tmp_path, query, catalogued
):
    run(
        source,
        f"create extension {catalogued}",
        "insert into public.codes values ('ours', true)",
        "select pg_catalog.setval('public.numbers', 50)",
        "create table public.things (id integer)",
        "insert into public.things values (1)",
    )

    manifest = dumped(source, tmp_path, tools)
    load = restored(manifest, tmp_path, destination, tools)

    assert (load.tables, load.rows) == (1, 1)
    assert query(destination, "select code from public.codes") == [("shipped",)]
    assert query(destination, "select last_value from public.numbers") == [(1,)]
    assert any(" codes " in line for line in manifest.left_out)
    assert any(" numbers " in line for line in manifest.left_out)


LARGE_OBJECT = [
    "create table public.pictures (id integer, picture oid)",
    "insert into public.pictures values (1, lo_from_bytea(0, 'x'))",
]


def test_large_objects_are_refused_before_a_row_is_read(source, tools, tmp_path):
    run(source, *LARGE_OBJECT)

    with pytest.raises(SourceUncopyable, match="large objects"):
        dumped(source, tmp_path, tools)

    assert list(tmp_path.iterdir()) == []


def test_large_objects_that_are_to_be_skipped_are_left_out_and_counted(source, destination, tools, tmp_path, query):
    run(source, *LARGE_OBJECT)
    manifest = dumped(source, tmp_path, tools, DumpOptions(large_objects="skip"))

    restored(manifest, tmp_path, destination, tools)

    assert [line for line in manifest.left_out if "LARGE OBJECT" in line] == ["LARGE OBJECTS - 1"]
    assert query(destination, "select picture from public.pictures") == query(
        source, "select picture from public.pictures"
    )
    assert query(destination, "select count(*) from pg_catalog.pg_largeobject_metadata") == [(0,)]


@pytest.fixture
def owner(source) -> Iterator[Database]:
    """The source in the eyes of a role that owns it and is no superuser."""
    name = f"{source.parameters['dbname']}_owner"
    run(source, f"create role {name} login", f"grant all on schema public to {name}")
    yield Database(parameters={**source.parameters, "user": name})
    run(source, f"drop owned by {name}", f"drop role {name}")


SECRETS = [
    "create table public.secrets (id integer, word text)",
    "insert into public.secrets values (1, 'seen'), (2, 'hidden')",
    "create policy few on public.secrets using (id < 2)",
    "alter table public.secrets enable row level security",
]


def test_an_owner_whom_row_level_security_spares_copies_every_row(source, owner, destination, tools, tmp_path, query):
    run(owner, *SECRETS)

    load = copied(owner, destination, tools, tmp_path)

    assert load.rows == 2
    assert query(destination, "select id, word from public.secrets order by id") == [(1, "seen"), (2, "hidden")]
    relation = (
        "select relrowsecurity, relforcerowsecurity from pg_catalog.pg_class where oid = 'public.secrets'::regclass"
    )
    assert query(destination, relation) == [(False, False)]


@pytest.mark.parametrize("table", ["public.secrets", "public.parted_secrets"])
def test_an_owner_whom_row_level_security_is_forced_on_is_refused(source, owner, tools, tmp_path, table):
    run(
        owner,
        *SECRETS,
        "create table public.parted (id integer, word text) partition by list (id)",
        "create table public.parted_secrets partition of public.parted for values in (1)",
        "alter table public.parted_secrets enable row level security",
        f"alter table {table} force row level security",
    )

    with pytest.raises(SourceUnreadable, match=rf"row-level security hides rows.*{table}"):
        dumped(owner, tmp_path, tools)

    assert list(tmp_path.iterdir()) == []


WITHOUT_ROWS = """
set search_path = public;
create table kept (id serial, word text);
insert into kept (word) values ('a'), ('b');
create table emptied (id integer generated always as identity, word text);
insert into emptied (word) values ('a'), ('b'), ('c');
create table parted (id integer) partition by list (id);
create table parted_1 partition of parted for values in (1);
insert into parted values (1);
create table of_emptied (id integer);
insert into of_emptied values (7);
create materialized view counted as select count(*) as rows from emptied;
create view seen as select word from emptied;
"""


def test_a_table_without_its_rows_keeps_the_value_of_its_sequence(source, destination, tools, tmp_path, query):
    run(source, WITHOUT_ROWS)
    manifest = dumped(source, tmp_path, tools, DumpOptions(exclude_table_data=("public.emptied", "public.parted")))

    restored(manifest, tmp_path, destination, tools)

    run(source, "truncate public.emptied", "refresh materialized view public.counted")
    assert "\n".join(differences(everything(source), everything(destination))) == ""


def test_a_sequence_that_is_among_what_comes_without_rows_begins_anew(source, destination, tools, tmp_path, query):
    run(source, WITHOUT_ROWS)
    manifest = dumped(source, tmp_path, tools, DumpOptions(exclude_table_data=("public.*",)))

    restored(manifest, tmp_path, destination, tools)

    assert [str(table) for table in manifest.tables if table.with_data] == []
    assert query(destination, "select last_value, is_called from public.kept_id_seq") == [(1, False)]
    assert query(destination, "select relispopulated from pg_catalog.pg_class where relname = 'counted'") == [(False,)]


def test_a_materialized_view_on_one_that_is_not_filled_is_not_filled_either(
    source, destination, tools, tmp_path, query
):
    run(
        source,
        "create table public.films as select 1 as id",
        "create materialized view public.lower as select id from public.films",
        "create materialized view public.upper as select id from public.lower",
        "refresh materialized view public.lower with no data",
    )

    copied(source, destination, tools, tmp_path)

    filled = "select relname from pg_catalog.pg_class where relname in ('lower', 'upper') and relispopulated"
    assert query(source, filled) == [("upper",)]
    assert query(destination, filled) == []


BY_ENUM = """
set search_path = public;
create type mood as enum ('good', 'bad');
create table moods (mood mood, id integer) partition by hash (id, mood);
create table moods_0 partition of moods for values with (modulus 2, remainder 0);
create table moods_1 partition of moods for values with (modulus 2, remainder 1);
insert into moods select 'bad', number from generate_series(1, 60) as number;
create table moods_of_days (day date, mood mood) partition by list (mood);
create table good_days partition of moods_of_days for values in ('good');
"""


def test_a_table_whose_rows_belong_to_other_partitions_on_another_server_is_refused(source, tools, tmp_path):
    run(source, BY_ENUM)

    with pytest.raises(SourceUncopyable, match=r"hash of an enum, .*: public\.moods; nothing was dumped") as refused:
        dumped(source, tmp_path, tools)
    manifest = dumped(source, tmp_path, tools, DumpOptions(exclude_tables=("public.moods", "public.moods_?")))

    assert "exclude_tables" in refused.value.hint
    assert [str(table) for table in manifest.tables] == ["public.good_days", "public.moods_of_days"]
