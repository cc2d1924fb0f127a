"""Which runs' folders go after a publish, and that nothing else does."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks import housekeeping
from tasks.checkpoints import FORMAT, Json
from tasks.housekeeping import Keeping
from tasks.run_folder import RunFolder
from tests.conftest import PROJECT

HERE, ELSEWHERE = "1", "2"
AT_WORK = """
import sys
from pathlib import Path
from tasks.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).claimed():
    print("claimed", flush=True)
    sys.stdin.read()
"""
WAITING = """
import sys
from pathlib import Path
from tasks.run_folder import RunFolder
RunFolder(Path(sys.argv[1])).hold()
print("held", flush=True)
sys.stdin.read()
"""


def place_of(destination: str) -> Json:
    return {"system_identifier": destination, "database_oid": 5}


def make_run(
    root: Path, day: int, *, begun_for: str = HERE, published_to: str | None = None, dumped_on: int | None = None
) -> Path:
    """A run of some day of November, as it is left; `published_to` nothing, it failed after its dump."""
    folder = RunFolder(root / f"2026-11-{day:02}")
    (folder.dump).mkdir(parents=True)
    (folder.dump / "1.dat.gz").write_bytes(bytes(1000))
    (folder.dbt / "logs").mkdir(parents=True)
    (folder.dbt / "logs" / "dbt.log").write_bytes(bytes(100))
    folder.log.write_bytes(bytes(10))
    published_to = begun_for if published_to is None else published_to
    begun = {"destination": place_of(begun_for)} if begun_for else {}
    contents: dict[str, Json] = {
        "preflight": {**begun},
        "dump": {"snapshot_at": snapshot_of(dumped_on or day), **begun},
        **(
            {"publish": {"fingerprint": place_of(published_to), "started_at": f"2026-11-{day:02}T03:00:00+00:00"}}
            if published_to
            else {}
        ),
        "report": {},
    }
    for name, content in contents.items():
        path = folder.checkpoint(name).path
        path.write_text(json.dumps({"format": FORMAT, "fingerprint": {}, **content}), encoding="utf-8")
        os.utime(path, (day * 86400, day * 86400))
    return folder.path


def snapshot_of(day: int) -> str:
    return f"2026-11-{day:02}T03:00:00.000000Z"


@pytest.fixture
def root(tmp_path):
    """Ten published runs, of the 1st to the 10th, the last of which readers see."""
    for day in range(1, 11):
        make_run(tmp_path, day)
    return tmp_path


def tidy(root: Path, *, runs: int = 3, dumps: int = 9, published: int = 10, held: tuple[int, ...] = ()) -> list[str]:
    """Tidy up after a run, and return what went as words."""
    removed = housekeeping.tidy(
        root,
        Keeping(runs=runs, dumps=dumps),
        place=place_of(HERE),
        published=f"2026-11-{published:02}",
        snapshot_at=snapshot_of(published),
        held=[f"2026-11-{day:02}" for day in held],
    )
    return sorted(f"{one['what']} {one['run']}" for one in removed)


def days(root: Path) -> list[int]:
    return sorted(int(path.name[-2:]) for path in root.iterdir() if path.is_dir())


def days_with_dumps(root: Path) -> list[int]:
    return sorted(int(path.parent.name[-2:]) for path in root.glob("*/dump"))


def test_the_newest_runs_are_kept_and_older_ones_go_with_all_that_they_left(root):
    removed = tidy(root)

    assert days(root) == [8, 9, 10]
    assert removed == [f"run 2026-11-{day:02}" for day in range(1, 8)]


def test_a_dump_goes_before_its_report_and_what_proved_it_with_it(root):
    removed = tidy(root, runs=5, dumps=2)

    assert days(root) == [6, 7, 8, 9, 10]
    assert days_with_dumps(root) == [9, 10]
    assert [f"dump 2026-11-{day:02}" for day in (6, 7, 8)] == [what for what in removed if "dump" in what]
    assert sorted(path.name for path in (root / "2026-11-08").iterdir()) == [
        "dbt",
        "preflight.json",
        "publish.json",
        "report.json",
        "run.log",
    ]


def test_what_goes_is_told_with_its_size(root):
    size = sum(path.stat().st_size for path in (root / "2026-11-01").rglob("*") if path.is_file())

    removed = housekeeping.tidy(
        root,
        Keeping(runs=9, dumps=9),
        place=place_of(HERE),
        published="2026-11-10",
        snapshot_at=snapshot_of(10),
        held=[],
    )

    assert removed == [{"run": "2026-11-01", "what": "run", "bytes": size}]


def test_the_run_that_readers_see_stays_with_its_dump_however_old(root):
    tidy(root, runs=1, dumps=1, published=2)

    assert 2 in days(root)
    assert 2 in days_with_dumps(root)


def test_a_run_that_could_be_rolled_back_to_stays_but_for_its_dump(root):
    tidy(root, runs=1, dumps=1, held=(8, 10))

    assert days(root) == [8, 10]
    assert days_with_dumps(root) == [10]


def test_the_newest_run_that_was_published_to_another_destination_stays(root):
    for day in (22, 23):
        folder = make_run(root, day, begun_for=ELSEWHERE, dumped_on=1)
        for path in folder.glob("*.json"):
            os.utime(path, (0, 0))

    tidy(root, runs=2)

    assert days(root) == [9, 10, 23]


def test_a_run_whose_dump_is_newer_than_what_readers_see_can_be_resumed_and_stays(root):
    make_run(root, 11, published_to="", dumped_on=12)
    for path in (root / "2026-11-11").glob("*.json"):
        os.utime(path, (0, 0))

    tidy(root, runs=1, dumps=1)

    assert days(root) == [10, 11]
    assert days_with_dumps(root) == [10, 11]


def test_a_failed_run_whose_dump_is_older_than_what_readers_see_goes_as_others_do(root):
    make_run(root, 11, published_to="")
    make_run(root, 12)

    tidy(root, published=12, runs=1)

    assert days(root) == [12]


def fail_long_ago(root: Path, day: int, **begun: Any) -> Path:
    """A run that failed after its dump, of before what readers see, and was worked on before all others."""
    folder = make_run(root, day, published_to="", dumped_on=1, **begun)
    for path in folder.glob("*.json"):
        os.utime(path, (0, 0))
    return folder


def test_a_failed_run_of_another_job_in_the_same_folder_stays_until_its_own_readers_see_newer(root):
    fail_long_ago(root, 11, begun_for=ELSEWHERE)

    tidy(root, runs=1, dumps=1)

    assert days(root) == [10, 11]
    assert days_with_dumps(root) == [10, 11]


@pytest.mark.parametrize("name", ["preflight", "dump"])
def test_a_failed_run_that_is_not_known_to_be_for_this_destination_alone_stays(root, name):
    known, unknown = (fail_long_ago(root, day, begun_for=HERE) for day in (11, 12))
    for folder, place in ((known, place_of(ELSEWHERE)), (unknown, None)):
        path = RunFolder(folder).checkpoint(name).path
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**content, "destination": place}), encoding="utf-8")
        os.utime(path, (0, 0))

    tidy(root, runs=1, dumps=1)

    assert days_with_dumps(root) == [10, 11, 12]


def test_a_run_that_was_published_here_and_is_on_its_way_to_another_destination_stays(root):
    path = RunFolder(root / "2026-11-01").checkpoint("preflight").path
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, "destination": place_of(ELSEWHERE)}), encoding="utf-8")
    os.utime(path, (0, 0))

    tidy(root, runs=1, dumps=1)

    assert days_with_dumps(root) == [1, 10]


def test_a_published_run_of_a_version_that_did_not_say_for_which_destination_it_was_begun_goes(root):
    make_run(root, 11, begun_for="", published_to=HERE)
    make_run(root, 12)

    tidy(root, published=12, runs=1)

    assert days(root) == [12]


@pytest.mark.parametrize("program", [AT_WORK, WAITING])
def test_a_run_that_a_process_works_on_or_waits_with_stays(root, program):
    command = [sys.executable, "-c", program, str(root / "2026-11-01")]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()

        tidy(root)
        other.kill()

    assert days(root) == [1, 8, 9, 10]


def test_what_is_not_a_run_is_never_touched(root, tmp_path_factory):
    elsewhere = make_run(tmp_path_factory.mktemp("elsewhere"), 1)
    (root / "linked").symlink_to(elsewhere)
    (root / "photos").mkdir()
    (root / "photos" / "report.json").write_text(json.dumps({"format": FORMAT, "of": "whales"}), encoding="utf-8")
    os.utime(root / "photos" / "report.json", (0, 0))
    (root / "empty").mkdir()
    (root / "index.html").write_text("of all runs", encoding="utf-8")
    before = sorted(path for path in elsewhere.rglob("*"))

    tidy(root, runs=1)

    assert sorted(path.name for path in root.iterdir()) == ["2026-11-10", "empty", "index.html", "linked", "photos"]
    assert (root / "photos" / "report.json").exists()
    assert sorted(path for path in elsewhere.rglob("*")) == before


def test_a_checkpoint_that_somebody_has_edited_keeps_nothing_from_being_tidied(root):
    odd = {"format": FORMAT, "fingerprint": {"system_identifier": []}, "snapshot_at": 5, "started_at": {}}
    for name in ("dump", "publish"):
        path = root / "2026-11-01" / f"{name}.json"
        path.write_text(json.dumps(odd), encoding="utf-8")
        os.utime(path, (0, 0))

    assert "run 2026-11-02" in tidy(root)


def test_a_file_of_somebody_elses_in_a_runs_folder_stays_and_what_a_link_leads_to(root, tmp_path_factory):
    other_disk = tmp_path_factory.mktemp("other disk")
    (other_disk / "rows").write_text("rows", encoding="utf-8")
    (root / "2026-11-01" / "notes.txt").write_text("why it failed", encoding="utf-8")
    (root / "2026-11-01" / "dbt" / "link").symlink_to(other_disk)

    tidy(root, runs=1)

    assert [path.name for path in (root / "2026-11-01").iterdir()] == ["notes.txt"]
    assert (other_disk / "rows").exists()


def test_what_a_killed_run_left_unfinished_goes_with_it(root):
    (root / "2026-11-01" / ".dump.unfinished").mkdir()
    (root / "2026-11-01" / ".report.json.unfinished").write_text("{", encoding="utf-8")

    tidy(root, runs=1)

    assert days(root) == [10]


REMOVE = """
import itertools, os, signal, sys
from pathlib import Path
from tasks.run_folder import RunFolder
unlink, times = os.unlink, itertools.count()
def unlink_some(*given, **named):
    if next(times) == 50:
        os.kill(os.getpid(), signal.SIGKILL)
    unlink(*given, **named)
