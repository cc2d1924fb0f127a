import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tasks import claims
from tasks.archive import DumpOptions
from tasks.errors import (
    CopyDiffers,
    DependentsFound,
    DestinationBusy,
    DestinationUnfit,
    DumpDamaged,
    LandingOccupied,
    OlderDump,
    PublishBlocked,
    RestoreFailed,
)
from tasks.manifest import Manifest
from tasks.postgres import Database, connect
from tasks.tools import Tools
from tests.conftest import PROJECT, uri_of
from tests.integration.copying import OPTIONS, copied, dumped, restored


def run(database: Database, *statements: str) -> None:
    """What somebody does who is not Towpath."""
    with connect(database) as session:
        for statement in statements:
            session.run(statement)


def fingerprint(query, database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that a load could change in a destination, the ledger's own lines of it included."""
    return {
        "relations": query(
            database,
            "select oid, relnamespace::regnamespace::text, relname, relfilenode, relacl::text from pg_catalog.pg_class"
            " where oid >= 16384 and relnamespace::regnamespace::text !~ '^(pg_toast|towpath)' order by oid",
        ),
        "types": query(
            database,
            "select oid, typnamespace::regnamespace::text, typname from pg_catalog.pg_type"
            " where oid >= 16384 and typnamespace::regnamespace::text !~ '^(pg_toast|towpath)' order by oid",
        ),
        "schemas": query(database, "select oid, nspname from pg_catalog.pg_namespace where nspname <> 'towpath'"),
        "loads": query(
            database,
            "select load_id, state, place from towpath.loads where place is not null"
            if query(database, "select pg_catalog.to_regclass('towpath.loads') is not null") == [(True,)]
            else "select 1 where false",
        ),
    }


def landed(query, database: Database):
    """The load in the landing, unless it is half of one."""
    return query(database, "select load_id from towpath.loads where place = 'landing' and state <> 'restoring'")


@pytest.fixture
def loaded(films, destination, tools, tmp_path):
    """A destination that holds one load of the sample."""
    copied(films, destination, tools, tmp_path / "first")
    return destination


@pytest.fixture
def second(loaded, films, tools, tmp_path) -> Manifest:
    """A dump that was made after the load: it has one film more."""
    run(films, "insert into public.films values (21, 'Sequel', '2020-01-01', 9.99, 'PG', 3)")
    return dumped(films, tmp_path / "second", tools)


def test_every_table_arrives_with_its_rows(films, destination, tools, tmp_path, query):
    load = copied(films, destination, tools, tmp_path)

    assert (load.tables, load.rows) == (5, 191)
    assert query(destination, "select count(*) from public.films") == [(20,)]
    assert landed(query, destination) == [(load.load_id,)]


def test_a_second_load_replaces_the_first_and_keeps_it_aside(loaded, second, tools, tmp_path, query):
    load = restored(second, tmp_path / "second", loaded, tools)

    assert load.rows == 192
    assert query(loaded, "select count(*) from public.films") == [(21,)]
    assert query(loaded, "select count(*) from public__previous.films") == [(20,)]


def test_statistics_are_gathered_for_every_table_that_arrives(loaded, query):
    tables = query(loaded, "select relname, reltuples from pg_catalog.pg_class where relname in ('films', 'actors')")

    assert sorted(tables) == [("actors", 56), ("films", 20)]


FOREIGN = {
    "a materialized view": (
        "create materialized view analyst.kept as select count(*) from public.films",
        "materialized view analyst.kept",
    ),
    "an index": ("create index by_price on public.films (price)", "index public.by_price"),
    "a foreign key": (
        "create table analyst.notes (film_id integer references public.films)",
        "analyst.notes",
    ),
    "a constraint": ("alter table public.films add constraint not_free check (price > -1)", "not_free on public.films"),
    "a trigger": (
        "create trigger same before update on public.films execute function suppress_redundant_updates_trigger()",
        "same on public.films",
    ),
    "a rule": ("create rule quiet as on delete to public.films do instead nothing", "quiet on public.films"),
    "a column of a landed row type": ("create table analyst.archive (was public.films)", "analyst.archive"),
    "a column of a landed enum": ("create table analyst.votes (mood public.mood)", "analyst.votes"),
    "a function of a landed row type": (
        "create function analyst.title(public.films) returns text language sql return $1.title",
        "function analyst.title(public.films)",
    ),
    "a foreign key that has the name of one of ours": (
        "create table analyst.film_actors (film_id integer references public.films)",
        "film_actors_film_id_fkey on analyst.film_actors",
    ),
    "a default that has the column name of one of ours": (
        "create table analyst.films (film_id bigint default nextval('public.film_numbers'))",
        "analyst.films",
    ),
    "a child table": ("create table analyst.more_films () inherits (public.films)", "table analyst.more_films"),
}


@pytest.mark.parametrize("thing", list(FOREIGN))
def test_what_somebody_hung_on_a_landed_object_stops_the_next_load(films, destination, tools, tmp_path, query, thing):
    statement, name = FOREIGN[thing]
    run(films, "create type public.mood as enum ('good', 'bad')", "create sequence public.film_numbers")
    manifest = dumped(films, tmp_path, tools)
    restored(manifest, tmp_path, destination, tools)
    run(destination, "create schema analyst", statement)
    before = fingerprint(query, destination)

    with pytest.raises(DependentsFound) as refused:
        restored(manifest, tmp_path, destination, tools)

    assert name in refused.value.message
    assert fingerprint(query, destination) == before


def test_the_next_load_goes_well_when_what_hung_on_the_landing_is_gone(loaded, second, tools, tmp_path, query):
    run(loaded, "create materialized view public.cheap as select * from public.films")
    with pytest.raises(DependentsFound):
        restored(second, tmp_path / "second", loaded, tools)
    run(loaded, "drop materialized view public.cheap")

    restored(second, tmp_path / "second", loaded, tools)

    assert query(loaded, "select count(*) from public.films") == [(21,)]


def test_a_schema_of_somebody_elses_through_which_a_load_would_pass_is_kept(loaded, second, tools, tmp_path, query):
    restored(second, tmp_path / "second", loaded, tools)
    run(loaded, "create schema public__dropped", "create table public__dropped.mine as select 'keep me' as note")
    run(loaded, "update towpath.loads set state = 'restoring' where place = 'landing'")

    with pytest.raises(LandingOccupied, match="public__dropped"):
        restored(second, tmp_path / "second", loaded, tools)

    assert query(loaded, "select note from public__dropped.mine") == [("keep me",)]
    assert query(loaded, "select count(*) from public.films") == [(21,)]


def test_a_table_that_somebody_put_beside_the_load_that_is_kept_aside_is_not_dropped(
    loaded, second, tools, tmp_path, query
):
    restored(second, tmp_path / "second", loaded, tools)
    run(loaded, "create table public__previous.notes as select 'keep me' as note")
    before = fingerprint(query, loaded)

    with pytest.raises(DependentsFound, match=r"public__previous\.notes"):
        restored(second, tmp_path / "second", loaded, tools)

    assert fingerprint(query, loaded) == before
    assert query(loaded, "select note from public__previous.notes") == [("keep me",)]


@pytest.mark.parametrize(
    "statement",
    [
        "create table public.actors (mine text)",
        "create view public.actors as select 1 as mine",
        "create sequence public.actors",
        "create materialized view public.actors as select 1 as mine",
    ],
)
def test_a_table_of_the_users_own_under_a_landing_name_stops_the_first_load(
    films, destination, tools, tmp_path, query, statement
):
    manifest = dumped(films, tmp_path, tools)
    run(destination, statement)
    before = fingerprint(query, destination)

    with pytest.raises(LandingOccupied, match=r"public\.actors"):
        restored(manifest, tmp_path, destination, tools)

    assert fingerprint(query, destination) == before


def test_a_function_of_the_users_own_under_a_landing_name_stops_the_load(films, destination, tools, tmp_path, query):
    function = "create function public.one() returns integer language sql return 1"
    run(films, function)
    manifest = dumped(films, tmp_path, tools)
    run(destination, function)
    before = fingerprint(query, destination)

    with pytest.raises(LandingOccupied, match=r"public\.one\(\)"):
        restored(manifest, tmp_path, destination, tools)

    assert fingerprint(query, destination) == before


def test_a_table_that_only_the_second_load_brings_does_not_replace_one_of_the_users_own(
    films, loaded, tools, tmp_path, query
):
    run(films, "create table public.remarks (film_id integer)")
    manifest = dumped(films, tmp_path / "second", tools)
    run(loaded, "create table public.remarks (mine text)")
    before = fingerprint(query, loaded)

    with pytest.raises(LandingOccupied, match=r"public\.remarks"):
        restored(manifest, tmp_path / "second", loaded, tools)

    assert fingerprint(query, loaded) == before


def test_a_table_of_the_users_own_beside_the_landing_stays_through_three_loads(
    films, destination, tools, tmp_path, query
):
    run(destination, "create table public.mine as select 'kept' as word")
    manifest = dumped(films, tmp_path, tools)

    for _ in range(3):
        restored(manifest, tmp_path, destination, tools)

    assert query(destination, "select word from public.mine") == [("kept",)]


def test_a_role_that_may_not_make_schemas_is_told_so_before_anything_is_touched(
    films, destination, tools, tmp_path, query
):
    manifest = dumped(films, tmp_path, tools)
    name = f"{destination.parameters['dbname']}_guest"
    run(destination, f"create role {name} login")
    guest = Database(parameters={**destination.parameters, "user": name})
    before = fingerprint(query, destination)

    try:
        with pytest.raises(DestinationUnfit) as refused:
            restored(manifest, tmp_path, guest, tools)
    finally:
        claims.release(guest)
        run(destination, f"drop role {name}")

    assert "permission denied for database" in refused.value.message
    assert "create" in refused.value.hint
    assert fingerprint(query, destination) == before


def test_a_role_that_is_no_superuser_and_owns_the_database_can_load_three_times(
    films, destination, tools, tmp_path, query
):
    manifest = dumped(films, tmp_path, tools)
    name = f"{destination.parameters['dbname']}_owner"
    run(
        destination,
        f"create role {name} login",
        f"alter database {destination.parameters['dbname']} owner to {name}",
    )
    owner = Database(parameters={**destination.parameters, "user": name})

    try:
        loads = [restored(manifest, tmp_path, owner, tools) for _ in range(3)]
    finally:
        claims.release(owner)
        run(destination, f"reassign owned by {name} to postgres", f"drop owned by {name}", f"drop role {name}")

    assert [load.load_id for load in loads] == [1, 2, 3]
    assert query(destination, "select count(*) from public.films") == [(20,)]


def test_the_source_itself_is_refused_as_destination_under_any_spelling(films, tools, tmp_path, query):
    manifest = dumped(films, tmp_path, tools)
    other_spelling = Database.from_uri(
        f"postgresql://postgres@/{films.parameters['dbname']}?host={films.parameters['host']}/.",
        application_name="towpath test",
    )
    before = fingerprint(query, films)

    try:
        with pytest.raises(DestinationUnfit, match="is the source itself"):
            restored(manifest, tmp_path, other_spelling, tools)
    finally:
        claims.release(other_spelling)

    assert fingerprint(query, films) == before


def test_an_extension_that_the_destination_cannot_have_stops_the_load(loaded, second, tools, tmp_path, query):
    extension = {"name": "nowhere_to_be_had", "schema": "public", "version": "1.0"}
    asked_for = Manifest.from_json({**second.to_json(), "extensions": [extension]})
    before = fingerprint(query, loaded)

    with pytest.raises(DestinationUnfit, match="nowhere_to_be_had"):
        restored(asked_for, tmp_path / "second", loaded, tools)

    assert fingerprint(query, loaded) == before


def test_an_extension_that_is_in_another_schema_stops_the_load(films, destination, tools, tmp_path, query):
    run(films, "create extension citext schema public", "create table public.mails (mail public.citext)")
    manifest = dumped(films, tmp_path, tools)
    run(destination, "create schema elsewhere", "create extension citext schema elsewhere")
    before = fingerprint(query, destination)

    with pytest.raises(DestinationUnfit, match="citext in elsewhere rather than public"):
        restored(manifest, tmp_path, destination, tools)

    assert fingerprint(query, destination) == before


@pytest.mark.parametrize("name", ["x" * 60, "sales__next", "towpath"], ids=["too long", "our ending", "the ledger's"])
def test_a_schema_whose_name_has_no_room_for_ours_stops_the_load(films, destination, tools, tmp_path, query, name):
    run(films, f"create schema {name}", f"create table {name}.things (thing integer)")
    manifest = dumped(films, tmp_path, tools)
    before = fingerprint(query, destination)

    with pytest.raises(DestinationUnfit, match=name):
        restored(manifest, tmp_path, destination, tools)

    assert fingerprint(query, destination) == before


def test_a_dump_older_than_what_readers_see_is_refused_unless_it_is_allowed(films, destination, tools, tmp_path, query):
    older = dumped(films, tmp_path / "older", tools)
    newer = copied(films, destination, tools, tmp_path / "newer")
    publish_by_hand(destination, newer.load_id)
    before = fingerprint(query, destination)

    with pytest.raises(OlderDump) as refused:
        restored(older, tmp_path / "older", destination, tools)
    after = fingerprint(query, destination)
    allowed = dataclasses.replace(OPTIONS, allow_older=True)
    load = restored(older, tmp_path / "older", destination, tools, allowed)

    assert f"load {newer.load_id} " in refused.value.message
    assert after == before
    assert landed(query, destination) == [(load.load_id,)]


def publish_by_hand(destination: Database, load_id: int) -> None:
    """Write what the ledger has of a version without any model."""
    run(
        destination,
        "insert into towpath.versions (load_id, run, dbt_digest, target, state, schemas, built_at, published_at)"
        f" values ({load_id}, 'test', 'none', 'analytics', 'published', '{{}}', now(), now())",
        f"update towpath.loads set state = 'published', published_at = now() where load_id = {load_id}",
    )


def flip_a_bit(file: Path) -> None:
    """Near the end, where pg_restore does not look closely."""
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)


