"""The small run: the sample from end to end, on servers that are up, by Towpath and by a shell script in turn.

    .venv/bin/python -m benchmarks.sample [rounds]

Each begins with an empty destination, and goes on with a model edited, and then with nothing to do. Before the first
round that counts there is one that warms up whatever keeps something from run to run: dbt its parse, Python its code.
"""

import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import figures, films, page, report_sample
from benchmarks.films import Contents
from benchmarks.meter import Command, Cost, measure
from benchmarks.servers import PROJECT, Place, two_servers, uri_of
from tasks.postgres import Database

_SCRIPT = Path(__file__).with_name("sample.sh")
_EDITED = Path("models") / "gold" / "film_ratings.sql"
_SCHEMAS = ("public", "silver", "gold")
_KINDS = ("full", "edited", "nothing")


@dataclass(frozen=True, kw_only=True)
class Rival:
    """One who does the whole run; `work` is what it keeps from run to run, its copy of the dbt project apart."""

    destination: str
    project: Path
    work: Path
    command: Callable[["Rival", Database, Database, int], Command]


def main(rounds: str = "5") -> None:
    """Measure it, and write it down."""
    costs: dict[str, dict[str, list[Cost]]] = {}
    with two_servers(0) as place:
        rivals = {name: _rival(place, name, command) for name, command in [("script", _script), ("towpath", _towpath)]}
        made = figures.circumstances(place)
        for number in range(int(rounds) + 1):
            print(f"round {number}" if number else "warming up", flush=True)
            found = {name: _turn(place, rival, number) for name, rival in rivals.items()}
            contents = [films.contents(place.destination.named(r.destination), _SCHEMAS) for r in rivals.values()]
            _ensure_alike(*contents)
            for name, turn in found.items() if number else ():
                for kind, cost in turn.items():
                    costs.setdefault(name, {}).setdefault(kind, []).append(cost)
    measured = {
        name: {kind: {"rounds": list(map(asdict, all_))} for kind, all_ in of.items()} for name, of in costs.items()
    }
    figures.write("sample", {**made, "rivals": measured})
    page.write()
    print(report_sample.section({**made, "rivals": measured}))


def _rival(place: Place, name: str, command: Callable[..., Command]) -> Rival:
    project, work = place.root / f"{name}-models", place.root / name
    shutil.copytree(PROJECT / "dbt_models", project, ignore=shutil.ignore_patterns("target", "logs"))
    work.mkdir()
    return Rival(destination=f"copy_by_{name}", project=project, work=work, command=command)


def _turn(place: Place, rival: Rival, number: int) -> dict[str, Cost]:
    """Let one rival do the run, with a model edited the next one, and one with nothing to do."""
    source, destination = place.source.named("source_db"), place.fresh(place.destination, rival.destination)
    costs = {}
    for kind in _KINDS:
        if kind == "edited":
            with (rival.project / _EDITED).open("a", encoding="utf-8") as model:
                model.write(f"-- edited in round {number}\n")
        costs[kind] = measure(place, [rival.command(rival, source, destination, number)], rival.work)
        print(
            f"  {rival.destination:16} {kind:8} {costs[kind].seconds:6.2f} s, others {costs[kind].others:.0%}",
            flush=True,
        )
    return costs


def _script(rival: Rival, source: Database, destination: Database, number: int) -> Command:  # noqa: ARG001
    at = destination.parameters
    environment = {
        "TOWPATH_HOST": at["host"],
        "TOWPATH_PORT": at["port"],
        "TOWPATH_USER": at["user"],
        "TOWPATH_DBNAME": at["dbname"],
        "PGSSLMODE": at["sslmode"],
    }
    words = [str(_SCRIPT), uri_of(source), uri_of(destination), str(rival.work), str(rival.project)]
    return Command(words=words, environment=environment)


def _towpath(rival: Rival, source: Database, destination: Database, number: int) -> Command:
    words = ["luigi", "--module=tasks", "FullPipeline", f"--run-id=round-{number}"]
    options = [f"--artifacts-root={rival.work}", f"--dbt-project-dir={rival.project}"]
    environment = {"SOURCE_URI": uri_of(source), "DESTINATION_URI": uri_of(destination)}
    return Command(words=[*words, *options], environment=environment)


def _ensure_alike(one: Contents, other: Contents) -> None:
    assert one == other, f"the two have made different tables and models: {one}, {other}"
    assert {name.split(".")[0] for name in one} == set(_SCHEMAS), f"there are no models: {one}"


if __name__ == "__main__":
    main(*sys.argv[1:])
