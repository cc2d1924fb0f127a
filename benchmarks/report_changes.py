"""What the next run costs, as a part of the page."""

from benchmarks import figures, pictures
from benchmarks.figures import Figures
from benchmarks.pictures import Bar
from benchmarks.summary import CPU, circumstances, digits, median, ratio, steps, summary, table, worked
from tasks.amounts import size

_HEAD = """
## The next run: `make bench-changes`

A hundred equal tables, {size} in all, are dumped and restored. Then one row in a hundred of some of them is changed at
the source, and they are dumped and restored again, into the same destination. All rows are compared after each run.
What has not changed costs a look at its rows' transactions at both ends, and each run the start of its programs, a
second or two; where all has changed, the load before is moved aside as well.
"""


def sections() -> list[str]:
    """Return the part of the page, nothing where nothing was measured."""
    made = figures.read("changes")
    return [section(made)] if made else []


def section(made: Figures) -> str:
    """Return what was measured, and draw its picture."""
    ways = {key: way for key, way in made["ways"].items() if way["rounds"]}
    seconds = {key: [each["seconds"] for each in way["rounds"]] for key, way in ways.items()}
    drawn = [
        Bar(
            name=way["title"],
            value=summary(seconds[key]),
            note=f"{digits(median(way, 'seconds'))} s, {ratio(seconds[key], seconds['first'])}",
            kind=int(key != "first"),
        )
        for key, way in ways.items()
    ]
    rows = [
        [
            way["title"],
            str(summary(seconds[key])),
            ratio(seconds[key], seconds["first"]),
            ratio(worked(way), worked(ways["first"])),
            *(digits(median(way, part)) for part in CPU),
            *(size(median(way, part)) for part in ("wal", "kept")),
            f"{max(each['others'] for each in way['rounds']):.0%}",
        ]
        for key, way in ways.items()
    ]
    head = [
        "run",
        "s",
        "of the first",
        "CPU of the first",
        "programs CPU s",
        "source",
        "destination",
        "WAL",
        "kept",
        "others",
    ]
    picture = pictures.write("changes", pictures.bars("Seconds of a run, and the ratio to the first", drawn))
    return "\n".join(
        [
            _HEAD.format(size=size(made["bytes"])),
            f"![Seconds of each run]({picture})\n",
            table(head, rows),
            "",
            *[f"- {way['title']}: {steps(way)}." for way in ways.values()],
            *[f"- {way['title']}: no figure: {way['failed']}" for way in made["ways"].values() if way["failed"]],
            "",
            f"Rounds: {len(seconds['first'])}. {circumstances(made)}",
        ]
    )
