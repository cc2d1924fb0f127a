"""A small disk that can be filled, shrunk and made read-only, for root and for whoever is not."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.worlds import wait_until


class SmallDisk:
    """A tmpfs in a mount name space of its own: only what is run `inside` sees it, and it is gone with the last."""

    def __init__(self, path: Path, options: str) -> None:
        self.path = path
        path.mkdir()
        # Whoever is not root may mount only as a root of the name space.
        self._as_root = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        apart = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
        mounted = path.with_name(f"{path.name}.mounted")
        script = f"mount -t tmpfs -o {options} none '{path}' && chmod 777 '{path}' && touch '{mounted}' && exec cat"
        # It keeps the name space, and ends with its input, however we end.
        self._keeper = subprocess.Popen([*apart, "sh", "-c", script], stdin=subprocess.PIPE)
        wait_until(mounted.exists)

    def inside(self, *words: str) -> list[str]:
        """The words that run a command where the disk is mounted."""
        # Entering a mount name space leads to its root folder.
        there = [f"--target={self._keeper.pid}", "--mount", *self._as_root, f"--wd={PROJECT}"]
        return ["nsenter", *there, "--", *words]

    def remount(self, options: str) -> None:
        """Change it: `size=20m`, `ro`, `rw`."""
        self.run("mount", "-o", f"remount,{options}", str(self.path))

    def run(self, *words: str) -> str:
        """Run a command there to its end, which must be good, and return what it said."""
        done = subprocess.run(self.inside(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def end(self) -> None:
        self._keeper.communicate()


@pytest.fixture
def small_disk() -> Iterator[Callable[[str], SmallDisk]]:
    """Make a disk: `small_disk("size=200k")`, `small_disk("nr_inodes=10")`."""
    # Not pytest's own folder: the user whom a server runs as must come in.
    folder = Path(tempfile.mkdtemp(prefix="towpath-"))
    folder.chmod(0o755)
    made: list[SmallDisk] = []

    def disk(options: str) -> SmallDisk:
        made.append(SmallDisk(folder / f"disk{len(made)}", options))
        return made[-1]

    yield disk
    for one in made:
        one.end()
    shutil.rmtree(folder)
