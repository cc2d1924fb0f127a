"""What an alert says, made from a report alone."""

import pytest

from tasks import alerts
from tasks.checkpoints import Json
from tasks.errors import PipelineError, PublishedLate


def failure(message: str) -> Json:
    return {"task": "RunDbt", "message": message, "remedy": "mend it, and run again", "exit_code": 27}


@pytest.fixture
def report() -> Json:
    """A run of a great day, published, the second of its kind."""
    return {
        "run": "2026-11-23",
        "failures": [],
        "failing_since": None,
        "after_failure": None,
        "before": {"rows": 200},
        "readers": {
            "load_id": 7,
            "run": "2026-11-23",
            "snapshot_at": "2026-11-23T03:00:04.123456+00:00",
            "published_at": "2026-11-23T03:12:59.000000+00:00",
        },
        "tables": [{"table": "public.films"}],
        "rows": 191,
        "models": ["analytics.titles"],
        "tests_passed": 2,
        "run_seconds": 12.3,
        "drift": ["column public.films.price is gone"],
        "test_warnings": [],
        "source": {"database": "shop on db"},
        "destination": "analytics on warehouse",
        "log": "/srv/2026-11-23/run.log",
        "folder": "/srv/2026-11-23",
    }


@pytest.fixture
def failed(report) -> Json:
    return {**report, "failures": [failure("dbt: it broke")], "failing_since": "2026-11-21T03:10:00+00:00"}


def test_a_success_says_how_much_of_what_and_what_changed(report):
    told = alerts.of_run(report, on=["success"])

    assert told.event == "success"
    assert told.title == (
        "Towpath: run 2026-11-23 is published: 1 tables, 191 rows (\N{MINUS SIGN}9), 1 models, 2 tests passed, 12 s"
    )
    assert "Changed at the source (1): column public.films.price is gone" in told.body
    assert (
        "Readers see load 7 of run 2026-11-23, as of 2026-11-23 03:00:04 UTC, since 2026-11-23 03:12:59 UTC."
        in told.body
    )


def test_a_very_long_failure_leaves_room_for_what_to_do_in_any_chat(failed):
    failed["failures"] = [failure("a column is missing " * 1000)]

    told = alerts.of_run(failed, on=["failure"])

    assert len(told.title) <= 100
    assert len(told.body) < 1500
    assert told.body.index("What to do: mend it, and run again") < 700
    assert "(the rest is in the log)\n" in told.body


def test_each_of_several_stops_keeps_its_lines(failed):
    failed["failures"] = [failure("the source is down\n    what to do: start it\nthe destination is full")]

    told = alerts.of_run(failed, on=["failure"])

    assert told.body.startswith(
        "RunDbt failed: the source is down\nwhat to do: start it\nthe destination is full\n\nWhat to do: mend it"
    )
    assert told.title == "Towpath: run 2026-11-23 failed (code 27): the source is down"


def test_what_failed_last_comes_first(failed):
    failed["failures"] = [failure("the source is down"), failure("the destination is down")]

    told = alerts.of_run(failed, on=["failure"])

    assert told.title.endswith("failed (code 27): the destination is down")
    assert told.body.index("the destination is down") < told.body.index("the source is down")


@pytest.mark.parametrize(
    ("readers", "words"),
    [
        (None, "Readers see nothing yet"),
        ({"unknown": "no server answers"}, "What readers see could not be asked: no server answers"),
    ],
)
def test_what_readers_see_is_said_also_where_it_is_nothing_or_not_known(failed, readers, words):
    assert words in alerts.of_run({**failed, "readers": readers}, on=["failure"]).body


def test_a_recovery_is_a_success_to_whoever_is_not_told_of_recoveries(report):
    report["after_failure"] = {
        "run": "2026-11-22",
        "ended_at": "2026-11-22T03:10:00+00:00",
        "failing_since": "2026-11-20T03:10:00+00:00",
        "failures": [failure("dbt: it broke")],
    }

    assert alerts.of_run(report, on=["success"]).event == "success"
    told = alerts.of_run(report, on=["success", "recovery"])
    assert told.event == "recovery"
    assert (
        "It had failed since 2026-11-20 03:10:00 UTC, last 2026-11-22 03:10:00 UTC in run 2026-11-22: RunDbt"
        in told.body
    )


def test_the_page_of_a_run_is_named_where_there_is_one(failed, tmp_path):
    failed["folder"] = str(tmp_path)
    without = alerts.of_run(failed, on=["failure"])
    (tmp_path / "report.html").write_text("<!doctype html>", encoding="utf-8")

    told = alerts.of_run(failed, on=["failure"])

    assert "Report:" not in without.body
    assert f"Report: {tmp_path / 'report.html'}" in told.body


def test_late_and_not_known_whether_late_are_told_apart():
    late = alerts.of_lateness(PublishedLate("what readers see is 3 days old", hint="start a run"))
    unknown = alerts.of_lateness(PipelineError("no server answers", hint="start it"))

    assert late.title == "Towpath: late (code 40): what readers see is 3 days old"
    assert unknown.title == "Towpath: is it late? Not known (code 10): no server answers"
    assert "What to do: start a run" in late.body
