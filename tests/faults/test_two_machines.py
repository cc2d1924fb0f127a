"""Two machines work on one destination: each with its own artifacts, both perhaps with the same date for a run id."""

import pytest

from tasks.postgres import connect
from tests.worlds import World, ask, contents, locked, wait_until

SECOND = ("FullPipeline", "--run-id=second")
AT_WORK = (
    "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and wait_event_type = 'Lock' and query ~* %s"
)
# An index that is built for as long as somebody holds the lock, and such a model.
HELD_INDEX = """
create function public.held(value integer) returns integer language plpgsql immutable as
    $$ begin perform pg_advisory_xact_lock(7); return value; end $$;
create index held on public.films (public.held(film_id));
update public.films set title = 'Second' where film_id = 1;
"""
HELD_MODEL = """{{ config(materialized='table') }}

select 1 as one from (select pg_advisory_xact_lock(7)) as pause
"""


@pytest.fixture
def other(published, tmp_path):
    """The other machine: the same source and destination, nothing else in common."""
    return World(published.source, published.destination, tmp_path / "elsewhere", published.project)


def shown(world):
    return {name: rows for name, rows in contents(world.destination).items() if name.startswith("analytics.")}


@pytest.mark.parametrize("at_work", ["create index", "create .*titles|create .*held"])
def test_a_run_that_comes_while_another_machines_is_at_work_is_told_and_harms_neither(published, other, start, at_work):
    ask(published.source, HELD_INDEX if at_work == "create index" else "select 1")
    if at_work != "create index":
        (published.project / "models" / "held.sql").write_text(HELD_MODEL, encoding="utf-8")
    before = shown(published)

    with connect(published.destination) as holder:
        holder.run("select pg_advisory_lock(7)")
        first = start(published.command(*SECOND))
        wait_until(lambda: ask(published.destination, AT_WORK, [at_work]), seconds=100)
        refused = other.run("RestoreDestination", "--run-id=second")
        back = other.run("RollBack")
        after, is_still_at_work = shown(published), first.process.poll() is None
    code = first.wait()
    later = other.run("RestoreDestination", "--run-id=second")

    for failed in (refused, back):
        assert failed.returncode == 26
        assert "warehouse on " in failed.stderr
        assert "is being worked on by run second (session " in failed.stderr
        assert "nothing was changed" in failed.stderr
        assert "let that run end" in failed.stderr
        assert "Traceback" not in failed.stderr
    assert is_still_at_work
    assert after == before
    assert code == 0, first.said
    assert later.returncode == 0, later.stderr


def test_of_two_machines_that_begin_at_once_one_publishes_and_the_other_says_why_not_and_goes_on(
    published, other, start
):
    ask(published.source, "update public.films set title = 'Second' where film_id = 1")

    with locked(published.source, "public.films", "access exclusive"):
        jobs = [start(world.command(*SECOND)) for world in (published, other)]
        waiting = "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        wait_until(lambda: len(ask(published.source, waiting)) == 2)
    codes = [job.wait() for job in jobs]
    told = "".join(job.said for job in jobs)
    again = [world.run(*SECOND) for world in (published, other)]

    assert min(codes) == 0, told
    assert max(codes) in (0, 24, 26), told
    assert "Traceback" not in told
    # Whose snapshot is the older one is told so; it is not shown over a newer one.
    assert {done.returncode for done in again} <= {0, 24}, again[0].stderr + again[1].stderr
    assert 0 in [done.returncode for done in again]
    assert ask(published.destination, "select title from analytics.ratings where film_id = 1") == [("Second",)]


def test_what_one_machine_has_published_the_other_does_not_take_for_its_own(published, other):
    ask(published.source, "update public.films set title = 'Second' where film_id = 1")
    done = other.run("FullPipeline", "--run-id=first")
    before = contents(published.destination)

    failed = published.run("FullPipeline", "--run-id=first")
    after = contents(published.destination)
    mended = published.run("RestoreDestination", "--run-id=second")

    assert done.returncode == 0, done.stderr
    assert failed.returncode == 24
    assert "of run first" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
