import psycopg2
import pytest

from tasks import claims, ledger
from tasks.errors import DestinationBusy, LandingOccupied
from tasks.postgres import connect
from tests.conftest import DATA

FIRST, SECOND, REFUSED = "{version: first}", "{version: second}", "{version: refused}"
LOADS = "select load_id, run, state, place from towpath.loads order by load_id"
VERSIONS = "select version_id, load_id, state from towpath.versions order by version_id"


def states(warehouse):
    return warehouse.query(LOADS), warehouse.query(VERSIONS)


def test_a_destination_that_towpath_has_not_been_in_holds_nothing(empty):
    holding = ledger.holding_of(empty.destination)

    assert (holding.states, holding.has_landed(1), holding.version("published")) == ((), False, None)
    assert empty.query("select to_regnamespace('towpath') is null") == [(True,)]


def test_a_load_is_restored_then_built_then_published(landed):
    restored = states(landed)
    landed.build(FIRST)
    built = states(landed)
    landed.publish(FIRST)

    assert restored == ([(1, "first", "restored", "landing")], [])
    assert built == ([(1, "first", "built", "landing")], [(1, 1, "built")])
    assert states(landed) == ([(1, "first", "published", "landing")], [(1, 1, "published")])


def test_the_published_load_is_kept_while_the_next_one_is_built(rebuilt):
    assert states(rebuilt) == (
        [(1, "first", "published", "previous"), (2, "second", "built", "landing")],
        [(1, 1, "published"), (2, 2, "built")],
    )


def test_a_replaced_load_is_set_aside_and_dropped_by_the_next_restore(replaced):
    replaced_at_first = states(replaced)

    replaced.load("third")

    assert replaced_at_first == (
        [(1, "first", "set aside", "previous"), (2, "second", "published", "landing")],
        [(1, 1, "previous"), (2, 2, "published")],
    )
    assert states(replaced) == (
        [
            (1, "first", "dropped", None),
            (2, "second", "published", "previous"),
            (3, "third", "restored", "landing"),
        ],
        [(1, 1, "dropped"), (2, 2, "published")],
    )


def test_a_load_on_which_no_build_succeeded_is_dropped_by_the_next_restore(loaded_again):
    with pytest.raises(Exception, match="no_version_is_refused"):
        loaded_again.build(REFUSED)
    failed = states(loaded_again)

    loaded_again.load("third")

    assert failed[0] == [(1, "first", "published", "previous"), (2, "second", "restored", "landing")]
    assert failed[1] == [(1, 1, "published"), (2, 2, "building")]
    assert states(loaded_again) == (
        [
            (1, "first", "published", "previous"),
            (2, "second", "dropped", None),
            (3, "third", "restored", "landing"),
        ],
        [(1, 1, "published"), (2, 2, "dropped")],
    )


def test_a_load_knows_when_it_came_to_each_state_and_how_much_it_is(published):
    facts = """
        select started_at < restored_at, restored_at < published_at, snapshot_at < started_at, table_count, row_count,
            schemas from towpath.loads
    """

    assert published.query(facts) == [(True, True, True, 5, 191, ["public"])]


# What is held


def test_a_load_of_which_a_table_was_dropped_by_hand_is_not_held(published):
    published.query("drop table public.film_category cascade")

    assert not ledger.holding_of(published.destination).has_landed(1)


def test_a_version_of_which_a_model_was_dropped_by_hand_is_not_held(published):
    published.query("drop view analytics.shouted_titles")

    digest = published.dbt_options(FIRST).digest()
    assert not ledger.holding_of(published.destination).has_version(1, digest, "published")
    assert ledger.holding_of(published.destination).has_landed(1)


def test_a_destination_whose_ledger_was_dropped_by_hand_is_refused_without_harm(published):
    published.query("drop schema towpath cascade")

    with pytest.raises(LandingOccupied, match=r"table public\.films"):
        published.load("second")

    assert published.query("select count(*) from public.films") == [(20,)]
    assert published.query("select count(*), min(version) from analytics.shouted_titles") == [(20, "first")]
    assert published.query(LOADS) == []


def test_a_load_goes_on_once_what_the_lost_ledger_knew_of_is_out_of_the_way(published):
    published.query("drop schema towpath cascade; alter schema public rename to before; create schema public")

    published.load("second")

    assert published.query("select count(*) from public.films") == [(21,)]
    assert published.query("select count(*) from before.films") == [(20,)]


# The claim


def test_a_second_run_is_told_which_run_holds_the_claim(published):
    other = psycopg2.connect(**{**published.destination.parameters, "application_name": f"{claims._HOLDER}night"})
    with other, other.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [claims._CLAIM])

    with pytest.raises(DestinationBusy, match=rf"run night \(session {other.info.backend_pid}.*nothing was changed"):
        claims.claim(published.destination)
    other.close()


def test_a_claim_is_free_again_as_soon_as_its_session_ends(published):
    first = claims.claim(published.destination)
    claims.release(published.destination)

    second = claims.claim(published.destination)

    assert second is not first
    assert second.in_reach


def test_a_process_keeps_one_claim_for_all_its_steps(published):
    assert claims.claim(published.destination) is claims.claim(published.destination)


def test_a_claim_ends_what_a_killed_run_left_at_work_and_nobody_elses_session(published):
    left = psycopg2.connect(**{**published.destination.parameters, "application_name": "towpath killed"})
    reader = published.reader()

    claims.claim(published.destination)

    with pytest.raises(psycopg2.OperationalError), left.cursor() as cursor:
        cursor.execute("select 1")
    with reader.cursor() as cursor:
        cursor.execute("select 1")
        assert cursor.fetchall() == [(1,)]
    left.close()


# The audit log


def test_every_step_of_every_run_is_in_the_audit_log(films, destination, luigi, query):
    luigi("FullPipeline", "--run-id=good", f"--dbt-project-dir={DATA / 'small_dbt'}")
    with connect(films) as session:
        session.run("alter table public.films drop constraint films_pkey cascade")
        session.run("insert into public.films select * from public.films where film_id = 1")

    failed = luigi("FullPipeline", "--run-id=bad", f"--dbt-project-dir={DATA / 'small_dbt'}")

    steps = "select run, step, outcome from towpath.steps order by step_id"
    assert query(destination, steps) == [
        ("good", "DumpSource", "done"),
        ("good", "RestoreDestination", "done"),
        ("good", "RunDbt", "done"),
        ("good", "PublishModels", "done"),
        ("good", "FullPipeline", "done"),
        ("bad", "DumpSource", "done"),
        ("bad", "RestoreDestination", "done"),
        ("bad", "RunDbt", "failed"),
    ]
    told = query(destination, "select message, seconds > 0.1, started_at < now() from towpath.steps where run = 'bad'")
    assert failed.returncode == 28
    assert "unique_ratings_film_id" in told[2][0]
    assert told[2][1:] == (True, True)


def test_a_load_that_replaces_one_on_which_no_build_succeeded_shares_with_the_one_that_readers_see(loaded_again):
    load = loaded_again.load("third")

    assert (load.tables, load.unchanged) == (5, 4)
    assert loaded_again.query("select count(*) from public.films") == [(21,)]
    assert loaded_again.query("select count(*) from public__previous.films") == [(20,)]
    assert loaded_again.query("select to_regclass('public__previous.actors') is null") == [(True,)]
