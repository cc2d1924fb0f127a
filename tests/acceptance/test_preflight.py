"""`luigi --module tasks Preflight`, and the same as the first thing that every run does."""

import json
import re
import time

import pytest

from tasks.postgres import connect
from tests.worlds import Contents, World, ask, contents, locked, run_to_the_end

LINE = re.compile(r"^(ok|warn|stop|-) {2,}\S")
SCHEMAS = "select nspname::text from pg_namespace where nspname !~ '^pg_' order by 1"


def levels(said: str) -> list[str]:
    """The level of each line of the list."""
    return [match[1] for line in said.splitlines() if (match := LINE.match(line))]


def state(world: World) -> tuple[list[tuple[str]], Contents]:
    return ask(world.destination, SCHEMAS), contents(world.destination)


def test_asked_on_its_own_it_prints_one_line_for_each_question_and_touches_nothing(world):
    before = state(world), contents(world.source)

    done = world.run("Preflight", "--run-id=look")

    assert done.returncode == 0, done.stderr
    assert len(levels(done.stdout)) > 20
    assert set(levels(done.stdout)) == {"ok"}
    assert done.stdout.splitlines()[-1] == f"{len(levels(done.stdout))} ok"
    assert max(map(len, done.stdout.splitlines())) <= 120
    assert (state(world), contents(world.source)) == before
    assert [path.name for path in world.folder("look").path.iterdir()] == ["preflight.json"]


def test_a_dump_goes_by_the_tables_that_the_preflight_saw(world, tools, tmp_path):
    started = tmp_path / "started"
    for name, tool in vars(tools).items():
        script = tmp_path / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\necho "{name} $*" >> "{started}"\nexec "{tool.path}" "$@"\n', encoding="utf-8")
        script.chmod(0o755)

    done = world.run("DumpSource", "--run-id=x", f"--dump-tools-folder={tmp_path / 'bin'}")

    assert done.returncode == 0, done.stderr
    dumps = [line for line in started.read_text().splitlines() if line.startswith("pg_dump --file=")]
    assert ["--snapshot=" in line for line in dumps] == [False, True]
    numbers = {table["oid"] for table in world.checkpoint("x", "dump")["tables"]}
    assert set(world.checkpoint("x", "preflight")["tables"]) == numbers


def test_all_that_stops_a_run_is_told_at_once_with_its_remedy_and_nothing_is_dumped_or_touched(published, tmp_path):
    ask(published.source, "select lo_create(0)")
    ask(published.source, "create table public.invoices as select 1 as invoice_id")
    ask(published.destination, "create table public.invoices as select 'mine' as owner")
    before = state(published)
    command = published.command("FullPipeline", "--run-id=second")

    failed = run_to_the_end([*command[:-1], f"--dbt-project-dir={tmp_path / 'nowhere'}"])

    # The first of the three.
    assert failed.returncode == 37
    for words in ("large objects (1)", "table public.invoices of postgres", "nowhere is not a dbt project"):
        assert words in failed.stderr
    for remedy in ("[source] large_objects = skip", "rename or move them", "--dbt-project-dir"):
        assert remedy in failed.stderr
    assert "Traceback" not in failed.stderr
    assert failed.stdout == ""
    assert state(published) == before
    assert published.times("second") == {}


def test_a_stop_is_in_the_list_with_its_remedy_and_in_the_audit_log(published):
    ask(published.source, "select lo_create(0)")

    failed = published.run("Preflight", "--run-id=second")

    noted = ask(published.destination, "select step, outcome from towpath.steps where run = 'second'")
    assert failed.returncode == 37
    assert re.search(
        r"^stop {2,}large objects {2,}shop .*\n( {20,}.*\n)* {20,}what to do: ", failed.stdout, re.MULTILINE
    )
    assert noted == [("Preflight", "failed")]


def test_a_stop_leaves_no_ledger_where_towpath_has_never_been(world):
    ask(world.source, "select lo_create(0)")
    before = state(world)

    failed = world.run("FullPipeline", "--run-id=first")

    assert failed.returncode == 37
    assert state(world) == before


def test_a_warning_is_logged_and_in_the_report_and_stops_only_a_strict_run(published):
    ask(published.source, "select lo_create(0)")
    words = ("FullPipeline", "--run-id=second", "--source-large-objects=skip")
    before = state(published)

    strict = published.run(*words, "--strict")
    after_strict, times = state(published), published.times("second")
    done = published.run(*words)

    assert strict.returncode == 38
    assert "large objects of shop" in strict.stderr
    assert "--strict" in strict.stderr
    assert (after_strict[1], times) == (before[1], {})
    assert done.returncode == 0, done.stderr
    assert re.search(r"WARNING large objects: the large objects of shop .* \(1\) .*\n    what to do: ", done.stderr)
    assert re.search(r"INFO preflight: \d+ ok, 1 warning$", done.stderr, re.MULTILINE)
    assert not levels(done.stdout)
    found = published.checkpoint("second", "report")["preflight"]
    assert [finding["topic"] for finding in found if finding["level"] == "warn"] == ["large objects"]


