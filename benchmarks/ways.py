"""The ways to copy a database, as programs with their words."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import films
from benchmarks.meter import Command
from benchmarks.servers import Place, uri_of
from tasks import sections
from tasks.postgres import Database

JOBS = 2
DBT = Path(__file__).with_name("dbt")


@dataclass(frozen=True, kw_only=True)
class Copy:
    """What is copied where to; `folder` is what may be left behind."""

    place: Place
    source: Database
    destination: Database
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to copy.

    One that `goes_on` works on what the way before it has left, after `change`, a statement with `values`, has changed
    the source, in the table `changed` or in all. `is_whole` makes all indexes and keys. Where `missing` says why, there
    is no such way on this machine.
    """

    title: str
    commands: Callable[[Copy], list[Command]]
    goes_on: bool = False
    change: str = ""
    values: Mapping[str, int] = field(default_factory=dict)
    changed: str = ""
    is_whole: bool = True
    missing: str = ""


def plain(copy: Copy) -> list[Command]:
    """Copy by way of one SQL file."""
    file = copy.folder / "dump.sql"
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    return [
        Command(words=["pg_dump", f"--dbname={uri_of(copy.source)}", f"--file={file}"]),
        Command(words=["psql", f"--dbname={uri_of(copy.destination)}", *options, f"--file={file}"]),
    ]


def directory(copy: Copy) -> list[Command]:
    """Copy by way of a dump in directory format."""
    folder = copy.folder / "dump"
    how = ["--format=directory", f"--jobs={JOBS}"]
    into = [f"--dbname={uri_of(copy.destination)}", "--exit-on-error"]
    dump = ["pg_dump", f"--dbname={uri_of(copy.source)}", *how, f"--compress={copy.place.compress}"]
    return [
        Command(words=[*dump, f"--file={folder}"]),
        Command(words=["pg_restore", *into, *how, str(folder)]),
    ]


def pgcopydb(copy: Copy) -> list[Command]:
    """Copy without a file."""
    # It keeps its own books there, which are no dump.
    books = copy.place.root / "pgcopydb"
    shutil.rmtree(books, ignore_errors=True)
    ends = [f"--source={uri_of(copy.source)}", f"--target={uri_of(copy.destination)}", f"--dir={books}"]
    return [Command(words=["pgcopydb", "clone", *ends, f"--table-jobs={JOBS}", f"--index-jobs={JOBS}"])]


def towpath(task: str, *flags: str, run: str = "bench") -> Callable[[Copy], list[Command]]:
    """Copy by Towpath, as a run of its own."""

    def commands(copy: Copy) -> list[Command]:
        ends = {"SOURCE_URI": uri_of(copy.source), "DESTINATION_URI": uri_of(copy.destination)}
        words = ["luigi", "--module=tasks", task, f"--run-id={run}", f"--artifacts-root={copy.folder}", *flags]
        return [Command(words=words, environment=ends)]

    return commands


def ways(place: Place) -> dict[str, Way]:
    """Return the ways by name, in the order in which they take turns."""
    few = ["--restore-indexes=keys", "--restore-foreign-keys=not_valid"]
    return {
        "plain": Way(title="`pg_dump` to an SQL file, `psql`", commands=plain),
        "directory": Way(title=f"`pg_dump`, `pg_restore`, {JOBS} jobs, {place.compress}", commands=directory),
        "pgcopydb": Way(title=_pgcopydb(), commands=pgcopydb, missing=without("pgcopydb")),
        "towpath": Way(title="Towpath, dump and restore", commands=towpath("RestoreDestination")),
        "again": Way(
            title="Towpath, the next run, 1 % of `films` changed",
            commands=towpath("RestoreDestination", run="bench-again"),
            goes_on=True,
            change=films.text("change_films"),
            changed="public.films",
        ),
        "keys": Way(
            title="Towpath, `indexes = keys`, `foreign_keys = not_valid`",
            commands=towpath("RestoreDestination", *few),
            is_whole=False,
            missing="" if hasattr(sections.restore, "foreign_keys") else "it has no such setting yet",
        ),
        "dbt": Way(
            title="Towpath, dbt and publication too",
            commands=towpath("FullPipeline", f"--dbt-project-dir={DBT}"),
        ),
    }


def without(program: str) -> str:
    """Say that a program is missing where it is."""
    return "" if shutil.which(program) else f"{program} is not installed"


def _pgcopydb() -> str:
    version = ""
    if not without("pgcopydb"):
        said = subprocess.run(["pgcopydb", "--version"], capture_output=True, text=True, check=True).stdout
        version = said.split("version ")[-1].split()[0] + " "
    return f"`pgcopydb clone` {version}with {JOBS} table and {JOBS} index jobs"
