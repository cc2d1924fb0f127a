import datetime
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tasks import errors, interruption, schedule
from tasks.checkpoints import Checkpoint
from tasks.errors import SettingInvalid
from tasks.run_folder import RunFolder
from tasks.schedule import Line

UTC = datetime.timezone.utc
BERLIN = ZoneInfo("Europe/Berlin")
# Two seconds to three in Berlin.
START = datetime.datetime(2026, 11, 23, 1, 59, 58, tzinfo=UTC)


def line(shell: str = "true", *, at: str = "0 3 * * *") -> Line:
    return Line(name="FullPipeline", command=("sh", "-c", shell), schedule=at, zone=BERLIN)


def dues(one: Line, after: str, count: int) -> list[str]:
    moment, found = datetime.datetime.fromisoformat(after).astimezone(UTC), []
    for _ in range(count):
        moment = one.due_after(moment)
        found.append(one.tell(moment))
    return found


class Time:
    """A clock that goes on a second at each pause; when it is `over`, a SIGTERM is sent to us."""

    def __init__(self, over: Callable[[], object]) -> None:
        self.now, self._over, self._deadline = START, over, time.monotonic() + 30

    def clock(self) -> datetime.datetime:
        return self.now

    def pause(self, seconds: float) -> None:
        assert time.monotonic() < self._deadline, "the moment did not come"
        time.sleep(0.01)
        self.now += datetime.timedelta(seconds=seconds)
        if self._over():
            signal.raise_signal(signal.SIGTERM)


@pytest.fixture(autouse=True)
def _terminable() -> Iterator[None]:
    """As in the process that keeps the schedule; what says so is put back."""
    before, hooks = signal.getsignal(signal.SIGTERM), (sys.excepthook, sys.unraisablehook)
    interruption.prepare()
    yield
    signal.signal(signal.SIGTERM, before)
    sys.excepthook, sys.unraisablehook = hooks


@pytest.fixture
def file(tmp_path) -> Checkpoint:
    return Checkpoint(tmp_path / "schedule.json")


def test_it_is_due_every_day_at_the_time_on_the_clock():
    assert dues(line(), "2026-11-23T02:59:59+01:00", 2) == ["2026-11-23 03:00:00 CET", "2026-11-24 03:00:00 CET"]


def test_what_is_due_now_is_next_due_tomorrow():
    assert dues(line(), "2026-11-23T03:00:00+01:00", 1) == ["2026-11-24 03:00:00 CET"]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("0 3 * * *", ["2027-03-27 03:00:00 CET", "2027-03-28 03:00:00 CEST", "2027-03-29 03:00:00 CEST"]),
        # 02:30 is not on the clock that night.
        ("30 2 * * *", ["2027-03-27 02:30:00 CET", "2027-03-28 03:00:00 CEST", "2027-03-29 02:30:00 CEST"]),
    ],
)
def test_in_spring_no_night_is_lost(at, expected):
    assert dues(line(at=at), "2027-03-26T12:00:00+01:00", 3) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("0 3 * * *", ["2026-10-24 03:00:00 CEST", "2026-10-25 03:00:00 CET", "2026-10-26 03:00:00 CET"]),
        # 02:30 is twice on the clock that night.
        ("30 2 * * *", ["2026-10-24 02:30:00 CEST", "2026-10-25 02:30:00 CEST", "2026-10-26 02:30:00 CET"]),
    ],
)
def test_in_autumn_no_night_is_doubled(at, expected):
    assert dues(line(at=at), "2026-10-23T12:00:00+02:00", 3) == expected


def test_it_is_due_after_now_also_when_asked_in_the_hour_that_is_there_twice():
    second_time = datetime.datetime.fromisoformat("2026-10-25T02:15:00+01:00")

    assert line(at="30 2 * * *").due_after(second_time) > second_time


def run_ids(schedule_: str, zone: str, after: str, count: int) -> list[str]:
    one = Line(name="x", command=("luigi",), schedule=schedule_, zone=ZoneInfo(zone), names_runs=True)
    moment, found = datetime.datetime.fromisoformat(after).astimezone(UTC), []
    for _ in range(count):
        moment = one.due_after(moment)
        found.append(one.command_for(moment)[-1].removeprefix("--run-id="))
    return found


