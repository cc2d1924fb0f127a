"""What a finished run says on the terminal: a dozen lines for a person, made from its report, and the first rows."""

from pathlib import Path

from tasks import commands
from tasks.checkpoints import Json
from tasks.errors import PipelineError
from tasks.postgres import Database, connect
from tasks.statements import qualified

_SHOWN_ROWS, _SHOWN_CHANGES = 3, 8
_NEXT = """make psql ARGS="--command 'table {}'" """


def summarize(report: Json, folder: Path, *, shown: list[str]) -> str:
    """Say it in a dozen lines."""
    steps = ", ".join(f"{s['step']} {s['seconds']:.1f} s" for s in report["steps"] if s["step"] != "Preflight")
    tables = ", ".join(f"{t['table']} {t['rows']}" for t in report["tables"][:8])
    kept = f", {report['unchanged']} unchanged and not loaded again" if report["unchanged"] else ""
    more = f" and {len(report['tables']) - 8} more" if report["tables"][8:] else ""
    lines = [
        "",
        f"Run {report['run']} is published: readers of {report['destination']} see {report['source']['database']}",
        f"as of {report['source']['snapshot_at'][:19]} UTC.",
        "",
        f"  tables     {len(report['tables'])} with {report['rows']} rows, {report['verified']}{kept}",
        f"             {tables}{more}",
        f"  models     {len(report['models'])} in {', '.join(report['schemas']) or 'their schemas, in place'}",
        f"  tests      {report['tests_passed']} passed",
        f"  seconds    {steps}",
        f"  report     {folder / 'report.html'}",
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


def first_rows(destination: Database, psql: Path, model: str, models: list[str], *, has_make: bool) -> list[str]:
    """Show a query and what it answers; nothing where the model or psql is not to be had.

    `has_make`: whoever reads it can type it, as a container's log cannot.
    """
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
    return [f"Next: {_NEXT.format(model)}".rstrip() if has_make else f"The first rows of {model}:", "", *rows]
