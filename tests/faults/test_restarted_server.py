"""A server that is restarted without farewell under a run: the run ends and says so, and goes on when told to."""

from tasks.postgres import Database
from tests.faults.second_run import SECOND, befall_each_step, shown, state_of
from tests.outages import crash
from tests.worlds import Job, ask


def test_a_run_whose_server_is_restarted_in_any_step_ends_and_then_goes_on_from_there(unbroken, interrupted, start):
    world, before = interrupted, shown(interrupted)
    told = {}
    # A sequence in a database that was made from a template counts some numbers again after a crash, unless there was
    # a checkpoint since (18.6): the ledger's would.
    ask(world.destination, "checkpoint")

    def restart(step: str, server: Database, job: Job) -> None:
        crash(server)

        assert (step, job.wait()) == (step, 11), job.said
        assert "Traceback" not in job.said, job.said
        assert shown(world) == before, step
        told[step] = job.said

    befall_each_step(world, start, fault=restart)
    finished = world.times("second")
    again = world.run(*SECOND)

    for step, server in {"dump": "shop", "restore": "warehouse", "dbt": "warehouse", "publish": "warehouse"}.items():
        assert f"the connection to {server} on " in told[step], told[step]
        assert "run the same command again" in told[step]
    assert again.returncode == 0, again.stderr
    assert list(finished) == ["dump", "restore", "dbt"]
    assert finished.items() <= world.times("second").items()
    assert state_of(world) == unbroken.state
