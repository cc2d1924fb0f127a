"""The examples for systemd, cron and Kubernetes, checked without any of them."""

import configparser
import datetime
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tasks import errors
from tests.conftest import PROJECT, uri_of
from tests.containers import compose, instructions
from tests.worlds import run_to_the_end

SYSTEMD = PROJECT / "deploy" / "systemd"
MANIFEST = PROJECT / "deploy" / "kubernetes" / "cronjob.yaml"
JOB = ["luigi", "--module", "tasks", "FullPipeline"]
PROJECT_AT = "/srv/towpath"


class Unit(configparser.ConfigParser):
    """A unit file; its names are as they are written."""

    def __init__(self, name: str) -> None:
        super().__init__(interpolation=None, strict=True, delimiters=["="], comment_prefixes=["#"])
        self.read(SYSTEMD / name, encoding="utf-8")

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def test_the_timer_starts_the_service_every_night_and_makes_up_for_a_missed_one():
    timer = Unit("towpath.timer")

    assert (SYSTEMD / "towpath.service").is_file()
    assert timer["Timer"]["OnCalendar"] == "*-*-* 03:00:00"
    assert timer["Timer"]["Persistent"] == "yes" or timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_service_runs_the_job_in_its_folder_and_lets_it_put_back_what_is_half_done():
    service = Unit("towpath.service")["Service"]
    program, *words = shlex.split(service["ExecStart"])

    assert program == f"{PROJECT_AT}/.venv/bin/luigi"
    assert service["WorkingDirectory"] == PROJECT_AT
    assert words[:3] == JOB[1:]
    assert service["KillMode"] == "mixed"
    assert service["TimeoutStopSec"] == "2min"


def test_the_service_may_write_to_its_own_folder_alone():
    service = Unit("towpath.service")["Service"]

    assert service["ProtectSystem"] == "strict"
    assert service["StateDirectory"] == "towpath"
    assert "--artifacts-root %S/towpath" in service["ExecStart"]
    assert "ReadWritePaths" not in service


def test_the_environment_of_the_service_is_the_jobs():
    lines = (SYSTEMD / "environment.example").read_text("utf-8").splitlines()
    names = {line.split("=")[0] for line in lines if line and not line.startswith("#")}

    assert Unit("towpath.service")["Service"]["EnvironmentFile"] == "/etc/towpath/environment"
    assert names == {"SOURCE_URI", "DESTINATION_URI", "PGPASSFILE"}


def test_the_services_command_runs_as_written(films, destination, tmp_path):
    service = Unit("towpath.service")["Service"]
    (tmp_path / "towpath").mkdir()
    words = (
        service["ExecStart"]
        .replace("%S", str(tmp_path))
        .replace(f"{PROJECT_AT}/.venv", str(Path(sys.executable).parents[1]))
    )

    done = run_to_the_end(
        [*shlex.split(words), f"--dbt-project-dir={PROJECT / 'tests' / 'data' / 'small_dbt'}"],
        SOURCE_URI=uri_of(films),
        DESTINATION_URI=uri_of(destination),
    )

    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("towpath/*/report.json"))


def manifests() -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all(MANIFEST.read_text("utf-8"))}


