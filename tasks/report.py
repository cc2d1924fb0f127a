"""What a run that has ended has to say, published or failed: `report.json`, from which all else is told."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks import history
from tasks.checkpoints import Json
from tasks.manifest import Manifest

# The run's steps in their order, by the names of their checkpoints.
TASKS = {
    "preflight": "Preflight",
    "dump": "DumpSource",
    "restore": "RestoreDestination",
    "dbt": "RunDbt",
    "publish": "PublishModels",
}
# Those that a finished run is made from; what was looked at beforehand is looked at again each time.
STEPS = ("dump", "restore", "dbt", "publish")
_COMPARED = ("run", "ended_at", "run_seconds", "rows", "dump_bytes")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What is known of a run that has ended.

    `places` are source and destination by role; `checkpoints` are those of its finished steps; `failures` are empty
    where it was published; `findings` are the preflight's; `built` is what dbt came to, as `BuildResults.results`;
    `readers` is what readers see now, as `freshness.Published`, or `{"unknown": why}`; `earlier` are `history.reports`.
    `aftermath` is what was done besides: `docs`, as `documentation` says it, `removed` and `disk`, as `housekeeping`.
    """

    run: str
    folder: Path
    places: Mapping[str, str]
    checkpoints: Mapping[str, Json]
    failures: Sequence[Json]
    findings: Sequence[Json]
    built: Sequence[Json]
    readers: Json | None
    versions: Mapping[str, str]
    earlier: Sequence[Json]
    aftermath: Json


def compose(ended: Ended) -> Json:
    """Put together what `report.json` says; what a failed run did not come to is null or empty.

    Times are ISO 8601 in UTC, sizes bytes, durations seconds; `run_seconds` is what the steps took, pauses between the
    tries of a run left out. `failing_since` is when the first of the runs failed that have failed one after another up
    to this one, and in `after_failure` up to the last run to end before this one, which has not failed.
    `left_out` is what cannot be copied, `selection` what the settings of [source] choose, as far as they are set.
    """
    before = history.last_published(list(ended.earlier), except_run=ended.run)
    steps, now = _steps(ended), datetime.datetime.now(datetime.timezone.utc).isoformat()
    return {
        "run": ended.run,
        "outcome": "failed" if ended.failures else "published",
        "failures": list(ended.failures),
        "failing_since": (_failing_since(ended) or now) if ended.failures else None,
        "ended_at": now,
        "run_seconds": round(sum(step["seconds"] for step in steps), 3),
        "folder": str(ended.folder),
        "log": str(ended.folder / "run.log") if (ended.folder / "run.log").exists() else None,
        "readers": ended.readers,
        "after_failure": _failed_before(ended),
        "before": before and {name: before.get(name) for name in _COMPARED},
        "steps": steps,
        **_dumped(ended, before),
        "destination": ended.places["destination"],
        **_restored(ended),
        **_built(ended),
        "preflight": list(ended.findings),
        **ended.aftermath,
        "schemas": ended.checkpoints.get("publish", {}).get("schemas", []),
        "versions": {**ended.versions, **dict(_versions(ended))},
    }


def _steps(ended: Ended) -> list[Json]:
    done = [
        {"step": task, "outcome": "done", **{k: ended.checkpoints[name][k] for k in ("started_at", "seconds")}}
        for name, task in TASKS.items()
        # Preflights of earlier versions of Towpath have no times.
        if "started_at" in ended.checkpoints.get(name, {})
    ]
    failed = [
        {"step": f["task"], "outcome": "failed", "started_at": f["started_at"], "seconds": f["seconds"]}
        for f in ended.failures
    ]
    return [*done, *failed]


def _failed_before(ended: Ended) -> Json | None:
    """Return what the last run to end before this one failed of, be it the same run at an earlier try."""
    last = next(iter(ended.earlier), None)
    if last is None or last["outcome"] != "failed" or ended.failures:
        return None
    return {**{name: last[name] for name in ("run", "ended_at", "failures")}, "failing_since": _failing_since(ended)}


def _failing_since(ended: Ended) -> str | None:
    last = next(iter(ended.earlier), None)
    return str(last["failing_since"]) if last and last["outcome"] == "failed" else None


def _dumped(ended: Ended, before: Json | None) -> Json:
    content = ended.checkpoints.get("dump")
    manifest = Manifest.from_json(content) if content else None
    selection = content["fingerprint"]["selection"] if content else {}
    rows_before = {table["table"]: table["rows"] for table in before["tables"]} if before else {}
    return {
        "source": {
            "database": ended.places["source"],
            "snapshot_at": manifest.snapshot_at if manifest else None,
            "lsn": manifest.lsn if manifest else None,
        },
        "tables": [
            {
                "table": str(t),
                "rows": t.rows,
                "rows_before": rows_before.get(str(t)),
                "bytes": t.bytes,
                "copied": t.with_data,
                "digest": t.digest,
            }
            for t in (manifest.tables if manifest else [])
        ],
        "rows": manifest.rows if manifest else 0,
        "dump_bytes": manifest.bytes if manifest else 0,
        "left_out": manifest.left_out if manifest else [],
        "selection": {name: patterns for name, patterns in selection.items() if patterns},
    }


def _restored(ended: Ended) -> Json:
    restored = ended.checkpoints.get("restore", {})
    empty: Json = {"load_id": None, "unchanged": 0, "verified": None, "not_compared": [], "drift": []}
    return {name: restored.get(name, default) for name, default in empty.items()}


def _built(ended: Ended) -> Json:
    built = ended.checkpoints.get("dbt", {})
    return {
        "models": built.get("models", []),
        "models_in_place": built.get("in_place", []),
        "tests_passed": built.get("tests", 0),
        "test_warnings": built.get("warnings", []),
        "built": list(ended.built),
    }


def _versions(ended: Ended) -> Iterator[tuple[str, str]]:
    if dumped := ended.checkpoints.get("dump"):
        yield "source_server", f"{dumped['server_version'] // 10000}.{dumped['server_version'] % 10000}"
        yield "pg_dump", dumped["pg_dump"]
    if restored := ended.checkpoints.get("restore"):
        yield "pg_restore", restored["pg_restore"]
    if dbt := ended.checkpoints.get("dbt", {}).get("dbt"):
        yield "dbt", dbt