DAMAGES = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-10]),
    "emptied": lambda file: file.write_bytes(b""),
    "missing": lambda file: file.unlink(),
    "with a bit flipped": flip_a_bit,
}


@pytest.mark.parametrize("pattern", ["definitions.pgdump", "rows/*", "load.sql"])
@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_damaged_dump_is_found_before_the_landing_is_touched(loaded, second, tools, tmp_path, query, pattern, damage):
    file = max((tmp_path / "second" / "dump").glob(pattern), key=lambda found: found.stat().st_size)
    DAMAGES[damage](file)
    before = fingerprint(query, loaded)

    with pytest.raises(DumpDamaged) as found:
        restored(second, tmp_path / "second", loaded, tools)

    assert file.name in found.value.message
    assert fingerprint(query, loaded) == before


def test_a_file_too_many_in_a_dump_is_found(loaded, second, tools, tmp_path, query):
    (tmp_path / "second" / "dump" / "rows" / "99999.copy").write_bytes(b"")
    before = fingerprint(query, loaded)

    with pytest.raises(DumpDamaged, match=r"99999\.copy"):
        restored(second, tmp_path / "second", loaded, tools)

    assert fingerprint(query, loaded) == before


# A stand-in for whatever goes wrong in the middle of a restore: the landing's indexes come after its rows.
AT_AN_INDEX = """
    create schema trap;
    create function trap.spring() returns event_trigger language plpgsql as $$
    begin
        if exists (select from pg_catalog.pg_event_trigger_ddl_commands() where schema_name = 'public') then
            {};
        end if;
    end
    $$;
    create event trigger trap on ddl_command_end when tag in ('CREATE INDEX') execute function trap.spring()
"""


