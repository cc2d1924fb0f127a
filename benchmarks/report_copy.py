"""What a full copy costs, as a part of the page."""

from benchmarks import figures, films, pictures
from benchmarks.figures import Figures
from benchmarks.pictures import Bar
from benchmarks.summary import CPU, circumstances, digits, median, ratio, steps, summary, table, worked
from tasks.amounts import size

_HEAD = """
## A full copy

The film database of [create_films.sql](sql/create_films.sql): five tables, keys, foreign keys and three more indexes.
The ways take turns (A B C A B C…), each into an empty database on the same server, after a checkpoint. When one has
ended, the rows of every table are counted and digested on both sides, and indexes and keys compared: where anything
differs, there is no figure.
"""
_NOTES = """
Medians, with the least and the most. CPU seconds are those of all programs of the way, of the source and of the
destination. Of the ways, (c) vacuums and analyzes each table too, and Towpath analyzes it; (a) and (b) leave that to
autovacuum. *Kept* is what lies on disk at the end, beside the destination. *Memory* is the most that the process
`luigi` had resident, without the programs that it starts. *Others* is the part of all processors that worked for
somebody else meanwhile, in the worst round: above some per cent, believe the CPU seconds rather than the clock.
"""
_COLUMNS = (
    "way", "s", "of (a)", "of (b)", "of (c)", "CPU of (a)",
    "programs CPU s", "source", "destination", "WAL", "kept", "memory", "others",
)  # fmt: skip
_LETTERS = {
    "plain": "(a)",
    "directory": "(b)",
    "pgcopydb": "(c)",
    "towpath": "(d)",
    "again": "(d3)",
    "keys": "(d2)",
    "dbt": "(e)",
}
# What stands beside a bar, where there is less room than in the table.
_SHORT = {
    "plain": "pg_dump to SQL, psql",
    "directory": "pg_dump, pg_restore, 2 jobs",
    "pgcopydb": "pgcopydb, no file kept",
    "towpath": "Towpath",
    "again": "Towpath, the next run",
    "keys": "Towpath, only keys, not checked",
    "dbt": "Towpath, dbt too",
}
_REFERENCES = ("plain", "directory", "pgcopydb")


def sections() -> list[str]:
    """Return the part of the page, nothing where nothing was measured."""
    sizes = [section(name, made) for name in films.SIZES if (made := figures.read(f"copy-{name}"))]
    return [_HEAD, *sizes, _NOTES] if sizes else []


def section(name: str, made: Figures) -> str:
    """Return what was measured at one size, and draw its picture."""
    ways = made["ways"]
    seconds = {key: [each["seconds"] for each in way["rounds"]] for key, way in ways.items()}
    drawn = pictures.write(f"copy-{name}", _picture(made, seconds))
    lines = [
        f"### {size(made['bytes'])}: `make bench SIZE={name}`\n",
        f"![Seconds of each way]({drawn})\n",
        table(_COLUMNS, [_row(key, ways, seconds) for key, way in ways.items() if way["rounds"]]),
        "",
        *[
            f"- {_LETTERS[key]} {way['title']} has no figure: {way['failed']}"
            for key, way in ways.items()
            if way["failed"]
        ],
    ]
    lines += [
        f"- {_LETTERS[key]}: {steps(way)}." for key, way in ways.items() if way["rounds"] and key not in _REFERENCES
    ]
    if again := ratio(seconds["again"], seconds["towpath"]):
        lines.append(f"- {_LETTERS['again']} takes {again} of {_LETTERS['towpath']}, the run before it.")
    return "\n".join([*lines, "", f"Rounds: {max(map(len, seconds.values()))}. {circumstances(made)}"])


def _row(key: str, ways: Figures, seconds: dict[str, list[float]]) -> list[str]:
    way = ways[key]
    rounds = way["rounds"]
    return [
        f"{_LETTERS[key]} {way['title']}",
        str(summary(seconds[key])),
        *(ratio(seconds[key], seconds[reference]) for reference in _REFERENCES),
        ratio(worked(way), worked(ways["plain"])),
        *(digits(median(way, part)) for part in CPU),
        *(size(median(way, part)) for part in ("wal", "kept")),
        "" if key in _REFERENCES else size(median(way, "memory")),
        f"{max(each['others'] for each in rounds):.0%}",
    ]


def _picture(made: Figures, seconds: dict[str, list[float]]) -> str:
    drawn = [
        Bar(
            name=f"{_LETTERS[key]} {_SHORT[key]}",
            value=summary(values),
            note=f"{digits(summary(values).median)} s, {ratio(values, seconds['plain'])}",
            kind=0 if key in _REFERENCES else 1,
        )
        for key, values in seconds.items()
        if values
    ]
    return pictures.bars(f"Seconds for {size(made['bytes'])}, and the ratio to (a)", drawn)
