"""Killed anywhere, the same command goes on and ends in the same state as a run that was never killed."""

import shutil
import signal
from pathlib import Path

import pytest

from tasks.postgres import connect
from tests.worlds import World, ask, contents, is_running, locked, passing_schemas, wait_until

SECOND = ("FullPipeline", "--run-id=second")
# Enough rows for half a second of work in each direction, and changes to what the first run has brought.
CHANGES = """
create table public.bulk as
    select i as bulk_id, md5(i::text) as one, md5((-i)::text) as two from generate_series(1, 300000) as i;
alter table public.bulk add primary key (bulk_id);
update public.films set title = 'Renamed' where film_id = 1;
delete from public.film_actors where film_id = 20;
drop table public.users;
"""
# A model that is built for as long as somebody holds its lock.
HELD_MODEL = """{{ config(materialized='table') }}

select count(*) as bulk_count from public.bulk
cross join (select pg_advisory_xact_lock(7)) as pause
"""
AT_WORK = (
    "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
    " and state = 'active' and query ~* %s"
)


@pytest.fixture(scope="module")
def changed(sources):
    """A template of the source as it is when the second run begins."""
    source = sources.create("changed_template", template="films_template")
    ask(source, CHANGES)
    yield "changed_template"
    sources.drop("changed_template")


@pytest.fixture
def interrupted(published, changed, sources):
    """The world in which a second run is about to be interrupted."""
    sources.drop("shop")
    sources.create("shop", template=changed)
    (published.project / "models" / "held.sql").write_text(HELD_MODEL, encoding="utf-8")
    return published


@pytest.fixture(scope="module")
def unbroken(first_run, changed, sources, destinations, tmp_path_factory):
    """What a destination holds, and which files there are, after a second run that nobody interrupted."""
    artifacts, project = tmp_path_factory.mktemp("unbroken") / "artifacts", tmp_path_factory.mktemp("models") / "small"
    shutil.copytree(first_run[0], artifacts)
    shutil.copytree(Path(__file__).parents[1] / "data" / "small_dbt", project)
    (project / "models" / "held.sql").write_text(HELD_MODEL, encoding="utf-8")
    source = sources.create("shop", template=changed)
    destination = destinations.create("warehouse", template="warehouse_template", number=first_run[1])
    world = World(source, destination, artifacts, project)
    done = world.run(*SECOND)
    assert done.returncode == 0, done.stderr
    state = state_of(world)
    sources.drop("shop")
    destinations.drop("warehouse")
    return state


def state_of(world):
    """Every row and every schema of the destination, and the names of the run's files but dbt's own."""
    schemas = ask(world.destination, "select nspname::text from pg_namespace where nspname !~ '^pg_' order by 1")
    run = world.folder("second").path
    files = sorted(str(path.relative_to(run)) for path in run.rglob("*") if "dbt/" not in str(path.relative_to(run)))
    standing = "select count(*) from towpath.loads where place is not null"
    return {
        "contents": contents(world.destination),
        "schemas": schemas,
        "files": [name for name in files if not name.endswith(".dat.gz")],
        "loads in place": ask(world.destination, standing),
    }


def test_a_run_killed_while_it_dumps_goes_on_as_if_it_never_was(unbroken, interrupted, start):
    job = start(interrupted.command(*SECOND))
    wait_until(lambda: ask(interrupted.source, AT_WORK, ["^copy public.bulk"]))
    children = job.end(signal.SIGKILL)
    finished = interrupted.times("second")
    wait_until(lambda: not any(map(is_running, children)), seconds=10)

    again = interrupted.run(*SECOND)

    assert finished == {}
    assert children
    assert again.returncode == 0, again.stderr
    assert state_of(interrupted) == unbroken
    assert passing_schemas(interrupted.destination) == []
    assert interrupted.litter() == []


def test_a_run_killed_while_it_restores_goes_on_from_its_dump(unbroken, interrupted, start):
    job = start(interrupted.command(*SECOND))
    wait_until(lambda: ask(interrupted.destination, AT_WORK, ["^copy public.bulk|^alter table only public.bulk"]))
    children = job.end(signal.SIGKILL)
    finished = interrupted.times("second")
    wait_until(lambda: not any(map(is_running, children)), seconds=10)
    shown = ask(interrupted.destination, "select title from analytics.titles where title = 'Inception'")

    again = interrupted.run(*SECOND)

    assert list(finished) == ["dump"]
    assert children
    assert shown == [("Inception",)]
    assert again.returncode == 0, again.stderr
    assert interrupted.times("second")["dump"] == finished["dump"]
    assert state_of(interrupted) == unbroken
    assert passing_schemas(interrupted.destination) == []
    assert interrupted.litter() == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_ended_while_dbt_builds_takes_dbt_along_and_goes_on_from_its_load(unbroken, interrupted, start, number):
    with connect(interrupted.destination) as holder:
        holder.run("select pg_advisory_lock(7)")
        job = start(interrupted.command(*SECOND))
        wait_until(lambda: ask(interrupted.destination, AT_WORK, ["create .*pg_advisory_xact_lock"]))
        children = job.end(number)
        wait_until(lambda: not any(map(is_running, children)), seconds=10)
        finished = interrupted.times("second")
        shown = ask(interrupted.destination, "select title from analytics.titles where title = 'Inception'")

    again = interrupted.run(*SECOND)

    assert job.process.returncode != 0
    assert list(finished) == ["dump", "restore"]
    assert children
    assert shown == [("Inception",)]
    assert again.returncode == 0, again.stderr
    times = interrupted.times("second")
    assert {name: times[name] for name in finished} == finished
    assert state_of(interrupted) == unbroken
    assert passing_schemas(interrupted.destination) == []
    assert interrupted.litter() == []


def test_a_run_killed_while_it_waits_to_publish_goes_on_from_its_models(unbroken, interrupted, start):
    with locked(interrupted.destination, "analytics.ratings", "access share"):
        job = start(interrupted.command(*SECOND))
        wait_until(lambda: "publishing waits for readers" in job.said)
        job.end(signal.SIGKILL)
        finished = interrupted.times("second")
        shown = ask(interrupted.destination, "select title from analytics.titles where title = 'Inception'")

    again = interrupted.run(*SECOND)

    assert list(finished) == ["dump", "restore", "dbt"]
    assert shown == [("Inception",)]
    assert again.returncode == 0, again.stderr
    times = interrupted.times("second")
    assert {name: times[name] for name in finished} == finished
    assert state_of(interrupted) == unbroken
    assert passing_schemas(interrupted.destination) == []
    assert interrupted.litter() == []