@pytest.fixture
def indexed(films):
    """A source with an index, at which a restore can be made to fail."""
    run(films, "create index films_by_title on public.films (title)")
    return films


def test_a_failed_restore_puts_the_landing_back_as_it_was(indexed, loaded, tools, tmp_path, query):
    before = fingerprint(query, loaded)
    run(indexed, "delete from public.film_actors", "create table public.remarks (film_id integer)")
    manifest = dumped(indexed, tmp_path / "second", tools)
    run(loaded, AT_AN_INDEX.format("raise exception 'no index today'"))

    with pytest.raises(RestoreFailed, match="no index today"):
        restored(manifest, tmp_path / "second", loaded, tools)

    run(loaded, "drop event trigger trap", "drop schema trap cascade")
    assert fingerprint(query, loaded) == before


def test_a_load_goes_well_after_a_failed_one(indexed, loaded, tools, tmp_path, query):
    run(indexed, "insert into public.films values (21, 'Sequel', '2020-01-01', 9.99, 'PG', 3)")
    manifest = dumped(indexed, tmp_path / "second", tools)
    run(loaded, AT_AN_INDEX.format("raise exception 'no index today'"))
    with pytest.raises(RestoreFailed):
        restored(manifest, tmp_path / "second", loaded, tools)
    run(loaded, "drop event trigger trap")

    restored(manifest, tmp_path / "second", loaded, tools)

    assert query(loaded, "select count(*) from public.films") == [(21,)]
    assert query(loaded, "select count(*) from public__previous.films") == [(20,)]


