"""What goes on beside a program that runs: its lines are read, it is fed, what it gives is taken."""

import contextlib
import io
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

logger = logging.getLogger("tasks.commands")

Line = Callable[[str], None]
Carry = Callable[[IO[bytes]], None]


def read_lines(said: IO[bytes], lines: deque[str], on_line: Line | None) -> None:
    """Keep and log what a program says, line by line, until it says no more."""
    with io.TextIOWrapper(said, encoding="utf-8", errors="replace") as output:
        for raw in output:
            line = raw.rstrip("\n")
            lines.append(line)
            logger.debug("%s", line)
            if on_line is not None:
                on_line(line)


class Carrier(threading.Thread):
    """Feeds a program, or takes what it gives; where that fails, `kill` spares the program a false end of file."""

    def __init__(self, carry: Carry, stream: IO[bytes] | None, kill: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._carry, self._stream, self._kill = carry, stream, kill
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        assert self._stream is not None
        # A program that has ended reads no more, and says itself why.
        with contextlib.suppress(BrokenPipeError), self._stream as stream:
            try:
                self._carry(stream)
            except BrokenPipeError:
                raise
            except BaseException as error:  # noqa: BLE001 (it is raised where it is waited for)
                self._error = error
                self._kill()

    def end(self) -> None:
        """Wait until all is carried, and raise what kept it from being."""
        self.join()
        if self._error is not None:
            raise self._error
