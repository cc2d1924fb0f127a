"""A second run on a published world, whose source has changed since: what befalls it, and what it must end with."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tasks.postgres import Database, open_session
from tests.conftest import DATA
from tests.worlds import Job, World, ask, contents, wait_until

# A moment in the run comes within seconds; how many depends on what else the machine has to do.
PATIENCE_SECONDS = 100
SECOND = ("FullPipeline", "--run-id=second")
# Enough rows for half a second of work in each direction, and changes to what the first run has brought.
CHANGES = """
create table public.bulk as
    select i as bulk_id, md5(i::text) as one, md5((-i)::text) as two from generate_series(1, 1000000) as i;
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
Start = Callable[..., Job]
Fault = Callable[[str, Database, Job], None]


@pytest.fixture(scope="session")
def changed(sources) -> Iterator[str]:
    """A template of the source as it is when the second run begins."""
    source = sources.create("changed_template", template="films_template")
    ask(source, CHANGES)
    yield "changed_template"
    sources.drop("changed_template")


@pytest.fixture
def interrupted(published: World, changed, sources) -> World:
    """The world in which a second run is about to be interrupted."""
    sources.drop("shop")
    sources.create("shop", template=changed)
    (published.project / "models" / "held.sql").write_text(HELD_MODEL, encoding="utf-8")
    return published


class Unbroken(NamedTuple):
    """What a destination holds, and which files there are, after a second run that nobody interrupted; its length."""

    state: dict[str, Any]
    seconds: float


@pytest.fixture(scope="session")
def unbroken(first_run, changed, sources, destinations, tmp_path_factory) -> Unbroken:
    """The second run as it should be."""
    artifacts, project = tmp_path_factory.mktemp("unbroken") / "artifacts", tmp_path_factory.mktemp("models") / "small"
    shutil.copytree(first_run[0], artifacts)
    shutil.copytree(DATA / "small_dbt", project)
    (project / "models" / "held.sql").write_text(HELD_MODEL, encoding="utf-8")
    source = sources.create("shop", template=changed)
    destination = destinations.create("warehouse", template="warehouse_template", number=first_run[1])
    world = World(source, destination, artifacts, project)
    began = time.monotonic()
    done = world.run(*SECOND)
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    state = state_of(world)
    sources.drop("shop")
    destinations.drop("warehouse")
    return Unbroken(state, seconds)


def state_of(world: World) -> dict[str, Any]:
    """Every row and every schema of the destination, and the names of the run's files but dbt's own."""
    schemas = ask(world.destination, "select nspname::text from pg_namespace where nspname !~ '^pg_' order by 1")
    run = world.folder("second").path
    files = sorted(str(path.relative_to(run)) for path in run.rglob("*") if not _is_of_dbt(path.relative_to(run)))
    standing = "select count(*) from towpath.loads where place is not null"
    return {
        "contents": contents(world.destination),
        "schemas": schemas,
        "files": files,
        "loads in place": ask(world.destination, standing),
        "litter": world.litter(),
    }


def _is_of_dbt(path: Path) -> bool:
    return path.parts[0] == "dbt"


def is_at_work(database: Database, pattern: str) -> bool:
    """Whether a statement of this kind is being run."""
    query = (
        "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        " and state = 'active' and query ~* %s"
    )
    return bool(ask(database, query, [pattern]))


def befall_each_step(world: World, start: Start, *arguments: str, fault: Fault) -> None:
    """Run the second run again and again, and let a fault befall the server of each step in turn: step, server, job."""
    destination = world.destination

    def run_until(moment: Callable[[Job], object]) -> Job:
        job = start(world.command(*SECOND, *arguments))
        wait_until(lambda: moment(job) or job.process.poll() is not None, seconds=PATIENCE_SECONDS)
        assert job.process.poll() is None, job.said
        return job

    fault("dump", world.source, run_until(lambda _: is_at_work(world.source, "^copy .*bulk")))
    restoring = "^copy .*bulk|^alter table only public.bulk"
    fault("restore", destination, run_until(lambda _: is_at_work(destination, restoring)))
    with closing(open_session(destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        fault("dbt", destination, run_until(lambda _: is_at_work(destination, "create .*pg_advisory_xact_lock")))
    with closing(open_session(destination)) as reader:
        reader.run("begin")
        reader.run("lock table analytics.ratings in access share mode")
        fault("publish", destination, run_until(lambda job: "publishing waits for readers" in job.said))


def shown(world: World) -> list[str]:
    """What a reader of the models sees, in short: the published version is the first run's while this is there."""
    return sorted(title for (title,) in ask(world.destination, "select title from analytics.titles"))