def test_a_first_restore_that_fails_leaves_nothing_behind_but_the_ledger(indexed, destination, tools, tmp_path, query):
    manifest = dumped(indexed, tmp_path, tools)
    run(destination, AT_AN_INDEX.format("raise exception 'no index today'"))
    before = fingerprint(query, destination)

    with pytest.raises(RestoreFailed):
        restored(manifest, tmp_path, destination, tools)

    assert fingerprint(query, destination) == before


def test_rows_that_do_not_arrive_are_named_and_the_landing_is_put_back(indexed, loaded, tools, tmp_path, query):
    before = fingerprint(query, loaded)
    # What is as it was stays, and no index is made.
    run(indexed, "update public.films set price = 0", "delete from public.film_category where film_id = 20")
    manifest = dumped(indexed, tmp_path / "second", tools)
    run(loaded, AT_AN_INDEX.format("delete from public.film_category where film_id = 1"))

    with pytest.raises(CopyDiffers, match=r"public\.film_category has \d+ rows in the dump but \d+ in"):
        restored(manifest, tmp_path / "second", loaded, tools)

    run(loaded, "drop event trigger trap", "drop schema trap cascade")
    assert fingerprint(query, loaded) == before


def test_a_foreign_key_to_a_table_that_is_left_out_is_left_out_with_it_and_named(
    films, destination, tools, tmp_path, query
):
    run(
        films,
        "create schema secret",
        "create table secret.codes (code integer primary key)",
        "create table public.coded (code integer references secret.codes, film_id integer references public.films)",
    )
    manifest = dumped(films, tmp_path, tools, DumpOptions(exclude_schemas=("secret",)))

    restored(manifest, tmp_path, destination, tools)

    assert [title for title in manifest.left_out if "coded" in title] == [
        "FK CONSTRAINT public coded coded_code_fkey postgres"
    ]
    keys = "select conname::text from pg_constraint where conrelid = 'public.coded'::regclass and contype = 'f'"
    assert query(destination, keys) == [("coded_film_id_fkey",)]


