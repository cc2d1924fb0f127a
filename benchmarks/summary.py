"""Rounds in one figure: the median, the range, the ratio to another way."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import Figures
from tasks.amounts import moment

# What is told of processors, in the order of the columns.
CPU = ("client_cpu", "source_cpu", "destination_cpu")


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What several rounds come to."""

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{digits(self.median)} ({digits(self.least)} to {digits(self.most)})"


def summary(values: Sequence[float]) -> Summary:
    """Sum up the rounds; there is one at least."""
    return Summary(median=statistics.median(values), least=min(values), most=max(values))


def median(way: Figures, part: str) -> float:
    """Return the median of one part of what a way has cost."""
    return summary([each[part] for each in way["rounds"]]).median


def worked(way: Figures) -> list[float]:
    """Return what programs and servers worked in each round, in seconds."""
    return [sum(each[part] for part in CPU) for each in way["rounds"]]


def steps(way: Figures) -> str:
    """Say what Towpath's steps took of its seconds: `dump 1.20 s, restore 2.41 s, the rest 0.60 s`."""
    names = list(dict.fromkeys(name for each in way["rounds"] for name in each["steps"]))
    taken = {name: statistics.median([each["steps"].get(name, 0.0) for each in way["rounds"]]) for name in names}
    rest = statistics.median([each["seconds"] - sum(each["steps"].values()) for each in way["rounds"]])
    return ", ".join(f"{name} {digits(seconds)} s" for name, seconds in {**taken, "the rest": rest}.items())


def ratio(values: Sequence[float], others: Sequence[float]) -> str:
    """Return the ratio of two medians; nothing where one of them was not measured."""
    return f"{statistics.median(values) / statistics.median(others):.2f}" if values and others else ""


def digits(number: float) -> str:
    """Show no more digits than a measurement has."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def circumstances(made: Figures) -> str:
    """Say when, where and of what some figures are."""
    settings = ", ".join(f"`{name} = {value}`" for name, value in made["settings"].items())
    return (
        f"{moment(made['at'])}, Towpath {made['towpath']}, {made['machine']}, load {made['load']} before it began; "
        f"PostgreSQL {made['postgresql']}, the destination with {settings}.\n"
    )
