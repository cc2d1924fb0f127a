import time

import pytest

from tasks.progress import Progress


class Told(list[tuple[int, str]]):
    """What a listener was told, in order."""

    def __call__(self, percentage: int, text: str) -> None:
        self.append((percentage, text))


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_table_counts_as_done_when_another_takes_its_place(told):
    with Progress("dumping", {"a": 60, "b": 30, "c": 10}, told, at_work=1) as progress:
        for name in ("a", "b", "c"):
            time.sleep(1.01)
            progress.begin(name)

    assert told == [
        (0, "dumping: table 1 of 3, a"),
        (60, "dumping: table 2 of 3, b"),
        (90, "dumping: table 3 of 3, c"),
    ]


def test_listeners_are_not_told_more_than_once_a_second(told):
    with Progress("dumping", dict.fromkeys(map(str, range(1000)), 1), told, at_work=2) as progress:
        for number in range(1000):
            progress.begin(str(number))

    assert len(told) <= 1


def test_tables_that_are_unknown_or_begun_already_change_nothing(told):
    with Progress("dumping", {"a": 50, "b": 50}, told, at_work=1) as progress:
        for name in ("a", "a", "information_schema.sql_features", "b"):
            progress.begin(name)
        time.sleep(1.01)
        progress.begin("b")
        progress.begin("nobody")

    assert told == []


def test_tables_without_any_bytes_are_no_trouble(told):
    with Progress("restoring", {"a": 0, "b": 0}, told, at_work=1) as progress:
        time.sleep(1.01)
        progress.begin("a")
        progress.begin("b")

    assert told == [(0, "restoring: table 1 of 2, a")]
