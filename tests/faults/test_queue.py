"""Two runs on one destination, shown by one luigid: the second one waits for its turn."""

import signal
from contextlib import closing

import pytest

from tasks.errors import ModelsBroken
from tasks.postgres import open_session
from tests.conftest import PROJECT
from tests.faults.second_run import PATIENCE_SECONDS, SECOND, is_at_work
from tests.luigid import Luigid
from tests.worlds import ask, wait_until

HELD = "create .*pg_advisory_xact_lock"
# Fails when the held one is built.
BROKEN_MODEL = """{{ config(materialized='table') }}

select 1 / (bulk_count - bulk_count) as nothing from {{ ref('held') }}
"""
THIRD = ("FullPipeline", "--run-id=third")


@pytest.fixture
def shown(tmp_path):
    """An environment in which the job is shown by a luigid."""
    with Luigid(tmp_path) as url:
        text = (PROJECT / "luigid.cfg").read_text(encoding="utf-8")
        (tmp_path / "luigid.cfg").write_text(text.replace("http://127.0.0.1:8082", url), encoding="utf-8")
        yield {"LUIGI_CONFIG_PATH": str(tmp_path / "luigid.cfg")}


def published_runs(world):
    """The runs whose versions readers have seen, in that order."""
    rows = ask(world.destination, "select run from towpath.versions where state <> 'built' order by version_id")
    return [run for (run,) in rows]


def test_the_second_of_two_runs_waits_and_then_publishes(interrupted, start, shown):
    with closing(open_session(interrupted.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        first = start(interrupted.command(*SECOND), **shown)
        wait_until(lambda: is_at_work(interrupted.destination, HELD), seconds=PATIENCE_SECONDS)
        second = start(interrupted.command(*THIRD), **shown)
        wait_until(lambda: "waiting for run second (session" in second.said, seconds=PATIENCE_SECONDS)
        assert not interrupted.folder("third").dump.exists()

    assert (first.wait(), second.wait()) == (0, 0), first.said + second.said
    assert published_runs(interrupted)[-2:] == ["second", "third"]


def test_a_run_that_waits_with_an_older_dump_still_has_it_when_its_turn_comes(interrupted, start, shown):
    assert interrupted.run("DumpSource", "--run-id=third", **shown).returncode == 0
    dumped = interrupted.times("third")["dump"]
    with closing(open_session(interrupted.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        first = start(interrupted.command(*SECOND, "--artifacts-keep-dumps=1"), **shown)
        wait_until(lambda: is_at_work(interrupted.destination, HELD), seconds=PATIENCE_SECONDS)
        older = start(interrupted.command(*THIRD, "--allow-older"), **shown)
        wait_until(lambda: "waiting for run second (session" in older.said, seconds=PATIENCE_SECONDS)

    assert (first.wait(), older.wait()) == (0, 0), first.said + older.said
    assert interrupted.times("third")["dump"] == dumped
    assert published_runs(interrupted)[-1] == "third"


def test_the_same_run_started_twice_is_done_once(interrupted, start, shown):
    with closing(open_session(interrupted.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        first = start(interrupted.command(*SECOND), **shown)
        wait_until(lambda: is_at_work(interrupted.destination, HELD), seconds=PATIENCE_SECONDS)
        again = start(interrupted.command(*SECOND), **shown)
        wait_until(lambda: "waiting for run second (session" in again.said, seconds=PATIENCE_SECONDS)

    assert (first.wait(), again.wait()) == (0, 0), first.said + again.said
    assert published_runs(interrupted) == ["first", "second"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_lets_the_next_one_go_on(interrupted, start, shown, number):
    with closing(open_session(interrupted.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        first = start(interrupted.command(*SECOND), **shown)
        wait_until(lambda: is_at_work(interrupted.destination, HELD), seconds=PATIENCE_SECONDS)
        second = start(interrupted.command(*THIRD), **shown)
        wait_until(lambda: "waiting for run second (session" in second.said, seconds=PATIENCE_SECONDS)
        first.end(number)

    assert second.wait() == 0, second.said
    assert published_runs(interrupted)[-1] == "third"


def test_a_run_that_fails_ends_with_its_own_code_and_lets_the_next_one_go_on(interrupted, start, shown):
    broken = interrupted.project / "models" / "broken.sql"
    broken.write_text(BROKEN_MODEL, encoding="utf-8")
    with closing(open_session(interrupted.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        first = start(interrupted.command(*SECOND), **shown)
        wait_until(lambda: is_at_work(interrupted.destination, HELD), seconds=PATIENCE_SECONDS)
        second = start(interrupted.command(*THIRD), **shown)
        wait_until(lambda: "waiting for run second (session" in second.said, seconds=PATIENCE_SECONDS)
        broken.unlink()

    assert first.wait() == ModelsBroken.exit_code, first.said
    assert second.wait() == 0, second.said
    assert published_runs(interrupted)[-1] == "third"


def test_a_run_that_has_failed_goes_on_at_once_when_it_is_started_again(published, shown):
    broken = published.project / "models" / "broken.sql"
    broken.write_text("{{ config(materialized='table') }} select 1 / 0 as nothing", encoding="utf-8")

    failed = published.run(*SECOND, **shown)
    broken.unlink()

    again = published.run(*SECOND, **shown)

    assert failed.returncode == ModelsBroken.exit_code, failed.stderr
    assert again.returncode == 0, again.stderr
    assert published_runs(published)[-1] == "second"


def test_who_waits_longer_than_queue_seconds_is_told_for_whom(interrupted, start, shown):
    with closing(open_session(interrupted.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        first = start(interrupted.command(*SECOND), **shown)
        wait_until(lambda: is_at_work(interrupted.destination, HELD), seconds=PATIENCE_SECONDS)
        refused = interrupted.run(*THIRD, "--destination-queue-seconds=7", **shown)

    assert refused.returncode == 26, refused.stderr
    assert "is being worked on by run second (session" in refused.stderr
    assert "and still is after 7 s; nothing was changed" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert first.wait() == 0, first.said


def test_two_runs_that_start_at_the_same_moment_are_both_published(published, start, shown):
    for number in range(2):
        jobs = [start(published.command("FullPipeline", f"--run-id=race-{number}-{who}"), **shown) for who in "ab"]

        assert [job.wait() for job in jobs] == [0, 0], jobs[0].said + jobs[1].said
    assert len(published_runs(published)) == 5
