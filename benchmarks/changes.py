"""What the next run costs when nothing, a little or all has changed: a hundred equal tables, one row in a hundred.

.venv/bin/python -m benchmarks.changes [rounds] [rows of a table]
"""

import sys

from benchmarks import figures, films, page, report_changes
from benchmarks.servers import two_servers
from benchmarks.trial import Trial
from benchmarks.ways import Way, towpath
from tasks.amounts import size

_TABLES = 100
# How many of them have changed since the run before.
_CHANGED = (0, 1, 10, 100)
_BYTES_PER_ROW = 120


def main(rounds: str = "3", rows: str = "30000") -> None:
    """Measure it, and write it down."""
    ways = {"first": Way(title="the first run", commands=towpath("RestoreDestination", run="first")), **_next_runs()}
    with two_servers(_TABLES * int(rows) * _BYTES_PER_ROW) as place:
        source = place.fresh(place.source, "tables")
        source_bytes = films.fill_tables(source, _TABLES, int(rows))
        print(f"{_TABLES} tables with {rows} rows each, {size(source_bytes)}, {rounds} rounds", flush=True)
        made = figures.circumstances(place)
        trial = Trial(place, source, films.contents(source))
        for number in range(int(rounds)):
            print(f"round {number + 1}", flush=True)
            trial.round(ways)
    trial.ensure_measured("first")
    measured = {**made, "bytes": source_bytes, "tables": _TABLES, "ways": trial.measured(ways)}
    figures.write("changes", measured)
    page.write()
    print(report_changes.section(measured))


def _next_runs() -> dict[str, Way]:
    change = films.text("change_tables")
    return {
        str(changed): Way(
            title=f"{changed} of {_TABLES} tables changed",
            commands=towpath("RestoreDestination", run=f"changed-{changed}"),
            goes_on=True,
            change=change,
            values={"tables": changed},
        )
        for changed in _CHANGED
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
