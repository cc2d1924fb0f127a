"""A run that is shown by a real luigid, started as `make ui` starts it."""

import json
import urllib.parse
import urllib.request

import pytest

from tests.conftest import PROJECT
from tests.luigid import Luigid


@pytest.fixture
def luigid(tmp_path):
    with Luigid(tmp_path) as url:
        text = (PROJECT / "luigid.cfg").read_text(encoding="utf-8")
        (tmp_path / "luigid.cfg").write_text(text.replace("http://127.0.0.1:8082", url), encoding="utf-8")
        yield url


@pytest.fixture
def shown(luigid, tmp_path):
    """An environment in which the job is shown by that luigid."""
    return {"LUIGI_CONFIG_PATH": str(tmp_path / "luigid.cfg")}


def get(url):
    with urllib.request.urlopen(url) as answer:  # noqa: S310 (it is on loopback)
        return answer.read().decode("utf-8")


def test_luigids_metrics_count_the_tasks_of_a_run_by_their_names(world, shown, luigid):
    done = world.run("DumpSource", **shown)
    failed = world.run("DumpSource", "--run-id=x", "--source-tables", '["nobody"]', **shown)

    metrics = get(f"{luigid}/metrics").splitlines()

    assert done.returncode == 0, done.stderr
    assert failed.returncode == 17, failed.stderr
    assert 'luigi_task_started_total{family="Preflight"} 2.0' in metrics
    assert 'luigi_task_done_total{family="DumpSource"} 1.0' in metrics
    assert 'luigi_task_failed_total{family="Preflight"} 1.0' in metrics
    assert [line for line in metrics if line.startswith('luigi_task_execution_time_seconds{family="DumpSource"} ')]


def test_what_each_task_said_last_is_kept_with_the_moment_of_the_command(world, shown, luigid):
    world.run("DumpSource", **shown)
    world.run("DumpSource", "--run-id=another", **shown)

    asked = urllib.parse.quote(json.dumps({"status": "DONE", "upstream_status": "", "search": ""}))
    tasks = json.loads(get(f"{luigid}/api/task_list?data={asked}"))["response"].values()
    dumps = [task for task in tasks if task["name"] == "DumpSource"]

    assert len({task["params"]["invocation"] for task in tasks}) == 2
    assert {set(task["params"]) == {"invocation", "run_id"} for task in dumps} == {True}
    assert [task["progress_percentage"] for task in dumps] == [100, 100]
    assert {task["status_message"].rpartition(",")[0] for task in dumps} == {"dumped 5 tables, 191 rows"}
