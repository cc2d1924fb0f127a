"""Names that would end a statement, a string or a line, or be taken for a word of ours, are names and nothing else."""

import json

import pytest

from tasks import claims
from tasks.errors import DestinationUnfit, SettingInvalid
from tasks.postgres import Database
from tasks.settings import run_folder
from tasks.statements import quoted
from tests.integration.copying import copied, dumped, restored
from tests.worlds import ask, contents

ODD_NAMES = [
    'quo"te', "apo'strophe", "semi;colon; drop schema public cascade; --", "new\nline", "car\rriage\n; 1 2 3",
    "per%cent %s %(x)s %%", "back\\slash", "dollar $$ $body$", "brace {} {0} {name}", "ünï ☃ 漢字", "tab\tand  spaces ",
    "-", ".", "dot.dot", "DATA", "SET", "ATTACH", "OWNED BY", "TABLE DATA", "SCHEMA", "EXTENSION", "FK CONSTRAINT",
    "select", "objects", "given", "missing", "*", "next__", "x" * 53, "ü" * 26,
]  # fmt: skip
# One of each kind that a copy carries, all called alike.
OBJECTS = """
create schema {name};
create type {name}.{name} as enum ({text}, {text_2});
create domain {name}.{domain} as text check (value <> {text});
create table {name}.{table} (
    {name} integer primary key, {type} {name}.{name} default {text}, n integer generated always as identity
);
insert into {name}.{table} values (1, {text}), (2, null);
comment on table {name}.{table} is {text};
comment on column {name}.{table}.{name} is {text};
create index {index} on {name}.{table} ({type});
create table {name}.{child} ({name} integer references {name}.{table}, check ({name} > 0));
create view {name}.{view} as select {name} as {view} from {name}.{table} where {type} = {text};
create materialized view {name}.{sums} as select count(*) as {name} from {name}.{table};
create function {name}.{function}({name} {name}.{name}) returns text language sql as $f$ select {text} $f$;
create sequence {name}.{sequence} start 7;
create statistics {name}.{statistics} on {name}, n from {name}.{table};
"""


def definitions(name: str) -> str:
    kinds = ("domain", "table", "type", "index", "child", "view", "sums", "function", "sequence", "statistics")
    # Beside a long one there is no room for its kind.
    names = {kind: quoted(name[: 52 - len(kind)] + " " + kind) for kind in kinds}
    text, text_2 = ("'" + value.replace("'", "''") + "'" for value in (name, name[:25] + " 2"))
    return OBJECTS.format(name=quoted(name), text=text, text_2=text_2, **names)


RELATIONS = """
select
    namespace.nspname::text, class.relname::text, class.relkind::text,
    coalesce(obj_description(class.oid, 'pg_class'), '') as description
from pg_class as class inner join pg_namespace as namespace on class.relnamespace = namespace.oid
where nspname !~ '^pg_' and nspname not in ('information_schema', 'towpath') and nspname !~ '__previous$'
order by 1, 2, 3
"""


@pytest.fixture(scope="module")
def oddly_named(sources):
    """A source with a schema, and one of each kind of object in it, of every odd name."""
    source = sources.create("odd_template")
    for name in ODD_NAMES:
        ask(source, definitions(name))
    yield source
    sources.drop("odd_template")


def test_every_odd_name_is_copied_replaced_and_dropped_under_that_very_name(
    oddly_named, destination, tools, tmp_path, query
):
    manifest = dumped(oddly_named, tmp_path, tools)

    loads = [restored(manifest, tmp_path, destination, tools) for _ in range(3)]

    assert [load.load_id for load in loads] == [1, 2, 3]
    assert {n: rows for n, rows in contents(destination).items() if "__previous." not in n} == contents(oddly_named)
    # Only a comment in a schema called - is taken for one of the whole database, and named.
    assert manifest.left_out == ['COMMENT - TABLE "- table" postgres', 'COMMENT - COLUMN "- table"."-" postgres']
    at_the_source = [row if row[0] != "-" else (*row[:3], "") for row in ask(oddly_named, RELATIONS)]
    assert ask(destination, RELATIONS) == at_the_source


