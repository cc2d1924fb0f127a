import threading
import time

import pytest

from tasks import deadline


def test_what_does_not_end_is_given_up_when_its_time_is_up():
    is_over = threading.Event()

    def wait() -> None:
        is_over.wait(30)

    began = time.monotonic()

    with pytest.raises(TimeoutError, match=r"no answer within 0\.2 s"):
        deadline.within(0.2, wait)

    assert time.monotonic() - began < 10
    is_over.set()


def test_what_fails_in_time_fails_as_it_would_without_a_limit():
    def fail() -> None:
        raise ConnectionRefusedError("nobody is there")

    with pytest.raises(ConnectionRefusedError, match="nobody is there"):
        deadline.within(30, fail)
