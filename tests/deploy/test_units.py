"""The examples for systemd, cron and Kubernetes, checked without any of them."""

import configparser
import datetime
import json
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
FRESHNESS = PROJECT / "deploy" / "kubernetes" / "freshness.yaml"
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


def test_lateness_is_looked_for_after_the_night_as_the_job_runs():
    timer, look, job = (
        Unit("towpath-freshness.timer"),
        Unit("towpath-freshness.service")["Service"],
        Unit("towpath.service")["Service"],
    )

    assert timer["Timer"]["OnCalendar"] == "*-*-* 09:00:00"
    assert timer["Install"]["WantedBy"] == "timers.target"
    # What it is told of, what it may do: as the job, or nothing of the kind.
    assert {
        name: value for name, value in look.items() if name not in ("ExecStart", "TimeoutStartSec")
    }.items() <= dict(job).items()
    assert shlex.split(look["ExecStart"])[0] == shlex.split(job["ExecStart"])[0]
    assert look["ExecStart"].endswith("--artifacts-root %S/towpath")


def test_the_command_that_looks_for_lateness_runs_as_written(destination, tmp_path):
    words = (
        Unit("towpath-freshness.service")["Service"]["ExecStart"]
        .replace("%S", str(tmp_path))
        .replace(f"{PROJECT_AT}/.venv", str(Path(sys.executable).parents[1]))
    )

    done = run_to_the_end(shlex.split(words), DESTINATION_URI=uri_of(destination))

    assert done.returncode == errors.PublishedLate.exit_code, done.stderr
    assert "a version is expected every 1 d 2 h" in done.stderr


def test_the_installation_takes_every_unit(tmp_path):
    text = (SYSTEMD / "towpath.service").read_text("utf-8")
    (copying,) = re.findall(r"^#   cp (.*) /etc/systemd/system/$", text, re.MULTILINE)
    (enabling,) = re.findall(r"systemctl enable --now (.*)$", text, re.MULTILINE)
    copied = {path.name for pattern in copying.split() for path in PROJECT.glob(pattern)}
    units = {path.name for path in SYSTEMD.iterdir() if path.suffix in (".service", ".timer")}

    assert copied == units
    assert set(enabling.split()) == {name for name in units if name.endswith(".timer")}


def test_metrics_need_one_more_folder_which_is_that_of_the_documents_example():
    text = (SYSTEMD / "towpath.service").read_text("utf-8")
    (folder,) = re.findall(r"^#ReadWritePaths=(.*)$", text, re.MULTILINE)

    assert f"--metrics-textfile={folder}/towpath.prom" in (PROJECT / "docs" / "watching.md").read_text("utf-8")


def manifests(path: Path = MANIFEST) -> dict[str, Any]:
    return {one["kind"]: one for one in yaml.safe_load_all(path.read_text("utf-8"))}


def pod(path: Path = MANIFEST) -> dict[str, Any]:
    found: dict[str, Any] = manifests(path)["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("path", [MANIFEST, FRESHNESS], ids=lambda path: path.name)
def test_the_manifest_fits_kubernetes(path):
    program = str(Path(sys.executable).with_name("kubernetes-validate"))

    done = run_to_the_end([program, "--strict", str(path)])

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


def test_the_pod_that_looks_for_lateness_is_the_jobs_without_its_volume():
    (job,), (look,) = pod()["containers"], pod(FRESHNESS)["containers"]
    security = {name: value for name, value in pod()["securityContext"].items() if name != "fsGroup"}

    assert look["args"] == [*JOB[:-1], "CheckFreshness", "--notify-expected-every=26h"]
    assert {name: look[name] for name in ("image", "envFrom", "securityContext")} == {
        name: job[name] for name in ("image", "envFrom", "securityContext")
    }
    assert pod(FRESHNESS)["securityContext"] == security
    assert [volume["name"] for volume in pod(FRESHNESS)["volumes"]] == ["tmp"]
    assert manifests(FRESHNESS)["CronJob"]["spec"]["schedule"] == "0 9 * * *"


def test_the_documented_way_back_makes_the_same_job_roll_back():
    (words,) = re.findall(r"\| (sed '[^']*')", MANIFEST.read_text("utf-8"))
    job = manifests()["CronJob"]["spec"]["jobTemplate"]

    made = subprocess.run(
        shlex.split(words), input=json.dumps(job, indent=4), capture_output=True, text=True, check=True
    )

    (container,) = json.loads(made.stdout)["spec"]["template"]["spec"]["containers"]
    assert container["args"] == [*JOB[:-1], "RollBack"]


def test_the_documented_command_by_hand_is_told_what_the_service_is():
    lines = (SYSTEMD / "towpath.service").read_text("utf-8").splitlines()
    (first,) = [number for number, line in enumerate(lines) if line.startswith("#   systemd-run ")]
    words = shlex.split(" ".join(line.lstrip("# ").rstrip("\\") for line in lines[first : first + 2]))
    service = Unit("towpath.service")["Service"]

    assert f"--uid={service['User']}" in words
    assert f"--working-directory={service['WorkingDirectory']}" in words
    assert f"--property=EnvironmentFile={service['EnvironmentFile']}" in words
    assert shlex.split(service["ExecStart"])[0] in words
    assert words[-2:] == ["--artifacts-root", f"/var/lib/{service['StateDirectory']}"]


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
