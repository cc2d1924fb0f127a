"""What the small run costs, as a part of the page."""

from benchmarks import figures, pictures
from benchmarks.figures import Figures
from benchmarks.pictures import Bar
from benchmarks.summary import CPU, circumstances, digits, median, ratio, steps, summary, table, worked
from tasks.amounts import size

_HEAD = """
## The small run: `make bench-sample`

The sample from end to end, into an empty destination, on servers that are up: `luigi --module tasks FullPipeline`, and
a plain [shell script](sample.sh) that waits for the servers, dumps, restores and runs `dbt build`. Then once more with
one model edited, and once more with nothing changed at all; the script does everything each time. They take turns, and
the tables and models that they make are compared.
"""
_TITLES = {"full": "all of it", "edited": "one model edited", "nothing": "nothing to do"}
_NAMES = {"script": "shell script", "towpath": "Towpath"}


def sections() -> list[str]:
    """Return the part of the page, nothing where nothing was measured."""
    made = figures.read("sample")
    return [section(made)] if made else []


def section(made: Figures) -> str:
    """Return what was measured, and draw its picture."""
    rivals = made["rivals"]
    seconds = {
        (kind, name): [each["seconds"] for each in rivals[name][kind]["rounds"]] for kind in _TITLES for name in _NAMES
    }
    rows = [
        [
            f"{_TITLES[kind]}: {_NAMES[name]}",
            str(summary(values)),
            ratio(values, seconds[kind, "script"]),
            ratio(worked(rivals[name][kind]), worked(rivals["script"][kind])),
            *(digits(median(rivals[name][kind], part)) for part in CPU),
            size(median(rivals[name][kind], "memory")) if name == "towpath" else "",
            f"{max(each['others'] for each in rivals[name][kind]['rounds']):.0%}",
        ]
        for (kind, name), values in seconds.items()
    ]
    bars = [
        Bar(
            name=f"{_TITLES[kind]}: {_NAMES[name]}",
            value=summary(values),
            note=f"{digits(summary(values).median)} s, {ratio(values, seconds[kind, 'script'])}",
            kind=int(name == "towpath"),
        )
        for (kind, name), values in seconds.items()
    ]
    head = [
        "run",
        "s",
        "of the script",
        "CPU of the script",
        "programs CPU s",
        "source",
        "destination",
        "memory",
        "others",
    ]
    picture = pictures.write("sample", pictures.bars("Seconds of a small run, and the ratio to the script", bars))
    told = [f"- {title}: {steps(rivals['towpath'][kind])}." for kind, title in _TITLES.items()]
    rounds = f"{len(seconds['full', 'script'])} rounds. {circumstances(made)}"
    return "\n".join([_HEAD, f"![Seconds of each run]({picture})\n", table(head, rows), "", *told, "", rounds])
