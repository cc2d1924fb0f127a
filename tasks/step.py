"""What every task of the way has in common: a checkpoint, a claim on its run, an exit code for each kind of failure."""

import abc
import datetime
import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import luigi
import luigi.retcodes
import luigi.rpc

from tasks import audit, interruption, ledger, luigid, readiness, settings
from tasks.checkpoints import Checkpoint, Json, RunFolder
from tasks.errors import DestinationBusy, PipelineError
from tasks.ledger import Holding
from tasks.postgres import Database, connect
from tasks.tools import Tools

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_MESSAGES = 1.0
_LUIGID_GONE = """luigid went away in mid-run: %s; what is complete is kept, readers see a whole version
    what to do: run the same command again; it does without luigid where that does not answer"""


class Told(logging.Filter):
    """Show a foreseen failure by its own words instead of a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, PipelineError):
            record.msg, record.args, record.exc_info, record.exc_text = str(error), (), None, None
        if isinstance(error, luigi.rpc.RPCError):
            record.msg, record.args, record.exc_info, record.exc_text = _LUIGID_GONE, (error,), None, None
        if record.module == "rpc":
            record.exc_info = record.exc_text = None  # Where in Luigi's code luigid was missed helps nobody.
        return True


logging.getLogger("luigi-interface").addFilter(Told())
interruption.prepare()


class TowpathTask(luigi.Task):
    """What all tasks do when they fail: say it in words, and end with the exit code of its kind."""

    _told_at = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        luigid.do_without_if_absent()

    def on_failure(self, exception: BaseException) -> Any:
        if not isinstance(exception, PipelineError):
            return super().on_failure(exception)
        # The one instance that the luigi command reads its exit code from when all is done.
        luigi.retcodes.retcode().task_failed = exception.exit_code
        return str(exception)

    def ensure(self) -> None:
        """See to it, in mid-run, that what this task stands for is still so, or say in an error of ours why not.

        Luigi's own look, which `[worker] check_unfulfilled_deps` switches off, would end with a traceback.
        """
        for required in luigi.task.flatten(self.requires()):
            required.ensure()

    def tell(self, percentage: int, text: str) -> None:
        """Show luigid, once a second at most, how far the task is; the work goes on whether it hears it or not."""
        if self.set_status_message is None or self.set_progress_percentage is None:
            return
        if time.monotonic() - self._told_at < _SECONDS_BETWEEN_MESSAGES:
            return
        self._told_at = time.monotonic()
        try:
            self.set_status_message(text)
            self.set_progress_percentage(percentage)
        except luigi.rpc.RPCError:
            # Luigi has tried for a minute, and the program whose output we read has waited with us.
            self._told_at = math.inf


class DatabaseReady(TowpathTask):
    """Complete while the server of a role answers a query; never taken from a file."""

    role: str = luigi.ChoiceParameter(choices=["source", "destination"])

    def complete(self) -> bool:
        try:
            return readiness.is_ready(self._database())
        except PipelineError:
            return False

    def run(self) -> None:
        if settings.is_embedded(self.role):
            settings.start_embedded(self.role)
        readiness.wait_until_ready(self._database(), settings.readiness_options())

    def ensure(self) -> None:
        # A server that is restarted between two steps is waited for.
        if not self.complete():
            self.run()

    def _database(self) -> Database:
        return settings.database(self.role, application_name="towpath-readiness")


class RunTask(TowpathTask):
    """A task of one run, whose failures are in the destination's audit log."""

    run_id: str = luigi.Parameter(default="", description="names the run; by default today's date in UTC")
    allow_older: bool = luigi.BoolParameter(
        significant=False, description="load a dump that is older than what readers see"
    )
    strict: bool = luigi.BoolParameter(significant=False, description="let the preflight's warnings stop the run")
    checkpoint_name = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A default would be evaluated when this module is imported: in luigid's workers, days too early.
        self.run_name = self.run_id or settings.default_run_id()
        self.started_at = ""

    @property
    def folder(self) -> RunFolder:
        return settings.run_folder(self.run_name)

    @property
    def checkpoint(self) -> Checkpoint:
        return self.folder.checkpoint(self.checkpoint_name)

    def database(self, role: str) -> Database:
        """Return the database of a role for a session that works there, and that the next claim may end as a leftover.

        One run's source may be another's destination: there it has another name.
        """
        name = "towpath" if role == "destination" else "towpath-dump"
        return settings.database(role, application_name=f"{name} {self.run_name}")

    def asking(self, role: str) -> Database:
        """Return the database of a role for a session that only asks, and that no other run's claim may end."""
        return settings.database(role, application_name="towpath-asks")

    def holding(self) -> Holding:
        return ledger.holding_of(self.asking("destination"))

    def read(self, name: str) -> Json:
        """Return the content of another step's checkpoint, empty where there is none."""
        return self.folder.checkpoint(name).read() or {}

    def tools(self, *, source_major: int) -> Tools:
        """Find the client programs for that source and this destination. Raises ToolMissing."""
        return settings.tools(source_major=source_major, destination_major=major(self.asking("destination")))

    def on_failure(self, exception: BaseException) -> Any:
        self.note("failed", str(exception))
        return super().on_failure(exception)

    def note(self, outcome: str, message: str | None) -> None:
        """Add a line to the destination's audit log, if it can be reached."""
        began = self.started_at or _now()
        seconds = (
            datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(began)
        ).total_seconds()
        try:
            audit.record_step(
                self.asking("destination"),
                run=self.run_name,
                step=type(self).__name__,
                outcome=outcome,
                message=message,
                started_at=began,
                seconds=seconds,
            )
        except PipelineError as error:
            logger.debug("the audit log was not written: %s", error)


