"""What a page shows of a report: sorted by what a person should look at, and compared with the run before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.checkpoints import Json

# So many are shown without a click; of a short list all are.
_SHOWN_TABLES, _SHOWN_MODELS = 20, 10

# Whatever else dbt has results of are the project's hooks.
_MODELS, _TESTS = ("model", "seed", "snapshot"), ("test", "unit test")
_BROKEN, _DOUBTFUL, _SKIPPED = ("error", "fail", "runtime error"), ("warn", "partial success"), ("skipped",)


@dataclass(frozen=True, kw_only=True)
class TableLine:
    """A table of the source; `change` is None where the run before had no such table, or there was none."""

    name: str
    rows: int
    bytes: int
    change: int | None
    is_new: bool
    is_copied: bool


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Those that are shown at once, and the rest by name; `changed` counts those with more or fewer rows, or new."""

    shown: list[TableLine]
    folded: list[TableLine]
    changed: int
    without_rows: int
    bytes: int


def tables(report: Json) -> Tables:
    """Put what has changed most first, then the largest."""
    lines = [_line(table, is_first=report["before"] is None) for table in report["tables"]]
    lines.sort(key=lambda line: (line.is_copied, not line.is_new, -abs(line.change or 0), -line.bytes, line.name))
    shown = min(len(lines), _SHOWN_TABLES)
    return Tables(
        shown=lines[:shown],
        folded=sorted(lines[shown:], key=lambda line: line.name),
        changed=sum(1 for line in lines if line.is_new or line.change),
        without_rows=sum(1 for line in lines if not line.is_copied),
        bytes=sum(line.bytes for line in lines),
    )


def _line(table: Json, *, is_first: bool) -> TableLine:
    before = table["rows_before"]
    return TableLine(
        name=table["table"],
        rows=table["rows"],
        bytes=table["bytes"],
        change=None if before is None else table["rows"] - before,
        is_new=before is None and not is_first,
        is_copied=table["copied"],
    )


@dataclass(frozen=True, kw_only=True)
class Share:
    """A model and how long it took, in percent of the slowest."""

    model: Json
    percent: float


@dataclass(frozen=True, kw_only=True)
class Built:
    """What dbt came to. `amiss` are models, tests and hooks that failed, then those that warned, in dbt's order."""

    amiss: list[Json]
    models: int
    failed_models: int
    failed_hooks: int
    slowest: list[Share]
    faster: list[Share]
    skipped: list[Json]
    tests: int
    failed_tests: int
    warned_tests: int
    passed: list[tuple[str, list[Json]]]


def built(report: Json) -> Built:
    """Part what has gone wrong from what has not: the former is to be read, of the latter only its time matters."""
    results = report["built"]
    models = [result for result in results if result["kind"] in _MODELS]
    tests = [result for result in results if result["kind"] in _TESTS]
    shares = list(_shares([m for m in models if m["status"] not in (*_BROKEN, *_SKIPPED)]))
    shown = len(shares) if len(shares) <= _SHOWN_MODELS + 2 else _SHOWN_MODELS
    return Built(
        amiss=[*_of(results, _BROKEN), *_of(results, _DOUBTFUL)],
        models=len(models),
        failed_models=len(_of(models, _BROKEN)),
        failed_hooks=len(_of([r for r in results if r["kind"] not in (*_MODELS, *_TESTS)], _BROKEN)),
        slowest=shares[:shown],
        faster=shares[shown:],
        skipped=_of(results, _SKIPPED),
        tests=len(tests),
        failed_tests=len(_of(tests, _BROKEN)),
        warned_tests=len(_of(tests, _DOUBTFUL)),
        passed=_by_model(_of(tests, ("pass",))),
    )


def _of(results: Sequence[Json], statuses: Sequence[str]) -> list[Json]:
    return [result for result in results if result["status"] in statuses]


def _shares(models: Sequence[Json]) -> Iterator[Share]:
    slowest = max((model["seconds"] for model in models), default=0) or 1
    for model in sorted(models, key=lambda model: (-model["seconds"], model["name"])):
        yield Share(model=model, percent=round(100 * model["seconds"] / slowest, 1))


def _by_model(tests: Sequence[Json]) -> list[tuple[str, list[Json]]]:
    found: dict[str, list[Json]] = {}
    for test in tests:
        found.setdefault(test["of"] or "", []).append(test)
    return sorted(found.items())
