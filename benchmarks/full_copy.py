"""What each way to copy the film database costs, in turn: A B C A B C…

.venv/bin/python -m benchmarks.full_copy [small|medium|large] [rounds]
"""

import sys

from benchmarks import figures, films, page, report_copy
from benchmarks.servers import two_servers
from benchmarks.trial import Trial
from benchmarks.ways import ways
from tasks.amounts import size


def main(name: str = "small", rounds: str = "3") -> None:
    """Measure at one size, and write it down."""
    ratings = films.SIZES[name]
    with two_servers(films.expected_bytes(ratings)) as place:
        source = place.fresh(place.source, "films")
        source_bytes = films.fill(source, ratings)
        print(f"{name}: {size(source_bytes)} with {ratings:,} ratings, {rounds} rounds", flush=True)
        made = figures.circumstances(place)
        trial, all_ways = Trial(place, source, films.contents(source)), ways(place)
        for number in range(int(rounds)):
            print(f"round {number + 1}", flush=True)
            trial.round(all_ways)
    trial.ensure_measured("plain")
    measured = {**made, "bytes": source_bytes, "ratings": ratings, "ways": trial.measured(all_ways)}
    figures.write(f"copy-{name}", measured)
    page.write()
    print(report_copy.section(name, measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