def test_each_night_is_a_run_of_its_own_also_where_the_clocks_change_across_midnight_in_utc():
    """At 00:30 in London both 28 and 29 March begin on the 28th in UTC."""
    assert run_ids("30 0 * * *", "Europe/London", "2027-03-27T12:00:00+00:00", 3) == [
        "2027-03-28", "2027-03-29", "2027-03-30",
    ]  # fmt: skip


def test_runs_of_one_day_are_told_apart_by_their_time():
    assert run_ids("0 3,15 * * *", "Europe/Berlin", "2026-11-23T00:00:00+01:00", 2) == [
        "2026-11-23T02:00:00Z", "2026-11-23T14:00:00Z",
    ]  # fmt: skip
    # 02:00 is on the clock twice.
    assert len(set(run_ids("0 * * * *", "Europe/Berlin", "2026-10-25T00:30:00+02:00", 4))) == 4


def test_a_run_id_that_is_given_is_kept(monkeypatch):
    (only,) = schedule.lines(["--run-id", "always"])

    assert only.command_for(START)[-2:] == ["--run-id", "always"]


def test_without_anything_set_it_is_at_three_in_utc(monkeypatch):
    for name in ("CRON_SCHEDULE", "FRESHNESS_SCHEDULE", "TZ"):
        monkeypatch.delenv(name, raising=False)

    (only,) = schedule.lines(["--strict"])

    assert dues(only, "2026-11-23T12:00:00+00:00", 1) == ["2026-11-24 03:00:00 UTC"]
    assert only.command_for(START)[1:] == ["--module=tasks", "FullPipeline", "--strict", "--run-id=2026-11-23"]
    assert Path(only.command[0]).name == "luigi"


def test_freshness_has_a_line_of_its_own_and_none_of_the_runs_words(monkeypatch):
    monkeypatch.setenv("CRON_SCHEDULE", "15 4 * * mon-fri")
    monkeypatch.setenv("FRESHNESS_SCHEDULE", "0 9 * * *")
    monkeypatch.setenv("TZ", "Europe/Berlin")

    run, freshness = schedule.lines(["--strict"])

    assert dues(run, "2026-11-21T12:00:00+01:00", 1) == ["2026-11-23 04:15:00 CET"]
    assert dues(freshness, "2026-11-21T12:00:00+01:00", 1) == ["2026-11-22 09:00:00 CET"]
    assert freshness.command_for(START)[1:] == ["--module=tasks", "CheckFreshness"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CRON_SCHEDULE", "at three", r"\$CRON_SCHEDULE cannot be 'at three' \(Wrong number of fields\)"),
        ("CRON_SCHEDULE", "0 25 * * *", r"\$CRON_SCHEDULE cannot be '0 25 \* \* \*' \(Bad hour\)"),
        ("CRON_SCHEDULE", "@daily", r"\$CRON_SCHEDULE cannot be '@daily'"),
        ("CRON_SCHEDULE", "0 3 30 2 *", r"\$CRON_SCHEDULE cannot be '0 3 30 2 \*' \(Bad day-of-month\)"),
        ("FRESHNESS_SCHEDULE", "* * * *", r"\$FRESHNESS_SCHEDULE cannot be"),
        ("TZ", "Europe/Bielefeld", "there is no time zone 'Europe/Bielefeld', which \\$TZ names"),
        ("TZ", "../etc/passwd", "there is no time zone"),
        ("TZ", "Europe", "there is no time zone"),
    ],
)
def test_what_cannot_be_read_is_said_before_anything_is_started(monkeypatch, name, value, words):
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingInvalid, match=words):
        schedule.lines([])


@pytest.mark.parametrize("words", [["--artifacts-root=/elsewhere"], ["--strict", "--artifacts-root", "/elsewhere"]])
def test_artifacts_that_its_health_check_would_not_look_at_are_refused(words):
    with pytest.raises(SettingInvalid, match=r"cannot have an --artifacts-root, .*nothing was started"):
        schedule.lines(words)


def keep(file: Checkpoint, one: Line, over: Callable[[], object]) -> tuple[int, datetime.datetime]:
    """Keep one line until it is over, and return the exit code and what time it is then."""
    passing = Time(over)
    return schedule.keep([one], file, clock=passing.clock, pause=passing.pause), passing.now


