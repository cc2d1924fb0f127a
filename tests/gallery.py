"""A run of every kind, for its page to be read and looked at."""

import datetime
from collections.abc import Callable
from pathlib import Path

from tasks.archive import DumpOptions
from tasks.checkpoints import Json
from tasks.inquiry import Finding
from tests.reports import BEGAN, Run, failure, result, seen

# What a browser would run, what ends an attribute, what has no end, what turns the line about.
HOSTILE = [
    "public.<script>alert(1)</script>",
    "public.\"quoted\" & 'single' --><!-- ]]></title></style>",
    "public." + "a_very_long_name_without_a_place_to_break" * 3,
    "مبيعات.جدول_العملاء",
    "public.{{ 7 * 7 }}{% raise %}",
]
BROKEN = """Database Error in model film_ratings (models/gold/film_ratings.sql)
  relation "public.nowhere" does not exist
  LINE 12: select film_id from public.nowhere
                               ^"""
STOPS = [
    Finding(level="ok", topic="destination", text="warehouse on localhost:5432: PostgreSQL 18.6, as towpath"),
    Finding(
        level="stop", topic="large objects", text="shop on db.example.com:5432 has large objects; nothing was dumped",
        remedy="keep such data in bytea columns, or go on without it: [source] large_objects = skip", exit_code=37,
    ),
    Finding(
        level="stop", topic="dependents", text="materialized view analysts.weekly_sales of anna is on public.films",
        remedy="make it a view", exit_code=21,
    ),
    Finding(level="not asked", topic="landing", text="not asked: first mend what is said of dependents"),
]  # fmt: skip
WARNING = Finding(
    level="warn", topic="clocks", remedy="alter database … set timezone = 'Etc/UTC' on the destination",
    text="the source's time zone is Etc/UTC, the destination's Europe/Paris",
)  # fmt: skip


def first() -> Json:
    return Run(folder=Path("/nowhere/artifacts/first")).report()


def later() -> Json:
    tables = [("public.actors", 57), ("public.films", 20), ("public.users", 12), ("public.visits", 39)]
    aftermath = {
        "disk": {"run_bytes": 12345678, "artifacts_bytes": 345678901, "free_bytes": 78600000000},
        "removed": [
            {"run": "2026-11-14", "what": "run", "bytes": 81234567},
            {"run": "2026-11-20", "what": "dump", "bytes": 0},
        ],
        "docs": {"file": "catalogue.html", "bytes": 1800000, "seconds": 4.2},
    }
    return Run(tables=tables, earlier=[first()], drift=["table public.visits is new"], aftermath=aftermath).report()


def large() -> Json:
    """500 tables, 250 models with 2,000 tests, of which one warns; much has changed since the run before."""
    before = [(f"sales_and_inventory.table_{number:03}", 37 * number**3) for number in range(490)]
    now = [
        (f"sales_and_inventory.table_{number:03}", 37 * number**3 + (number % 9 == 0) * number) for number in range(500)
    ]
    warned = result("odd", kind="test", of="silver.model_001", status="warn", message="Got 3 results", failures=3)
    return Run(
        tables=now, models=250, results=[warned], without_rows=["sales_and_inventory.table_003"],
        drift=[f"column public.films.price_{n} was text and is integer (read by silver.films)" for n in range(25)],
        left_out=[f"ACL public TABLE table_{number} owner" for number in range(40)], findings=[STOPS[0], WARNING],
        earlier=[Run(folder=Path("/nowhere/artifacts/first"), tables=before).report()],
    ).report()  # fmt: skip


def stopped_beforehand() -> Json:
    failed = failure("Preflight", "all of it in one text", exit_code=37)
    return Run(reached=(), readers=seen("first"), findings=STOPS, failures=[failed], earlier=[first()]).report()


def a_test_failed() -> Json:
    results = [
        result(
            "not_null_films_price", kind="test", of="silver.films", status="fail", message="Got 2 results", failures=2
        ),
        *(result(f"gold.late_{number}", status="skipped") for number in range(5)),
    ]
    return _failed_in_dbt("dbt: 1 model or test failed: test not_null_films_price (Got 2 results)", results, 28)


def a_model_is_broken() -> Json:
    return _failed_in_dbt(BROKEN, [result("gold.film_ratings", status="error", message=BROKEN)], 27)


def _failed_in_dbt(message: str, results: list[Json], exit_code: int) -> Json:
    began = BEGAN + datetime.timedelta(seconds=590)
    return Run(
        reached=("preflight", "dump", "restore"), results=results, readers=seen("first"), earlier=[first()],
        failures=[failure("RunDbt", message, began=began, seconds=41.2, exit_code=exit_code)],
    ).report()  # fmt: skip


def nobody_answers() -> Json:
    refused = [
        failure("DatabaseReady", f"{name} does not answer: connection refused; nothing was changed", exit_code=11)
        for name in ("shop on db.example.com:5432", "warehouse on localhost:5432")
    ]
    readers = {"unknown": "warehouse on localhost:5432 does not answer"}
    before = {**a_test_failed(), "failing_since": BEGAN.isoformat()}
    return Run(reached=(), readers=readers, findings=[], failures=refused, earlier=[before]).report()


def resumed() -> Json:
    """Failed at first, went on hours later, and waited for days before it was published."""
    waits = {"restore": 9 * 3600 + 123.0, "publish": 3 * 86400.0}
    return Run(earlier=[a_model_is_broken(), first()], waits=waits).report()


def hostile() -> Json:
    """All that others name has names that a page could stumble over."""
    results = [
        *(result(name, kind="test", of=name, status="fail", message=name) for name in HOSTILE),
        *(result(name, kind="test", of=name, status="pass") for name in HOSTILE),
        *(result(name) for name in HOSTILE),
        *(result(name, status="skipped") for name in HOSTILE),
    ]
    return Run(
        folder=Path("/nowhere/artifacts/a:b+c"), tables=[(name, 1234567890) for name in HOSTILE], results=results,
        drift=HOSTILE, left_out=HOSTILE, selection=DumpOptions(exclude_tables=tuple(HOSTILE)), earlier=[first()],
        failures=[failure("RunDbt", " ".join(HOSTILE))],
        findings=[Finding(level=level, topic=n, text=n, remedy=n) for n in HOSTILE for level in ("ok", "warn")],
        readers={"unknown": " ".join(HOSTILE)},
    ).report()  # fmt: skip


KINDS: dict[str, Callable[[], Json]] = {
    made.__name__: made
    for made in (
        first, later, large, stopped_beforehand, a_test_failed, a_model_is_broken, nobody_answers, resumed, hostile,
    )
}  # fmt: skip


def month() -> list[Json]:
    """The reports of 60 runs, a day each, of which every seventh failed, the last to end first."""
    runs = []
    for number in range(60):
        began = BEGAN - datetime.timedelta(days=number)
        failures = [failure("RunDbt", "dbt: 1 model or test failed", began=began)] if number % 7 == 3 else []
        run = Run(
            folder=Path(f"/nowhere/artifacts/{began:%Y-%m-%d}"), began=began, failures=failures,
            readers=seen("2026-11-23"), tables=[("public.films", 6000000000 - 31234567 * number)],
        )  # fmt: skip
        runs.append({**run.report(), "ended_at": (began + datetime.timedelta(seconds=700)).isoformat()})
    return runs