def test_strict_or_not_a_run_is_the_same_run(published):
    before = published.times("first")

    done = published.run("FullPipeline", "--run-id=first", "--strict")

    assert done.returncode == 0
    assert "nothing to do" in done.stderr
    assert published.times("first") == before


def test_an_answer_of_an_earlier_invocation_is_not_believed(published):
    first = published.run("Preflight", "--run-id=second")
    ask(published.source, "select lo_create(0)")

    second = published.run("DumpSource", "--run-id=second")

    assert first.returncode == 0
    assert second.returncode == 37
    assert published.times("second") == {}


def test_each_invocation_asks_once_also_with_two_workers(published):
    done = published.run("FullPipeline", "--run-id=second", "--workers=2")

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("INFO preflight: ") == 1


def test_a_run_whose_dump_is_there_asks_and_goes_on_while_its_source_is_gone(published, sources):
    dumped = published.run("DumpSource", "--run-id=second")
    sources.drop("shop")

    looked = published.run("Preflight", "--run-id=second")
    done = published.run("FullPipeline", "--run-id=second")

    assert dumped.returncode == 0
    assert looked.returncode == 0, looked.stderr
    assert "not needed: this run's dump is complete" in looked.stdout
    assert done.returncode == 0, done.stderr


def test_a_locked_table_is_told_within_seconds_and_the_dump_waits_for_it(published):
    with locked(published.source, "public.films", "access exclusive"):
        began = time.monotonic()
        looked = published.run("Preflight", "--run-id=second")
        seconds = time.monotonic() - began
        failed = published.run("DumpSource", "--run-id=second", "--dump-lock-wait-timeout=1")

    assert looked.returncode == 0
    assert re.search(r"^warn {2,}tables {2,}.*locked: public.films by session", looked.stdout, re.MULTILINE)
    assert "will wait 60 s" in " ".join(looked.stdout.split())
    assert failed.returncode == 16
    assert seconds < 30, "not the sixty that the dump would wait"


@pytest.mark.parametrize("task", ["DumpSource", "RestoreDestination", "RunDbt", "PublishModels"])
def test_every_step_looks_first(published, task):
    with connect(published.destination) as session:
        session.run("create table public.invoices as select 'mine' as owner")
    ask(published.source, "create table public.invoices as select 1 as invoice_id")

    failed = published.run(task, "--run-id=second")

    assert failed.returncode == 20
    assert published.times("second") == {}
    assert json.loads((published.folder("second").path / "preflight.json").read_text())["findings"]


def test_whoever_only_looks_sees_in_the_list_which_server_does_not_answer(published, tmp_path):
    nowhere = f"--source-uri=host={tmp_path} dbname=shop"
    command = [word for word in published.command("Preflight", "--run-id=second") if "source-uri" not in word]

    failed = run_to_the_end([*command, nowhere, "--readiness-timeout-seconds=1"])

    assert failed.returncode == 11
    assert re.search(r"^stop {2,}source {2,}shop on .*\n( {20,}.*\n)* {20,}what to do: ", failed.stdout, re.MULTILINE)
    assert re.search(r"^ok {2,}destination {2,}warehouse on ", failed.stdout, re.MULTILINE)
    assert re.search(r"^- {2,}tables {2,}not asked", failed.stdout, re.MULTILINE)


def test_a_time_limit_of_nothing_is_refused(published):
    failed = published.run("Preflight", "--run-id=second", "--dump-lock-wait-timeout=0")

    assert failed.returncode == 32
    assert "a time limit of 0 s cannot be kept" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_broken_apprise_is_a_warning_and_stops_no_copying(world, tmp_path):
    package = tmp_path / "apprise"
    package.mkdir()
    (package / "__init__.py").write_text("raise AttributeError('incomplete')", encoding="utf-8")

    done = world.run("Preflight", "--run-id=look", '--notify-urls=["json://127.0.0.1"]', PYTHONPATH=str(tmp_path))

    assert done.returncode == 0, done.stderr
    assert re.search(r"^warn {2,}alerts {2,}apprise cannot be used", done.stdout, re.MULTILINE)
    assert "incomplete" in done.stdout
