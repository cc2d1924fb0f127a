import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.checkpoints import FORMAT, Checkpoint, digest_of, ensure_intact, files_in
from tasks.errors import ArtifactsUnwritable, DumpDamaged, RunInProgress
from tasks.run_folder import RunFolder

PROJECT = Path(__file__).resolve().parents[2]
MADE_FROM = {"dump": "abc", "database_oid": 5}


@pytest.fixture
def checkpoint(tmp_path) -> Checkpoint:
    return Checkpoint(tmp_path / "dump.json")


def test_what_is_written_is_read(checkpoint):
    checkpoint.write(MADE_FROM, {"rows": 20, "title": "Le Fabuleux Destin d'Amélie"})

    content = checkpoint.read()

    assert content is not None
    assert (content["rows"], content["title"]) == (20, "Le Fabuleux Destin d'Amélie")
    assert content["fingerprint"] == MADE_FROM
    assert [file.name for file in checkpoint.path.parent.iterdir()] == ["dump.json"]


def test_what_is_listed_has_a_line_each(checkpoint):
    films = [{"name": "films", "columns": ["id", "title"]}, {"name": "users", "columns": []}]

    checkpoint.write(MADE_FROM, {"tables": films, "left_out": [], "versions": {"dbt": "1.11"}})

    content, lines = checkpoint.read(), checkpoint.path.read_text(encoding="utf-8").splitlines()
    assert content is not None
    assert (content["tables"], content["left_out"], content["versions"]) == (films, [], {"dbt": "1.11"})
    assert '  {"name": "users", "columns": []}' in lines
    assert ' "versions": {"dbt": "1.11"}' in lines


def test_no_file_is_no_checkpoint(checkpoint):
    assert checkpoint.read() is None
    assert checkpoint.made_from(MADE_FROM) is None


def test_a_checkpoint_is_believed_only_while_it_was_made_from_what_it_would_be_made_from_now(checkpoint):
    checkpoint.write(MADE_FROM, {"rows": 20})

    same, other = checkpoint.made_from(dict(reversed(MADE_FROM.items()))), checkpoint.made_from({"dump": "abd"})

    assert same is not None
    assert same["rows"] == 20
    assert other is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        f'{{"format": {FORMAT}, "fingerprint": {{"dump": "a',
        "[1, 2]",
        "null",
        '"format"',
        '{"fingerprint": {}}',
        '{"format": 0, "fingerprint": {}}',
        f'{{"format": {FORMAT + 1}, "fingerprint": {{}}}}',
    ],
)
def test_a_damaged_checkpoint_and_one_of_another_format_are_ignored(checkpoint, text):
    checkpoint.path.write_text(text)

    assert checkpoint.read() is None


def test_a_checkpoint_that_is_not_text_is_ignored(checkpoint):
    checkpoint.path.write_bytes(b"\xff\xfe\x00garbage")

    assert checkpoint.read() is None


def test_a_checkpoint_that_is_removed_proves_nothing_and_can_be_removed_again(checkpoint):
    checkpoint.write(MADE_FROM, {})

    checkpoint.remove()
    checkpoint.remove()

    assert checkpoint.read() is None


WRITE_AND_DIE = """
import os, resource, signal, sys
from pathlib import Path
from tasks.checkpoints import Checkpoint
if sys.argv[2] == "kill":
    os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
else:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
Checkpoint(Path(sys.argv[1])).write({"dump": "new"}, {"rows": "x" * 100_000})
"""


@pytest.mark.parametrize(("how", "sent"), [("kill", signal.SIGKILL), ("limit", signal.SIGXFSZ)])
def test_a_process_that_dies_while_it_writes_leaves_the_old_checkpoint(checkpoint, how, sent):
    checkpoint.write(MADE_FROM, {"rows": 20})

    died = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, checkpoint.path, how], cwd=PROJECT, check=False)

    assert died.returncode == -sent
    content = checkpoint.made_from(MADE_FROM)
    assert content is not None
    assert content["rows"] == 20