os.unlink = unlink_some
RunFolder(Path(sys.argv[1])).remove()
"""


def test_killed_while_removing_it_leaves_a_run_that_is_not_complete_and_goes_the_next_time(root):
    folder = RunFolder(root / "2026-11-01")
    for number in range(200):
        (folder.dump / f"{number}.dat").touch()
    removing = subprocess.run([sys.executable, "-c", REMOVE, str(folder.path)], cwd=PROJECT, check=False)
    assert removing.returncode == -signal.SIGKILL
    assert not folder.checkpoint("dump").path.exists()
    assert folder.dump.exists(), "it was to be killed in the middle"

    assert folder.checkpoint("dump").read() is None
    assert tidy(root, runs=9)[0] == "run 2026-11-01"
    assert not folder.path.exists()


def test_what_cannot_be_removed_is_told_and_the_others_go(root, caplog):
    # Whoever is root may remove any file, but not a folder as a file.
    (root / "2026-11-01" / "dump.json").unlink()
    (root / "2026-11-01" / "dump.json").mkdir()

    removed = tidy(root, runs=8)

    assert removed == ["run 2026-11-02"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"an older run was not removed, {root / '2026-11-01'}" in caplog.text


def test_a_file_that_cannot_be_looked_at_is_no_reason_to_fail(root, monkeypatch):
    # Whoever is root may look at any file, but not at one whose path is too long.
    monkeypatch.chdir(root / "2026-11-01" / "dump")
    while len(str(Path.cwd())) < 3900:
        Path("d" * 100).mkdir()
        os.chdir("d" * 100)
    Path("f" * 250).write_bytes(bytes(10))

    assert "run 2026-11-01" in tidy(root)


def test_the_disk_used_is_of_runs_alone(root):
    (root / "photos").mkdir()
    (root / "photos" / "large").write_bytes(bytes(100_000))
    one = sum(path.stat().st_size for path in (root / "2026-11-01").rglob("*") if path.is_file())

    used = housekeeping.disk(root, RunFolder(root / "2026-11-01"))

    assert used is not None
    assert used["run_bytes"] == one
    assert 9 * one < used["artifacts_bytes"] < 11 * one
    assert used["free_bytes"] > 0


def test_a_file_that_two_dumps_share_takes_its_room_once(root):
    shared, before = bytes(50_000), housekeeping.disk(root, RunFolder(root / "2026-11-02"))
    (root / "2026-11-01" / "dump" / "films.copy").write_bytes(shared)
    os.link(root / "2026-11-01" / "dump" / "films.copy", root / "2026-11-02" / "dump" / "films.copy")

    after = housekeeping.disk(root, RunFolder(root / "2026-11-02"))

    assert before is not None
    assert after is not None
    assert after["artifacts_bytes"] - before["artifacts_bytes"] == len(shared)
    assert after["run_bytes"] - before["run_bytes"] == len(shared)


def test_the_disk_of_a_folder_that_is_not_there_is_not_told(tmp_path):
    assert housekeeping.disk(tmp_path / "nowhere", RunFolder(tmp_path / "nowhere" / "x")) is None