def test_an_index_that_cannot_be_built_again_fails_the_restore_and_not_the_landing(
    films, loaded, tools, tmp_path, query
):
    before = fingerprint(query, loaded)
    run(
        films,
        "create function public.of(integer) returns integer immutable language sql as 'select $1'",
        "create index on public.films (public.of(film_id))",
        "create or replace function public.of(integer) returns integer immutable language sql as 'select $1 / 0'",
    )
    manifest = dumped(films, tmp_path / "second", tools)

    with pytest.raises(RestoreFailed, match=r"division by zero"):
        restored(manifest, tmp_path / "second", loaded, tools)

    assert fingerprint(query, loaded) == before


def test_a_reader_in_a_transaction_is_waited_for_and_named(loaded, second, tools, tmp_path, query):
    before = fingerprint(query, loaded)
    hurried = dataclasses.replace(OPTIONS, readers_timeout_seconds=0.5)
    reader = psycopg2.connect(**{**loaded.parameters, "application_name": "analyst at work"})
    reader.cursor().execute("select count(*) from public.films")
    reader_pid = reader.info.backend_pid

    with pytest.raises(PublishBlocked) as refused:
        restored(second, tmp_path / "second", loaded, tools, hurried)
    after = fingerprint(query, loaded)
    reader.close()
    restored(second, tmp_path / "second", loaded, tools)

    assert f"session {reader_pid}" in refused.value.message
    assert "analyst at work" in refused.value.message
    assert after == before
    assert query(loaded, "select count(*) from public.films") == [(21,)]


