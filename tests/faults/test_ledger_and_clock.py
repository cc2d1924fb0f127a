"""The destination's memory is lost, old, or another's, and clocks go back: nothing is dropped that is not known."""

import os
import subprocess

import pytest

from tasks import embedded
from tests.worlds import ask, contents

FIRST, SECOND, THIRD = (("FullPipeline", f"--run-id={name}") for name in ("first", "second", "third"))


def shown(world):
    """What readers of the models see."""
    return {name: rows for name, rows in contents(world.destination).items() if name.startswith("analytics.")}


@pytest.mark.parametrize("run_id", ["first", "second"])
def test_without_its_ledger_nothing_is_taken_for_its_own_and_the_message_says_how_to_go_on(published, run_id):
    ask(published.destination, "drop schema towpath cascade")
    before = contents(published.destination)

    failed = published.run("FullPipeline", f"--run-id={run_id}")
    after = contents(published.destination)
    # One of the two ways out that it names.
    ask(published.destination, "alter schema public rename to public_lost; create schema public")
    ask(published.destination, "alter schema analytics rename to analytics_lost")
    mended = published.run("FullPipeline", f"--run-id={run_id}")

    assert failed.returncode == 20
    assert "table public.films" in failed.stderr
    assert "table public.users" in failed.stderr
    assert "whose ledger (schema towpath) was lost" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
    now = contents(published.destination)
    assert {name: now[name] for name in before} == before
    assert now["analytics_lost.ratings"] == before["analytics.ratings"]


def dump_of(database, *arguments):
    """What a person's own pg_dump of a destination writes."""
    command = [str(embedded.binaries() / "pg_dump"), *arguments]
    return subprocess.run(
        command, env=os.environ | database.libpq_environment(), capture_output=True, check=True
    ).stdout


def feed(database, script):
    command = [str(embedded.binaries() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    subprocess.run(
        command, input=script, env=os.environ | database.libpq_environment(), capture_output=True, check=True
    )


def test_a_ledger_that_was_brought_back_from_a_backup_knows_its_own_again(published):
    backup = dump_of(published.destination, "--schema=towpath")
    ask(published.destination, "drop schema towpath cascade")
    ask(published.destination, "create table public.mine as select 'mine' as owner")
    feed(published.destination, backup)

    done = published.run(*SECOND)
    back = published.run("RollBack")

    assert done.returncode == 0, done.stderr
    assert "came from a backup" in done.stderr
    assert ask(published.destination, "select owner from public.mine") == [("mine",)]
    assert back.returncode == 0, back.stderr


@pytest.fixture
def restored_from_backup(published, destinations):
    """A destination with two versions, the published one of run `second`, as pg_dump and psql bring them back.

    Somebody has hung tables of his own beside them; since the backup was taken the run `later` was published.
    """
    ask(published.destination, "create table public.mine as select 'mine' as owner")
    ask(published.source, "update public.films set title = 'Second' where film_id = 1")
    assert published.run(*SECOND).returncode == 0
    backup = dump_of(published.destination)
    ask(published.source, "update public.films set title = 'Later' where film_id = 1")
    assert published.run("FullPipeline", "--run-id=later").returncode == 0
    destinations.drop("warehouse")
    destinations.create("warehouse")
    # Whoever gets the numbers that the ledger has noted.
    script = "".join(f"create table public.other_{i} as select {i} as number;" for i in range(400))
    ask(published.destination, script)
    feed(published.destination, backup.replace(b"CREATE SCHEMA public;", b""))
    return published


def test_a_destination_restored_from_an_old_backup_keeps_what_others_have_in_it_and_takes_the_later_run_again(
    restored_from_backup,
):
    world = restored_from_backup
    before = contents(world.destination)

    done = world.run("FullPipeline", "--run-id=later")
    after = contents(world.destination)

    assert done.returncode == 0, done.stderr
    assert "INFO dumped" not in done.stderr
    assert ask(world.destination, "select title from analytics.ratings where film_id = 1") == [("Later",)]
    others = [name for name in before if name.startswith(("public.other_", "public.mine"))]
    assert len(others) == 401
    assert {name: after[name] for name in others} == {name: before[name] for name in others}


def test_a_destination_restored_from_an_old_backup_rolls_back_and_takes_a_new_run(restored_from_backup):
    world = restored_from_backup
    title = "select title from analytics.ratings where film_id = 1"
    as_restored = ask(world.destination, title)

    back = world.run("RollBack")
    title_before = ask(world.destination, title)
    done = world.run("FullPipeline", "--run-id=new")

    assert as_restored == [("Second",)]
    assert back.returncode == 0, back.stderr
    assert title_before == [("Inception",)]
    assert done.returncode == 0, done.stderr
    assert ask(world.destination, title) == [("Later",)]
    assert ask(world.destination, "select count(*) from pg_class where relname ~ '^other_'") == [(400,)]


def test_a_destination_whose_files_are_last_weeks_goes_on_with_the_run_that_it_has_forgotten(published, destinations):
    number, last_week = destinations.number("warehouse"), "warehouse_last_week"
    destinations.create(last_week, template="warehouse")
    ask(published.source, "update public.films set title = 'Second' where film_id = 1")
    done = published.run(*SECOND)
    before = published.times("second")
    destinations.drop("warehouse")
    destinations.create("warehouse", template=last_week, number=number)
    destinations.drop(last_week)

    again = published.run(*SECOND)

    assert done.returncode == 0, done.stderr
    assert again.returncode == 0, again.stderr
    assert "INFO dumped" not in again.stderr
    assert published.times("second")["dump"] == before["dump"]
    assert ask(published.destination, "select title from analytics.ratings where film_id = 1") == [("Second",)]


def test_a_source_whose_clock_went_back_is_told_with_the_way_on(published):
    # As if its clock had been a day ahead until now.
    ask(published.destination, "update towpath.loads set snapshot_at = snapshot_at + interval '1 day'")
    before = contents(published.destination)

    failed = published.run("RestoreDestination", "--run-id=second")
    after = contents(published.destination)
    mended = published.run("FullPipeline", "--run-id=second", "--allow-older")
    next_day = published.run("RestoreDestination", "--run-id=third")

    assert failed.returncode == 24
    assert "nothing was changed" in failed.stderr
    assert "the source's clock that went back" in failed.stderr
    assert "--allow-older" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
    assert next_day.returncode == 0, next_day.stderr


def test_a_machine_whose_clock_went_back_to_a_day_that_is_done_does_not_bring_that_day_back(published):
    ask(published.source, "update public.films set title = 'Second' where film_id = 1")
    done = published.run(*SECOND)
    before = shown(published)

    # The name of a run is the date.
    failed = published.run(*FIRST)
    after = shown(published)
    mended = published.run("RestoreDestination", "--run-id=first-again")

    assert done.returncode == 0, done.stderr
    assert failed.returncode == 24
    assert "of run second" in failed.stderr
    assert "run under a new --run-id" in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
