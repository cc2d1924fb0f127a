"""The small run: the sample from end to end, on servers that are up, by Towpath and by a shell script in turn.

    .venv/bin/python -m benchmarks.sample [rounds]

Each begins with an empty destination, and goes on with a model edited, and then with nothing to do. Towpath without
what makes it start early runs once each, from an empty destination. Before the first round that counts there is one
that warms up whatever keeps something from run to run: dbt its parse, Python its code. At last the embedded servers
are started, side by side and one after the other.
"""

import functools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import figures, films, page, report_sample
from benchmarks.films import Contents
from benchmarks.meter import Command, Cost, measure
from benchmarks.servers import PROJECT, Place, two_servers, uri_of
from tasks import embedded
from tasks.postgres import Database

_SCRIPT = Path(__file__).with_name("sample.sh")
_EDITED = Path("models") / "gold" / "film_ratings.sql"
_SCHEMAS = ("public", "silver", "gold")
_KINDS = ("full", "edited", "nothing")


@dataclass(frozen=True, kw_only=True)
class Rival:
    """One who does the whole run; `work` is what it keeps from run to run, its copy of the dbt project apart.

    One that `forgets` keeps nothing there, and `kinds` are the runs that it does in a round.
    """

    destination: str
    project: Path
    work: Path
    command: Callable[["Rival", Database, Database, int], Command]
    kinds: Sequence[str] = _KINDS
    forgets: bool = False


def main(rounds: str = "5") -> None:
    """Measure it, and write it down."""
    costs: dict[str, dict[str, list[Cost]]] = {}
    nodes: dict[str, dict[str, list[float]]] = {}
    late = functools.partial(_towpath, flags=["--dbt-start-early=false"])
    with two_servers(0) as place:
        rivals = {
            "script": _rival(place, "script", _script),
            "towpath": _rival(place, "towpath", _towpath),
            "late": _rival(place, "late", late, kinds=["full"]),
            "unread": _rival(place, "unread", _towpath, kinds=["full"], forgets=True),
            "late_unread": _rival(place, "late_unread", late, kinds=["full"], forgets=True),
        }
        made = figures.circumstances(place)
        for number in range(int(rounds) + 1):
            print(f"round {number}" if number else "warming up", flush=True)
            found = {name: _turn(place, rival, number) for name, rival in rivals.items()}
            contents = [films.contents(place.destination.named(r.destination), _SCHEMAS) for r in rivals.values()]
            _ensure_alike(contents)
            for name, turn in found.items() if number else ():
                for kind, (cost, seconds) in turn.items():
                    costs.setdefault(name, {}).setdefault(kind, []).append(cost)
                    nodes.setdefault(name, {}).setdefault(kind, []).append(seconds)
    measured = {
        name: {kind: {"rounds": list(map(asdict, all_)), "dbt": nodes[name][kind]} for kind, all_ in of.items()}
        for name, of in costs.items()
    }
    all_of_it = {**made, "rivals": measured, "starts": _starts(int(rounds))}
    figures.write("sample", all_of_it)
    page.write()
    print(report_sample.section(all_of_it))


def _rival(place: Place, name: str, command: Callable[..., Command], **how: Any) -> Rival:
    project, work = place.root / f"{name}-models", place.root / name
    shutil.copytree(PROJECT / "dbt_models", project, ignore=shutil.ignore_patterns("target", "logs"))
    work.mkdir()
    return Rival(destination=f"copy_by_{name}", project=project, work=work, command=command, **how)


def _turn(place: Place, rival: Rival, number: int) -> dict[str, tuple[Cost, float]]:
    """Let one rival do its runs, each an empty destination later or on what the one before it has made.

    Returns:
        By kind, what the run cost, and the seconds that dbt says its nodes took.
    """
    if rival.forgets:
        shutil.rmtree(rival.work)
        rival.work.mkdir()
    source, destination = place.source.named("source_db"), place.fresh(place.destination, rival.destination)
    costs = {}
    for kind in rival.kinds:
        if kind == "edited":
            with (rival.project / _EDITED).open("a", encoding="utf-8") as model:
                model.write(f"-- edited in round {number}\n")
        cost = measure(place, [rival.command(rival, source, destination, number)], rival.work)
        costs[kind] = cost, _seconds_of_nodes(rival.work)
        print(f"  {rival.destination:20} {kind:8} {cost.seconds:6.2f} s, others {cost.others:.0%}", flush=True)
    return costs


def _seconds_of_nodes(work: Path) -> float:
    """Return what dbt took for its models and tests when it last ran: its start and its parse are not in it."""
    newest = max(work.rglob("run_results.json"), key=lambda path: path.stat().st_mtime)
    return float(json.loads(newest.read_text(encoding="utf-8"))["elapsed_time"])


def _starts(rounds: int) -> dict[str, list[float]]:
    """Start both embedded servers from nothing, in seconds."""
    ways: dict[str, Sequence[Sequence[str]]] = {
        "together": [embedded.ROLES],
        "apart": [[role] for role in embedded.ROLES],
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, groups in ways.items():
            # A socket's path may have 107 bytes at most, and its user is not ours.
            folder = Path(tempfile.mkdtemp(prefix="towpath-"))
            folder.chmod(0o755)
            try:
                began = time.monotonic()
                for roles in groups:
                    embedded.start(folder, roles, PROJECT / "source_db_init" / "init.sql")
                taken[name].append(round(time.monotonic() - began, 3))
            finally:
                embedded.stop(folder)
                shutil.rmtree(folder)
    return taken


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


def _towpath(
    rival: Rival, source: Database, destination: Database, number: int, *, flags: Sequence[str] = ()
) -> Command:
    words = ["luigi", "--module=tasks", "FullPipeline", f"--run-id=round-{number}"]
    options = [f"--artifacts-root={rival.work}", f"--dbt-project-dir={rival.project}"]
    environment = {"SOURCE_URI": uri_of(source), "DESTINATION_URI": uri_of(destination)}
    return Command(words=[*words, *options, *flags], environment=environment)


def _ensure_alike(contents: Sequence[Contents]) -> None:
    one, *others = contents
    assert all(one == other for other in others), f"they have made different tables and models: {contents}"
    assert {name.split(".")[0] for name in one} == set(_SCHEMAS), f"there are no models: {one}"


if __name__ == "__main__":
    main(*sys.argv[1:])
