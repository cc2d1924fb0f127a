"""Where the job is started from, and with what: cron, a bare environment, an odd path, few files, nobody's locale."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import embedded
from tests.conftest import PROJECT, uri_of
from tests.worlds import World, ask, descendants

LUIGI = str(Path(sys.executable).with_name("luigi"))
ODD = 'it\'s a "prøject" 漢字 $HOME `id` %s {}'
BARE: dict[str, str] = {}
ENVIRONMENTS = {
    "nothing at all": BARE,
    "as cron gives it": {"HOME": "/root", "LOGNAME": "root", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "MAILTO": ""},
    "LC_ALL=C": {"LC_ALL": "C"},
    "a locale that is not installed": {"LC_ALL": "xx_XX.ISO-8859-1", "LANG": "yy_YY"},
    "homeless": {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "PATH": ""},
    "a time zone of another planet": {"TZ": "Mars/Phobos"},
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a checkout holds that a run needs, in a folder whose name has every kind of letter."""
    folder = tmp_path / ODD
    for name in ("tasks", "dbt_models", "source_db_init"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    for name in ("luigi.cfg", "logging.cfg"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


def started_in(
    folder: Path, *words: str, environment: dict[str, str], before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the real command, of the checkout in that folder, in that environment and no other."""
    script = f'{before}\nexec "$@"'
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", LUIGI, "--module=tasks", *words],
        cwd=folder, env={**environment, "PYTHONPATH": str(folder)}, capture_output=True, encoding="utf-8",
        timeout=120, check=False,
    )  # fmt: skip


def databases(world: World) -> list[str]:
    return [f"--source-uri={uri_of(world.source)}", f"--destination-uri={uri_of(world.destination)}"]


@pytest.mark.parametrize("name", list(ENVIRONMENTS))
def test_dump_and_restore_need_nothing_of_their_environment(world, checkout, name):
    done = started_in(checkout, "RestoreDestination", *databases(world), environment=ENVIRONMENTS[name])

    assert done.returncode == 0, done.stderr
    assert [path.name for path in (checkout / "artifacts").iterdir()] != []
    assert ask(world.destination, "select count(*) from public.films") == [(20,)]


def test_a_whole_run_goes_well_in_an_odd_folder_with_64_files_a_strict_umask_and_no_environment(world, checkout):
    small = f"--dbt-project-dir={shutil.copytree(PROJECT / 'tests/data/small_dbt', checkout / 'my models')}"
    limits = "ulimit -n 64; umask 077"

    done = started_in(checkout, "FullPipeline", small, *databases(world), environment=BARE, before=limits)

    assert done.returncode == 0, done.stderr
    assert str(checkout / "artifacts") in done.stdout
    assert ask(world.destination, "select count(*) from analytics.titles") == [(20,)]
    readable = [path for path in (checkout / "artifacts").rglob("*") if path.stat().st_mode & 0o077]
    assert readable == []


def test_too_few_files_are_told_and_the_same_command_goes_on_with_more(world, checkout):
    words = ["RestoreDestination", "--run-id=x", *databases(world)]

    failed = started_in(checkout, *words, environment=BARE, before="ulimit -n 10")
    landed = ask(world.destination, "select true from pg_tables where tablename = 'films'")
    mended = started_in(checkout, *words, environment=BARE)

    assert failed.returncode in (11, 19, 34)
    assert "Too many open files" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert landed == []
    assert mended.returncode == 0, mended.stderr


@pytest.fixture
def embedded_checkout(checkout: Path) -> Iterator[Path]:
    """The same, in a place that other users may reach; its embedded servers do not outlive the test."""
    root = Path(tempfile.mkdtemp(prefix="towpath-"))
    moved: Path = checkout.rename(root / ODD)
    yield moved
    stop(moved)
    shutil.rmtree(root)


def stop(folder: Path) -> str:
    command = [sys.executable, "-m", "tasks", "stop"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_the_embedded_servers_live_in_an_odd_folder_whatever_locale_and_umask_and_are_found_again(embedded_checkout):
    link, words = embedded._plain(embedded_checkout / ".towpath"), ("RestoreDestination", "--run-id=x")

    first = started_in(
        embedded_checkout,
        *words,
        environment={"LC_ALL": "xx_XX", "TMPDIR": "/var/tmp"},
        before="umask 077",
    )
    again = started_in(embedded_checkout, *words, environment=BARE)
    servers = sorted(path.parent.name for path in embedded_checkout.glob(".towpath/*/postmaster.pid"))
    # As a cleaner of old files does.
    link.unlink()
    stopped = stop(embedded_checkout)

    assert first.returncode == 0, first.stderr
    assert "5 tables, 191 rows" in first.stderr
    assert again.returncode == 0, again.stderr
    assert "dumped" not in again.stderr
    assert servers == ["destination", "source"]
    assert stopped == "stopped: source, destination\n"
    assert not link.is_symlink()


def test_a_link_that_leads_elsewhere_is_not_followed(embedded_checkout, tmp_path):
    link = embedded._plain(embedded_checkout / ".towpath")
    link.symlink_to(tmp_path)

    refused = started_in(embedded_checkout, "DatabaseReady", "--role=source", environment=BARE)
    link.unlink()

    assert refused.returncode == 32
    assert str(link) in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.glob("source")) == []


def test_as_process_1_of_a_container_a_stopped_job_ends_as_whoever_stopped_it_expects(tmp_path):
    """Process 1 cannot die of a signal by itself, and not every container has an init."""
    program = "from tasks import interruption; import time; interruption.prepare(); print(flush=True); time.sleep(60)"
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", *as_root, "--pid", "--fork", "--kill-child", sys.executable, "-c", program]
    with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as unshare:
        assert unshare.stdout is not None
        unshare.stdout.readline()
        (inside,) = descendants(unshare.pid)
        os.kill(inside, signal.SIGTERM)
        _, said = unshare.communicate(timeout=20)

    assert unshare.returncode == 143
    assert "what to do: run the same command again" in said
