"""What the small run costs, as a part of the page."""

import statistics

from benchmarks import figures, pictures
from benchmarks.figures import Figures
from benchmarks.pictures import Bar
from benchmarks.summary import CPU, circumstances, digits, median, ratio, steps, summary, table, worked
from tasks.amounts import size

_HEAD = """
## The small run: `make bench-sample`

The sample from end to end, into an empty destination, on servers that are up: `luigi --module tasks FullPipeline`, and
a plain [shell script](sample.sh) that waits for the servers, dumps, restores and runs `dbt build`. Then once more with
one model edited, and once more with nothing changed at all; the script does everything each time. Towpath also runs
without what makes it start early ([why](../docs/decisions/0026-dbt-starts-early.md)). They take turns, and the tables
and models that they make are compared. *Nodes* is what dbt itself says that its models and tests took, once it had
started and read the project.
"""
_TITLES = {"full": "all of it", "edited": "one model edited", "nothing": "nothing to do"}
_NAMES = {
    "script": "shell script",
    "towpath": "Towpath",
    "late": "Towpath, dbt not started early",
    "unread": "Towpath, nothing kept of dbt's parse",
    "late_unread": "Towpath, neither",
}


def sections() -> list[str]:
    """Return the part of the page, nothing where nothing was measured."""
    made = figures.read("sample")
    return [section(made)] if made else []


def _has_built(kind: str, name: str) -> bool:
    return name == "script" or kind != "nothing"


def section(made: Figures) -> str:
    """Return what was measured, and draw its picture."""
    rivals = made["rivals"]
    seconds = {
        (kind, name): [each["seconds"] for each in rivals[name][kind]["rounds"]]
        for kind in _TITLES
        for name in _NAMES
        if kind in rivals[name]
    }
    rows = [
        [
            f"{_TITLES[kind]}: {_NAMES[name]}",
            str(summary(values)),
            ratio(values, seconds[kind, "script"]),
            digits(statistics.median(rivals[name][kind]["dbt"])) if _has_built(kind, name) else "",
            ratio(worked(rivals[name][kind]), worked(rivals["script"][kind])),
            *(digits(median(rivals[name][kind], part)) for part in CPU),
            size(median(rivals[name][kind], "memory")) if name != "script" else "",
            f"{max(each['others'] for each in rivals[name][kind]['rounds']):.0%}",
        ]
        for (kind, name), values in seconds.items()
    ]
    bars = [
        Bar(
            name=f"{_TITLES[kind]}: {_NAMES[name]}",
            value=summary(values),
            note=f"{digits(summary(values).median)} s, {ratio(values, seconds[kind, 'script'])}",
            kind=int(name != "script"),
        )
        for (kind, name), values in seconds.items()
    ]
    head = [
        "run",
        "s",
        "of the script",
        "nodes",
        "CPU of the script",
        "programs CPU s",
        "source",
        "destination",
        "memory",
        "others",
    ]
    picture = pictures.write("sample", pictures.bars("Seconds of a small run, and the ratio to the script", bars))
    told = [f"- {title}: {steps(rivals['towpath'][kind])}." for kind, title in _TITLES.items()]
    together, apart = made["starts"]["together"], made["starts"]["apart"]
    told.append(
        f"- The two embedded servers, from nothing: {summary(together)} s side by side, {summary(apart)} s one after "
        f"the other; {ratio(together, apart)}."
    )
    rounds = f"Rounds: {len(seconds['full', 'script'])}. {circumstances(made)}"
    return "\n".join([_HEAD, f"![Seconds of each run]({picture})\n", table(head, rows), "", *told, "", rounds])
