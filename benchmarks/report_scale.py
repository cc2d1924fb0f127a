"""How time and memory grow with the source, as a part of the page."""

from collections.abc import Callable, Sequence

from benchmarks import figures, pictures
from benchmarks.figures import Figures
from benchmarks.pictures import Curve
from benchmarks.summary import circumstances, digits, median, summary, table, worked
from tasks.amounts import size

_HEAD = """
## A larger source: `make bench-scale`

Towpath's dump and restore beside {reference}: by the size of the film database,
and by the number of tables, empty or with ten rows each. *Memory* is the most that the process `luigi` had resident.
"""
_COLUMNS = ("Towpath s", "reference s", "difference s", "Towpath CPU s", "reference CPU s", "memory", "others")
_REFERENCE, _OURS = "directory", "towpath"


def sections() -> list[str]:
    """Return the part of the page, nothing where nothing was measured."""
    made = figures.read("scale")
    return [section(made)] if made else []


def section(made: Figures) -> str:
    """Return what was measured, and draw its pictures."""
    measured = [*made["by_bytes"], *made["by_tables"]]
    reference = measured[0]["ways"][_REFERENCE]["title"]
    parts = [*_by_size(_whole(made["by_bytes"])), *_by_tables(_whole(made["by_tables"])), *_failures(measured)]
    return "\n".join([_HEAD.format(reference=reference), *parts, "", circumstances(made)])


def _by_size(measured: Sequence[Figures]) -> list[str]:
    if not measured:
        return []
    return [
        f"![Seconds by the size of the source]({_seconds_by_size(measured)})\n",
        f"![Memory by the size of the source]({_memory_by_size(measured)})\n",
        table(["source", *_COLUMNS], [[size(one["bytes"]), *_figures(one)] for one in measured]),
        "",
    ]


def _by_tables(measured: Sequence[Figures]) -> list[str]:
    if not measured:
        return []
    return [
        f"![Seconds by the number of tables]({_seconds_by_tables(measured)})\n",
        f"![Memory by the number of tables]({_memory_by_tables(measured)})\n",
        table(["tables", *_COLUMNS], [[f"{one['tables']:,}, {_holding(one)}", *_figures(one)] for one in measured]),
        "",
    ]


def _whole(measured: Sequence[Figures]) -> list[Figures]:
    return [one for one in measured if all(way["rounds"] for way in one["ways"].values())]


def _failures(measured: Sequence[Figures]) -> list[str]:
    failed = [(one, way) for one in measured for way in one["ways"].values() if way["failed"]]
    return [f"- {size(one['bytes'])}, {way['title']}: no figure: {way['failed']}" for one, way in failed]


def _holding(one: Figures) -> str:
    return f"{one['rows']} rows each" if one["rows"] else "empty"


def _figures(one: Figures) -> list[str]:
    ours, reference = one["ways"][_OURS], one["ways"][_REFERENCE]
    cpu = [summary(worked(way)).median for way in (ours, reference)]
    return [
        digits(median(ours, "seconds")),
        digits(median(reference, "seconds")),
        digits(median(ours, "seconds") - median(reference, "seconds")),
        *map(digits, cpu),
        size(median(ours, "memory")),
        f"{max(each['others'] for way in (ours, reference) for each in way['rounds']):.0%}",
    ]


def _points(
    measured: Sequence[Figures], x: Callable[[Figures], float], way: str, part: str
) -> list[tuple[float, float]]:
    return [(x(one), median(one["ways"][way], part)) for one in measured]


def _seconds_by_size(measured: Sequence[Figures]) -> str:
    drawn = [
        Curve(name=name, points=_points(measured, _megabytes, way, "seconds"), kind=kind)
        for kind, (way, name) in enumerate([(_REFERENCE, "pg_dump, pg_restore"), (_OURS, "Towpath")])
    ]
    picture = pictures.curves("Time of a full copy", drawn, across="MB of the source", up="seconds")
    return pictures.write("scale-seconds-by-size", picture)


def _memory_by_size(measured: Sequence[Figures]) -> str:
    points = [(_megabytes(one), median(one["ways"][_OURS], "memory") / 1e6) for one in measured]
    drawn = [Curve(name="Towpath", points=points, kind=1)]
    picture = pictures.curves("Memory of Towpath's process", drawn, across="MB of the source", up="MB", from_zero=True)
    return pictures.write("scale-memory-by-size", picture)


def _seconds_by_tables(measured: Sequence[Figures]) -> str:
    names = [(_REFERENCE, "pg_dump"), (_OURS, "Towpath")]
    drawn = [
        Curve(
            name=f"{name}, {'ten rows each' if rows else 'empty'}",
            points=_points([one for one in measured if one["rows"] == rows], _tables, way, "seconds"),
            kind=kind,
            is_dashed=bool(rows),
        )
        for rows in sorted({one["rows"] for one in measured})
        for kind, (way, name) in enumerate(names)
    ]
    picture = pictures.curves("Time of a full copy of many tables", drawn, across="tables", up="seconds")
    return pictures.write("scale-seconds-by-tables", picture)


def _memory_by_tables(measured: Sequence[Figures]) -> str:
    points = [(_tables(one), median(one["ways"][_OURS], "memory") / 1e6) for one in measured if not one["rows"]]
    drawn = [Curve(name="Towpath", points=points, kind=1)]
    picture = pictures.curves("Memory of Towpath's process", drawn, across="tables", up="MB", from_zero=True)
    return pictures.write("scale-memory-by-tables", picture)


def _megabytes(one: Figures) -> float:
    return float(one["bytes"]) / 1e6


def _tables(one: Figures) -> float:
    return float(one["tables"])
