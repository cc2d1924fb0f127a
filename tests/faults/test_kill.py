"""Killed anywhere, the same command goes on and ends in the same state as a run that was never killed."""

import random
import shutil
import signal
import subprocess
from collections.abc import Callable

import pytest

from tasks.postgres import Database
from tests.faults.second_run import SECOND, befall_each_step, shown, state_of
from tests.outages import sessions_of_a_run
from tests.worlds import Job, World, is_running, wait_until

SEED = 20261123
KILLS = 30
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
INTERRUPTED = "interrupted; what is complete is kept, readers see a whole version"


def end(world: World, job: Job, number: signal.Signals) -> None:
    """Send a signal, of which the job must die and, unless it cannot, say so; nothing of it is left at work."""
    children = job.end(number)

    # It may have come to its end in that very moment.
    assert job.process.returncode in {-number, 0}, job.said
    if children and number != signal.SIGKILL and job.process.returncode:
        # Before it has children, it may not yet have begun.
        assert INTERRUPTED in job.said, job.said
        assert "Traceback" not in job.said, job.said
    wait_until(lambda: not any(map(is_running, children)), seconds=20)
    wait_until(lambda: not sessions_of_a_run(world.source, world.destination), seconds=20)


def test_a_run_ended_in_any_step_goes_on_from_there(unbroken, interrupted, start):
    world, before = interrupted, shown(interrupted)
    numbers = {"dump": signal.SIGKILL, "restore": signal.SIGINT, "dbt": signal.SIGTERM, "publish": signal.SIGKILL}

    def kill(step: str, _server: Database, job: Job) -> None:
        end(world, job, numbers[step])
        assert job.process.returncode != 0, step
        assert shown(world) == before, step

    befall_each_step(world, start, fault=kill)
    finished = world.times("second")
    again = world.run(*SECOND)

    assert again.returncode == 0, again.stderr
    assert list(finished) == ["dump", "restore", "dbt"]
    assert finished.items() <= world.times("second").items()
    assert state_of(world) == unbroken.state


@pytest.fixture
def renew(interrupted, first_run, destinations) -> Callable[[], None]:
    """Put the world back to the moment before the second run."""

    def again() -> None:
        made, number = first_run
        shutil.rmtree(interrupted.artifacts)
        shutil.copytree(made, interrupted.artifacts)
        destinations.drop("warehouse")
        destinations.create("warehouse", template="warehouse_template", number=number)

    return again


@pytest.mark.parametrize("seed", [SEED])
def test_a_run_ended_at_any_moment_and_again_ends_as_one_that_never_was(unbroken, interrupted, renew, start, seed):
    """Each run is ended again and again, each time further on, until it is through; then the next one."""
    world, before = interrupted, shown(interrupted)
    after = sorted(title for (title,) in unbroken.state["contents"]["analytics.titles"])
    chance, kills = random.Random(seed), 0  # noqa: S311
    finished: dict[str, str] = {}

    while kills < KILLS or finished:
        seconds = chance.uniform(0, unbroken.seconds) if kills < KILLS else 100
        job = start(world.command(*SECOND))
        try:
            job.process.wait(seconds)
        except subprocess.TimeoutExpired:
            end(world, job, SIGNALS[kills % 3])
            kills += 1
        times = world.times("second")

        assert finished.items() <= times.items(), f"kill {kills}: a step that was done has been done again"
        # Between the commit and the checkpoint it is published already.
        assert shown(world) in ([after] if "publish" in times else [before, after]), f"kill {kills}"
        finished = times
        if job.process.returncode == 0:
            assert state_of(world) == unbroken.state, f"kill {kills}"
            renew()
            finished = {}
