"""One copy after another by some ways, each measured, and compared with the source before its figure counts."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from benchmarks import films
from benchmarks.films import Contents
from benchmarks.meter import CommandEnded, Cost, measure
from benchmarks.servers import Place
from benchmarks.ways import Copy, Way
from tasks.postgres import Database, connect


class CopyDiffers(Exception):
    """What arrived is not what left, so what it cost is no figure."""


@dataclass
class Trial:
    """A source whose contents are known, and what each way has cost so far; a way that failed says why in `failed`."""

    place: Place
    source: Database
    contents: Contents
    costs: dict[str, list[Cost]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def round(self, ways: Mapping[str, Way]) -> None:
        """Let each way have its turn."""
        for name, way in ways.items():
            if name in self.failed or way.missing:
                self.failed.setdefault(name, way.missing)
                continue
            try:
                cost = self._turn(way)
            except (CommandEnded, CopyDiffers) as error:
                self.failed[name] = str(error)
                print(f"  {name:10} failed: {error}", flush=True)
            else:
                self.costs.setdefault(name, []).append(cost)
                print(f"  {name:10} {cost.seconds:7.1f} s, others {cost.others:.0%}", flush=True)

    def _turn(self, way: Way) -> Cost:
        folder = self.place.root / "kept"
        if way.goes_on:
            destination = self.place.destination.named("copy")
            if way.change:
                with connect(self.source) as session:
                    session.run(way.change, way.values or None)
                self.contents |= films.contents(self.source, only=way.changed)
        else:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            destination = self.place.fresh(self.place.destination, "copy")
        copy = Copy(place=self.place, source=self.source, destination=destination, folder=folder)
        cost = measure(self.place, way.commands(copy), folder)
        self._compare(destination, is_whole=way.is_whole)
        return cost

    def _compare(self, destination: Database, *, is_whole: bool) -> None:
        found = films.contents(destination)
        if wrong := [name for name, rows in self.contents.items() if found.get(name) != rows]:
            raise CopyDiffers(f"these tables differ from the source's: {', '.join(wrong)}")
        if is_whole and films.definitions(destination) != films.definitions(self.source):
            raise CopyDiffers("the indexes and keys differ from the source's")

    def ensure_measured(self, name: str) -> None:
        """End where the way that all others are compared with has no figure: what was measured before is kept."""
        if name not in self.costs:
            sys.exit(f"nothing is written down, because {name} has no figure: {self.failed[name]}")

    def measured(self, ways: Mapping[str, Way]) -> dict[str, dict[str, object]]:
        """Return what is written down of each way."""
        return {
            name: {
                "title": way.title,
                # The first line says which; the rest is the program's own.
                "failed": self.failed.get(name, "").split("\n")[0],
                "rounds": [asdict(cost) for cost in self.costs.get(name, [])],
            }
            for name, way in ways.items()
        }
