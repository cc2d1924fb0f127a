"""A checkpoint is believed only while it is true: each way in which one can become untrue, and what is done again."""

import json
import statistics
import subprocess
import sys
import time

import pytest

from tasks.checkpoints import FORMAT
from tests.worlds import ask, contents, locked, run_to_the_end, wait_until

FULL = ("FullPipeline", "--run-id=first")
STEPS = ("dump", "restore", "dbt", "publish", "report")
SESSIONS = "select sessions from pg_stat_database where datname = %s"
WAITING = (
    "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    " and application_name like 'towpath%'"
)


def test_a_run_that_has_nothing_to_do_says_so_within_a_second_of_python_and_luigi_themselves(published):
    before = published.times("first")

    runs, more = [], []
    for _ in range(5):
        # In turn: the machine may have more to do from one moment to the next.
        idle = _seconds(lambda: subprocess.run([sys.executable, "-c", "import luigi"], check=True))
        more.append(_seconds(lambda: runs.append(published.run(*FULL))) - idle)

    assert [run.returncode for run in runs] == [0] * 5
    assert "run first is complete: nothing to do" in runs[0].stderr
    assert published.times("first") == before
    assert statistics.median(more) < 1


def _seconds(work):
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_a_run_that_has_nothing_to_do_asks_the_source_nothing_and_writes_nothing(published, sources, destinations):
    files = _files(published)
    contents_before = contents(published.destination)
    sessions = _sessions(sources, "shop")
    writes = _writes(destinations, "warehouse")

    done = published.run(*FULL)

    assert done.returncode == 0
    assert _sessions(sources, "shop") == sessions
    assert _writes(destinations, "warehouse") == writes
    assert _files(published) == files
    assert contents(published.destination) == contents_before


def _files(world):
    return {path: path.stat().st_mtime_ns for path in world.artifacts.rglob("*") if path.is_file()}


def _sessions(clones, name):
    return ask(clones.server, SESSIONS, [name])[0][0]


def _writes(clones, name):
    query = "select tup_inserted, tup_updated, tup_deleted from pg_stat_database where datname = %s"
    return ask(clones.server, query, [name])


def test_after_a_model_was_edited_only_dbt_and_publish_run_again(published):
    before = published.times("first")
    load = published.checkpoint("first", "restore")["load_id"]
    model = published.project / "models" / "titles.sql"
    model.write_text("select upper(title) as title from {{ ref('ratings') }}\n", encoding="utf-8")

    done = published.run(*FULL)

    assert done.returncode == 0, done.stderr
    assert _changed(before, published.times("first")) == ["dbt", "publish", "report"]
    assert published.checkpoint("first", "restore")["load_id"] == load
    assert ask(published.destination, "select title from analytics.titles order by 1 limit 1") == [("AVATAR",)]


def _changed(before, after):
    return [name for name in STEPS if before.get(name) != after.get(name)]


def test_a_wiped_destination_is_filled_from_the_dump_that_is_there_without_the_source(published, sources, destinations):
    before, rows = published.times("first"), contents(published.destination)
    sources.drop("shop")
    destinations.drop("warehouse")
    destinations.create("warehouse")

    done = published.run(*FULL)

    assert done.returncode == 0, done.stderr
    assert _changed(before, published.times("first")) == ["restore", "dbt", "publish", "report"]
    assert contents(published.destination) == rows


def test_nothing_is_taken_over_when_the_job_is_pointed_at_another_source(published, sources):
    before = published.times("first")
    other = sources.create("other_shop", template="films_template")
    ask(other, "update public.films set title = 'Elsewhere' where film_id = 1")
    world = type(published)(other, published.destination, published.artifacts, published.project)

    done = world.run(*FULL)
    sources.drop("other_shop")

    assert done.returncode == 0, done.stderr
    assert _changed(before, world.times("first")) == list(STEPS)
    assert ask(world.destination, "select title from analytics.ratings where film_id = 1") == [("Elsewhere",)]


