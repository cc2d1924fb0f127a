"""Reports as the real composing code makes them, of runs as large, as broken and as strangely named as a test wants."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks import report
from tasks.archive import DumpOptions
from tasks.checkpoints import Json
from tasks.inquiry import Finding
from tasks.landing import Load
from tasks.manifest import Manifest, Table
from tasks.models import Build
from tasks.publish import Publication
from tasks.report import Ended

BEGAN = datetime.datetime(2026, 11, 23, 3, 0, tzinfo=datetime.timezone.utc)
SECONDS = {"preflight": 1.2, "dump": 312.4, "restore": 268.9, "dbt": 95.31, "publish": 0.042}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run that came as far as `reached` before it failed, or was published; `waits` are seconds before a step."""

    folder: Path = Path("/nowhere/artifacts/second")
    tables: Sequence[tuple[str, int]] = (("public.actors", 56), ("public.films", 20), ("public.users", 14))
    models: int = 10
    tests: int = 8
    results: Sequence[Json] = ()
    reached: Sequence[str] = tuple(SECONDS)
    waits: Mapping[str, float] = field(default_factory=dict)
    failures: Sequence[Json] = ()
    findings: Sequence[Finding] = (Finding(level="ok", topic="clocks", text="within 0.0 s of one another"),)
    drift: Sequence[str] = ()
    left_out: Sequence[str] = ()
    selection: DumpOptions = field(default_factory=DumpOptions)
    without_rows: Sequence[str] = ()
    aftermath: Mapping[str, Any] = field(default_factory=dict)
    readers: Json | None = None
    earlier: Sequence[Json] = ()
    began: datetime.datetime = BEGAN

    def report(self) -> Json:
        """What `report.json` says of it."""
        return report.compose(
            Ended(
                run=self.folder.name,
                folder=self.folder,
                places={"source": "shop on db.example.com:5432", "destination": "warehouse on localhost:5432"},
                checkpoints=self._checkpoints(),
                failures=self.failures,
                findings=[finding.to_json() for finding in self.findings],
                built=[*self._results(), *self.results] if "dbt" in self.reached or self.results else [],
                readers=self.readers if self.failures or self.readers else seen(self.folder.name),
                versions={"towpath": "0.1.0", "python": "3.11.7"},
                aftermath={"docs": None, "removed": [], "disk": None, **self.aftermath},
                earlier=self.earlier,
            )
        )

    def _checkpoints(self) -> dict[str, Json]:
        made, moment = {}, self.began
        for name, content in self._contents().items():
            moment += datetime.timedelta(seconds=self.waits.get(name, 0.2))
            if name in self.reached:
                made[name] = {**content, "started_at": moment.isoformat(), "seconds": SECONDS[name]}
            moment += datetime.timedelta(seconds=SECONDS[name])
        return made

    def _contents(self) -> dict[str, Json]:
        rows = sum(rows for _, rows in self.tables)
        load = Load(
            level="counts", verified="counted on both sides, table by table", not_compared=[], load_id=2,
            tables=len(self.tables), unchanged=0, rows=rows, drift=list(self.drift), catalogue={}, seconds=1.0,
        )  # fmt: skip
        built = Build(
            version_id=2, schemas=["gold", "silver"], models=[], in_place=[], tests=self.models * self.tests,
            warnings=[], built=self._results(), dbt="1.11.16", seconds=1.0,
        )  # fmt: skip
        shown = Publication(version_id=2, schemas=["gold", "silver"], followers=[], waited_seconds=0.0, seconds=0.1)
        return {
            "preflight": {},
            "dump": {**self._manifest().to_json(), "fingerprint": {"selection": self.selection.selection}},
            "restore": {**vars(load), "pg_restore": "18.6"},
            "dbt": vars(built),
            "publish": vars(shown),
        }

    def _table(self, named: str, rows: int) -> Table:
        schema, name = named.split(".", 1)
        return Table(
            oid=16384, schema=schema, name=name, rows=rows, bytes=rows * 117, rows_bytes=rows * 117,
            with_data=named not in self.without_rows, columns=["id"], is_binary=False,
            files=[f"rows/{name}.copy"], form=None,
        )  # fmt: skip

    def _manifest(self) -> Manifest:
        tables = [self._table(named, rows) for named, rows in self.tables]
        described: dict[str, Any] = {
            "schemas": ["public"], "extensions": [], "objects": [], "brought_by": [], "catalogue": {}, "collations": {},
            "sequences": [], "foreign_keys": [], "materialized": [], "definitions": "",
        }  # fmt: skip
        return Manifest(
            source="shop", system_identifier="1", database_oid=5, server_version=180006, pg_dump="18.6",
            snapshot_at=self.began.isoformat().replace("+00:00", "Z"), lsn="0/1B16028", moment=None, tables=tables,
            left_out=list(self.left_out), files={"definitions.pgdump": {"bytes": sum(t.bytes for t in tables) // 7}},
            seconds=1.0, **described,
        )  # fmt: skip

    def _results(self) -> list[Json]:
        models = [f"{'silver' if number % 2 else 'gold'}.model_{number:03}" for number in range(self.models)]
        made = [result(name, seconds=0.05 + 7.3 / (number + 1)) for number, name in enumerate(models)]
        tests = [
            result(f"not_null_{name.split('.')[1]}_column_{number}", kind="test", of=name, status="pass", seconds=0.1)
            for name in models
            for number in range(self.tests)
        ]
        return [*made, *tests]


def result(
    name: str, *, kind: str = "model", status: str = "success", of: str | None = None, seconds: float = 1.0,
    message: str | None = None, failures: int | None = None,
) -> Json:  # fmt: skip
    """One of `BuildResults.results`."""
    materialized = "table" if kind == "model" else None
    return {
        "name": name, "kind": kind, "materialized": materialized, "of": of, "status": status, "seconds": seconds,
        "message": message, "failures": failures,
    }  # fmt: skip


def failure(
    task: str, message: str, *, began: datetime.datetime = BEGAN, seconds: float = 1.0, exit_code: int = 27
) -> Json:
    """One of a report's failures."""
    return {
        "task": task, "message": message, "remedy": "mend the model, the test or the data, and run again",
        "exit_code": exit_code, "started_at": began.isoformat(), "seconds": seconds,
    }  # fmt: skip


def seen(run: str) -> Json:
    """What readers see after a run was published."""
    return {
        "load_id": 2,
        "run": run,
        "source": "shop on db.example.com:5432",
        "snapshot_at": "2026-11-22T03:00:01.000000+00:00",
        "published_at": "2026-11-22T03:11:12.000000+00:00",
    }
