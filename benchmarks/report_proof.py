"""What proof costs, as a part of the page."""

from benchmarks import figures
from benchmarks.figures import Figures
from benchmarks.summary import CPU, circumstances, digits, median, ratio, steps, summary, table, worked
from tasks.amounts import size

_HEAD = """
## Proof: `.venv/bin/python -m benchmarks.proof`

Towpath's dump and restore of the film database, {size}, at each `[verify] level`. *CPU of `off`* is the ratio of what
programs and servers worked in all, which a busy machine hardly changes.
"""


def sections() -> list[str]:
    """Return the part of the page, nothing where nothing was measured."""
    made = figures.read("proof")
    return [section(made)] if made else []


def section(made: Figures) -> str:
    """Return what was measured."""
    ways = {key: way for key, way in made["ways"].items() if way["rounds"]}
    seconds = {key: [each["seconds"] for each in way["rounds"]] for key, way in ways.items()}
    cpu = {key: worked(way) for key, way in ways.items()}
    rows = [
        [
            way["title"],
            str(summary(seconds[key])),
            ratio(seconds[key], seconds.get("off", [])),
            *(digits(median(way, part)) for part in CPU),
            ratio(cpu[key], cpu.get("off", [])),
            f"{max(each['others'] for each in way['rounds']):.0%}",
        ]
        for key, way in ways.items()
    ]
    head = ["level", "s", "of `off`", "programs CPU s", "source", "destination", "CPU of `off`", "others"]
    return "\n".join(
        [
            _HEAD.format(size=size(made["bytes"])),
            table(head, rows),
            "",
            *[f"- {way['title']}: {steps(way)}." for way in ways.values()],
            *[f"- {way['title']}: no figure: {way['failed']}" for way in made["ways"].values() if way["failed"]],
            "",
            f"Rounds: {max(map(len, seconds.values()))}. {circumstances(made)}",
        ]
    )