def pod() -> dict[str, Any]:
    found: dict[str, Any] = manifests()["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found


def test_the_manifest_fits_kubernetes():
    program = str(Path(sys.executable).with_name("kubernetes-validate"))

    done = run_to_the_end([program, "--strict", str(MANIFEST)])

    assert done.returncode == 0, done.stdout + done.stderr


def test_no_two_runs_are_at_work_and_a_missed_night_is_made_up_for():
    spec = manifests()["CronJob"]["spec"]

    assert spec["schedule"] == "0 3 * * *"
    assert spec["timeZone"] == "Etc/UTC"
    assert spec["concurrencyPolicy"] == "Forbid"
    assert datetime.timedelta(seconds=spec["startingDeadlineSeconds"]) < datetime.timedelta(days=1)


def test_the_pod_runs_the_images_command_as_its_user_and_writes_to_its_volumes_only():
    (container,) = pod()["containers"]
    (user,) = [arguments for name, arguments in instructions() if name == "USER"]
    security = pod()["securityContext"]
    service = compose()["services"]["pipeline"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}

    assert container["args"] == JOB == service["command"]
    assert f"{security['runAsUser']}:{security['runAsGroup']}" == user
    assert security["fsGroup"] == security["runAsGroup"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert mounted == {"artifacts": service["volumes"][0].split(":")[1], "tmp": service["tmpfs"]}
    assert {volume["name"] for volume in pod()["volumes"]} == set(mounted)
    claim = pod()["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert claim == manifests()["PersistentVolumeClaim"]["metadata"]["name"]


def test_the_manifest_has_no_password_and_says_how_the_secret_is_made():
    (container,) = pod()["containers"]
    text = MANIFEST.read_text("utf-8")

    assert container["envFrom"] == [{"secretRef": {"name": "towpath"}}]
    assert "kubectl create secret generic towpath" in text
    assert set(re.findall(r"--from-literal=(\w+)", text)) == {"SOURCE_URI", "DESTINATION_URI"}


def test_only_what_may_mend_itself_is_tried_again():
    spec = manifests()["CronJob"]["spec"]["jobTemplate"]["spec"]
    (rule,) = [rule["onExitCodes"] for rule in spec["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    waiting_helps = {
        errors.DatabaseUnreachable,
        errors.SourceBusy,
        errors.DestinationBusy,
        errors.PublishBlocked,
        errors.RunInProgress,
    }

    # Besides, Luigi's own: luigid went away.
    assert set(rule["values"]) == {kind.exit_code for kind in waiting_helps} | {5, 9}
    assert rule["operator"] == "NotIn"
    assert pod()["restartPolicy"] == "Never"


def cron_line(task: str) -> str:
    """What the README has cron give to sh for a task."""
    text = (PROJECT / "README.md").read_text("utf-8")
    (found,) = re.findall(rf"^    \d+ \d+ \* \* \* (.*{task}.*)$", text, re.MULTILINE)
    assert "%" not in found, "cron takes it for the end of a line"
    return str(found)


@pytest.mark.parametrize(("program", "mail"), [("echo fine", ""), ("echo what it said; exit 11", "what it said\n")])
def test_the_line_for_cron_mails_what_a_run_said_only_when_it_failed(tmp_path, program, mail):
    """cron gives sh what is behind the five fields, and mails what that prints."""
    command = cron_line("FullPipeline").replace(PROJECT_AT, str(tmp_path))
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "luigi").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / ".venv" / "bin" / "luigi").chmod(0o755)
    (tmp_path / "luigi.cfg").touch()

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)

    assert done.stdout + done.stderr == mail


def test_the_line_for_cron_starts_no_second_run_and_says_nothing_of_it(tmp_path):
    command = cron_line("FullPipeline").replace(PROJECT_AT, str(tmp_path))
    (tmp_path / "luigi.cfg").touch()
    with subprocess.Popen(["flock", "--no-fork", tmp_path / "luigi.cfg", "sleep", "60"]) as first:
        waiting = ["flock", "--nonblock", tmp_path / "luigi.cfg", "true"]
        while subprocess.run(waiting, check=False).returncode == 0:
            pass

        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        first.terminate()

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(("program", "mail"), [("echo fine", ""), ("echo late >&2; exit 40", "late\n")])
def test_the_line_for_cron_that_looks_for_lateness_mails_only_what_is_late(tmp_path, program, mail):
    command = cron_line("CheckFreshness").replace(PROJECT_AT, str(tmp_path))
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "luigi").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / ".venv" / "bin" / "luigi").chmod(0o755)

    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)

    assert done.stdout + done.stderr == mail
