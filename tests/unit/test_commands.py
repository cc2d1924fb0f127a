import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks import commands, interruption
from tasks.commands import ProgramFailed
from tasks.errors import CommandFailed, ToolMissing

PROJECT = Path(__file__).resolve().parents[2]


def shell(text: str, **changes) -> list[str]:
    return commands.run(["sh", "-c", text], **{"timeout_seconds": 20, **changes})


def is_alive(pid: int) -> bool:
    """A zombie that nobody waits for is dead."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_output_and_errors_are_returned_in_order():
    assert shell("echo one; echo two >&2; printf three") == ["one", "two", "three"]


def test_each_line_is_told_while_the_program_runs(tmp_path):
    told: list[tuple[str, bool]] = []
    end = tmp_path / "end"

    def on_line(line: str) -> None:
        told.append((line, end.exists()))
        end.touch()

    shell(f'echo one; while ! [ -e "{end}" ]; do sleep 0.02; done; echo two', on_line=on_line)

    assert told == [("one", False), ("two", True)]


def test_bytes_that_are_not_text_do_not_disturb():
    assert shell(r"printf 'a\377b\n'") == ["a\ufffdb"]


def test_only_the_last_lines_are_kept():
    lines = shell("seq 1000")

    assert lines == [str(number) for number in range(1000 - commands.KEPT_LINES + 1, 1001)]


def test_a_program_gets_our_environment_and_what_is_added(monkeypatch):
    monkeypatch.setenv("TOWPATH_TEST", "ours")

    lines = shell('echo "$TOWPATH_TEST $ADDED $LC_MESSAGES"; test -n "$PATH"', environment={"ADDED": "added"})

    assert lines == ["ours added C"]


def test_a_program_reads_paths_in_the_character_set_that_we_were_given(monkeypatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    lines = shell('echo "$LC_CTYPE ${LC_ALL:-none}"')

    assert lines == ["C.UTF-8 none"]


def test_a_program_that_asks_gets_no_answer():
    assert shell("cat; echo end") == ["end"]


def test_a_program_that_fails_is_told_with_its_status_and_its_last_words():
    with pytest.raises(ProgramFailed) as failed:
        shell("seq 5; echo 'no such thing' >&2; exit 3")

    assert "sh ended with status 3" in failed.value.message
    assert "no such thing" in failed.value.message
    assert failed.value.lines == ["1", "2", "3", "4", "5", "no such thing"]


def test_a_program_that_is_killed_has_failed():
    with pytest.raises(CommandFailed, match="status -9"):
        shell("kill -9 $$")


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(ToolMissing, match="/nowhere/pg_dump"):
        commands.run(["/nowhere/pg_dump", "--version"], timeout_seconds=5)


def test_a_time_limit_ends_the_whole_group():
    told: list[str] = []
    started = time.monotonic()

    with pytest.raises(CommandFailed, match="did not end within 5 s"):
        shell("sleep 60 & echo $!; echo $$; wait", timeout_seconds=5, on_line=told.append)

    assert time.monotonic() - started < 12
    assert len(told) == 2
    wait_until(lambda: not any(is_alive(int(pid)) for pid in told))


def test_an_interrupt_ends_the_program():
    """As Ctrl-C does: the error comes out of the wait for the program."""
    told: list[str] = []

    def interrupt(line: str) -> None:
        told.append(line)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        shell("echo $$; exec sleep 60", on_line=interrupt)

    assert not is_alive(int(told[0]))


PARENT = """
from tasks import commands
commands.run(["sh", "-c", "echo $$; exec sleep 60"], timeout_seconds=60, on_line=lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_a_program_dies_with_whoever_started_it(sent):
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=PROJECT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        was_alive = is_alive(pid)

        parent.send_signal(sent)
        parent.wait()

    assert was_alive
    wait_until(lambda: not is_alive(pid))


def test_the_first_program_of_that_name_is_found(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tool").touch(mode=0o755)
    (tmp_path / "first" / "note").touch(mode=0o644)
    folders = [tmp_path / "absent", tmp_path / "first", tmp_path / "second"]

    assert commands.find("tool", folders) == tmp_path / "first" / "tool"
    assert commands.find("note", folders) is None


def test_ctrl_c_while_a_program_is_being_started_is_kept_for_after_it():
    before = signal.getsignal(signal.SIGINT)

    with interruption.interrupts_noted() as noted:
        signal.raise_signal(signal.SIGINT)

    assert noted == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_that_we_were_told_to_ignore_is_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruption.interrupts_noted() as noted:
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)

    assert noted == []
