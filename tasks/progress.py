"""How far a step has come: a bar on a terminal, plain lines elsewhere, and whoever else listens."""

import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

logger = logging.getLogger(__name__)

Listener = Callable[[int, str], None]
"""Called with the percentage done and a line in words."""

_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_CALLS = 1.0


class Progress:
    """Counts weighted tables that are worked on, a few at a time, possibly from another thread.

    The programs say when they begin a table, not when they end it: with N at work, the N + 1st to begin tells
    that the first is done.
    """

    def __init__(self, what: str, sizes_bytes: dict[str, int], listener: Listener, *, at_work: int) -> None:
        self._what = what
        self._sizes = sizes_bytes
        self._begun: list[str] = []
        self._at_work = at_work
        self._total = max(sum(sizes_bytes.values()), 1)
        self._listener = listener
        self._called = self._logged = time.monotonic()
        self._bar = tqdm(total=self._total, desc=what, disable=not sys.stderr.isatty(), leave=False, bar_format=_BAR)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()

    def begin(self, name: str) -> None:
        """Note that work on a table begins; an unknown one, or one already begun, changes nothing."""
        if name not in self._sizes or name in self._begun:
            return
        self._begun.append(name)
        if len(self._begun) > self._at_work:
            self._bar.update(self._sizes[self._begun[-1 - self._at_work]])
        self._tell(f"{self._what}: table {len(self._begun)} of {len(self._sizes)}, {name}")

    def _tell(self, text: str) -> None:
        now = time.monotonic()
        percentage = 100 * sum(self._sizes[n] for n in self._begun[: -self._at_work]) // self._total
        if now - self._called >= _SECONDS_BETWEEN_CALLS:
            self._called = now
            self._listener(percentage, text)
        if now - self._logged >= _SECONDS_BETWEEN_LINES and self._bar.disable:
            self._logged = now
            logger.info("%s (%d %%)", text, percentage)


_BAR = "{desc}: {percentage:3.0f}% |{bar:30}| {elapsed}"
