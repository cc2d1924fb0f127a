import pytest

from tasks.errors import DependentsFound, NothingToRollBack, PublishBlocked, RolledBack
from tasks.ledger import holding_of

FIRST, SECOND, THIRD = "{version: first}", "{version: second}", "{version: third}"
VERSION_OF_EACH = """
    select version from analytics.ratings union select version from analytics.shouted_titles
    union select version from analytics_marts.prices
"""
SCHEMAS = "select nspname from pg_namespace where nspname like '%\\_\\_%' order by 1"


def state_of(warehouse, variables):
    digest = warehouse.dbt_options(variables).digest()
    return next(s for s in holding_of(warehouse.destination).states if s.dbt_digest == digest)


def test_readers_see_all_of_the_version_before_again(replaced):
    replaced.roll_back()

    assert replaced.query(VERSION_OF_EACH) == [("first",)]
    assert replaced.query("select count(*) from analytics.shouted_titles") == [(20,)]
    assert replaced.query("select films from analytics.only_first") == [(20,)]
    assert replaced.query("select to_regclass('analytics.only_second') is null") == [(True,)]
    assert replaced.query("select to_regclass('analytics_extra.only_second_elsewhere') is null") == [(True,)]


def test_rolling_back_twice_goes_forward_again(replaced):
    replaced.roll_back()

    replaced.roll_back()

    assert replaced.query(VERSION_OF_EACH) == [("second",)]
    assert replaced.query("select count(*) from public.films") == [(21,)]
    assert replaced.query("select films from analytics.only_second") == [(21,)]
    assert replaced.query("select to_regclass('analytics.only_first') is null") == [(True,)]


def test_the_landing_follows_the_version_that_reads_it(replaced):
    replaced.roll_back()

    assert replaced.query("select count(*) from public.films") == [(20,)]
    assert replaced.query("select count(*) from public__previous.films") == [(21,)]
    assert [state_of(replaced, FIRST).place, state_of(replaced, SECOND).place] == ["landing", "previous"]
    assert holding_of(replaced.destination).has_landed(1)


def test_nothing_of_the_exchange_is_left_between_the_two_versions(replaced):
    before = replaced.query(SCHEMAS)

    replaced.roll_back()
    replaced.roll_back()

    assert replaced.query(SCHEMAS) == before
    assert not [name for (name,) in before if not name.endswith("__previous")]


def test_the_ledger_knows_which_version_is_which(replaced):
    replaced.roll_back()

    assert [state_of(replaced, FIRST).version_state, state_of(replaced, FIRST).load_state] == ["published", "published"]
    assert [state_of(replaced, SECOND).version_state, state_of(replaced, SECOND).load_state] == [
        "previous",
        "set aside",
    ]


def test_without_a_version_before_nothing_is_changed(published):
    with pytest.raises(NothingToRollBack, match="nothing was changed"):
        published.roll_back()

    assert published.query(VERSION_OF_EACH) == [("first",)]


def test_where_nothing_was_ever_loaded_there_is_nothing_to_roll_back(empty):
    with pytest.raises(NothingToRollBack):
        empty.roll_back()


def test_after_the_next_restore_there_is_nothing_to_roll_back(replaced):
    replaced.load("third")

    with pytest.raises(NothingToRollBack):
        replaced.roll_back()

    assert replaced.query(VERSION_OF_EACH) == [("second",)]


def test_grants_on_models_survive_there_and_back(replaced, analyst):
    replaced.query(f"grant usage on schema analytics to {analyst}")
    replaced.query(f"grant select on analytics.ratings to {analyst}")
    grants = "select has_table_privilege('analyst', 'analytics.ratings', 'select')"

    replaced.roll_back()
    there = replaced.query(grants)
    replaced.roll_back()

    assert there == [(True,)]
    assert replaced.query(grants) == [(True,)]


def test_default_privileges_of_a_schema_stay_with_it(replaced, analyst):
    replaced.query(f"alter default privileges in schema analytics grant select on tables to {analyst}")

    replaced.roll_back()

    assert replaced.query("select defaclnamespace::regnamespace::text from pg_default_acl") == [("analytics",)]


def test_a_table_of_the_users_own_beside_the_models_stays_where_it_is(replaced):
    replaced.query("create table analytics.notes as select 'mine' as note")

    replaced.roll_back()

    assert replaced.query("select note from analytics.notes") == [("mine",)]


