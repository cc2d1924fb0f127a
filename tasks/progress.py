"""How far a step has come: a bar on a terminal, plain lines elsewhere, and whoever else listens."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

from tasks.amounts import part_of_size, size

logger = logging.getLogger(__name__)

Listener = Callable[[int, str], None]
"""Called with the percentage done and a line in words."""

Tell = Callable[[str], None]
"""Called with a line in words, where the percentage does not change."""

AFTER_TABLES = 90
"""The percentage at which the tables of a step are done, and what comes after them begins."""

_SECONDS_BETWEEN_LINES = 10.0


def unheard(*_: object) -> None:
    """Listen to nothing: for whoever has nobody to tell."""


class Progress:
    """Counts weighted tables that are worked on, a few at a time, possibly from another thread.

    The programs say when they begin a table, not when they end it: with N at work, the N + 1st to begin tells
    that the first is done.
    """

    def __init__(self, what: str, sizes_bytes: dict[str, int], listener: Listener, *, at_work: int) -> None:
        self._what = what
        self._sizes = sizes_bytes
        self._left = set(sizes_bytes)
        self._begun: list[str] = []
        self._lock = threading.Lock()
        self._at_work = at_work
        self._done_bytes = 0
        self._total_bytes = sum(sizes_bytes.values())
        self._listener = listener
        self._logged = time.monotonic()
        total = max(self._total_bytes, 1)
        self._bar = tqdm(total=total, desc=what, disable=not sys.stderr.isatty(), leave=False, bar_format=_BAR)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.close()
        if kind is None:
            self._listener(AFTER_TABLES, f"{self._what}: {len(self._sizes)} tables, {size(self._total_bytes)}")

    def begin(self, name: str) -> None:
        """Note that work on a table begins; an unknown one, or one already begun, changes nothing."""
        with self._lock:
            self._begin(name)

    def _begin(self, name: str) -> None:
        if name not in self._left:
            return
        self._left.remove(name)
        self._begun.append(name)
        if len(self._begun) > self._at_work:
            done = self._sizes[self._begun[-1 - self._at_work]]
            self._done_bytes += done
            self._bar.update(done)
        tables = f"table {len(self._begun)} of {len(self._sizes)}"
        self._tell(f"{self._what}: {tables}, {part_of_size(self._done_bytes, self._total_bytes)}, {name}")

    def _tell(self, text: str) -> None:
        percentage = AFTER_TABLES * self._done_bytes // max(self._total_bytes, 1)
        self._listener(percentage, text)
        now = time.monotonic()
        if now - self._logged >= _SECONDS_BETWEEN_LINES and self._bar.disable:
            self._logged = now
            logger.info("%s (%d %%)", text, percentage)


_BAR = "{desc}: {percentage:3.0f}% |{bar:30}| {elapsed}"
