"""A server that hangs, all its processes stopped, holds nobody up for longer than the time that is set."""

import time
from dataclasses import replace

from tasks.postgres import Database
from tests.faults.second_run import SECOND, befall_each_step, shown, state_of
from tests.outages import frozen
from tests.worlds import Job, World, descendants, is_running

IMPATIENT = ("--readiness-hang-seconds=4", "--readiness-timeout-seconds=1")
# The hang is noticed within 6 s, programs that wait for the server are killed after 5, nothing after that waits long.
LONGEST_SECONDS = 60


def impatient(world: World) -> World:
    """The same world, where connecting may take no longer than four seconds."""
    source, destination = (
        replace(database, parameters={**database.parameters, "connect_timeout": "4"})
        for database in (world.source, world.destination)
    )
    return replace(world, source=source, destination=destination)


def test_a_run_whose_server_hangs_in_any_step_ends_and_then_goes_on_from_there(unbroken, interrupted, start):
    world, before = impatient(interrupted), shown(interrupted)
    told = {}

    def hang(step: str, server: Database, job: Job) -> None:
        children = descendants(job.process.pid)
        began = time.monotonic()
        with frozen(server):
            code = job.wait()

            assert time.monotonic() - began < LONGEST_SECONDS
            assert not any(map(is_running, children)), step
        assert (step, code) == (step, 11), job.said
        assert shown(world) == before, step
        told[step] = job.said

    befall_each_step(world, start, *IMPATIENT, fault=hang)
    finished = world.times("second")
    again = world.run(*SECOND)

    for said in told.values():
        assert "s: it hangs; what it was asked to do was broken off, readers see a whole version" in said, said
        assert "run the same command again" in said
        assert "Traceback" not in said
    assert "but the landing could not be put back: warehouse on" in told["restore"]
    assert again.returncode == 0, again.stderr
    assert list(finished) == ["dump", "restore", "dbt"]
    assert finished.items() <= world.times("second").items()
    assert state_of(world) == unbroken.state


def test_a_server_that_hangs_before_the_start_is_given_up_after_the_time_to_get_ready(world, start):
    with frozen(world.destination):
        began = time.monotonic()
        job = start(impatient(world).command("FullPipeline", "--run-id=x", *IMPATIENT))
        code = job.wait()
        seconds = time.monotonic() - began

    assert code == 11, job.said
    assert seconds < LONGEST_SECONDS
    assert "warehouse on" in job.said
    assert "does not answer: timeout" in job.said
