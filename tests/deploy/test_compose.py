"""docker-compose.yaml, checked as far as that can be done without docker."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2.extensions
import pytest

from tasks import embedded
from tests.conftest import PROJECT, uri_of
from tests.containers import Json, Outside, arguments_of, compose, example, free_port, used_variables
from tests.luigid import Luigid
from tests.servers import Server
from tests.worlds import run_to_the_end, wait_until

SERVICES = compose()["services"]
OURS = ("luigid", "pipeline", "cron")
DATABASES = ("source", "destination")
# A run takes half a minute where others work too.
PATIENCE_SECONDS = 240


def test_it_fits_the_compose_specification():
    schema = ["--builtin-schema", "vendor.compose-spec"]

    done = run_to_the_end([sys.executable, "-m", "check_jsonschema", *schema, "docker-compose.yaml"])

    assert done.returncode == 0, done.stdout


def test_the_services_are_those_that_are_documented():
    assert set(SERVICES) == {"source_postgres", "destination_postgres", *OURS}


def test_every_variable_is_in_the_example_and_every_one_there_is_used():
    assert used_variables() == set(example())


def test_without_a_file_of_variables_all_is_as_in_the_example():
    assert compose() == compose(**example())


def test_there_are_two_images_one_of_them_built_here_and_the_other_pinned():
    images = {name: service["image"] for name, service in SERVICES.items()}

    assert set(images.values()) == {"towpath", images["source_postgres"]}
    assert re.fullmatch(r"postgres:18\.\d+", images["source_postgres"])
    assert {SERVICES[name]["pull_policy"] for name in ("pipeline", "cron")} == {"never"}


def test_one_service_builds_the_image_and_the_others_wait_for_it():
    """Two that build one name at once fail, now and then, with "already exists"."""
    (builder,) = [name for name, service in SERVICES.items() if "build" in service]

    assert SERVICES[builder]["pull_policy"] == "build"
    assert all(builder in SERVICES[name]["depends_on"] for name in OURS if name != builder)


def test_whatever_has_a_port_has_it_on_loopback_only():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert ports == {
        "source_postgres": ["127.0.0.1:5433:5432"],
        "destination_postgres": ["127.0.0.1:5434:5432"],
        "luigid": ["127.0.0.1:8082:8082"],
    }


def test_every_volume_is_declared_and_used_and_every_folder_mounted_is_there():
    mounts = [mount.split(":")[0] for service in SERVICES.values() for mount in service["volumes"]]
    folders = {mount for mount in mounts if mount.startswith(".")}

    assert set(mounts) - folders == set(compose()["volumes"])
    assert folders == {"./source_db_init"}
    assert (PROJECT / "source_db_init" / "init.sql").is_file()


def test_volumes_are_where_the_images_keep_what_is_to_stay():
    targets = {name: [mount.split(":")[1] for mount in service["volumes"]] for name, service in SERVICES.items()}
    (made,) = [words for words in arguments_of("RUN") if "install --directory --owner=towpath" in words]

    # From 18 on the image's volume is a folder above the data.
    assert all("/var/lib/postgresql" in targets[f"{role}_postgres"] for role in DATABASES)
    assert targets["pipeline"] == targets["cron"] == ["/srv/towpath/artifacts"]
    assert {target for name in OURS for target in targets[name]} <= set(made.split())


def test_what_is_waited_for_can_be_found_healthy():
    waited_for = {
        (name, other, how["condition"])
        for name, service in SERVICES.items()
        for other, how in service.get("depends_on", {}).items()
    }

    assert {other for _, other, _ in waited_for} <= {name for name, one in SERVICES.items() if "healthcheck" in one}
    for role in DATABASES:
        assert ("pipeline", f"{role}_postgres", "service_healthy") in waited_for
        assert ("cron", f"{role}_postgres", "service_healthy") in waited_for


@pytest.mark.parametrize("password", ["", "p@ss:w/rd #1%"])
@pytest.mark.parametrize("role", DATABASES)
@pytest.mark.parametrize("service", ["pipeline", "cron"])
def test_the_job_is_told_of_the_databases_that_there_are(service, role, password):
    services = compose(SOURCE_PASSWORD=password, DESTINATION_PASSWORD=password)["services"]
    database = services[f"{role}_postgres"]["environment"]

    told = psycopg2.extensions.parse_dsn(services[service]["environment"][f"{role.upper()}_URI"])

    assert told == {
        "host": f"{role}_postgres",
        "dbname": database["POSTGRES_DB"],
        "user": "postgres",
        "password": database["POSTGRES_PASSWORD"],
    }
    assert database["POSTGRES_DB"] == f"{role}_db"


def test_databases_of_ones_own_take_the_place_of_those():
    own = compose(TOWPATH_SOURCE_URI="service=shop")["services"]["cron"]["environment"]

    assert own["SOURCE_URI"] == "service=shop"
    assert "host=destination_postgres" in own["DESTINATION_URI"]


def test_the_jobs_containers_may_write_nowhere_but_to_volumes_and_have_no_rights():
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["tmpfs"] == "/tmp"
        assert service["cap_drop"] == ["ALL"]
        assert service["init"] is True


def test_a_command_by_hand_is_told_what_the_schedules_commands_are():
    by_hand, scheduled = SERVICES["pipeline"]["environment"], SERVICES["cron"]["environment"]

    assert {"EXPECTED_EVERY", "TZ"} <= by_hand.keys()
    assert set(scheduled) - set(by_hand) == {"CRON_SCHEDULE", "FRESHNESS_SCHEDULE"}
    assert by_hand.items() <= scheduled.items()


def test_luigid_is_not_told_any_password():
    assert set(SERVICES["luigid"]["environment"]) == {"LUIGI_CONFIG_PATH"}


@pytest.mark.parametrize("role", DATABASES)
def test_a_database_is_healthy_when_it_answers_a_query_by_tcp_and_not_before(role, serve):
    """While the image fills a new database its server is on the socket alone."""
    database: Server = serve()
    database.port = free_port()
    service = SERVICES[f"{role}_postgres"]
    kind, words = service["healthcheck"]["test"]
    inside = {"PATH": f"{embedded.binaries()}:/usr/bin:/bin", "PGPORT": str(database.port)} | service["environment"]

    def is_healthy() -> bool:
        done = subprocess.run(["/bin/sh", "-c", words], env=inside, capture_output=True, timeout=20, check=False)
        return done.returncode == 0

    database.start()
    database.run(
        "psql", f"--host={database.folder}", f"--port={database.port}", "--username=postgres", "--dbname=postgres",
        f"--command=create database {role}_db",
    )  # fmt: skip
    filling = is_healthy()
    database.stop()
    database.start(listen_addresses="127.0.0.1")

    assert kind == "CMD-SHELL"
    assert filling is False
    assert is_healthy() is True


@contextmanager
def running(words: list[str], outside: Outside, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A service's command at work for the length of a block, with what it says in a file."""
    with log.open("wb") as file:
        process = subprocess.Popen(words, cwd=outside.folder, env=outside.environment, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_luigid_runs_as_written_is_found_healthy_and_keeps_its_state(tmp_path):
    port, state = str(free_port()), tmp_path / "state"
    service = json.loads(json.dumps(SERVICES["luigid"]).replace("8082", port).replace("/var/lib/luigid", str(state)))
    (tmp_path / "folder").mkdir()
    state.mkdir()
    outside = Outside.of(service, tmp_path / "folder", luigid=f"http://127.0.0.1:{port}")
    kind, *check = service["healthcheck"]["test"]

    def is_healthy() -> bool:
        return subprocess.run(outside.words(check), capture_output=True, check=False).returncode == 0

    before = is_healthy()
    with running(outside.words(service["command"]), outside, tmp_path / "log") as luigid:
        wait_until(is_healthy)
        luigid.send_signal(signal.SIGTERM)
        ended = luigid.wait(20)

    assert kind == "CMD"
    assert before is False
    assert ended == 0
    assert (state / "state.pickle").is_file()


@pytest.fixture
def service(films, destination, tmp_path) -> Iterator[Callable[..., Outside]]:
    """A service of the job, on real databases and with a real luigid: `service("cron", CRON_SCHEDULE="…")`."""
    own = {"TOWPATH_SOURCE_URI": uri_of(films), "TOWPATH_DESTINATION_URI": uri_of(destination)}
    folder = tmp_path / "folder"
    folder.mkdir()
    with Luigid(tmp_path) as luigid:
        yield lambda name, **more: Outside.of(compose(**own | more)["services"][name], folder, luigid=luigid)


def shown(outside: Outside) -> Json:
    """The tasks that luigid shows as done, by their ids."""
    (url,) = re.findall(r"^scheduler_url = (.*)", (outside.folder / "luigid.cfg").read_text("utf-8"), re.MULTILINE)
    asking = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    asking.request("GET", "/api/task_list?" + urllib.parse.urlencode({"data": json.dumps({"status": "DONE"})}))
    found: Json = json.load(asking.getresponse())["response"]
    asking.close()
    return found


def test_the_pipeline_runs_as_written_is_shown_by_luigid_and_rolls_back(service):
    pipeline = service("pipeline")

    def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
        words, where = pipeline.words(command), pipeline.folder
        return subprocess.run(
            words,
            cwd=where,
            env=pipeline.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    first = run(pipeline.service["command"])
    tasks = shown(pipeline)
    second = run([*pipeline.service["command"], "--run-id=second"])
    back = run(["luigi", "--module", "tasks", "RollBack"])

    assert first.returncode == 0, first.stderr
    assert any(name.startswith("FullPipeline") for name in tasks)
    assert len(list((pipeline.folder / "artifacts").glob("*/report.json"))) == 2
    assert second.returncode == 0, second.stderr
    assert back.returncode == 0, back.stderr
    assert "see load 1 of run" in back.stdout


def health(cron: Outside) -> "subprocess.CompletedProcess[str]":
    kind, *check = cron.service["healthcheck"]["test"]
    assert kind == "CMD"
    words, where = cron.words(check), cron.folder
    return subprocess.run(
        words, cwd=where, env=cron.environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )


def test_cron_runs_as_written_tells_of_each_run_and_ends_well(service, tmp_path):
    # With a sixth field, in front, for the seconds.
    cron = service("cron", CRON_SCHEDULE="* * * * * *")
    log = tmp_path / "log"

    before = health(cron)
    with running(cron.words(cron.service["command"]), cron, log) as process:
        wait_until(lambda: "ended with exit code 0: all is well" in log.read_text("utf-8"), seconds=PATIENCE_SECONDS)
        meanwhile = health(cron)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)
    said = log.read_text("utf-8")

    assert before.returncode == 1
    assert (meanwhile.returncode, meanwhile.stdout) == (0, "all is well\n")
    assert "INFO published load 1" in said
    assert "is left out: one is still at work" in said
    assert "Traceback" not in said
    assert any(name.startswith("FullPipeline") for name in shown(cron))


def test_a_stop_in_mid_run_reaches_the_job_which_puts_back_what_is_half_done(service, tmp_path):
    cron = service("cron", CRON_SCHEDULE="* * * * * *")
    log = tmp_path / "log"

    with running(cron.words(cron.service["command"]), cron, log) as process:
        wait_until(lambda: "INFO dumped" in log.read_text("utf-8"), seconds=PATIENCE_SECONDS)
        process.send_signal(signal.SIGTERM)
        ended = process.wait(PATIENCE_SECONDS)
    said = log.read_text("utf-8")

    assert ended == 143, said
    assert "stopped, and so is FullPipeline, whose end is waited for" in said
    assert "interrupted; what is complete is kept" in said
    assert "FullPipeline ended with exit code 143: ended by SIGTERM" in said


def test_a_run_that_fails_is_told_and_makes_the_service_unhealthy(service, tmp_path):
    cron = service("cron", CRON_SCHEDULE="* * * * * *", TOWPATH_SOURCE_URI="host=127.0.0.1 port=1 dbname=x user=x")
    with (cron.folder / "luigid.cfg").open("a") as settings:
        settings.write("\n[readiness]\ntimeout_seconds = 0.1\n")
    log = tmp_path / "log"

    with running(cron.words(cron.service["command"]), cron, log) as process:
        wait_until(
            lambda: "ended with exit code 11: DatabaseUnreachable" in log.read_text("utf-8"), seconds=PATIENCE_SECONDS
        )
        unhealthy = health(cron)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)

    assert unhealthy.returncode == 1
    assert unhealthy.stdout.startswith("FullPipeline ended with exit code 11 at ")


