import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tasks import embedded
from tasks.errors import PipelineError
from tasks.postgres import Database
from tests.worlds import contents, descendants, is_running, wait_until

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
    embedded.start(folder, ["source"], INIT_SQL)
    query(database(folder, "source"), "delete from public.users")

    embedded.start(folder, ["source"], INIT_SQL)

    assert query(database(folder, "source"), "select count(*) from public.films") == [(20,)]
    assert query(database(folder, "source"), "select count(*) from public.users") == [(0,)]


def test_a_source_whose_filling_failed_is_not_there_and_is_filled_the_next_time(folder, tmp_path, query):
    broken = tmp_path / "init.sql"
    broken.write_text("create table public.films (film_id integer); select 1 / 0;")
    with pytest.raises(PipelineError, match="division by zero"):
        embedded.start(folder, ["source"], broken)

    embedded.start(folder, ["source"], INIT_SQL)

    assert query(database(folder, "source"), "select count(*) from public.films") == [(20,)]


def test_readers_of_the_destination_find_gold_before_silver_before_the_landing(folder, query):
    embedded.start(folder, ["destination"], INIT_SQL)

    psql = subprocess.run(
        [str(embedded.binaries() / "psql"), "--tuples-only", "--no-align", "--command=show search_path"],
        env=os.environ | database(folder, "destination").libpq_environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert psql.stdout.strip() == "gold, silver, public"


def test_a_server_that_has_more_to_recover_than_ten_seconds_allow_is_waited_for(folder, query):
    embedded.start(folder, ["source"], INIT_SQL)
    embedded.stop(folder)
    data = folder / "source"
    with (data / "postgresql.auto.conf").open("a") as settings:
        # Asked several times before the server opens.
        settings.write("restore_command = 'sleep 6; false'\n")
    (data / "recovery.signal").touch()
    shutil.chown(data / "recovery.signal", data.owner())
    began = time.monotonic()

    embedded.start(folder, ["source"], INIT_SQL)

    assert time.monotonic() - began > 10
    assert query(database(folder, "source"), "select 1") == [(1,)]


def test_stop_ends_both_servers_and_says_which(folder):
    embedded.start(folder, embedded.ROLES, INIT_SQL)

    stopped = embedded.stop(folder)

    assert stopped == ["source", "destination"]
    assert not list(folder.glob("*/postmaster.pid"))
    assert embedded.stop(folder) == []


SETTINGS = (
    "select current_setting('wal_level'), current_setting('max_wal_size'), current_setting('fsync'),"
    " current_setting('full_page_writes'), current_setting('synchronous_commit')"
)


def test_the_destination_is_set_for_loading_and_still_flushes_what_it_writes_and_the_source_is_as_ever(folder, query):
    embedded.start(folder, embedded.ROLES, INIT_SQL)

    assert query(database(folder, "destination"), SETTINGS) == [("minimal", "4GB", "on", "on", "on")]
    assert query(database(folder, "source"), SETTINGS) == [("replica", "1GB", "on", "on", "on")]


def test_a_destination_that_an_earlier_version_made_is_set_for_loading_too_unless_its_owner_set_it_otherwise(
    folder, query
):
    embedded.start(folder, ["destination"], INIT_SQL)
    query(database(folder, "destination"), "alter system set max_wal_size = '2GB'")
    embedded.stop(folder)
    settings = folder / "destination" / "postgresql.conf"
    settings.write_text(settings.read_text().replace("include_if_exists = 'towpath.conf'", ""))

    for _ in range(2):
        embedded.start(folder, ["destination"], INIT_SQL)
        assert query(database(folder, "destination"), SETTINGS) == [("minimal", "2GB", "on", "on", "on")]
        embedded.stop(folder)

    assert settings.read_text().count("towpath.conf") == 1


def test_a_destination_that_has_a_replica_starts_as_it_was_set(folder, query):
    embedded.start(folder, ["destination"], INIT_SQL)
    server = database(folder, "destination")
    for name, value in {"wal_level": "replica", "max_wal_senders": "3"}.items():
        query(server, f"alter system set {name} = '{value}'")
    embedded.stop(folder)
    embedded.start(folder, ["destination"], INIT_SQL)
    query(server, "select pg_create_physical_replication_slot('replica')")
    query(server, "alter system reset all")
    embedded.stop(folder)

    embedded.start(folder, ["destination"], INIT_SQL)

    assert query(server, "select slot_name::text, current_setting('wal_level') from pg_replication_slots") == [
        ("replica", "replica")
    ]


def test_a_crash_of_the_destination_after_published_loses_nothing(folder, query):
    luigi = str(Path(sys.executable).with_name("luigi"))
    words = [luigi, "--module=tasks", "FullPipeline", f"--embedded-folder={folder}", f"--artifacts-root={folder}/runs"]
    ran = subprocess.run(
        [*words, f"--dbt-project-dir={PROJECT / 'tests' / 'data' / 'small_dbt'}"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    postmaster = int((folder / "destination" / "postmaster.pid").read_text().split()[0])
    servers = [postmaster, *descendants(postmaster)]
    os.kill(postmaster, signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, servers)))
    # As it may be after a restart of the machine: another process bears its number.
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        left = folder / "destination" / name
        left.write_text(left.read_text().replace(str(postmaster), str(os.getpid()), 1))

    embedded.start(folder, ["destination"], INIT_SQL)

    assert ran.returncode == 0, ran.stderr
    found, copied = contents(database(folder, "destination")), contents(database(folder, "source"))
    assert {name: rows for name, rows in found.items() if name.startswith("public.")} == copied
    assert len(found["analytics.titles"]) == len(found["analytics.ratings"]) == 20
    assert query(database(folder, "destination"), "select state from towpath.versions") == [("published",)]


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
