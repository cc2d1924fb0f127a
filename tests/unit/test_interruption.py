"""An interrupt ends the job wherever it comes."""

import signal
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

# What Python raises in __del__ is dropped.
TIDYING = """
import signal, sys, time
from tasks import interruption

class Program:
    def __del__(self):
        signal.raise_signal(int(sys.argv[1]))

# Whoever starts a job in the background lets it ignore SIGINT, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
interruption.prepare()
program = Program()
del program
time.sleep(60)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_comes_while_python_tidies_up_is_not_lost(sent):
    words = [sys.executable, "-c", TIDYING, str(int(sent))]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == -sent
    assert done.stderr == (
        "interrupted; what is complete is kept, readers see a whole version\n"
        "    what to do: run the same command again\n"
    )


AT_THE_END = """
import atexit, signal, time
from tasks import interruption

interruption.prepare()
atexit.register(lambda: time.sleep(0.5) or print("all is tidy"))
atexit.register(signal.raise_signal, signal.SIGTERM)
"""


def test_an_interrupt_that_comes_when_all_is_done_breaks_nothing_off():
    words = [sys.executable, "-c", AT_THE_END]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=20, check=False)

    assert (done.returncode, done.stdout) == (0, "all is tidy\n")


def test_another_error_that_python_drops_is_told():
    words = [sys.executable, "-c", TIDYING.replace("signal.raise_signal", "open").replace("time.sleep(60)", ""), "77"]
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 0
    assert "OSError: [Errno 9] Bad file descriptor" in done.stderr
