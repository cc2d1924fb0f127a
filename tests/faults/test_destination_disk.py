"""The disk of the destination is full: the load or the build goes, what readers see stays, and the run goes on."""

import time

import pytest

from tests.worlds import Clones, World, ask, contents, wait_until

SECOND = ("FullPipeline", "--run-id=second")
BULK_MODEL = "{{ config(materialized='table') }}\n\nselect bulk.* from public.bulk, generate_series(1, 2) as copy\n"


@pytest.fixture
def on_disk(world, serve, small_disk):
    """A world whose destination's server has all its data on a small disk, with a first published version."""
    server = serve(disk=small_disk("size=200m"))
    server.start(wal_level="minimal", max_wal_senders="0", max_wal_size="4MB", min_wal_size="2MB", fsync="on")
    destination = Clones(server.uri("postgres")).create("warehouse")
    small = World(world.source, destination, world.artifacts, world.project)
    done = small.run("FullPipeline", "--run-id=first")
    assert done.returncode == 0, done.stderr
    ask(world.source, "create table public.bulk as select repeat(md5(i::text), 20) from generate_series(1, 20000) i")
    return small, server


def fill(server, *, but_for):
    filler = f"'{server.disk.path}/filler'"
    server.disk.run("sh", "-c", f"cat /dev/zero > {filler} 2> /dev/null || truncate --size=-{but_for} {filler}")


def make_room(server):
    server.disk.run("rm", f"{server.disk.path}/filler")


def shown(world):
    return {name: rows for name, rows in contents(world.destination).items() if name.startswith("analytics.")}


def test_a_destination_that_fills_up_keeps_its_landing_and_its_models_and_the_run_goes_on(on_disk):
    small, server = on_disk
    before = contents(small.destination)
    fill(server, but_for="8m")

    not_restored = small.run(*SECOND)
    make_room(server)
    after_restore = contents(small.destination)
    (small.project / "models" / "bulk.sql").write_text(BULK_MODEL, encoding="utf-8")
    restored = small.run("RestoreDestination", "--run-id=second")
    fill(server, but_for="8m")
    not_built = small.run(*SECOND)
    make_room(server)
    after_build = shown(small)
    mended = small.run(*SECOND)

    assert not_restored.returncode == 22
    assert "No space left on device" in not_restored.stderr
    assert "put back as it was, readers see what they saw" in not_restored.stderr
    assert after_restore == before
    assert restored.returncode == 0, restored.stderr
    assert "INFO dumped" not in restored.stderr
    # It is not the artifacts' disk that is full.
    assert not_built.returncode == 27
    assert "model bulk" in not_built.stderr
    assert "No space left on device" in not_built.stderr
    assert "Traceback" not in not_restored.stderr + not_built.stderr
    assert after_build == {name: rows for name, rows in before.items() if name.startswith("analytics.")}
    assert mended.returncode == 0, mended.stderr
    assert "INFO restored" not in mended.stderr
    assert ask(small.destination, "select count(*) from analytics.bulk") == [(40000,)]


def test_a_landing_that_there_is_no_room_to_put_back_is_put_back_when_there_is_some(on_disk, start):
    small, server = on_disk
    before = contents(small.destination)
    # Not even for the rows of the catalogues that this writes; the load that failed has given nothing back.
    fill(server, but_for="100k")

    job = start(small.command(*SECOND))
    wait_until(lambda: "the restore did not end well" in job.said)
    time.sleep(1)
    make_room(server)
    code = job.wait()

    assert code == 22, job.said
    assert "put back as it was, readers see what they saw" in job.said
    assert "could not be put back" not in job.said
    assert contents(small.destination) == before