CHILD = """
import json, sys
from pathlib import Path
from tasks import landing
from tasks.tools import Tool, Tools
from tasks.landing import RestoreOptions
from tasks.manifest import Manifest
from tasks.postgres import Database

manifest, folder, uri, pg_dump, pg_restore, psql = sys.argv[1:]
landing.restore(
    Manifest.from_json(json.loads(Path(manifest).read_text())),
    Path(folder),
    Database.from_uri(uri, application_name="towpath killed"),
    Tools(
        pg_dump=Tool(path=Path(pg_dump), major=18, version="18"),
        pg_restore=Tool(path=Path(pg_restore), major=18, version="18"),
        psql=Tool(path=Path(psql), major=18, version="18"),
    ),
    RestoreOptions(jobs=2, timeout_seconds=60, readers_timeout_seconds=5, allow_older=False, rebinds=True,
        verify="counts"),
    run="killed",
    listener=lambda percentage, text: None,
)
"""


def kill_a_restore_half_way(manifest: Manifest, folder: Path, destination: Database, tools: Tools, query) -> None:
    """Run it in a process of its own, stop it at the landing's index, and end it as `kill -9` does."""
    run(destination, AT_AN_INDEX.format("perform pg_catalog.pg_sleep(60)"))
    file = folder / "manifest.json"
    file.write_text(json.dumps(manifest.to_json()))
    claims.release(destination)
    programs = [str(tool.path) for tool in (tools.pg_dump, tools.pg_restore, tools.psql)]
    words = [str(file), str(folder / "dump"), uri_of(destination), *programs]
    with subprocess.Popen([sys.executable, "-c", CHILD, *words], cwd=PROJECT) as child:
        try:
            wait_until(lambda: sleepers(query, destination) > 0)
        finally:
            child.kill()
    run(destination, "drop event trigger trap", "drop schema trap cascade")


def sleepers(query, destination: Database):
    """How many sessions of the restore are caught."""
    caught = "select count(*) from pg_catalog.pg_stat_activity where datname = %s and wait_event = 'PgSleep'"
    # Sessions that are called towpath something would be ended by the restore.
    onlooker = Database(parameters={**destination.parameters, "application_name": "pytest"})
    return query(onlooker, caught, [destination.parameters["dbname"]])[0][0]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_restore_that_was_killed_half_way_is_put_back_by_the_next_one(indexed, loaded, tools, tmp_path, query):
    run(indexed, "delete from public.film_actors")
    half = dumped(indexed, tmp_path / "half", tools)
    kill_a_restore_half_way(half, tmp_path / "half", loaded, tools, query)
    run(indexed, "insert into public.films values (21, 'Sequel', '2020-01-01', 9.99, 'PG', 3)")
    manifest = dumped(indexed, tmp_path / "second", tools)
    half_way = landed(query, loaded)

    restored(manifest, tmp_path / "second", loaded, tools)

    assert half_way == []
    assert sleepers(query, loaded) == 0
    assert query(loaded, "select count(*) from public.films") == [(21,)]
    assert query(loaded, "select count(*) from public.film_actors") == [(0,)]
    assert query(loaded, "select count(*) from public__previous.film_actors") == [(62,)]
    assert query(loaded, "select load_id, state, place from towpath.loads order by load_id") == [
        (1, "restored", "previous"),
        (2, "dropped", None),
        (3, "restored", "landing"),
    ]
    assert query(loaded, "select nspname from pg_catalog.pg_namespace where nspname ~ '__(next|dropped)'") == []