class Step(RunTask):
    """A task whose checkpoint is believed only while it was made from what it would be made from now."""

    @abc.abstractmethod
    def requires(self) -> Mapping[str, TowpathTask]:
        """Return the tasks before this one."""

    @abc.abstractmethod
    def fingerprint(self) -> Json:
        """Return what the step would be made from now."""

    @abc.abstractmethod
    def still_holds(self, content: Json, /) -> bool:
        """Whether the world is still as a true checkpoint says."""

    @abc.abstractmethod
    def work(self) -> Json:
        """Do the step's work and return what the checkpoint is to say of it."""

    def complete(self) -> bool:
        try:
            return self.is_true()
        except PipelineError as error:
            logger.debug("%s is not complete: %s", self, error)
            return False

    def is_true(self) -> bool:
        """Whether the checkpoint is to be believed. Raises PipelineError where that cannot be found out."""
        content = self.checkpoint.read()
        # Luigi looks no further than the first task that is complete, so each looks at those before it. No server is
        # asked where there is no checkpoint.
        return (
            content is not None
            and all(step.is_true() for step in self.requires().values() if isinstance(step, Step))
            and content["fingerprint"] == self.fingerprint()
            and self.still_holds(content)
        )

    def run(self) -> None:
        with self.folder.claimed():
            # A server that was asleep when Luigi asked may, now that it is up, turn out to hold it all.
            if self.complete():
                return
            super().ensure()
            started, self.started_at = time.monotonic(), _now()
            content = self.work()
            seconds = {"started_at": self.started_at, "seconds": round(time.monotonic() - started, 3)}
            self.checkpoint.write(self.fingerprint(), {**content, **seconds})
            self.ensure()
            self.note("done", None)

    def ensure(self) -> None:
        if not self.is_true():
            raise DestinationBusy(
                f"what {type(self).__name__} of run {self.run_name} made is not there any more; readers see a whole "
                "version",
                hint="run the same command again: what is missing is made anew",
            )


def major(database: Database) -> int:
    """Ask a server for its major version."""
    with connect(database) as session:
        return session.server_version // 10000


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat()
