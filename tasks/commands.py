"""Run a program: its own process group, its output line by line, a time limit, no orphan.

The only room that starts programs and reads the environment.
"""

import contextlib
import ctypes
import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tasks.errors import CommandFailed, ToolMissing
from tasks.interruption import interrupts_noted
from tasks.pipes import Carrier, Carry, Line, read_lines

logger = logging.getLogger(__name__)

Listen = Callable[[], None]
Program = subprocess.Popen[bytes]


class Waiting(NamedTuple):
    """A program that runs already, and has been told, on its standard input, to be what a command says."""

    command: Sequence[str]
    program: Program


KEPT_LINES = 400
# The last lines of a program that has ended are there to be read; only a child of its own could keep us waiting.
_READ_SECONDS = 60
_LISTEN_SECONDS = 1
_END_SECONDS = 5
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def variable(name: str) -> str:
    """Return an environment variable, or an empty string."""
    return os.environ.get(name, "")


@contextlib.contextmanager
def variables(**values: str) -> Iterator[None]:
    """Set environment variables for programs that somebody else's code starts, for the length of a block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            del os.environ[name]
            if value is not None:
                os.environ[name] = value


def search_path() -> list[Path]:
    """Return the folders of PATH."""
    return [Path(folder) for folder in os.get_exec_path()]


def find(program: str, folders: Sequence[Path]) -> Path | None:
    """Return the first executable of that name in the folders."""
    found = shutil.which(program, path=os.pathsep.join(map(str, folders)))
    return Path(found) if found else None


def become(command: Sequence[str], *, environment: Mapping[str, str]) -> None:
    """Replace this process by a program that talks to a person."""
    os.execvpe(command[0], list(command), {**os.environ, **environment})


def start(command: Sequence[str]) -> Program:
    """Start a program that says all that it says on our standard output, and return it without waiting for it.

    It has a process group of its own, so a Ctrl-C reaches us alone; on Linux it gets SIGTERM when we die.

    Raises:
        ToolMissing: there is no such program.
    """
    return _popen(command, {})


def start_waiting(command: Sequence[str]) -> Program:
    """Start a program, as `start` does, that is told by its standard input what to do, and then given to `run`."""
    return _popen(command, {}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def run(
    command: Sequence[str] | Waiting,
    *,
    timeout_seconds: float,
    environment: Mapping[str, str] | None = None,
    on_line: Line | None = None,
    listen: Listen | None = None,
    feed: Carry | None = None,
    take: Carry | None = None,
) -> list[str]:
    """Run a program to its end and return the last lines (up to 400) of its output and errors, in order.

    `environment` is added to ours; messages are asked for in English, because steps read them. `listen` is
    called every second while the program runs; what it raises ends the program. `feed` writes what the program reads,
    `take` reads its output, each in a thread of its own; where it is taken the lines are those of the errors alone, and
    what either raises ends the program and is raised. On Linux the program gets SIGTERM when the thread that started it
    dies, also by `kill -9`: pg_dump and pg_restore then end their own workers, which a SIGKILL would orphan.

    Raises:
        ToolMissing: there is no such program.
        CommandFailed: it ended with another status than 0, or not in time; its last lines are in `lines`.
    """
    words = command.command if isinstance(command, Waiting) else command
    name = Path(words[0]).name
    logger.debug("running %s", " ".join(words))
    lines: deque[str] = deque(maxlen=KEPT_LINES)
    with _started(command, environment or {}, is_fed=feed is not None, is_taken=take is not None) as process:
        said = process.stdout if take is None else process.stderr
        reader = threading.Thread(target=read_lines, args=(said, lines, on_line), daemon=True)
        reader.start()
        pairs = ((feed, process.stdin), (take, process.stdout))
        carriers = [Carrier(carry, stream, process.kill) for carry, stream in pairs if carry is not None]
        try:
            status = _wait(process, reader, timeout_seconds, listen)
        except subprocess.TimeoutExpired as error:
            how = f"did not end within {timeout_seconds:.0f} s"
            raise ProgramFailed(name, how, list(lines), is_late=True) from error
        reader.join(_READ_SECONDS)
    for carrier in carriers:
        carrier.end()
    if status != 0:
        raise ProgramFailed(name, f"ended with status {status}", list(lines))
    return list(lines)


class ProgramFailed(CommandFailed):
    """A CommandFailed with the program's last lines; `is_late` where its time was up."""

    def __init__(self, name: str, how: str, lines: list[str], *, is_late: bool = False) -> None:
        self.lines = lines
        self.is_late = is_late
        said = "; ".join(line.strip() for line in lines[-3:] if line.strip())
        super().__init__(f"{name} {how}: {said or 'it said nothing'}", hint="read the log above it")


@contextlib.contextmanager
def _started(
    command: Sequence[str] | Waiting, environment: Mapping[str, str], *, is_fed: bool, is_taken: bool
) -> Iterator[Program]:
    stdin = subprocess.PIPE if is_fed else subprocess.DEVNULL
    stderr = subprocess.PIPE if is_taken else subprocess.STDOUT
    streams = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": stderr}
    with interrupts_noted() as noted:
        process = command.program if isinstance(command, Waiting) else _popen(command, environment, **streams)
    try:
        for number in noted:
            signal.raise_signal(number)
        yield process
    finally:
        end(process)


def _wait(process: Program, reader: threading.Thread, timeout_seconds: float, listen: Listen | None) -> int:
    deadline = time.monotonic() + timeout_seconds
    while (status := process.poll()) is None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise subprocess.TimeoutExpired(process.args, timeout_seconds)
        # The end of its output comes with its own, and is heard of at once; its own, Python asks for 20 times a second.
        reader.join(min(left, _LISTEN_SECONDS))
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(0 if reader.is_alive() else min(left, _LISTEN_SECONDS))
        if listen is not None:
            listen()
    return status


def _popen(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    stderr: int = subprocess.STDOUT,
) -> Program:
    try:
        return subprocess.Popen(
            list(command),
            env={**_english(), **environment},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            # Between fork and exec, in a process that may have threads, only one system call is made.
            preexec_fn=_die_with_parent,  # noqa: PLW1509
        )
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM):
            raise CommandFailed(
                f"{command[0]} could not be started: {error.strerror}; what is complete is kept",
                hint="allow this user more open files, processes or memory (ulimit -n, -u, -v), and run again",
            ) from error
        raise ToolMissing(
            f"{command[0]} could not be started: {error.strerror}",
            hint="install it, or name the right one in luigi.cfg",
        ) from error


def _english() -> dict[str, str]:
    """Our environment with messages in English; the character set stays, by which programs read their paths."""
    ours = {name: value for name, value in os.environ.items() if name not in ("LC_ALL", "LANGUAGE")}
    charset = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "C.UTF-8"
    return {**ours, "LC_CTYPE": charset, "LC_MESSAGES": "C"}


def _die_with_parent() -> None:
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end(process: Program) -> None:
    """End a program and all that it has started, which outlives it where it waits for a server that hangs."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + _END_SECONDS
    while _is_group(process.pid) and time.monotonic() < deadline:
        process.poll()
        time.sleep(0.02)
    # The last of them may end by itself at this moment.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)


def _is_group(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True
