"""luigid shows a run; whether it is there or not is no matter of life and death for the run."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tasks.postgres import open_session
from tests.conftest import PROJECT
from tests.faults.second_run import PATIENCE_SECONDS, SECOND, is_at_work, state_of
from tests.worlds import wait_until

HELD = "create .*pg_advisory_xact_lock"


class Luigid:
    """luigid on a free port of the loopback address, ended and started at will."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self._log = folder / "luigid.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        state = self._log.with_suffix(".pickle")
        words = [str(Path(sys.executable).with_name("luigid")), "--address=127.0.0.1", f"--port={self.port}"]
        with self._log.open("a") as log:
            self.process = subprocess.Popen([*words, f"--state-path={state}"], stdout=log, stderr=log)
        wait_until(self._answers)

    def end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(20)
            self.process = None

    def _answers(self) -> bool:
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def luigid(tmp_path) -> Iterator[Luigid]:
    made = Luigid(tmp_path)
    yield made
    made.end(signal.SIGKILL)


@pytest.fixture
def wanting(luigid, tmp_path) -> dict[str, str]:
    """An environment in which the job is shown by that luigid, and waits for it for some seconds only."""
    text = (PROJECT / "luigid.cfg").read_text(encoding="utf-8")
    text = text.replace("8082", str(luigid.port)).replace("retry_attempts = 13", "retry_attempts = 4")
    (tmp_path / "luigid.cfg").write_text(text.replace("retry_wait = 5", "retry_wait = 1"), encoding="utf-8")
    return {"LUIGI_CONFIG_PATH": str(tmp_path / "luigid.cfg")}


def test_a_luigid_that_is_away_when_the_run_begins_is_done_without(world, wanting, luigid):
    done = world.run("DumpSource", "--run-id=x", **wanting)

    assert done.returncode == 0, done.stderr
    assert f"luigid does not answer at http://127.0.0.1:{luigid.port}: the run goes on" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, 5)])
def test_a_luigid_that_is_restarted_in_mid_run_is_waited_for(
    unbroken, interrupted, start, luigid, wanting, number, code
):
    """Killed, it has not noted what was still to be done, and Luigi is told that there is nothing more to do."""
    luigid.start()
    with closing(open_session(interrupted.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        job = start(interrupted.command(*SECOND), **wanting)
        wait_until(lambda: is_at_work(interrupted.destination, HELD), seconds=PATIENCE_SECONDS)
        luigid.end(number)
        luigid.start()
    ended = job.wait()

    again = interrupted.run(*SECOND, **wanting)

    assert ended == code, job.said
    assert "Traceback" not in job.said
    assert again.returncode == 0, again.stderr
    assert state_of(interrupted) == unbroken.state


def test_a_luigid_that_goes_away_for_good_ends_the_run_in_words_and_the_next_does_without(
    unbroken, interrupted, start, luigid, wanting
):
    luigid.start()
    with closing(open_session(interrupted.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        job = start(interrupted.command(*SECOND), **wanting)
        wait_until(lambda: is_at_work(interrupted.destination, HELD), seconds=PATIENCE_SECONDS)
        luigid.end(signal.SIGKILL)
    code = job.wait()
    finished = interrupted.times("second")

    again = interrupted.run(*SECOND, **wanting)

    assert code == 9, job.said
    assert "luigid went away in mid-run" in job.said
    assert "what to do: run the same command again" in job.said
    assert "Traceback" not in job.said
    assert list(finished) == ["dump", "restore", "dbt"]
    assert again.returncode == 0, again.stderr
    assert finished.items() <= interrupted.times("second").items()
    assert state_of(interrupted) == unbroken.state