def test_a_write_that_fails_leaves_the_old_checkpoint_and_no_litter(checkpoint):
    checkpoint.write(MADE_FROM, {"rows": 20})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))

    try:
        with pytest.raises((ArtifactsUnwritable, OSError)):
            checkpoint.write({"dump": "new"}, {"rows": "x" * 100_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert checkpoint.made_from(MADE_FROM) is not None
    assert [file.name for file in checkpoint.path.parent.iterdir()] == ["dump.json"]


def test_a_folder_gets_its_final_name_only_when_the_work_is_done(tmp_path):
    run = RunFolder(tmp_path / "run")

    with run.unfinished(run.dump) as passing:
        (passing / "toc.dat").write_text("toc")
        was_there = run.dump.exists()

    assert not was_there
    assert (run.dump / "toc.dat").read_text() == "toc"
    assert [file.name for file in run.path.iterdir()] == ["dump"]


def test_a_folder_whose_work_fails_leaves_the_old_one_and_no_litter(tmp_path):
    run = RunFolder(tmp_path / "run")
    with run.unfinished(run.dump) as passing:
        (passing / "toc.dat").write_text("old")

    with pytest.raises(ZeroDivisionError), run.unfinished(run.dump) as passing:
        (passing / "toc.dat").write_text(str(1 / 0))

    assert (run.dump / "toc.dat").read_text() == "old"
    assert [file.name for file in run.path.iterdir()] == ["dump"]


def test_what_a_killed_run_left_under_the_passing_name_is_not_taken_over(tmp_path):
    run = RunFolder(tmp_path / "run")
    (run.path / ".dump.unfinished").mkdir(parents=True)
    (run.path / ".dump.unfinished" / "old.dat").write_text("old")

    with run.unfinished(run.dump) as passing:
        (passing / "toc.dat").write_text("new")

    assert [file.name for file in run.dump.iterdir()] == ["toc.dat"]


CLAIM = """
import sys
from pathlib import Path
from tasks.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).claimed():
    print("claimed", flush=True)
    sys.stdin.read()
"""


def test_a_run_is_worked_on_by_one_process_at_a_time_and_free_when_that_is_killed(tmp_path):
    run = RunFolder(tmp_path / "monday")
    other = subprocess.Popen(
        [sys.executable, "-c", CLAIM, run.path], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with other:
        assert other.stdout is not None
        other.stdout.readline()

        with pytest.raises(RunInProgress, match="run monday"), run.claimed():
            pass
        os.kill(other.pid, signal.SIGKILL)

    with run.claimed():
        assert list(run.path.iterdir()) == []


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "toc.dat").write_bytes(b"contents")
    (tmp_path / "1.dat").write_bytes(b"rows")
    return tmp_path


def test_a_folder_that_is_as_it_was_is_intact(folder):
    before = files_in(folder)

    ensure_intact(folder, before)

    assert files_in(folder) == before


@pytest.mark.parametrize("content", [b"row", b"", b"roWs", b"rows\n"])
def test_a_file_that_changed_is_named(folder, content):
    files = files_in(folder)
    (folder / "1.dat").write_bytes(content)

    with pytest.raises(DumpDamaged, match=r"1\.dat;") as found:
        ensure_intact(folder, files)

    assert "toc.dat" not in found.value.message


def test_files_that_are_missing_or_too_many_are_named(folder):
    files = files_in(folder)
    (folder / "1.dat").rename(folder / "2.dat")

    with pytest.raises(DumpDamaged, match=r"1\.dat, 2\.dat"):
        ensure_intact(folder, files)


def test_a_digest_does_not_depend_on_the_order_of_keys_and_does_on_every_value():
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": 2})
    assert len({digest_of(json.loads(text)) for text in ('{"a": null}', '{"a": "null"}', '{"b": null}', "{}")}) == 4