def test_a_materialized_view_of_the_users_own_on_a_model_is_not_left_behind_in_silence(replaced):
    replaced.query("create schema own; create materialized view own.best as select * from analytics.ratings")

    with pytest.raises(DependentsFound, match=r"materialized view own\.best"):
        replaced.roll_back()

    assert replaced.query("select distinct version from own.best") == [("second",)]
    assert replaced.query(VERSION_OF_EACH) == [("second",)]


def test_a_reader_of_the_current_version_is_waited_for_and_named(replaced):
    reader = replaced.reader("begin", "select * from analytics.titles")

    with pytest.raises(PublishBlocked, match=f"session {reader.info.backend_pid} .*analyst"):
        replaced.roll_back(readers_timeout_seconds=1)

    assert replaced.query(VERSION_OF_EACH) == [("second",)]
    assert replaced.query("select count(*) from public.films") == [(21,)]


def test_a_version_that_was_built_but_not_published_is_dropped_by_it(replaced):
    replaced.build(THIRD)

    replaced.roll_back()

    assert replaced.query(VERSION_OF_EACH) == [("first",)]
    assert replaced.query("select state from towpath.versions order by version_id") == [
        ("published",),
        ("previous",),
        ("dropped",),
    ]
    assert not [name for (name,) in replaced.query(SCHEMAS) if "__next" in name]


def test_after_an_edited_model_only_the_models_go_back_and_the_landing_stays(published):
    published.build(THIRD)
    published.publish(THIRD)

    published.roll_back()

    assert published.query(VERSION_OF_EACH) == [("first",)]
    assert published.query("select count(*) from public.films") == [(20,)]
    assert published.query(SCHEMAS) == [("analytics__previous",), ("analytics_marts__previous",)]


def test_the_version_that_was_rolled_back_is_not_built_again(published):
    published.build(THIRD)
    published.publish(THIRD)
    published.roll_back()

    with pytest.raises(RolledBack, match="was rolled back"):
        published.build(THIRD)

    assert published.query(VERSION_OF_EACH) == [("first",)]


def test_models_that_went_back_to_what_they_were_are_not_taken_for_rolled_back(published):
    published.build(THIRD)
    published.publish(THIRD)

    published.build(FIRST)
    published.publish(FIRST)

    assert published.query(VERSION_OF_EACH) == [("first",)]


def test_the_load_that_was_rolled_back_is_not_restored_again(replaced):
    replaced.roll_back()

    with pytest.raises(RolledBack, match="nothing was changed"):
        replaced.load("second")

    assert replaced.query(VERSION_OF_EACH) == [("first",)]


def test_a_new_load_replaces_both_versions(replaced):
    replaced.roll_back()

    replaced.load("third")
    replaced.build(SECOND)
    replaced.publish(SECOND)

    assert replaced.query(VERSION_OF_EACH) == [("second",)]
    assert replaced.query("select distinct version from analytics__previous.ratings") == [("first",)]
    assert replaced.query("select state from towpath.loads order by load_id") == [
        ("set aside",),
        ("dropped",),
        ("published",),
    ]


def test_a_table_that_both_loads_share_stays_where_it_is_there_and_back(replaced):
    numbers = "select 'public.actors'::regclass::oid, 'public.film_actors'::regclass::oid"
    before = replaced.query(numbers)

    replaced.roll_back()
    there = replaced.query(numbers)
    replaced.roll_back()

    assert replaced.query("select to_regclass('public__previous.actors') is null") == [(True,)]
    assert [there, replaced.query(numbers)] == [before, before]


def test_the_keys_of_what_both_loads_share_lead_to_what_is_in_the_landing_under_their_names(replaced):
    keys = """
        select conname, confrelid::regclass::text from pg_constraint
        where contype = 'f' and conrelid = 'public.film_actors'::regclass and confrelid <> 'public.actors'::regclass
        order by 2
    """
    before = replaced.query(keys)

    replaced.roll_back()
    there = replaced.query(keys)
    replaced.roll_back()

    assert before[0] == ("film_actors_film_id_fkey", "public.films")
    assert before[1][1] == "public__previous.films"
    assert there[0] == before[0]
    assert there[1][1] == before[1][1]
    assert there[1][0] != before[1][0]
    assert replaced.query(keys) == before


def test_after_a_roll_back_the_next_load_shares_with_the_load_that_came_back(replaced):
    replaced.roll_back()

    load = replaced.load("third")

    assert (load.tables, load.unchanged) == (5, 4)
    assert replaced.query("select count(*) from public.films") == [(21,)]
    assert replaced.query("select count(*) from public__previous.films") == [(20,)]