def test_whether_readers_see_old_data_is_looked_for_unless_that_is_not_wanted():
    wanted, unwanted = (
        service["services"]["cron"]["environment"] for service in (compose(), compose(FRESHNESS_SCHEDULE=""))
    )

    assert wanted["FRESHNESS_SCHEDULE"] == "0 9 * * *"
    assert unwanted["FRESHNESS_SCHEDULE"] == ""


def test_cron_looks_whether_what_readers_see_is_late(service, tmp_path):
    cron = service("cron", CRON_SCHEDULE="0 0 1 1 *", FRESHNESS_SCHEDULE="* * * * * *")
    log = tmp_path / "log"

    with running(cron.words(cron.service["command"]), cron, log):
        wait_until(
            lambda: "CheckFreshness ended with exit code 40: PublishedLate" in log.read_text("utf-8"), seconds=60
        )
        unhealthy = health(cron)

    assert unhealthy.stdout.startswith("CheckFreshness ended with exit code 40")


@pytest.mark.parametrize(("name", "value"), [("CRON_SCHEDULE", "at three"), ("TZ", "Europe/Bielefeld")])
def test_a_schedule_that_cannot_be_read_ends_in_words_at_once(tmp_path, name, value):
    cron = Outside.of(compose(**{name: value})["services"]["cron"], tmp_path, luigid="http://127.0.0.1:1")
    words = cron.words(cron.service["command"])

    done = subprocess.run(
        words, cwd=tmp_path, env=cron.environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )

    assert done.returncode == 32
    assert value in done.stderr
    assert "what to do: take a" in done.stderr
    assert "Traceback" not in done.stderr


def test_programs_that_health_checks_and_commands_name_are_there():
    bin_folder = Path(sys.executable).parent
    programs = {SERVICES[name]["command"][0] for name in OURS}

    assert programs == {"luigid", "luigi", "python"}
    assert all(os.access(bin_folder / program, os.X_OK) for program in programs)
