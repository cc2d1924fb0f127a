"""What a run leaves behind, under which name, and whose it is while it is worked on.

artifacts/<run>/preflight.json  dump/  dump.json  restore.json  dbt.json  dbt/  publish.json  report.json
                report.html  catalogue.html  run.log; and of all runs, artifacts/index.html
"""

import contextlib
import fcntl
import functools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.checkpoints import Checkpoint, flush, writing_to
from tasks.errors import RunInProgress

CHECKPOINTS = ("preflight", "dump", "restore", "dbt", "publish", "report")
_OTHERS = ("dbt", "report.html", "catalogue.html", "run.log")


@dataclass(frozen=True)
class RunFolder:
    """`artifacts/<run>/` and the names in it."""

    path: Path

    @property
    def dump(self) -> Path:
        """The folder of definitions and rows."""
        return self.path / "dump"

    @property
    def dbt(self) -> Path:
        """What dbt writes: its target and log folders."""
        return self.path / "dbt"

    @property
    def log(self) -> Path:
        """What the run has said, at every try."""
        return self.path / "run.log"

    @property
    def page(self) -> Path:
        """What the run's report says, to be opened in a browser."""
        return self.path / "report.html"

    @property
    def index(self) -> Path:
        """The page that lists all runs, this one among them."""
        return self.path.parent / "index.html"

    def checkpoint(self, name: str) -> Checkpoint:
        """One of CHECKPOINTS."""
        return Checkpoint(self.path / f"{name}.json")

    def remove_dump(self) -> None:
        """Remove the dump, what proves it first; asked for again, it is made anew."""
        self.checkpoint("dump").path.unlink(missing_ok=True)
        _remove(self.dump)

    def remove(self) -> None:
        """Remove what a run leaves, its proofs first; a file of somebody else's stays, and the folder around it.

        Killed half-way it leaves a run that has its first checkpoint and is not complete.
        """
        self.remove_dump()
        proofs = [path for name in CHECKPOINTS if (path := self.checkpoint(name).path).exists()]
        for path in [
            *proofs[1:],
            *(self.path / name for name in _OTHERS),
            *self.path.glob(".*.unfinished"),
            *proofs[:1],
        ]:
            _remove(path)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    @contextlib.contextmanager
    def unfinished(self, final: Path) -> Iterator[Path]:
        """Give an empty folder that gets its final name when the block ends well; else it is removed.

        What a killed run left under the passing name is removed first.
        """
        passing = final.with_name(f".{final.name}.unfinished")
        with writing_to(self.path):
            _remove(passing)
            passing.mkdir(parents=True)
            try:
                yield passing
                for file in sorted(passing.rglob("*")):
                    flush(file)
                flush(passing)
                _remove(final)
                passing.rename(final)
                flush(final.parent)
            except BaseException:
                _remove(passing)
                raise

    def hold(self) -> None:
        """Keep the folder from being tidied away until this process ends, if it is there.

        A run that waits for its turn, or is between two steps, has not claimed it; and several processes may wait with
        the same run. So this is a lock of its own, which they share, on a file that stays as long as the folder does.
        """
        with contextlib.suppress(OSError):
            _hold(self.log)

    @contextlib.contextmanager
    def unheld(self) -> Iterator[None]:
        """Keep the run to this process, as `claimed`, and only while no other one holds it.

        Raises:
            RunInProgress: another process has claimed it, or holds it.
        """
        with self.claimed(), contextlib.ExitStack() as closing:
            if self.log.exists():
                self._lock(closing.enter_context(self.log.open("rb")).fileno())
            yield

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep a second process of this machine from working on the same run.

        The lock is the kernel's, on the folder itself: it ends with the process and leaves no file.

        Raises:
            RunInProgress: another process has it.
        """
        with writing_to(self.path.parent):
            self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunInProgress(
                f"run {self.path.name} is being worked on by another process; nothing was changed",
                hint="let it end, or give another --run-id",
            ) from error


@functools.cache
def _hold(log: Path) -> int:
    descriptor = os.open(log, os.O_RDONLY | os.O_CREAT, 0o666)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)
