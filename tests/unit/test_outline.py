from pathlib import Path

from tasks import outline
from tests.reports import Run, result

BEFORE = Run(folder=Path("/nowhere/first"), tables=[(f"public.t{number:03}", 1000) for number in range(499)])


def test_of_many_tables_those_that_changed_most_are_shown_and_none_is_lost():
    rows = {"public.t007": 10, "public.t300": 1500, "public.t400": 1001, "public.t499": 3}
    now = Run(
        tables=[(f"public.t{number:03}", rows.get(f"public.t{number:03}", 1000)) for number in range(500)],
        without_rows=["public.t100"],
        earlier=[BEFORE.report()],
    )

    tables = outline.tables(now.report())

    first = [(line.name, line.change) for line in tables.shown[:5]]
    assert first == [
        ("public.t100", 0),
        ("public.t499", None),
        ("public.t007", -990),
        ("public.t300", 500),
        ("public.t400", 1),
    ]
    assert [line.is_new for line in tables.shown[:3]] == [False, True, False]
    assert (tables.changed, tables.without_rows) == (4, 1)
    folded = [line.name for line in tables.folded]
    assert folded == sorted(folded)
    assert len({line.name for line in (*tables.shown, *tables.folded)}) == 500


def test_the_first_run_has_no_new_tables_and_shows_the_largest_first():
    tables = outline.tables(Run(tables=[("public.small", 1), ("public.large", 9)]).report())

    assert [line.name for line in tables.shown] == ["public.large", "public.small"]
    assert not any(line.is_new or line.change for line in tables.shown)


def test_what_failed_comes_before_what_warns_and_what_passed_is_by_model():
    results = [
        result("odd", kind="test", of="silver.films", status="warn", message="Got 3 results"),
        result("broken", status="error", message="no such table"),
        result("wrong", kind="unit test", of="silver.films", status="fail"),
        result("gold.films", status="skipped"),
    ]

    built = outline.built(Run(models=2, tests=3, results=results).report())

    assert [amiss["name"] for amiss in built.amiss] == ["broken", "wrong", "odd"]
    assert [skipped["name"] for skipped in built.skipped] == ["gold.films"]
    assert (built.models, built.tests, built.failed_tests, built.warned_tests) == (4, 8, 1, 1)
    assert [(model, len(tests)) for model, tests in built.passed] == [("gold.model_000", 3), ("silver.model_001", 3)]
    # Neither what failed nor what was skipped has a time that says anything.
    assert [share.model["name"] for share in built.slowest] == ["gold.model_000", "silver.model_001"]
    assert built.slowest[0].percent == 100


def test_a_hook_is_no_model_and_one_that_failed_is_amiss():
    hooks = [
        result("shop-on-run-start-0", kind="operation"),
        result("shop-on-run-end-0", kind="operation", status="error", message="permission denied"),
    ]
    made = [result("silver.codes", kind="seed"), result("silver.prices", kind="snapshot", status="error")]

    built = outline.built(Run(models=2, tests=0, results=[*made, *hooks]).report())

    assert (built.models, built.failed_models, built.failed_hooks, built.tests) == (4, 1, 1, 0)
    assert [share.model["kind"] for share in (*built.slowest, *built.faster)].count("operation") == 0
    assert [amiss["name"] for amiss in built.amiss] == ["silver.prices", "shop-on-run-end-0"]
