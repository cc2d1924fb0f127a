"""Ctrl-C and SIGTERM: what is at work is ended, what is half done is put back, and a person is told in a sentence."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType

_SOON_SECONDS = 0.05
_told_before = sys.unraisablehook


class Terminated(KeyboardInterrupt):
    """SIGTERM, as a container and systemd send it; it takes the same way out as Ctrl-C."""


def prepare() -> None:
    """Let SIGTERM unwind this process as Ctrl-C does, and tell of either without a traceback."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _raise)
    sys.excepthook = _tell
    sys.unraisablehook = _send_again


@contextlib.contextmanager
def interrupts_noted() -> Iterator[list[int]]:
    """Note Ctrl-C and SIGTERM and raise nothing: between fork and exec, Python's hooks lose it, and keep locks."""
    noted: list[int] = []
    # Elsewhere than in the main thread nothing is raised; nor is what a shell has told a background job to ignore.
    is_main = threading.current_thread() is threading.main_thread()
    numbers = [n for n in (signal.SIGINT, signal.SIGTERM) if is_main and callable(signal.getsignal(n))]
    before = {n: signal.signal(n, lambda number, _frame: noted.append(number)) for n in numbers}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def _send_again(lost: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised while it tidies up, as in `__del__`; an interrupt is to come after that."""
    # It is no longer alive when Python has begun to end: then there is nothing left to break off.
    is_at_work = threading.main_thread().is_alive()
    if not is_at_work or not issubclass(lost.exc_type, KeyboardInterrupt):
        _told_before(lost)
        return
    number = signal.SIGTERM if issubclass(lost.exc_type, Terminated) else signal.SIGINT
    again = threading.Timer(_SOON_SECONDS, signal.pthread_kill, [threading.main_thread().ident, number])
    again.daemon = True
    again.start()


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    sys.stderr.write(
        "interrupted; what is complete is kept, readers see a whole version\n"
        "    what to do: run the same command again\n"
    )
    if issubclass(kind, Terminated):
        # Whoever waits for us is to know of what we died. With SIGINT, Python itself sees to that.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
        # Process 1 of a container without an init cannot die of it.
        sys.exit(128 + signal.SIGTERM)
