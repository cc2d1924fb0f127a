"""Weeks of runs by the real command: the disk does not fill, and what is wanted of a run is still there."""

import re

import pytest

from tests.worlds import ask

TIDY = ("FullPipeline", "--artifacts-keep=2", "--artifacts-keep-dumps=1")


def test_older_runs_go_after_a_publish_and_the_run_that_readers_see_stays_complete(published):
    (published.artifacts / "notes").mkdir()
    second = published.run(*TIDY, "--run-id=second")
    third = published.run(*TIDY, "--run-id=third")

    again = published.run(*TIDY, "--run-id=third")

    assert [run.returncode for run in (second, third, again)] == [0, 0, 0], second.stderr + third.stderr
    assert sorted(path.name for path in published.artifacts.iterdir() if path.is_dir()) == ["notes", "second", "third"]
    assert [path.parent.name for path in published.artifacts.glob("*/dump")] == ["third"]
    assert "run third is complete: nothing to do" in again.stderr
    report = published.checkpoint("third", "report")
    told = {(one["run"], one["what"]) for one in report["removed"]}
    assert told == {("first", "run"), ("second", "dump")}
    assert all(one["bytes"] > 0 for one in report["removed"])
    assert report["disk"]["artifacts_bytes"] > report["disk"]["run_bytes"] > report["dump_bytes"] > 0
    assert re.search(r"removed an older run, \S+/first: \d+ bytes", third.stderr)


def test_a_run_whose_dump_is_gone_can_still_be_rolled_back_to_and_is_dumped_anew_when_it_is_run(published):
    published.run(*TIDY, "--run-id=second")
    assert not published.folder("first").dump.exists()
    ask(published.source, "insert into public.films values (99, 'Sequel', '2020-01-01', 1, 'R', 3)")

    back = published.run("RollBack")
    seen_then = ask(published.destination, "select count(*) from analytics.titles")
    anew = published.run(*TIDY, "--run-id=first")

    assert (back.returncode, anew.returncode) == (0, 0), back.stderr + anew.stderr
    assert seen_then == [(20,)]
    assert ask(published.destination, "select count(*) from analytics.titles") == [(21,)]


def test_a_failed_run_says_what_the_disk_holds_and_removes_nothing(published):
    (published.project / "models" / "broken.sql").write_text("select no_such_column", encoding="utf-8")

    failed = published.run(*TIDY, "--artifacts-keep=1", "--run-id=second")

    assert failed.returncode == 27
    report = published.checkpoint("second", "report")
    assert report["removed"] == []
    assert report["disk"]["run_bytes"] > 0
    assert published.folder("first").dump.exists()


@pytest.mark.parametrize("flag", ["--artifacts-keep=0", "--artifacts-keep-dumps=-1"])
def test_to_keep_none_is_refused_before_anything_is_done(world, flag):
    refused = world.run("FullPipeline", "--run-id=x", flag)

    assert refused.returncode != 0
    assert re.search(r"keep(_dumps)? cannot be (0|-1); nothing was changed", refused.stderr)
    assert not world.artifacts.exists()
