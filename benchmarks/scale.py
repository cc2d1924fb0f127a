"""Time and memory of a full copy, as the source grows: in bytes, and in tables.

.venv/bin/python -m benchmarks.scale [--megabytes 10 100 1000] [--tables 10 100 1000 5000] [--rounds 1]
"""

import argparse
from collections.abc import Callable, Mapping

from benchmarks import figures, films, page, report_scale
from benchmarks.figures import Figures
from benchmarks.servers import Place, two_servers
from benchmarks.trial import Trial
from benchmarks.ways import Way, ways
from tasks.postgres import Database

# Of the tables that are not empty.
_FEW_ROWS = 10
# What is compared: Towpath, and the programs that it stands beside.
_WAYS = ("directory", "towpath")


def main() -> None:
    """Measure it, and write it down."""
    given = _arguments()
    with two_servers(1e6 * max([*given.megabytes, 200])) as place:
        made, turns = figures.circumstances(place), {name: ways(place)[name] for name in _WAYS}
        by_bytes, by_tables = [], []
        for megabytes in given.megabytes:
            ratings = films.ratings_for(1e6 * megabytes)
            fill = _filling(films.fill, ratings)
            by_bytes.append(_measured(place, turns, fill, given.rounds, f"{megabytes} MB"))
        for tables in given.tables:
            for rows in (0, _FEW_ROWS):
                fill = _filling(films.fill_tables, tables, rows)
                found = _measured(place, turns, fill, given.rounds, f"{tables} tables of {rows} rows")
                by_tables.append({"tables": tables, "rows": rows, **found})
    measured = {**made, "by_bytes": by_bytes, "by_tables": by_tables}
    figures.write("scale", measured)
    page.write()
    print(report_scale.section(measured))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("--megabytes", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--tables", type=int, nargs="*", default=[10, 100, 1000, 5000])
    parser.add_argument("--rounds", type=int, default=1)
    return parser.parse_args()


def _filling(fill: Callable[..., int], *amounts: int) -> Callable[[Database], int]:
    return lambda source: fill(source, *amounts)


def _measured(
    place: Place, turns: Mapping[str, Way], fill: Callable[[Database], int], rounds: int, title: str
) -> Figures:
    source = place.fresh(place.source, "growing")
    source_bytes = fill(source)
    print(title, flush=True)
    trial = Trial(place, source, films.contents(source))
    for _ in range(rounds):
        trial.round(turns)
    return {"bytes": source_bytes, "ways": trial.measured(turns)}


if __name__ == "__main__":
    main()
