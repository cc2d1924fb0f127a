"""Work that is done side by side, a few pieces at a time, and all of it broken off where one piece fails."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

Work = Callable[[Callable[[], None]], None]
"""A piece of work; it is given what it must call every second or so, and let pass what that raises."""


class _BrokenOffError(Exception):
    """Another piece of work has failed."""


def side_by_side(work: Sequence[Work], *, jobs: int) -> None:
    """Begin the pieces in their order, `jobs` of them at a time, and return when all are done.

    Raises:
        Exception: what the first piece to fail has raised, when the others are broken off and none is at work.
    """
    is_broken_off = threading.Event()

    def ensure_going() -> None:
        if is_broken_off.is_set():
            raise _BrokenOffError

    def attempt(piece: Work) -> None:
        ensure_going()
        piece(ensure_going)

    with ThreadPoolExecutor(max(jobs, 1)) as threads:
        try:
            for done in as_completed([threads.submit(attempt, piece) for piece in work]):
                done.result()
        except BaseException:
            is_broken_off.set()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
