import pytest

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
