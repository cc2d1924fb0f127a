"""What it costs to run some commands: time, processors' work on each side, WAL, files, memory, and who else worked."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.servers import PROJECT, Place, postmaster
from tasks import embedded
from tasks.postgres import connect

_TICK = os.sysconf("SC_CLK_TCK")
_BETWEEN_LOOKS_SECONDS = 0.02
# Until a server has seen the last of its sessions end.
_SETTLE_SECONDS = 0.3
_LINES_SHOWN = 20
# The checkpoints of Towpath's steps.
_STEPS = ("preflight", "dump", "restore", "dbt", "publish", "report")


class CommandEnded(Exception):
    """A command of a way failed; its last lines are told."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program with its words, and what is added to the environment."""

    words: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    input: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds, bytes; `*_cpu` are seconds of processors, `others` the part of all processors that the rest took.

    `memory` is the most that the main process, `luigi` itself without its children, ever had resident (VmHWM). `steps`
    are the seconds of Towpath's own, as its checkpoints tell them; none of others.
    """

    seconds: float
    client_cpu: float
    source_cpu: float
    destination_cpu: float
    wal: int
    kept: int
    memory: int
    others: float
    steps: dict[str, float]


def measure(place: Place, commands: Sequence[Command], kept: Path) -> Cost:
    """Run commands one after another; what they leave in `kept` is counted, and who uses the machine meanwhile.

    Raises:
        CommandEnded: one of them failed.
    """
    files, wal, worked, busy = _size(kept), _wal(place), _worked(place), _busy()
    before, began = time.time(), time.monotonic()
    memory = max([_run(place, command) for command in commands])
    seconds = time.monotonic() - began
    busy = _busy() - busy
    time.sleep(_SETTLE_SECONDS)
    client, source, destination = (after - before for after, before in zip(_worked(place), worked, strict=True))
    return Cost(
        seconds=round(seconds, 3),
        client_cpu=round(client, 2),
        source_cpu=round(source, 2),
        destination_cpu=round(destination, 2),
        wal=_wal(place) - wal,
        kept=_size(kept) - files,
        memory=memory,
        others=round(max(busy - client - source - destination, 0) / seconds / (os.cpu_count() or 1), 3),
        steps=_steps(kept, before),
    )


def _run(place: Place, command: Command) -> int:
    """Run a command to its end and return the most memory of its process, in bytes."""
    log = place.root / "commands.log"
    with log.open("wb") as output, contextlib.ExitStack() as files:
        given = files.enter_context(command.input.open("rb")) if command.input else subprocess.DEVNULL
        process = subprocess.Popen(
            command.words,
            cwd=PROJECT,
            env=place.environment | command.environment,
            stdin=given,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with _ended(process), _watched(process.pid) as seen:
            code = process.wait()
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_SHOWN:]
        raise CommandEnded("\n".join([f"{' '.join(command.words)} ended with {code}:", *lines]))
    return max(seen)


@contextlib.contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End a command with all that it has started, where we are ended first."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Look at a process's peak of memory again and again; ru_maxrss would be that of its children too."""
    seen, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(_BETWEEN_LOOKS_SECONDS):
            with contextlib.suppress(OSError, StopIteration):
                status = Path(f"/proc/{pid}/status").read_text().splitlines()
                seen.append(1024 * int(next(line for line in status if line.startswith("VmHWM")).split()[1]))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def _worked(place: Place) -> tuple[float, float, float]:
    """Return the seconds that all our programs which have ended, the source and the destination have worked."""
    programs = resource.getrusage(resource.RUSAGE_CHILDREN)
    servers = (_server(postmaster(place.root, role)) for role in embedded.ROLES)
    source, destination = servers
    return programs.ru_utime + programs.ru_stime, source, destination


def _server(pid: int) -> float:
    """Return the seconds that a server has worked: its sessions that have ended, and its processes that are there."""
    server = _stat(Path(f"/proc/{pid}/stat"))
    stats = [_stat(path) for path in Path("/proc").glob("[0-9]*/stat")]
    return (sum(server[11:15]) + sum(sum(stat[11:13]) for stat in stats if stat and stat[1] == pid)) / _TICK


def _stat(file: Path) -> list[int]:
    """Return the fields of a process's stat from its state on, which is 0 here; nothing where it has just ended."""
    try:
        return [0, *map(int, file.read_text().rpartition(")")[2].split()[1:])]
    except OSError:
        return []


def _busy() -> float:
    """Return the seconds that all processors have worked, for whomever, those that a host took away included."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / _TICK


def _wal(place: Place) -> int:
    with connect(place.destination) as session:
        return int(session.value("select pg_current_wal_lsn() - '0/0'::pg_lsn"))


def _steps(artifacts: Path, since: float) -> dict[str, float]:
    """Return the seconds of each of Towpath's steps that has ended since a moment, in their order."""
    ended = {path.stat().st_mtime: path for path in artifacts.glob("*/*.json") if path.stem in _STEPS}
    found = [ended[moment] for moment in sorted(ended) if moment >= since]
    return {path.stem: json.loads(path.read_text(encoding="utf-8"))["seconds"] for path in found}


def _size(folder: Path) -> int:
    """Return the bytes in a folder; a file with two names is there once."""
    stats = [path.lstat() for path in folder.rglob("*") if path.is_file()]
    return sum({stat.st_ino: stat.st_size for stat in stats}.values())