def test_a_run_is_started_when_it_is_due_and_its_end_is_told_and_the_schedule_goes_on(file, caplog):
    caplog.set_level(logging.INFO)

    code, _ = keep(file, line("exit 11"), lambda: "ended" in caplog.text)

    assert caplog.messages[:2] == [
        "FullPipeline is due at 2026-11-23 03:00:00 CET (0 3 * * *)",
        "FullPipeline of 2026-11-23 03:00:00 CET begins",
    ]
    assert any(
        said.startswith("FullPipeline ended with exit code 11: DatabaseUnreachable:") for said in caplog.messages
    )
    assert caplog.messages[-1] == "FullPipeline is due at 2026-11-24 03:00:00 CET"
    assert code == 0


def test_what_is_due_while_one_is_at_work_is_left_out_and_said(file, tmp_path, caplog):
    begun = tmp_path / "begun"

    keep(
        file,
        line(f"echo x >> {begun}; exec sleep 60", at="* * * * * *"),
        lambda: begun.exists() and begun.read_text() and "left out" in caplog.text,
    )

    assert begun.read_text() == "x\n"
    assert "FullPipeline of 2026-11-23 03:00:00 CET is left out: one is still at work" in caplog.messages


def test_what_cannot_be_started_is_said_and_the_schedule_goes_on_and_so_does_what_is_at_work(file, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    ended = tmp_path / "ended"
    run = line(f"sleep 0.5; touch {ended}", at="0 3 * * *")
    lost = Line(name="CheckFreshness", command=("/no/such/luigi",), schedule="1 0 3 * * *", zone=BERLIN)
    passing = Time(lambda: "FullPipeline ended" in caplog.text)

    code = schedule.keep([run, lost], file, clock=passing.clock, pause=passing.pause)

    kept = file.read()
    assert code == 0
    assert ended.exists()
    assert "/no/such/luigi could not be started: No such file or directory" in caplog.text
    assert kept is not None
    assert kept["lines"]["CheckFreshness"]["last"]["exit_code"] == errors.ToolMissing.exit_code
    assert "CheckFreshness is due at 2026-11-24 03:00:01 CET" in caplog.messages


def test_a_stop_is_passed_on_and_the_end_of_what_is_at_work_is_waited_for(file, tmp_path):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    shell = f"trap 'sleep 0.3; touch {ended}; exit 143' TERM; touch {begun}; while :; do sleep 0.05; done"

    code, _ = keep(file, line(shell, at="* * * * * *"), begun.exists)

    assert code == 143
    assert ended.exists()


def test_a_stop_while_nothing_is_at_work_is_a_good_end(file):
    code, _ = keep(file, line(), lambda: True)

    assert code == 0


@pytest.fixture
def failed(file, caplog) -> datetime.datetime:
    """When a schedule was last kept whose run has failed."""
    caplog.set_level(logging.INFO)
    _, moment = keep(file, line("exit 28"), lambda: "ended" in caplog.text)
    caplog.clear()
    return moment


def test_health_complains_of_a_last_run_that_failed_also_after_a_restart(file, failed):
    before = schedule.complaints(file, failed)

    keep(file, line(), lambda: True)

    assert schedule.complaints(file, failed) == before
    assert len(before) == 1
    assert before[0].startswith("FullPipeline ended with exit code 28 at 2026-11-23T")


def test_health_is_good_again_when_something_has_been_published_since(file, failed):
    published = RunFolder(file.path.parent / "by-hand").checkpoint("publish")
    published.path.parent.mkdir()
    published.write({}, {})
    for since, is_well in ((-60, False), (60, True)):
        os.utime(published.path, times=(failed.timestamp() + since,) * 2)

        assert (schedule.complaints(file, failed) == []) is is_well


def test_health_complains_where_no_schedule_is_kept(file):
    assert schedule.complaints(file, START) == [f"no schedule is kept here: there is no {file.path}"]


def test_health_complains_of_a_line_that_is_not_looked_after(file):
    keep(file, line(), lambda: True)

    assert schedule.complaints(file, START) == []
    assert schedule.complaints(file, START + datetime.timedelta(days=1)) == [
        "FullPipeline was due at 2026-11-23T02:00:00 UTC, and nothing has been done about it"
    ]


def test_every_exit_code_of_ours_has_a_meaning():
    assert errors.meaning(0) == "all is well"
    assert errors.meaning(143) == "ended by SIGTERM"
    assert errors.meaning(10) == "Luigi's own; see the table in the README"
    assert errors.meaning(errors.TestsFailed.exit_code).startswith("TestsFailed: The models were built")
