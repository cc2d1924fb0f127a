"""What an administrator has set on the role or on the database, in good faith, neither ends a run nor bends it."""

from dataclasses import replace

import pytest

from tasks.postgres import Database
from tests.worlds import World, ask, contents, run_to_the_end, url_of

# Each would end or bend a long job; all at once, on the role and, where it may be, on the database.
HOSTILE = {
    "statement_timeout": "'200ms'",
    "lock_timeout": "'200ms'",
    "idle_in_transaction_session_timeout": "'200ms'",
    "idle_session_timeout": "'200ms'",
    "transaction_timeout": "'250ms'",
    "search_path": "nowhere, pg_catalog",
    "client_encoding": "'LATIN1'",
    "default_transaction_isolation": "'serializable'",
    "default_transaction_deferrable": "on",
    "datestyle": "'SQL, DMY'",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "timezone": "'Asia/Kathmandu'",
    "extra_float_digits": "-15",
    "quote_all_identifiers": "on",
    "standard_conforming_strings": "off",
}
# Slower than every one of these times, at the source and in a model.
SLOW_SOURCE = """
create table public.events as
select
    i as event_id, 'é ☃ ' || i as noted, i / 3.0::float8 as weight, timestamptz '2020-02-03 04:05:06.789+00' as at,
    interval '1 day 2 hours' as lasted, decode('deadbeef', 'hex') as raw, array[i, null] as numbers
from generate_series(1, 500000) as i
"""
SLOW_MODEL = """{{ config(materialized='table') }}

select events.event_id, events.noted, pause.is_over
from public.events
cross join (select pg_sleep(0.6) is not null as is_over) as pause
where events.event_id < 10
"""


@pytest.fixture
def hostile(world: World):
    """Roles and databases of both sides with all of these settings; the roles own their databases, no more."""
    for database in (world.source, world.destination):
        name = database.parameters["dbname"]
        ask(database, f"create role {name}_owner login; alter database {name} owner to {name}_owner")
        for setting, value in HOSTILE.items():
            ask(database, f"alter role {name}_owner set {setting} = {value}")
            ask(database, f"alter database {name} set {setting} = {value}")
    ask(world.source, SLOW_SOURCE)
    ask(world.source, "grant pg_read_all_data to shop_owner")
    yield world
    for database in (world.source, world.destination):
        name = database.parameters["dbname"]
        ask(database, f"reassign owned by {name}_owner to postgres; drop owned by {name}_owner; drop role {name}_owner")


def test_no_setting_of_role_or_database_ends_or_bends_a_run(hostile):
    (hostile.project / "models" / "slow.sql").write_text(SLOW_MODEL, encoding="utf-8")
    command = [word for word in hostile.command("FullPipeline", "--run-id=x") if "-uri=" not in word]
    uris = {
        f"{role.upper()}_URI": url_of(database, f"{database.parameters['dbname']}_owner", "")
        for role, database in (("source", hostile.source), ("destination", hostile.destination))
    }

    done = run_to_the_end(command, **uris)

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    landed = {name: rows for name, rows in contents(hostile.destination).items() if name.startswith("public.")}
    assert landed == contents(hostile.source)
    assert ask(hostile.destination, "select count(*) from analytics.slow where is_over and noted like 'é ☃ %'") == [
        (9,)
    ]


INCREMENTAL_MODEL = """{{ config(materialized='incremental', unique_key='film_id') }}

select film_id, title from public.films
"""


@pytest.fixture
def owner(published):
    """A role that owns the published world's destination and what Towpath has made there, but is no superuser."""
    name = published.destination.parameters["dbname"]
    ask(published.destination, f"create role warehouse_owner login; alter database {name} owner to warehouse_owner")
    ask(published.destination, OWN_EVERYTHING)
    yield Database(parameters={**published.destination.parameters, "user": "warehouse_owner"})
    ask(published.destination, "reassign owned by warehouse_owner to postgres; drop owned by warehouse_owner")
    ask(published.destination, "drop role warehouse_owner")


OWN_EVERYTHING = """
do $$
declare command text;
begin
    for command in
        select format('alter schema %I owner to warehouse_owner', nspname) from pg_namespace
        where nspname in ('towpath', 'analytics', 'public')
        union all
        select format('alter table %I.%I owner to warehouse_owner', nspname, relname)
        from pg_class join pg_namespace on relnamespace = pg_namespace.oid
        where nspname in ('towpath', 'analytics', 'public') and relkind in ('r', 'v')
    loop
        execute command;
    end loop;
end $$
"""


def test_a_role_without_temp_is_told_which_model_wants_it_and_goes_on_when_it_is_granted(published, owner):
    (published.project / "models" / "kept.sql").write_text(INCREMENTAL_MODEL, encoding="utf-8")
    world = replace(published, destination=owner)
    made = world.run("FullPipeline", "--run-id=second")
    ask(
        published.destination,
        "alter database warehouse owner to postgres; revoke temp on database warehouse from public",
    )
    ask(published.destination, "grant create on database warehouse to warehouse_owner")
    before = contents(published.destination)

    failed = world.run("FullPipeline", "--run-id=third")
    after = contents(published.destination)
    ask(published.destination, "grant temp on database warehouse to warehouse_owner")
    mended = world.run("FullPipeline", "--run-id=third")

    assert made.returncode == 0, made.stderr
    assert failed.returncode in (25, 27)
    assert "temp" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert {n: r for n, r in after.items() if "analytics." in n} == {
        n: r for n, r in before.items() if "analytics." in n
    }
    assert mended.returncode == 0, mended.stderr


def test_a_role_without_create_is_told_so_before_anything_is_made_and_goes_on_when_it_is_granted(world):
    ask(world.destination, "create role warehouse_guest login; revoke create on schema public from public")
    guest = replace(world, destination=Database(parameters={**world.destination.parameters, "user": "warehouse_guest"}))

    failed = guest.run("RestoreDestination", "--run-id=x")
    schemas = ask(world.destination, SCHEMAS)
    ask(world.destination, "grant create on database warehouse to warehouse_guest")
    half_granted = guest.run("RestoreDestination", "--run-id=x")
    landed = contents(world.destination)
    ask(world.destination, "grant create on schema public to warehouse_guest")
    mended = guest.run("RestoreDestination", "--run-id=x")

    for refused in (failed, half_granted):
        assert refused.returncode == 25
        assert "nothing was changed" in refused.stderr
        assert "create on " in refused.stderr
        assert "Traceback" not in refused.stderr
    assert schemas == [("public",)]
    assert "schema public" in half_granted.stderr
    assert landed == {}
    assert mended.returncode == 0, mended.stderr
    ask(world.destination, "drop owned by warehouse_guest; drop role warehouse_guest")


SCHEMAS = (
    "select nspname::text from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1"
)
