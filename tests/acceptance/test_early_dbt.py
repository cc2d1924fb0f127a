"""dbt starts while the copy is on its way, and a build is what it would have been had it started later."""

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.worlds import Job, World, ask, descendants, is_running, locked, wait_until

DBT = Path(sys.executable).with_name("dbt")
SECOND = ("FullPipeline", "--run-id=second")
RENAMED = "select upper(title) as title from {{ ref('ratings') }}"


def log_of_dbt(world: World, run_id: str) -> str:
    return (world.folder(run_id).dbt / "logs" / "dbt.log").read_text(encoding="utf-8")


def titles(world: World) -> list[str]:
    return sorted(title for (title,) in ask(world.destination, "select title from analytics.titles"))


def waiting_dbt(job: Job) -> list[int]:
    """The processes of a job that wait to become dbt, and what they have started."""
    found = [pid for pid in descendants(job.process.pid) if "dbt_in_waiting" in command_of(pid)]
    return [*found, *(child for pid in found for child in descendants(pid))]


def has_its_order(waiting: int, job: Job) -> bool:
    """Whether nothing more will be written to what it reads."""
    files = Path(f"/proc/{job.process.pid}/fd").iterdir()
    return Path(f"/proc/{waiting}/fd/0").readlink() not in [leads_to(file) for file in files]


def leads_to(link: Path) -> Path | None:
    try:
        return link.readlink()
    except FileNotFoundError:
        # A file that was closed since the folder was read.
        return None


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    except OSError:
        return ""


def wait_until_rehearsed(world: World) -> None:
    """Wait until dbt has read the project for the second run."""
    wait_until((world.folder("second").dbt / "perf_info.json").exists)


def edit(world: World, name: str, text: str) -> None:
    (world.project / "models" / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("is_early", ["true", "false"])
def test_of_a_project_with_one_model_edited_the_next_run_reads_that_one(published, is_early):
    edit(published, "titles.sql", RENAMED)

    done = published.run(*SECOND, f"--dbt-start-early={is_early}")

    assert done.returncode == 0, done.stderr
    changed = {"true": 0, "false": 1}[is_early]  # What was read while the copy was on its way is not read again.
    assert f"Partial parsing enabled: 0 files deleted, 0 files added, {changed} files changed" in log_of_dbt(
        published, "second"
    )
    assert "Unable to do partial parsing" not in done.stderr
    assert titles(published)[0] == titles(published)[0].upper()


def test_a_yaml_file_that_has_changed_under_its_old_time_is_read(published):
    file = published.project / "models" / "models.yml"
    published.run("RunDbt", "--run-id=before")
    written = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace("[not_null, unique]", "[not_null]"), encoding="utf-8")
    os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns))

    done = published.run(*SECOND)

    assert done.returncode == 0, done.stderr
    assert published.checkpoint("before", "dbt")["tests"] == 2
    assert published.checkpoint("second", "dbt")["tests"] == 1


def test_a_model_edited_while_dbt_waits_is_built_as_edited(published, start):
    with locked(published.source, "public.films", "access exclusive"):
        job = start(published.command(*SECOND))
        wait_until_rehearsed(published)
        edit(published, "titles.sql", RENAMED)

    assert job.wait() == 0, job.said
    assert titles(published)[0] == titles(published)[0].upper()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_dbt_that_waits_ends_with_the_job(published, start, number):
    with locked(published.source, "public.films", "access exclusive"):
        job = start(published.command(*SECOND))
        wait_until_rehearsed(published)
        waiting = waiting_dbt(job)

        job.end(number)

    assert waiting
    wait_until(lambda: not any(map(is_running, waiting)))


def test_dbt_that_waits_in_vain_ends_with_the_job(published, start):
    with locked(published.source, "public.films", "access exclusive"):
        job = start(published.command(*SECOND, "--dump-lock-wait-timeout=20"))
        wait_until_rehearsed(published)
        waiting = waiting_dbt(job)

        assert job.wait() == 16, job.said

    assert waiting
    wait_until(lambda: not any(map(is_running, waiting)))


def test_dbt_that_is_killed_as_it_is_told_to_build_is_started_anew(published, start):
    with locked(published.source, "public.films", "access exclusive"):
        job = start(published.command(*SECOND))
        wait_until_rehearsed(published)
        waiting, *_ = waiting_dbt(job)
        os.kill(waiting, signal.SIGSTOP)
    wait_until(lambda: has_its_order(waiting, job))

    os.kill(waiting, signal.SIGKILL)

    assert job.wait() == 0, job.said
    assert published.checkpoint("second", "dbt")["tests"] == 2


def test_a_run_with_nothing_to_do_starts_no_dbt(published, start):
    job = start(published.command("FullPipeline", "--run-id=first"))

    seen = []
    while job.process.poll() is None:
        seen += waiting_dbt(job)

    assert job.wait() == 0, job.said
    assert seen == []


@pytest.mark.parametrize(
    "first_line",
    ["#!/bin/sh", f"#!{sys.executable} -I", "#!{without_dbt}"],
    ids=["a shell's script", "an interpreter with options", "an interpreter that has no dbt"],
)
def test_a_dbt_that_cannot_be_started_early_builds_all_the_same(published, tmp_path, first_line):
    without_dbt = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    wrapper = tmp_path / "dbt"
    is_python = "python" in first_line or "{" in first_line
    calling = f"import os, sys; os.execv('{DBT}', ['{DBT}', *sys.argv[1:]])" if is_python else f'exec "{DBT}" "$@"'
    wrapper.write_text(f"{first_line.replace('{without_dbt}', without_dbt)}\n{calling}\n", encoding="utf-8")
    wrapper.chmod(0o755)

    done = published.run(*SECOND, f"--dbt-executable={wrapper}")

    assert done.returncode == 0, done.stderr
    assert published.checkpoint("second", "dbt")["tests"] == 2


def test_what_dbt_says_is_the_same_started_early_or_not(published):
    edit(published, "titles.sql", "select title from {{ ref('rating') }}")
    said = {}

    for is_early in ("true", "false"):
        done = published.run("FullPipeline", f"--run-id={is_early}", f"--dbt-start-early={is_early}")
        report = published.checkpoint(is_early, "report")
        said[is_early] = done.returncode, re.sub(r"\d\d:\d\d:\d\d *", "", report["failures"][0]["message"])

    assert said["true"] == said["false"]
    assert said["true"][0] == 27
    assert "rating" in said["true"][1]
