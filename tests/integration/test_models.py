import shutil

import pytest

from tasks import errors
from tasks.errors import DestinationBusy, DestinationUnfit, LandingOccupied, ModelsBroken, PipelineError
from tasks.ledger import holding_of
from tasks.postgres import Database
from tests.conftest import DATA

FIRST, SECOND, BROKEN, REFUSED = (f"{{version: {name}}}" for name in ("first", "second", "broken", "refused"))
SCHEMAS = "select nspname from pg_namespace where nspname ~ '^(analytics|reports)' order by 1"
VERSIONS = "select state from towpath.versions order by version_id"


def built_in(warehouse, project):
    warehouse.project = DATA / project
    return warehouse


def has_published(warehouse, variables):
    digest = warehouse.dbt_options(variables).digest()
    return holding_of(warehouse.destination).has_version(warehouse.landed_load, digest, "published")


def test_models_are_built_and_tested_where_no_reader_looks(landed):
    built = landed.build(FIRST)

    assert landed.query(SCHEMAS) == [("analytics__next",), ("analytics__next_marts",)]
    assert [built.schemas, built.tests, built.in_place] == [["analytics", "analytics_marts"], 1, []]
    assert sorted(built.models) == [
        "analytics.Mixed Case, 100%",
        "analytics.only_first",
        "analytics.ratings",
        "analytics.shouted_titles",
        "analytics.titles",
        "analytics_marts.prices",
    ]


def test_a_variable_reaches_the_models_and_tells_one_version_from_another(landed):
    landed.build("{version: given}")

    assert landed.query("select distinct version from analytics__next.ratings") == [("given",)]
    assert landed.dbt_options("{version: given}").digest() != landed.dbt_options("{version: other}").digest()


def test_a_load_that_is_no_longer_in_the_landing_is_not_built_on(published):
    published.query("drop table public.films cascade")

    with pytest.raises(DestinationBusy, match="load 1 is no longer in the landing"):
        published.build(SECOND)
    # They would be told as what this build came to.
    assert not (published.folder / "dbt" / "run_results.json").exists()


def test_a_schema_of_the_users_own_with_the_mark_of_a_build_is_not_built_into(published):
    published.query("create schema mine__next; create table mine__next.notes as select 'mine' as note")

    with pytest.raises(LandingOccupied, match="mine__next"):
        published.build(SECOND)

    assert published.query("select note from mine__next.notes") == [("mine",)]
    assert published.query(VERSIONS) == [("published",)]


def test_models_are_not_published_into_the_schemas_of_the_landing(landed):
    with pytest.raises(DestinationUnfit, match="landing schemas: public"):
        built_in(landed, "small_dbt").build("{}", schema="public")

    assert landed.query("select to_regclass('public.ratings') is null") == [(True,)]


# What a build leaves behind


def test_what_a_failed_build_has_left_is_dropped_by_the_next_one(published):
    with pytest.raises(errors.TestsFailed):
        published.build(REFUSED)
    assert published.query("select distinct version from analytics__next.ratings") == [("refused",)]

    published.build(SECOND)

    assert published.query("select distinct version from analytics__next.ratings") == [("second",)]
    assert published.query(VERSIONS) == [("published",), ("dropped",), ("built",)]


def test_an_unpublished_version_makes_room_for_the_next_load(rebuilt):
    rebuilt.load("third")

    assert rebuilt.query(SCHEMAS) == [("analytics",), ("analytics_marts",)]
    assert rebuilt.query(VERSIONS) == [("published",), ("dropped",)]


# What fails


def test_a_failed_test_is_named_with_a_compiled_file_that_is_there(published):
    with pytest.raises(errors.TestsFailed, match=r"test no_version_is_refused \(Got 20 results") as failure:
        published.build(REFUSED)

    compiled = compiled_files(published, failure.value)
    assert [path.name for path in compiled] == ["no_version_is_refused.sql"]
    assert "refused" in compiled[0].read_text(encoding="utf-8")


