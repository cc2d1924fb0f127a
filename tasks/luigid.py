"""luigid shows runs: what a task is called there, and how far it is. A run can do without it."""

import contextlib
import datetime
import functools
import http.client
import logging
import textwrap
import threading
import time
import urllib.parse
from typing import Any

import luigi
import luigi.configuration
import luigi.interface
import luigi.rpc
from luigi.parameter import ParameterVisibility

logger = logging.getLogger(__name__)

_ANSWER_SECONDS = 5
_SECONDS_BETWEEN_MESSAGES = 1.0
_PAGE_LETTERS = 64
# luigid's page takes a message for HTML; a table's name may be anything.
_AS_TEXT = str.maketrans("<>", "\u2039\u203a")

# Worker processes share it, being forked.
_INVOCATION = datetime.datetime.now(datetime.timezone.utc).isoformat(sep=" ")[:23]

# Luigi reads these settings elsewhere, and would warn that its own section does not know them.
luigi.interface.core.ignore_unconsumed |= {"rpc_retry_attempts", "rpc_retry_wait"}


def page_of(text: str) -> str:
    """Break the lines of a failure's words where the box for them in luigid's page ends."""
    wrapper = textwrap.TextWrapper(_PAGE_LETTERS, break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapper.fill(line.strip()) for line in text.splitlines())


class Invocation(luigi.Parameter):
    """When this command was started, in UTC. Whatever is given, it is this one and no other."""

    def normalize(self, _: str) -> str:
        """Return the one invocation that there is in this process."""
        return _INVOCATION


class Flag(luigi.BoolParameter):
    """Something of which luigid's page says nothing, but which is in the command that it shows to run a task again.

    There it has a value, `--strict "False"`, as it may have on the command line.
    """

    def __init__(self, *, description: str, default: bool = False) -> None:
        super().__init__(
            default=default,
            significant=False,
            visibility=ParameterVisibility.HIDDEN,
            parsing=luigi.BoolParameter.EXPLICIT_PARSING,
            description=description,
        )


class ShownTask(luigi.Task):
    """A task that luigid tells from the same task of every other invocation, and of which it tells how far it is.

    Were they one, whoever starts the same run twice would take the first one's tasks away from it: luigid gives a task
    the dependencies that it was told of last.
    """

    invocation: str = Invocation(default="", description="tells one start of the command from another; not to be given")
    _news = (0, "")
    _told_at = 0.0
    _later: threading.Timer | None = None
    _telling = threading.Lock()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        do_without_if_absent()
        keep_to_one_process()

    @property
    def task_module(self) -> str:
        """Return what the command has that luigid's page shows to run the task again."""
        return "tasks"

    def tell(self, percentage: int, text: str) -> None:
        """Show in luigid how far the task is, once a second and at its end; the work goes on, heard or not."""
        self._news = (percentage, text.translate(_AS_TEXT))
        pause = self._told_at + _SECONDS_BETWEEN_MESSAGES - time.monotonic()
        if percentage == 100 or pause <= 0:
            self._send()
        elif self._later is None or not self._later.is_alive():
            # What is told now may be the last for an hour.
            self._later = threading.Timer(pause, self._send)
            self._later.daemon = True
            self._later.start()

    def _send(self) -> None:
        with self._telling:
            # Luigi takes both away when the task ends, which may be while luigid answers the first.
            show_text, show_percentage = self.set_status_message, self.set_progress_percentage
            if show_text is None or show_percentage is None:
                return
            percentage, text = self._news
            self._told_at = time.monotonic()
            try:
                show_text(text)
                show_percentage(percentage)
            except luigi.rpc.RPCError:
                # Luigi has tried for a minute, and the program whose output we read has waited with us.
                self.set_status_message = None


@functools.cache
def do_without_if_absent() -> None:
    """Take Luigi's local scheduler where luigid is wanted and does not answer.

    To be called before Luigi makes its scheduler, so when the first task is made.
    """
    core = luigi.interface.core()
    url = core.scheduler_url or f"http://{core.scheduler_host}:{core.scheduler_port}"
    if core.local_scheduler or _answers(urllib.parse.urlsplit(url)):
        return
    logger.warning("luigid does not answer at %s: the run goes on, and is not shown there", url.rpartition("@")[2])
    luigi.configuration.get_config().set("core", "local_scheduler", "true")


@functools.cache
def keep_to_one_process() -> None:
    """Take one worker, however many are asked for.

    The steps come one after another. The claim, the turn and the exit code are the process's: of several workers each
    task would have a process of its own. To be called after `do_without_if_absent`, which makes other settings of it.
    """
    core = luigi.interface.core()
    if core.workers != 1:
        logger.info("one worker does what %d would do: the steps come one after another", core.workers)
        core.workers = 1


def _answers(url: urllib.parse.SplitResult) -> bool:
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if url.scheme not in kinds or url.hostname is None:
        # What else Luigi understands, a socket's path for one, is left to Luigi.
        return True
    try:
        with contextlib.closing(kinds[url.scheme](url.hostname, url.port, timeout=_ANSWER_SECONDS)) as asking:
            asking.request("HEAD", "/")
            asking.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    return True
