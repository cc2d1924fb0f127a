"""The numbers in a run's report, as Prometheus names them."""

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping

from tasks.checkpoints import Json

Fact = tuple[str, Mapping[str, str], float]

# Of the last run to end, published or failed. What has not this beginning is of the last run that was published, or of
# what readers see, and stays as it was when a run fails.
OF_LAST_RUN = "towpath_last_run_"

HELP: Mapping[str, str] = {
    "towpath_last_run_success": "Whether the last run to end was published (1) or failed (0).",
    "towpath_last_run_exit_code": "Exit code of the last run to end, as in the README's table.",
    "towpath_last_run_end_timestamp_seconds": "When the last run ended, published or failed.",
    "towpath_last_run_duration_seconds": "How long the steps of the last run took.",
    "towpath_last_run_step_duration_seconds": "How long a step of the last run took.",
    "towpath_last_run_tests": "Tests of dbt in the last run, by result: passed, warned, failed, skipped.",
    "towpath_last_run_models": "Models, seeds and snapshots in the last run, by result: built, failed, skipped.",
    "towpath_last_run_preflight_warnings": "What the last run's preflight warned of.",
    "towpath_last_run_info": "The last run to end, by its id and Towpath's version; always 1.",
    "towpath_published_snapshot_timestamp_seconds": "As of when readers saw the source when the last run ended.",
    "towpath_published_timestamp_seconds": "When what readers saw when the last run ended was published.",
    "towpath_last_success_timestamp_seconds": "When the last run that was published ended.",
    "towpath_dump_bytes": "Size of the dump of the last run that was published.",
    "towpath_tables": "Tables copied by the last run that was published.",
    "towpath_rows": "Rows copied by the last run that was published.",
    "towpath_rows_before": "Rows copied by the run that was published before it.",
    "towpath_table_rows": "Rows of a table in the last run that was published.",
    "towpath_table_rows_before": "Rows of a table in the run that was published before it.",
    "towpath_table_bytes": "Size of a table at the source, indexes left out, in the last run that was published.",
    "towpath_run_artifacts_bytes": "Size of the folder of the last run to end.",
    "towpath_artifacts_bytes": "Size of all runs' folders.",
    "towpath_artifacts_free_bytes": "How much is free on the disk of the runs' folders.",
}
_TEST_RESULTS = {
    "pass": "passed",
    "warn": "warned",
    "fail": "failed",
    "error": "failed",
    "skipped": "skipped",
    "no-op": "skipped",
}
_MODEL_RESULTS = {"success": "built", "error": "failed", "skipped": "skipped", "no-op": "skipped"}


def facts(report: Json, *, tables: bool) -> Iterator[Fact]:
    """Give name, labels and value of all that a report says; sizes in bytes, times in seconds since 1970."""
    yield from _of_last_run(report)
    if report["readers"] and "unknown" not in report["readers"]:
        yield "towpath_published_snapshot_timestamp_seconds", {}, _timestamp(report["readers"]["snapshot_at"])
        yield "towpath_published_timestamp_seconds", {}, _timestamp(report["readers"]["published_at"])
    if report["outcome"] == "published":
        yield from _of_success(report)
        yield from _of_tables(report) if tables else ()
    if disk := report.get("disk"):
        yield "towpath_run_artifacts_bytes", {}, disk["run_bytes"]
        yield "towpath_artifacts_bytes", {}, disk["artifacts_bytes"]
        yield "towpath_artifacts_free_bytes", {}, disk["free_bytes"]


def _of_last_run(report: Json) -> Iterator[Fact]:
    failures, versions = report["failures"], report["versions"]
    yield "towpath_last_run_success", {}, int(report["outcome"] == "published")
    yield "towpath_last_run_exit_code", {}, failures[-1]["exit_code"] if failures else 0
    yield "towpath_last_run_end_timestamp_seconds", {}, _timestamp(report["ended_at"])
    yield "towpath_last_run_duration_seconds", {}, report["run_seconds"]
    yield "towpath_last_run_info", {"run": report["run"], "version": versions["towpath"]}, 1
    yield "towpath_last_run_preflight_warnings", {}, sum(found["level"] == "warn" for found in report["preflight"])
    seconds: Counter[str] = Counter()
    for step in report["steps"]:
        # Two servers that do not answer are one step's failures.
        seconds[step["step"]] += step["seconds"]
    for name, took in seconds.items():
        yield "towpath_last_run_step_duration_seconds", {"step": name}, took
    tests = Counter(_TEST_RESULTS.get(b["status"], "failed") for b in report["built"] if "test" in b["kind"])
    models = Counter(_MODEL_RESULTS.get(b["status"], "failed") for b in report["built"] if b["materialized"])
    for result in dict.fromkeys(_TEST_RESULTS.values()):
        yield "towpath_last_run_tests", {"result": result}, tests[result]
    for result in dict.fromkeys(_MODEL_RESULTS.values()):
        yield "towpath_last_run_models", {"result": result}, models[result]


def _of_success(report: Json) -> Iterator[Fact]:
    yield "towpath_last_success_timestamp_seconds", {}, _timestamp(report["ended_at"])
    yield "towpath_dump_bytes", {}, report["dump_bytes"]
    yield "towpath_tables", {}, len(report["tables"])
    yield "towpath_rows", {}, report["rows"]
    if report["before"] and report["before"]["rows"] is not None:
        yield "towpath_rows_before", {}, report["before"]["rows"]


def _of_tables(report: Json) -> Iterator[Fact]:
    for table in report["tables"]:
        labels = {"table": table["table"]}
        yield "towpath_table_rows", labels, table["rows"]
        yield "towpath_table_bytes", labels, table["bytes"]
        if table["rows_before"] is not None:
            yield "towpath_table_rows_before", labels, table["rows_before"]


def _timestamp(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()
