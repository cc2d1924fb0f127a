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
    with Progress("dumping", {"a": 60_000_000, "b": 30_000_000, "c": 10_000_000}, told, at_work=1) as progress:
        for name in ("a", "b", "c"):
            progress.begin(name)

    assert told == [
        (0, "dumping: table 1 of 3, 0.0 of 100 MB, a"),
        (54, "dumping: table 2 of 3, 60.0 of 100 MB, b"),
        (81, "dumping: table 3 of 3, 90.0 of 100 MB, c"),
        (90, "dumping: 3 tables, 100 MB"),
    ]


def test_the_percentage_never_falls_and_leaves_room_for_what_comes_after_the_tables(told):
    with Progress("dumping", {str(n): n * 7919 for n in range(1000)}, told, at_work=3) as progress:
        for number in range(1000):
            progress.begin(str(number))

    percentages = [percentage for percentage, _ in told]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 90


def test_what_broke_off_is_not_told_as_done(told):
    def dump() -> None:
        with Progress("dumping", {"a": 1}, told, at_work=1) as progress:
            progress.begin("a")
            raise OSError("away")

    with pytest.raises(OSError, match="away"):
        dump()

    assert told == [(0, "dumping: table 1 of 1, 0 of 1 bytes, a")]


def test_tables_that_are_unknown_or_begun_already_change_nothing(told):
    with Progress("dumping", {"a": 50, "b": 50}, told, at_work=1) as progress:
        for name in ("a", "a", "information_schema.sql_features", "b"):
            progress.begin(name)
        before = list(told)
        progress.begin("b")
        progress.begin("nobody")

        assert told == before


def test_tables_without_any_bytes_are_no_trouble(told):
    with Progress("restoring", {"a": 0, "b": 0}, told, at_work=1) as progress:
        progress.begin("a")

    assert told == [(0, "restoring: table 1 of 2, 0 of 0 bytes, a"), (90, "restoring: 2 tables, 0 bytes")]
