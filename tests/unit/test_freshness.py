import datetime

import pytest

from tasks.freshness import span


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (119.9, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (26 * 3600, "26 h"),
        (48 * 3600 - 1, "47 h"),
        (48 * 3600, "2 days"),
        (76 * 3600, "3 days 4 h"),
    ],
)
def test_a_duration_is_said_as_people_do(seconds, words):
    assert span(datetime.timedelta(seconds=seconds)) == words
