import datetime
import random

import pytest

from tasks import pictures
from tasks.checkpoints import Json
from tests.reports import BEGAN


def step(name: str, *, after: float, seconds: float, outcome: str = "done") -> Json:
    """A step that began so many seconds after the others' zero."""
    began = BEGAN + datetime.timedelta(seconds=after)
    return {"step": name, "outcome": outcome, "started_at": began.isoformat(), "seconds": seconds}


def test_steps_are_drawn_in_the_order_in_which_they_began_and_to_scale():
    drawn = pictures.timeline(
        [step("Preflight", after=60, seconds=20), step("Dump", after=0, seconds=60), step("Dbt", after=80, seconds=20)]
    )

    assert drawn is not None
    assert [(bar.step["step"], bar.left, bar.width) for bar in drawn.bars] == [
        ("Dump", 0, 60),
        ("Preflight", 60, 20),
        ("Dbt", 80, 20),
    ]
    assert drawn.pauses == []
    assert (drawn.began_at, drawn.ended_at) == ("2026-11-23T03:00:00+00:00", "2026-11-23T03:01:40+00:00")


def test_a_pause_of_hours_between_two_tries_leaves_the_steps_to_be_seen():
    drawn = pictures.timeline([step("Dump", after=0, seconds=60), step("Restore", after=40000, seconds=30)])

    assert drawn is not None
    dump, restore = drawn.bars
    (pause,) = drawn.pauses
    assert (pause.after, pause.before, pause.seconds) == ("Dump", "Restore", 39940)
    assert dump.width == pytest.approx(2 * restore.width, abs=0.02)
    assert (pause.left, restore.left) == pytest.approx((dump.width, dump.width + pause.width), abs=0.02)
    assert restore.left + restore.width == pytest.approx(100, abs=0.02)


def test_steps_that_failed_side_by_side_are_drawn_side_by_side():
    both = [step("DatabaseReady", after=0, seconds=60, outcome="failed") for _ in range(2)]

    drawn = pictures.timeline(both)

    assert drawn is not None
    assert [(bar.left, bar.width) for bar in drawn.bars] == [(0, 100), (0, 100)]


def test_steps_without_a_length_are_seen_all_the_same():
    drawn = pictures.timeline([step("a", after=0, seconds=0), step("b", after=0, seconds=0)])

    assert drawn is not None
    assert all(bar.width > 0 for bar in drawn.bars)


def test_no_steps_make_no_picture():
    assert pictures.timeline([]) is None


def test_nothing_is_drawn_outside_the_picture():
    chance = random.Random(3)  # noqa: S311 (nothing hangs on it)
    for _ in range(300):
        waits = [chance.choice([0, 0, 1, 9, 11, 3600, 1e6]) for _ in range(chance.randint(1, 30))]
        lengths = [chance.choice([0, 0.01, 1, 60, 7200]) for _ in waits]
        steps = [step(str(n), after=sum(waits[: n + 1]), seconds=long) for n, long in enumerate(lengths)]

        drawn = pictures.timeline(steps)

        assert drawn is not None
        places = [*((bar.left, bar.width) for bar in drawn.bars), *((p.left, p.width) for p in drawn.pauses)]
        assert all(left >= 0 and width > 0 and left + width <= 100.05 for left, width in places)


def test_a_trend_is_drawn_from_zero_to_the_greatest_and_shows_a_run_that_came_to_nothing():
    columns = pictures.trend([{"rows": 50}, {"rows": 0}, {"rows": 200}], "rows")

    assert [column.height for column in columns] == [25, pictures._LEAST_HEIGHT, 100]
    assert columns[0].left < columns[1].left < columns[2].left <= 100 - columns[2].width


def test_a_trend_of_nothing_but_zeros_divides_by_none():
    assert [column.height for column in pictures.trend([{"rows": 0}], "rows")] == [pictures._LEAST_HEIGHT]
