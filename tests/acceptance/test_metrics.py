"""What Prometheus is told of a run, in its own format: by a file for node_exporter and by a pushgateway."""

import base64
import json
import os
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tasks import metrics
from tasks.errors import SettingInvalid
from tasks.facts import HELP
from tasks.metrics import MetricsOptions
from tests.receivers import Receiver

PASSWORD = "Wq8Y/p@ss%20Secret"
ENCODED_PASSWORD = "Wq8Y%2Fp%40ss%2520Secret"
Told = dict[str, dict[str, float]]
DISK = {"run_bytes": 11, "artifacts_bytes": 22, "free_bytes": 33}


def read(text: str) -> Told:
    """The values of each metric by the labels that are its own, as `k=v`, as Prometheus's parser reads them."""
    found: Told = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sample.labels.items() if k not in ("destination", "team"))
            assert found.setdefault(sample.name, {}).setdefault(labels, sample.value) == sample.value
    return found


def options(**changed) -> MetricsOptions:
    given = {"textfile": "", "pushgateway": "", "job": "towpath", "labels": {}, "tables": True, "timeout_seconds": 10}
    return MetricsOptions(**{**given, **changed})


@pytest.fixture
def report(first_run):
    """The report of a run that was published."""
    return json.loads((first_run[0] / "first" / "report.json").read_text(encoding="utf-8"))


@pytest.fixture
def failed(report):
    """The report of a run that failed when its destination went away."""
    failure = {"task": "DatabaseReady", "exit_code": 11, "started_at": report["ended_at"], "seconds": 60.0}
    steps = [{"step": "DatabaseReady", "outcome": "failed", "seconds": 60.0} for _ in range(2)]
    nothing = {"tables": [], "rows": 0, "dump_bytes": 0, "built": [], "preflight": [], "disk": None}
    unknown = {"readers": {"unknown": "it does not answer"}, "ended_at": "2030-01-01T00:00:00+00:00"}
    return {**report, "outcome": "failed", "failures": [failure], "steps": steps, **nothing, **unknown}


def test_a_published_run_and_a_failed_one_after_it_are_told(published, tmp_path):
    textfile, model = tmp_path / "towpath.prom", published.project / "models" / "ratings.sql"
    flags = [f"--metrics-textfile={textfile}", '--metrics-labels={"team": "shop"}']

    with Receiver() as gateway:
        flags += [f"--metrics-pushgateway=http://towpath:{ENCODED_PASSWORD}@{gateway.place}/"]
        good = published.run("FullPipeline", "--run-id=second", *flags)
        success = read(textfile.read_text(encoding="utf-8"))
        model.write_text("select film_id from public.nowhere", encoding="utf-8")
        # The very run whose report told of the success: its report tells of the failure from now on.
        bad = published.run("FullPipeline", "--run-id=second", *flags)
        failure = read(textfile.read_text(encoding="utf-8"))

    assert (good.returncode, bad.returncode) == (0, 27), good.stderr + bad.stderr
    assert "WARNING" not in good.stderr
    ensure_told(success, failure)
    ensure_pushed(gateway, destination=str(published.destination), told=success)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert textfile.read_bytes() in kept
    assert b"Wq8Y" not in (good.stdout + good.stderr + bad.stdout + bad.stderr).encode() + kept


def ensure_told(success: Told, failure: Told) -> None:
    assert success["towpath_last_run_success"] == {"": 1}
    assert success["towpath_table_rows"]["table=public.films"] == 20
    assert success["towpath_last_run_tests"]["result=passed"] == 2
    assert failure["towpath_last_run_success"] == {"": 0}
    assert failure["towpath_last_run_exit_code"] == {"": 27}
    assert failure["towpath_last_run_models"] == {"result=built": 0, "result=failed": 1, "result=skipped": 1}
    # How full the disk is, a failed run knows as well.
    stays = {name for name in success if not name.startswith("towpath_last_run_") and "artifacts" not in name}
    assert "towpath_dump_bytes" in stays
    assert {name: failure[name] for name in stays} == {name: success[name] for name in stays}


def ensure_pushed(gateway: Receiver, *, destination: str, told: Told) -> None:
    first, second = gateway.requests
    assert (first.method, second.method) == ("PUT", "POST")
    group = re.fullmatch(r"/metrics/job/towpath/destination@base64/([^/]+)/team/shop", first.path)
    assert group
    assert base64.urlsafe_b64decode(group[1]).decode() == destination
    assert first.authorization == "Basic " + base64.b64encode(f"towpath:{PASSWORD}".encode()).decode()
    assert read(first.body.decode()) == told
    assert "towpath_table_rows" not in read(second.body.decode())


def test_what_is_wrong_with_whom_it_tells_does_not_break_or_delay_a_run(published, tmp_path):
    """A folder that is not there, a pushgateway and a lineage server that answer a letter at a time."""
    with Receiver(drips=True) as silent:
        done = published.run(
            "FullPipeline",
            "--run-id=second",
            f"--metrics-textfile={tmp_path}/nowhere/towpath.prom",
            f"--metrics-pushgateway=http://towpath:{ENCODED_PASSWORD}@{silent.place}",
            "--metrics-timeout-seconds=1",
            f"--lineage-file={tmp_path}/nowhere/events.jsonl",
            f"--lineage-url=http://towpath:{ENCODED_PASSWORD}@{silent.place}",
            "--lineage-api-key=Wq8Y",
            "--lineage-timeout-seconds=1",
        )

    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert done.returncode == 0, done.stderr
    assert published.checkpoint("second", "report")["readers"]["run"] == "second"
    assert len(warnings) == 4, done.stderr
    assert f"metrics of run second: http://{silent.place} did not take them: no answer within 1 s" in warnings[1]
    assert re.search(rf"lineage of run second: http://{silent.place} did not take all of \d+ events", warnings[3])
    assert all("nowhere" in warnings[number] for number in (0, 2))
    assert all("the run itself is not affected" in warning for warning in warnings)
    assert "Wq8Y" not in done.stdout + done.stderr