def test_nothing_is_taken_over_when_other_tables_are_asked_for(published):
    before = published.times("first")

    done = published.run(*FULL, '--source-exclude-tables=["public.users"]')

    assert done.returncode == 0, done.stderr
    assert _changed(before, published.times("first")) == list(STEPS)
    assert "public.users" not in contents(published.destination)
    assert published.checkpoint("first", "report")["selection"] == {"exclude_tables": ["public.users"]}


def test_a_run_that_has_proved_less_than_is_asked_for_is_done_again(published):
    before = published.times("first")

    done = published.run(*FULL, "--verify-level=checksums")

    assert done.returncode == 0, done.stderr
    assert _changed(before, published.times("first")) == list(STEPS)
    assert "with 191 rows, every row's digest compared, table by table" in done.stdout
    report = published.checkpoint("first", "report")
    assert report["verified"] == "every row's digest compared, table by table"
    assert all(int(table["digest"]) for table in report["tables"])


def test_a_run_that_has_proved_more_than_is_asked_for_is_complete(published):
    before = published.times("first")

    done = published.run(*FULL, "--verify-level=off")

    assert done.returncode == 0, done.stderr
    assert _changed(before, published.times("first")) == []


def test_a_load_that_was_not_compared_is_restored_again_from_its_dump_when_it_is_to_be(world):
    world.run("RestoreDestination", "--run-id=first", "--verify-level=off")
    before = world.times("first")

    done = world.run("RestoreDestination", "--run-id=first")

    assert done.returncode == 0, done.stderr
    assert _changed(before, world.times("first")) == ["restore"]
    assert world.checkpoint("first", "restore")["verified"] == "counted on both sides, table by table"


@pytest.mark.parametrize("damage", ["truncated", "emptied", "missing", "added"])
def test_a_dump_whose_files_are_not_those_of_its_manifest_is_dumped_anew_before_it_is_loaded(
    published, destinations, damage
):
    before, rows = published.times("first"), contents(published.destination)
    destinations.drop("warehouse")
    destinations.create("warehouse")
    largest = max(published.folder("first").dump.glob("rows/*.copy"), key=lambda path: path.stat().st_size)
    damages = {
        "truncated": lambda: largest.write_bytes(largest.read_bytes()[:-7]),
        "emptied": lambda: largest.write_bytes(b""),
        "missing": largest.unlink,
        "added": lambda: largest.with_name("1.copy").write_bytes(b"one\n"),
    }
    damages[damage]()

    done = published.run("RestoreDestination", "--run-id=first")

    assert done.returncode == 0, done.stderr
    assert _changed(before, published.times("first")) == ["dump", "restore"]
    landed = {name: found for name, found in rows.items() if name.startswith("public.")}
    assert contents(published.destination) == landed
    assert "1.copy" not in [path.name for path in published.folder("first").dump.rglob("*")]


def test_a_published_run_whose_dump_was_truncated_since_ends_published_with_the_same_rows(published):
    rows = contents(published.destination)
    toc = published.folder("first").dump / "definitions.pgdump"
    toc.write_bytes(toc.read_bytes()[:-1])

    done = published.run(*FULL)

    assert done.returncode == 0, done.stderr
    shown = contents(published.destination)
    assert {name: shown[name] for name in rows} == rows