def test_a_broken_model_is_named_with_a_compiled_file_that_is_there(published):
    with pytest.raises(ModelsBroken, match=r"model ratings \(.*no_such_column") as failure:
        published.build(BROKEN)

    compiled = compiled_files(published, failure.value)
    assert "ratings.sql" in [path.name for path in compiled]
    assert "no_such_column" in compiled[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("variables", [REFUSED, BROKEN])
def test_a_build_that_fails_leaves_readers_what_they_saw(published, variables):
    with pytest.raises((errors.TestsFailed, ModelsBroken), match="readers see what they saw"):
        published.build(variables)

    assert published.query("select count(*), min(version) from analytics.shouted_titles") == [(20, "first")]
    assert published.query("select count(*), min(version) from analytics_marts.prices") == [(20, "first")]
    assert has_published(published, FIRST)


def compiled_files(warehouse, error):
    """List the files that an error names as compiled."""
    words = [word.strip(");,") for word in str(error).split() if "/compiled/" in word]
    return list(dict.fromkeys(path for word in words if (path := warehouse.folder / word).is_file()))


def with_a_file(warehouse, name, text):
    """Give the warehouse a copy of its project with one file more."""
    copy = warehouse.folder / "project"
    shutil.copytree(warehouse.project, copy)
    (copy / name).write_text(text, encoding="utf-8")
    warehouse.project = copy
    return warehouse


def test_a_project_that_cannot_be_parsed_says_where(landed):
    with_a_file(landed, "models/unparsable.sql", "select {{ ref('nowhere' }}")

    with pytest.raises(ModelsBroken, match=r"unparsable"):
        landed.build(FIRST)


def test_results_of_an_earlier_build_are_not_taken_for_those_of_one_that_could_not_start(landed):
    landed.build(FIRST)
    with_a_file(landed, "models/unparsable.sql", "select {{ ref('nowhere' }}")

    with pytest.raises(ModelsBroken, match=r"came to no result .*unparsable"):
        landed.build(FIRST)

    assert not (landed.folder / "dbt" / "run_results.json").exists()
    assert landed.query(VERSIONS) == [("dropped",), ("building",)]


def test_a_build_that_takes_too_long_says_so(landed):
    with pytest.raises(PipelineError, match="did not end within 1 s"):
        landed.build(FIRST, timeout_seconds=0.7)


def test_the_password_is_in_no_log_and_no_file_of_dbt(landed, caplog):
    caplog.set_level("DEBUG")
    password = "s3cret-%-of-nobody"
    landed.destination = Database(parameters={**landed.destination.parameters, "password": password})

    with pytest.raises(ModelsBroken) as failure:
        landed.build(BROKEN)

    written = [path for path in (landed.folder / "dbt").rglob("*") if path.is_file()]
    assert [path for path in written if password.encode() in path.read_bytes()] == []
    assert len(written) > 5
    assert password not in caplog.text + str(failure.value)
    assert "dbt" in caplog.text


# Models that keep state


def next_run(warehouse, name, **more):
    variables = "{" + ", ".join(f"{key}: {value}" for key, value in {"run": name, **more}.items()) + "}"
    warehouse.build(variables)
    warehouse.publish(variables)


def test_incremental_models_and_snapshots_go_on_from_the_published_state(landed):
    next_run(built_in(landed, "stateful_dbt"), "one")
    landed.load("second")

    next_run(landed, "two")

    assert landed.query("select run, films from analytics.visits order by 1") == [("one", 20), ("two", 21)]
    prices = "select film_id, price, dbt_valid_to is null from analytics.prices_over_time order by 1, 2"
    assert [(film, str(price), now) for film, price, now in landed.query(prices)] == [
        (1, "12.99", False),
        (1, "99.00", True),
        (2, "9.99", False),
        (2, "99.00", True),
    ]


def test_a_build_whose_tests_fail_leaves_the_published_state_untouched(landed):
    next_run(built_in(landed, "stateful_dbt"), "one")

    with pytest.raises(errors.TestsFailed):
        landed.build("{run: refused}")

    assert landed.query("select run from analytics.visits") == [("one",)]
    next_run(landed, "two")
    assert landed.query("select run from analytics.visits order by 1") == [("one",), ("two",)]


def test_state_is_kept_in_a_schema_that_dbt_named_after_the_target(landed):
    marts = "name: stateful\nversion: '1.0'\nconfig-version: 2\nprofile: stateful\nvars: {run: one, has_visits: true}\n"
    with_a_file(built_in(landed, "stateful_dbt"), "dbt_project.yml", marts + "models: {+schema: marts}\n")
    next_run(landed, "one")

    next_run(landed, "two")

    assert landed.query("select run from analytics_marts.visits order by 1") == [("one",), ("two",)]
    assert landed.query("select schemas from towpath.versions where state = 'published'") == [
        (["analytics", "analytics_marts"],)
    ]


def test_a_model_that_keeps_state_in_a_landed_enum_gets_the_new_loads_type(landed):
    mood = """
        {{ config(materialized='incremental') }}
        select '{{ var("run") }}' as run, 'good'::public.mood as mood, array['bad'::public.mood] as moods
    """
    with_a_file(built_in(landed, "stateful_dbt"), "models/moods.sql", mood)
    next_run(landed, "one")
    landed.load("second")

    next_run(landed, "two")

    assert landed.query("select run, mood::text, moods::text from analytics.moods order by 1") == [
        ("one", "good", "{bad}"),
        ("two", "good", "{bad}"),
    ]
    landed.load("third")
    assert landed.query("select count(*) from analytics.moods") == [(2,)]


def test_a_model_that_keeps_state_and_was_dropped_by_hand_is_built_from_nothing(landed):
    next_run(built_in(landed, "stateful_dbt"), "one")
    landed.query("drop table analytics.visits")

    next_run(landed, "two")

    assert landed.query("select run from analytics.visits") == [("two",)]


def test_a_schema_of_somebody_elses_that_merely_holds_our_mark_is_kept(published):
    published.query("create schema sales__next_year")
    published.query("create table sales__next_year.mine as select 'keep me' as note")

    published.build(SECOND)
    published.publish(SECOND)

    assert published.query("select note from sales__next_year.mine") == [("keep me",)]


def test_an_incremental_model_that_the_project_no_longer_has_is_no_longer_shown(landed):
    next_run(built_in(landed, "stateful_dbt"), "one")

    next_run(landed, "two", has_visits="false")

    assert landed.query("select to_regclass('analytics.visits') is null") == [(True,)]
    assert landed.query("select run from analytics__previous.visits") == [("one",)]


def test_seeds_and_snapshots_are_published_and_ephemeral_models_are_not(landed):
    next_run(built_in(landed, "stateful_dbt"), "one")

    relations = """
        select relname from pg_class
        where relnamespace = 'analytics'::regnamespace and relkind in ('r', 'v') order by 1
    """
    assert landed.query(relations) == [("labels",), ("prices",), ("prices_over_time",), ("visits",)]


# Models whose schemas do not follow the target


def test_a_project_that_names_its_schemas_itself_is_built_in_place_and_named(landed, caplog):
    caplog.set_level("INFO")

    built = built_in(landed, "in_place_dbt").build("{}")

    assert built.in_place == ["reports.fixed"]
    assert "built in place" in caplog.text
    assert landed.query("select films from reports.fixed") == [(20,)]


def test_models_in_place_are_built_anew_beside_the_published_ones(landed):
    built_in(landed, "in_place_dbt").build("{}")
    landed.publish("{}")
    landed.load("second")

    landed.build("{}")
    landed.publish("{}")

    assert landed.query("select films from reports.fixed") == [(21,)]
    assert landed.query("select films from analytics.following") == [(21,)]
    assert landed.query(SCHEMAS) == [("analytics",), ("analytics__previous",), ("reports",)]


def test_a_model_in_place_on_which_a_published_view_hangs_is_not_built_anew(landed):
    view = '{"following": "view"}'
    built_in(landed, "in_place_dbt").build(view)
    landed.publish(view)

    with pytest.raises(DestinationUnfit, match=r"view analytics\.following of \w+ \(on reports\.fixed\)"):
        landed.build(view)

    assert landed.query("select films from analytics.following") == [(20,)]
