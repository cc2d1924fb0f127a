"""What an administrator has set on the role or on the database, in good faith, neither ends a run nor bends it."""

import pytest

from tests.worlds import World, ask, run_to_the_end, url_of

# Each would end or bend a long job; all at once, on the role and, where it may be, on the database.
HOSTILE = {
    "statement_timeout": "'100ms'",
    "lock_timeout": "'50ms'",
    "idle_in_transaction_session_timeout": "'100ms'",
    "idle_session_timeout": "'100ms'",
    "transaction_timeout": "'150ms'",
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
    interval '1 day 2 hours' as lasted, '\\xdeadbeef'::bytea as raw, array[i, null] as numbers
from generate_series(1, 400000) as i
"""
SLOW_MODEL = """{{ config(materialized='table') }}

select events.event_id, events.noted, pause.is_over
from public.events
cross join (select pg_sleep(0.4) is not null as is_over) as pause
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
