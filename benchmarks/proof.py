"""What `[verify] level` costs: Towpath's dump and restore at each level in turn.

.venv/bin/python -m benchmarks.proof [small|medium|large] [rounds]
"""

import sys

from benchmarks import figures, films, page, report_proof
from benchmarks.servers import two_servers
from benchmarks.trial import Trial
from benchmarks.ways import Way, towpath
from tasks.amounts import size
from tasks.proof import LEVELS


def main(name: str = "medium", rounds: str = "3") -> None:
    """Measure it, and write it down."""
    ratings = films.SIZES[name]
    ways = {
        level: Way(title=f"`{level}`", commands=towpath("RestoreDestination", f"--verify-level={level}"))
        for level in LEVELS
    }
    with two_servers(films.expected_bytes(ratings)) as place:
        source = place.fresh(place.source, "films")
        source_bytes = films.fill(source, ratings)
        print(f"{name}: {size(source_bytes)}, {rounds} rounds", flush=True)
        made = figures.circumstances(place)
        trial = Trial(place, source, films.contents(source))
        for number in range(int(rounds)):
            print(f"round {number + 1}", flush=True)
            trial.round(ways)
    trial.ensure_measured("off")
    measured = {**made, "bytes": source_bytes, "ways": trial.measured(ways)}
    figures.write("proof", measured)
    page.write()
    print(report_proof.section(measured))


if __name__ == "__main__":
    main(*sys.argv[1:])