def test_a_dump_file_altered_in_its_own_size_is_found_before_it_is_loaded(published, destinations):
    destinations.drop("warehouse")
    destinations.create("warehouse")
    toc = published.folder("first").dump / "definitions.pgdump"
    content = bytearray(toc.read_bytes())
    content[len(content) // 2] ^= 1
    toc.write_bytes(content)

    failed = published.run(*FULL)
    loaded = contents(published.destination)
    toc.unlink()
    mended = published.run(*FULL)

    assert failed.returncode == 18
    assert "definitions.pgdump" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert loaded == {}
    assert mended.returncode == 0, mended.stderr
    assert ask(published.destination, "select count(*) from analytics.ratings") == [(20,)]


@pytest.mark.parametrize("marker", STEPS)
def test_a_run_without_one_of_its_markers_ends_published_with_the_same_rows(published, marker):
    before, rows = published.times("first"), contents(published.destination)
    published.folder("first").checkpoint(marker).path.unlink()

    done = published.run(*FULL)

    assert done.returncode == 0, done.stderr
    after, shown = published.times("first"), contents(published.destination)
    # What was done before the lost marker is not done again.
    earlier = STEPS[: STEPS.index(marker)]
    assert {name: after[name] for name in earlier} == {name: before[name] for name in earlier}
    assert marker in _changed(before, after)
    assert {name: shown[name] for name in rows} == rows
    assert published.litter() == []


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '"dbt"', "\x00\x01", '{"format": 2}', '{"format": 1, "fingerprint": {}}', "other"],
)
def test_a_marker_that_is_garbage_or_of_another_format_is_ignored(published, content):
    marker = published.folder("first").checkpoint("report").path
    good = marker.read_text(encoding="utf-8")
    marker.write_text(
        good.replace(f'"format": {FORMAT}', '"format": 99') if content == "other" else content, encoding="utf-8"
    )
    before = published.times("first")

    done = published.run(*FULL)

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    written = json.loads(marker.read_text(encoding="utf-8"))
    assert (written["format"], written["run"]) == (FORMAT, "first")
    assert _changed(before, published.times("first")) == ["report"]


@pytest.mark.parametrize("marker", ["dump", "restore", "dbt", "publish"])
def test_a_steps_marker_without_its_fingerprint_is_ignored(published, marker):
    path = published.folder("first").checkpoint(marker).path
    path.write_text('{"format": 2}', encoding="utf-8")

    done = published.run("RestoreDestination" if marker in ("dump", "restore") else "PublishModels", "--run-id=first")

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "fingerprint" in json.loads(path.read_text(encoding="utf-8"))


def test_a_run_started_twice_at_once_is_refused_the_second_time_and_ends_well_the_first(published, start):
    command = published.command("DumpSource", "--run-id=second")

    with locked(published.source, "public.films", "access exclusive"):
        first = start(command)
        wait_until(lambda: ask(published.source, WAITING))
        refused = run_to_the_end([*command, "--dump-jobs=1"])
        in_the_same_words = run_to_the_end(command)
        is_still_at_work = first.process.poll() is None
    code = first.wait()

    assert refused.returncode == 33
    assert "run second is being worked on by another process" in refused.stderr
    # The very same words: Luigi's own lock may be there first.
    assert in_the_same_words.returncode in (3, 33)
    assert is_still_at_work
    assert code == 0, first.said
    assert published.checkpoint("second", "dump")["tables"]


def test_a_second_run_on_a_destination_at_work_is_told_which_run_works_there(published, start):
    with locked(published.destination, "public.films", "access share"):
        first = start(published.command("RestoreDestination", "--run-id=second", "--restore-unchanged=load"))
        wait_until(lambda: "waits for readers" in first.said)
        refused = published.run("RestoreDestination", "--run-id=third")
        is_still_at_work = first.process.poll() is None
    code = first.wait()
    later = published.run("RestoreDestination", "--run-id=third")

    assert refused.returncode == 26
    assert "is being worked on by run second" in refused.stderr
    assert is_still_at_work
    assert code == 0, first.said
    assert later.returncode == 0, later.stderr


def test_an_older_run_goes_on_after_a_newer_one_was_published_only_with_allow_older(published):
    older = published.run("DumpSource", "--run-id=older")
    ask(published.source, "update public.films set title = 'Newer' where film_id = 1")
    newer = published.run("FullPipeline", "--run-id=newer")
    title = "select title from analytics.ratings where film_id = 1"

    refused = published.run("FullPipeline", "--run-id=older")
    title_after_refusal = ask(published.destination, title)
    allowed = published.run("RestoreDestination", "--run-id=older", "--allow-older")

    assert (older.returncode, newer.returncode) == (0, 0)
    assert refused.returncode == 24
    assert "of run newer" in refused.stderr
    assert "--allow-older" in refused.stderr
    assert title_after_refusal == [("Newer",)]
    assert allowed.returncode == 0, allowed.stderr
    assert ask(published.destination, "select title from public.films where film_id = 1") == [("Inception",)]