def test_every_metric_is_told_with_its_help_and_named_by_the_conventions(report, tmp_path):
    told = tmp_path / "towpath.prom"
    before = {name: report[name] for name in ("run", "ended_at", "run_seconds", "rows", "dump_bytes")}
    tables = [{**table, "rows_before": 1} for table in report["tables"]]

    metrics.write_textfile({**report, "before": before, "tables": tables, "disk": DISK}, options(textfile=str(told)))

    families = list(text_string_to_metric_families(told.read_text(encoding="utf-8")))
    assert {family.name: family.documentation for family in families} == HELP
    assert {family.type for family in families} == {"gauge"}
    for family in families:
        assert re.fullmatch(r"towpath(_[a-z]+)+", family.name)
        assert not re.search(r"_(total|count|sum|bucket|ms|mb|kb|minutes|percent)$", family.name)
        assert family.documentation.endswith(".")
        assert all(sample.labels["destination"] == report["destination"] for sample in family.samples)


def test_a_run_that_knows_nothing_wipes_nothing(report, failed, tmp_path):
    told = tmp_path / "towpath.prom"
    metrics.write_textfile({**report, "disk": DISK}, options(textfile=str(told)))
    before = read(told.read_text(encoding="utf-8"))

    metrics.write_textfile(failed, options(textfile=str(told)))

    after = read(told.read_text(encoding="utf-8"))
    assert after["towpath_last_run_step_duration_seconds"] == {"step=DatabaseReady": 120}
    assert after.keys() == before.keys()
    of_readers = ("towpath_published_snapshot_timestamp_seconds", "towpath_artifacts_free_bytes", "towpath_dump_bytes")
    assert {name: after[name] for name in of_readers} == {name: before[name] for name in of_readers}


def test_node_exporter_may_read_the_file_whatever_the_umask(report, tmp_path):
    told = tmp_path / "towpath.prom"
    before = os.umask(0o077)
    try:
        metrics.write_textfile(report, options(textfile=str(told)))
    finally:
        os.umask(before)

    assert told.stat().st_mode & 0o777 == 0o644


def test_a_file_that_is_none_of_ours_is_replaced(failed, tmp_path):
    told = tmp_path / "towpath.prom"
    told.write_bytes(b"towpath_rows{ 5\n\xff")

    metrics.write_textfile(failed, options(textfile=str(told)))

    assert read(told.read_text(encoding="utf-8"))["towpath_last_run_success"] == {"": 0}


def test_a_table_that_is_gone_has_no_series_any_more(report, tmp_path):
    told = tmp_path / "towpath.prom"
    metrics.write_textfile(report, options(textfile=str(told)))

    metrics.write_textfile({**report, "tables": report["tables"][:1]}, options(textfile=str(told)))

    assert len(read(told.read_text(encoding="utf-8"))["towpath_table_rows"]) == 1


def test_the_series_of_tables_can_be_done_without(report, tmp_path):
    told = tmp_path / "towpath.prom"

    metrics.write_textfile(report, options(textfile=str(told), tables=False))

    found = read(told.read_text(encoding="utf-8"))
    assert not any(name.startswith("towpath_table_") for name in found)
    assert found["towpath_rows"] == {"": 191}


def test_the_old_file_stays_whole_where_a_new_one_cannot_be_written(report, tmp_path):
    told = tmp_path / "towpath.prom"
    strange = {**report, "tables": [{"table": "public.x", "rows": 1, "bytes": "many", "rows_before": None}]}
    metrics.write_textfile(report, options(textfile=str(told)))
    before = told.read_bytes()

    with pytest.raises(ValueError, match="many"):
        metrics.write_textfile(strange, options(textfile=str(told)))

    assert told.read_bytes() == before
    assert list(tmp_path.iterdir()) == [told]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"textfile": "towpath.txt"}, "towpath.txt"),
        ({"textfile": "x.prom", "labels": {"table": "x"}}, "table"),
        ({"textfile": "x.prom", "labels": {"a-b": "x"}}, "a-b"),
        ({"pushgateway": "http://h", "labels": {"__a": "x"}}, "__a"),
    ],
)
def test_what_prometheus_would_not_take_is_said(report, changed, named):
    tell = metrics.push if "pushgateway" in changed else metrics.write_textfile

    with pytest.raises(SettingInvalid, match=named):
        tell(report, options(**changed))


def test_a_pushgateway_that_refuses_is_named_without_its_password(report):
    with Receiver(401) as gateway, pytest.raises(OSError, match="401") as refused:
        metrics.push(report, options(pushgateway=f"http://me:{ENCODED_PASSWORD}@{gateway.place}"))

    assert gateway.place in str(refused.value)
    assert "Wq8Y" not in f"{refused.value!r} {refused.value.__cause__!r}"