@pytest.mark.parametrize(
    "name",
    ["a=b", "postgresql://nobody@nowhere/x", 'quo"te', "apo'strophe\\", "new\nline", "per%cent %s {} $$"],
    ids=repr,
)
def test_a_database_may_have_any_name(films, servers, tools, tmp_path, name):
    server = Database.from_uri(servers["destination"], application_name="towpath test")
    ask(server, f"create database {quoted(name)} template template0 encoding 'UTF8'")
    there = server.named(name)

    load = copied(films, there, tools, tmp_path)
    landed = ask(there, "select count(*) from public.films")
    claims.release(there)
    ask(server, f"drop database {quoted(name)} with (force)")

    assert load.rows == 191
    assert landed == [(20,)]


@pytest.mark.parametrize("length", [54, 63])
def test_schemas_whose_names_leave_no_room_for_an_ending_are_all_named_before_anything_is_changed(
    films, destination, tools, tmp_path, length
):
    long = ["x" * length, "ü" * (length // 2) + "y" * (length % 2), "analytics__next door", "pg"]
    for name in long:
        ask(films, f"create schema {quoted(name)}")
        ask(films, f"create table {quoted(name)}.things (id integer)")
    manifest = dumped(films, tmp_path, tools)

    with pytest.raises(DestinationUnfit) as refused:
        restored(manifest, tmp_path, destination, tools)

    assert all(name in refused.value.message for name in long)
    assert "nothing was changed" in refused.value.message
    assert contents(destination) == {}


@pytest.mark.parametrize(
    "run_id", ["it's", 'a"b', "a;b", "a\nb", "a\n", "a%sb", "a\\b", "a/b", "$(id)", "a{}b", "a b", "", ".", "..", "\0"]
)
def test_a_run_id_that_could_be_more_than_a_name_is_refused(run_id):
    with pytest.raises(SettingInvalid, match="cannot name a run"):
        run_folder(run_id)


@pytest.mark.parametrize("schema", ['a"; drop schema public cascade; --', "it's", "a.b\\\nc", "x" * 54])
def test_a_target_schema_that_dbt_or_an_ending_would_break_is_refused_before_it_is_built(published, schema):
    before = contents(published.destination)

    failed = published.run("FullPipeline", "--run-id=first", f"--dbt-schema={schema}")

    assert failed.returncode == 32
    assert repr(schema) in failed.stderr
    assert "nothing was built" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert contents(published.destination) == before


ODD_MODEL = """{{ config(alias=var('alias'), materialized='table') }}

select {{ dbt.string_literal(dbt.escape_single_quotes(var('text'))) }} as "semi;colon %s {}", title from public.films
"""


def test_models_and_variables_may_have_odd_names_on_their_way_to_readers_and_back(published):
    text, alias = 'it\'s "so"; $HOME `id` %s \\ ☃', "semi;colon 100% {} ☃ " + "x" * 40
    (published.project / "models" / "odd.sql").write_text(ODD_MODEL, encoding="utf-8")
    variables = f"--dbt-vars={json.dumps({'text': text, 'alias': alias})}"
    odd = f'"semi;colon 100% $x -- ☃".{quoted(alias)}'

    done = published.run("FullPipeline", "--run-id=second", variables, "--dbt-schema=semi;colon 100% $x -- ☃")
    told = ask(published.destination, f"select * from {odd} order by 2")
    back = published.run("RollBack")
    gone = ask(published.destination, "select to_regclass(%s)", [odd])
    forth = published.run("RollBack")

    assert done.returncode == 0, done.stderr
    assert (len(told), told[0]) == (20, (text, "Avatar"))
    assert back.returncode == 0, back.stderr
    assert gone == [(None,)]
    assert forth.returncode == 0, forth.stderr
    assert ask(published.destination, f"select * from {odd} order by 2") == told
