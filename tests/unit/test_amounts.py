import pytest

from tasks import amounts
from tasks.amounts import part_of_size, size


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (99_949, "99.9 kB"),
        (99_951, "100 kB"),
        (3_400_000_000, "3.4 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_bytes_are_told_in_the_unit_that_leaves_the_fewest_digits(number, words):
    assert size(number) == words


def test_a_part_is_told_in_the_unit_of_the_whole():
    assert part_of_size(1_200_000_000, 3_400_000_000) == "1.2 of 3.4 GB"
    assert part_of_size(12_000_000, 3_400_000_000) == "0.0 of 3.4 GB"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.042, "42 ms"),
        (0.3, "0.3 s"),
        (41.6, "42 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
        (86399, "1 d"),
        (270000, "3 d 3 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds, words):
    assert amounts.duration(seconds) == words


def test_a_difference_has_its_sign_and_none_has_none():
    assert [amounts.change(number) for number in (1234, 0, -5)] == ["+1,234", "0", "\N{MINUS SIGN}5"]


@pytest.mark.parametrize("written", ["2026-11-23T07:26:20.684975Z", "2026-11-23T09:26:20+02:00"])
def test_a_moment_is_told_in_utc_whatever_its_offset(written):
    assert amounts.moment(written) == "2026-11-23 07:26:20 UTC"
