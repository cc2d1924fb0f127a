"""Source and destination of different versions of PostgreSQL, and client programs that fit neither."""

import pytest

from tests.conftest import PROJECT, run_sql_file
from tests.servers import BINARIES_15
from tests.worlds import Clones, World, ask, contents


@pytest.fixture
def clones_15(server_15):
    return Clones(server_15.uri("postgres"))


@pytest.fixture
def old_shop(clones_15):
    """The sample in PostgreSQL 15."""
    shop = clones_15.create("old_shop")
    run_sql_file(shop, PROJECT / "source_db_init" / "init.sql")
    yield shop
    clones_15.drop("old_shop")


@pytest.fixture
def old_warehouse(clones_15):
    """An empty destination in PostgreSQL 15."""
    yield clones_15.create("old_warehouse")
    clones_15.drop("old_warehouse")


def test_a_source_older_than_the_destination_is_copied_by_its_own_programs_and_published(world, old_shop):
    done = World(old_shop, world.destination, world.artifacts, world.project).run("FullPipeline", "--run-id=first")

    assert done.returncode == 0, done.stderr
    dumped, restored = world.checkpoint("first", "dump"), world.checkpoint("first", "restore")
    assert (dumped["server_version"] // 10000, dumped["pg_dump"][:3]) == (15, "15.")
    assert restored["pg_restore"][:3] == "15.", "not the wheel's, which has no TLS"
    there = contents(world.destination)
    assert {name: rows for name, rows in there.items() if name.startswith("public.")} == contents(old_shop)
    assert len(there["analytics.ratings"]) == 20


def test_old_source_and_old_destination_are_copied_by_their_own_programs(world, old_shop, old_warehouse):
    old = World(old_shop, old_warehouse, world.artifacts, world.project)

    done = old.run("RestoreDestination", "--run-id=first")

    assert done.returncode == 0, done.stderr
    assert old.checkpoint("first", "dump")["pg_dump"][:3] == "15."
    assert old.checkpoint("first", "restore")["pg_restore"][:3] == "15."
    assert contents(old_warehouse) == contents(old_shop)


def test_a_source_too_new_for_the_destination_is_refused_with_both_versions_and_goes_to_a_newer_one(
    world, old_warehouse
):
    old = World(world.source, old_warehouse, world.artifacts, world.project)
    ask(old_warehouse, "create table public.films as select 'mine' as owner")
    before = contents(old_warehouse)

    failed = old.run("RestoreDestination", "--run-id=first")
    mended = world.run("RestoreDestination", "--run-id=first")

    assert failed.returncode == 25
    assert "PostgreSQL 18" in failed.stderr
    assert "destination of PostgreSQL 15" in failed.stderr
    assert "nothing was changed" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert contents(old_warehouse) == before
    assert old.litter() == []
    assert mended.returncode == 0, mended.stderr


def test_client_programs_that_are_too_old_are_named_with_the_version_that_is_needed(published, server_15):
    before, second = contents(published.destination), ("RestoreDestination", "--run-id=second")

    failed = published.run(*second, f"--dump-tools-folder={BINARIES_15}")
    after, litter = contents(published.destination), published.litter()
    mended = published.run(*second)

    assert failed.returncode == 31
    assert f"pg_dump 18 or newer is needed and was not found in {BINARIES_15}; nothing was changed" in failed.stderr
    assert "[dump] tools_folder" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert litter == []
    assert mended.returncode == 0, mended.stderr
