import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tasks import embedded
from tasks.errors import PipelineError
from tasks.postgres import Database

PROJECT = Path(__file__).resolve().parents[2]
INIT_SQL = PROJECT / "source_db_init" / "init.sql"


@pytest.fixture
def folder():
    """A folder for embedded servers, short enough for a socket's path; no server outlives the test."""
    path = Path(tempfile.mkdtemp(prefix="towpath-"))
    path.chmod(0o755)
    yield path
    embedded.stop(path)
    shutil.rmtree(path)


def database(folder, role):
    return Database.from_uri(embedded.uri(folder, role), application_name="pytest")


def test_the_source_is_filled_once_and_kept(folder, query):
    embedded.start(folder, "source", INIT_SQL)
    query(database(folder, "source"), "delete from public.users")

    embedded.start(folder, "source", INIT_SQL)

    assert query(database(folder, "source"), "select count(*) from public.films") == [(20,)]
    assert query(database(folder, "source"), "select count(*) from public.users") == [(0,)]


def test_a_source_whose_filling_failed_is_not_there_and_is_filled_the_next_time(folder, tmp_path, query):
    broken = tmp_path / "init.sql"
    broken.write_text("create table public.films (film_id integer); select 1 / 0;")
    with pytest.raises(PipelineError, match="division by zero"):
        embedded.start(folder, "source", broken)

    embedded.start(folder, "source", INIT_SQL)

    assert query(database(folder, "source"), "select count(*) from public.films") == [(20,)]


def test_readers_of_the_destination_find_gold_before_silver_before_the_landing(folder, query):
    embedded.start(folder, "destination", INIT_SQL)

    psql = subprocess.run(
        [str(embedded.binaries() / "psql"), "--tuples-only", "--no-align", "--command=show search_path"],
        env=os.environ | database(folder, "destination").libpq_environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert psql.stdout.strip() == "gold, silver, public"


def test_stop_ends_both_servers_and_says_which(folder):
    for role in embedded.ROLES:
        embedded.start(folder, role, INIT_SQL)

    stopped = embedded.stop(folder)

    assert stopped == ["source", "destination"]
    assert not list(folder.glob("*/postmaster.pid"))
    assert embedded.stop(folder) == []


def test_a_run_without_any_configuration_starts_both_servers_and_make_psql_finds_the_destination(folder):
    luigi = str(Path(sys.executable).with_name("luigi"))
    settings = folder / "luigi.cfg"
    settings.write_text(f"[embedded]\nfolder = {folder}\n[artifacts]\nroot = {folder}/artifacts\n")
    environment = os.environ | {"LUIGI_CONFIG_PATH": str(settings)}
    small = PROJECT / "tests" / "data" / "small_dbt"

    ran = subprocess.run(
        [luigi, "--module=tasks", "FullPipeline", f"--dbt-project-dir={small}", "--publish-show=analytics.ratings"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    asked = subprocess.run(
        [sys.executable, "-m", "tasks", "psql", "--tuples-only", "--command=select count(*) from analytics.ratings"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    stopped = subprocess.run(
        [sys.executable, "-m", "tasks", "stop"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stdout.count("Inception")) == (0, 1), ran.stderr
    assert asked.stdout.strip() == "20"
    assert stopped.stdout == "stopped: source, destination\n"
