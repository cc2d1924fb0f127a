"""Luigi's scheduler, the real one, on a free port of the loopback address."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT
from tests.worlds import wait_until


class Luigid:
    """A real luigid on a free port of the loopback address, for the length of a block."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self._port = taken.getsockname()[1]
        self._folder = folder

    def __enter__(self) -> str:
        command = [str(Path(sys.executable).with_name("luigid")), "--address=127.0.0.1", f"--port={self._port}"]
        with (self._folder / "luigid.log").open("w") as log:
            self._process = subprocess.Popen(
                [*command, f"--state-path={self._folder / 'luigid.pickle'}"],
                cwd=self._folder,
                env=os.environ | {"LUIGI_CONFIG_PATH": str(PROJECT / "luigid.cfg")},
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers)
        return f"http://127.0.0.1:{self._port}"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "luigid.log").read_text(encoding="utf-8")
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self._port)) == 0
