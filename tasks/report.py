"""What a finished run has to say: `report.json`, and a summary for a person."""

from collections.abc import Mapping
from pathlib import Path

from tasks import commands
from tasks.checkpoints import Json
from tasks.errors import PipelineError
from tasks.manifest import Manifest
from tasks.postgres import Database, connect
from tasks.statements import qualified

STEPS = ("dump", "restore", "dbt", "publish")
_TITLES = {"dump": "DumpSource", "restore": "RestoreDestination", "dbt": "RunDbt", "publish": "PublishModels"}
_SHOWN_ROWS, _SHOWN_CHANGES = 3, 8
_NEXT = """make psql ARGS="--command 'table {}'" """


def compose(run: str, checkpoints: Mapping[str, Json], *, versions: Mapping[str, str]) -> Json:
    """Put together, from the checkpoints of a run, what it did."""
    manifest = Manifest.from_json(checkpoints["dump"])
    built = checkpoints["dbt"]
    return {
        "run": run,
        "steps": [
            {"step": _TITLES[n], "outcome": "done", **{k: checkpoints[n][k] for k in ("started_at", "seconds")}}
            for n in STEPS
        ],
        "source": {"database": manifest.source, "snapshot_at": manifest.snapshot_at, "lsn": manifest.lsn},
        "destination": checkpoints["restore"]["destination"],
        "load_id": checkpoints["restore"]["load_id"],
        "tables": [
            {"table": str(t), "rows": t.rows, "bytes": t.bytes, "copied": t.with_data, "digest": t.digest}
            for t in manifest.tables
        ],
        "rows": manifest.rows,
        "verified": checkpoints["restore"]["verified"],
        "not_compared": checkpoints["restore"]["not_compared"],
        "drift": checkpoints["restore"]["drift"],
        "dump_bytes": manifest.bytes,
        "preflight": checkpoints["preflight"].get("findings", []),
        "left_out": manifest.left_out,
        "models": built["models"],
        "models_in_place": built["in_place"],
        "tests_passed": built["tests"],
        "test_warnings": built["warnings"],
        "schemas": checkpoints["publish"]["schemas"],
        "versions": {
            **versions,
            "source_server": f"{manifest.server_version // 10000}.{manifest.server_version % 10000}",
            "pg_dump": manifest.pg_dump,
            "pg_restore": checkpoints["restore"]["pg_restore"],
            "dbt": built["dbt"],
        },
    }


def summarize(report: Json, folder: Path, *, shown: list[str]) -> str:
    """Say it in a dozen lines."""
    steps = ", ".join(f"{step['step']} {step['seconds']:.1f} s" for step in report["steps"])
    tables = ", ".join(f"{t['table']} {t['rows']}" for t in report["tables"][:8])
    more = f" and {len(report['tables']) - 8} more" if report["tables"][8:] else ""
    lines = [
        "",
        f"Run {report['run']} is published: readers of {report['destination']} see {report['source']['database']}",
        f"as of {report['source']['snapshot_at'][:19]} UTC.",
        "",
        f"  tables     {len(report['tables'])} with {report['rows']} rows, {report['verified']}",
        f"             {tables}{more}",
        f"  models     {len(report['models'])} in {', '.join(report['schemas']) or 'their schemas, in place'}",
        f"  tests      {report['tests_passed']} passed",
        f"  seconds    {steps}",
        f"  artifacts  {folder}",
    ]
    if report["drift"]:
        shown_changes, hidden = report["drift"][:_SHOWN_CHANGES], len(report["drift"][_SHOWN_CHANGES:])
        told = [*shown_changes, *([f"and {hidden} more; report.json has them all"] if hidden else [])]
        lines += [f"  {'' if number else 'changed':10} {words}" for number, words in enumerate(told)]
    if report["left_out"]:
        lines.append(f"  left out   {len(report['left_out'])} objects of the whole database; report.json names them")
    if report["test_warnings"]:
        lines.append(f"  warnings   {', '.join(report['test_warnings'])}")
    return "\n".join([*lines, "", *shown, ""])


def first_rows(destination: Database, psql: Path, model: str, models: list[str]) -> list[str]:
    """Show the query to type next, and what it answers; nothing where the model or psql is not to be had."""
    if model not in models:
        return []
    # psql takes no parameters; the name is quoted.
    query = f"select * from {qualified(*model.split('.', 1))} limit {_SHOWN_ROWS}"  # noqa: S608
    try:
        with connect(destination) as session:
            environment = {**session.libpq_environment(), "PGDATABASE": session.connected_as()["dbname"]}
        command = [str(psql), "--no-psqlrc", f"--command={query}"]
        rows = commands.run(command, environment=environment, timeout_seconds=60)
    except PipelineError:
        return []
    return [f"Next: {_NEXT.format(model)}".rstrip(), "", *rows]
