"""A server that has no connection left: waited for before the start, named where it stops a step."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tasks.postgres import connect
from tests.outages import full
from tests.worlds import World, ask, wait_until

DUMP = ("DumpSource", "--run-id=x")


@pytest.fixture
def limited(world, sources) -> Iterator[World]:
    """A world whose source is read by a role that may have few connections."""
    ask(sources.server, "create role limited login in role pg_read_all_data")
    source = replace(world.source, parameters={**world.source.parameters, "user": "limited"})
    yield replace(world, source=source)
    with connect(sources.server) as session:
        session.run("drop role limited")


def test_a_connection_that_becomes_free_in_time_is_waited_for(world, start):
    with full(world.destination):
        job = start(world.command(*DUMP))
        wait_until(lambda: "no connection left" in job.said or job.process.poll() is not None)
        waited = job.process.poll() is None

    assert waited
    assert job.wait() == 0, job.said


@pytest.mark.parametrize("role", ["source", "destination"])
def test_a_server_that_stays_full_is_named_and_the_same_command_goes_on_when_there_is_room(world, role):
    with full(getattr(world, role)):
        refused = world.run(*DUMP, "--readiness-timeout-seconds=1")

    again = world.run(*DUMP)

    assert refused.returncode == 11, refused.stderr
    assert "has no connection left" in refused.stderr
    assert "too many clients already" in refused.stderr
    assert "max_connections" in refused.stderr
    assert again.returncode == 0, again.stderr


def test_a_role_that_may_have_too_few_connections_for_the_dump_is_named_and_the_dump_then_made(limited, sources):
    ask(sources.server, "alter role limited connection limit 1")
    refused = limited.run(*DUMP)
    ask(sources.server, "alter role limited connection limit 8")

    again = limited.run(*DUMP)

    assert refused.returncode == 17, refused.stderr
    assert 'too many connections for role "limited"' in refused.stderr
    assert "the destination was not touched" in refused.stderr
    assert again.returncode == 0, again.stderr
    assert limited.litter() == []