def test_a_restore_that_was_killed_half_way_is_put_back_even_when_the_next_one_is_refused(
    indexed, loaded, tools, tmp_path, query
):
    before = fingerprint(query, loaded)
    run(indexed, "update public.films set price = 0")
    half = dumped(indexed, tmp_path / "half", tools)
    kill_a_restore_half_way(half, tmp_path / "half", loaded, tools, query)
    extension = {"name": "nowhere_to_be_had", "schema": "public", "version": "1.0"}
    refused = Manifest.from_json({**half.to_json(), "extensions": [extension]})

    with pytest.raises(DestinationUnfit):
        restored(refused, tmp_path / "half", loaded, tools)

    assert fingerprint(query, loaded) == before


def test_grants_on_landed_tables_and_columns_stay_through_loads(loaded, second, tools, tmp_path, query):
    name = f'{loaded.parameters["dbname"]} "An Analyst"'
    role = '"' + name.replace('"', '""') + '"'
    run(
        loaded,
        f"create role {role} login",
        f"grant select, update on public.films to {role} with grant option",
        f"grant select (actor_name), references (actor_id) on public.actors to {role}",
    )
    before = query(loaded, GRANTS)

    try:
        for _ in range(2):
            restored(second, tmp_path / "second", loaded, tools)
        analyst = Database(parameters={**loaded.parameters, "user": name})
        films = query(analyst, "select count(*) from public.films")
        actors = query(analyst, "select count(actor_name) from public.actors")
        after = query(loaded, GRANTS)
    finally:
        run(loaded, f"drop owned by {role}", f"drop role {role}")

    assert (films, actors) == ([(21,)], [(56,)])
    assert len(before) == 4
    assert after == before


GRANTS = """
    select relname, attname, privilege.privilege_type, privilege.is_grantable, privilege.grantee::regrole::text
    from pg_catalog.pg_class
    left join pg_catalog.pg_attribute on attrelid = pg_class.oid and attacl is not null
    cross join lateral pg_catalog.aclexplode(coalesce(attacl, relacl)) as privilege
    where relnamespace = 'public'::regnamespace and privilege.grantee <> relowner
    order by 1, 2, 3
"""

CLAIMANT = """
import sys
from tasks import claims
from tasks.postgres import Database
claims.claim(Database.from_uri(sys.argv[1], application_name="towpath nightly-7"))
print("claimed", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def claimant(destination) -> Iterator[subprocess.Popen[bytes]]:
    """Another process, which works on the destination."""
    with subprocess.Popen(
        [sys.executable, "-c", CLAIMANT, uri_of(destination)],
        cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        yield other
        other.kill()


def test_a_second_process_is_told_which_run_works_on_the_destination(destination, claimant):
    with pytest.raises(DestinationBusy) as refused:
        claims.claim(destination)

    assert "run nightly-7 (session" in refused.value.message


def test_a_destination_is_free_again_as_soon_as_whoever_had_it_is_killed(destination, claimant):
    claimant.kill()
    claimant.wait()

    session = claims.claim(destination)

    assert session.in_reach


def test_sessions_that_a_killed_run_left_are_ended_and_nobody_elses(destination):
    leftover = psycopg2.connect(**{**destination.parameters, "application_name": "towpath killed"})
    analyst = psycopg2.connect(**{**destination.parameters, "application_name": "towpath-lover"})

    claims.claim(destination)

    with pytest.raises(psycopg2.OperationalError, match="terminat"):
        leftover.cursor().execute("select 1")
    analyst.cursor().execute("select 1")
    analyst.close()
