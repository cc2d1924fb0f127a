"""What every task has in common: words and an exit code for each kind of failure; and waiting for a server."""

import datetime
import logging
import time
from typing import Any

import luigi
import luigi.retcodes
from luigi.parameter import ParameterVisibility

from tasks import ending, interruption, luigid, readiness, settings
from tasks.errors import PipelineError
from tasks.luigilog import Told
from tasks.postgres import Database

logger = logging.getLogger(__name__)

logging.getLogger("luigi-interface").addFilter(Told())
interruption.prepare()


class TowpathTask(luigid.ShownTask):
    """What all tasks do when they fail: say it in words, and end with the exit code of its kind."""

    # The run that a failure of this task is a failure of.
    run_name = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.started_at = ""

    def on_failure(self, exception: BaseException) -> Any:
        if isinstance(exception, PipelineError):
            # The one instance that the luigi command reads its exit code from when all is done.
            luigi.retcodes.retcode().task_failed = exception.exit_code
        if self.is_part_of_a_run:
            self._tell_failure(exception)
        if isinstance(exception, PipelineError):
            return luigid.page_of(str(exception))
        return super().on_failure(exception)

    def _tell_failure(self, error: BaseException) -> None:
        began, seconds = self.times()
        failure = ending.Failure(
            task=type(self).__name__, error=error, invocation=self.invocation, started_at=began, seconds=seconds
        )
        try:
            ending.failed(self.run_name, failure)
        except Exception as unforeseen:  # noqa: BLE001 (what failed is to be told, whatever becomes of its report)
            logger.warning("run %s has no report: %s: %s", self.run_name, type(unforeseen).__name__, unforeseen)

    @property
    def is_part_of_a_run(self) -> bool:
        """Whether a run has failed when this task has."""
        return bool(self.run_name)

    def begin(self) -> None:
        """Note that the task's work begins."""
        self.started_at, self._started = _now(), time.monotonic()

    def times(self) -> tuple[str, float]:
        """Return when the work began, now where it did not, in UTC, and for how many seconds it has gone on."""
        return self.started_at or _now(), round(time.monotonic() - self._started, 3) if self.started_at else 0.0

    def ensure(self) -> None:
        """See to it, in mid-run, that what this task stands for is still so, or say in an error of ours why not.

        Luigi's own look, which `[worker] check_unfulfilled_deps` switches off, would end with a traceback.
        """
        for required in luigi.task.flatten(self.requires()):
            required.ensure()


class DatabaseReady(TowpathTask):
    """Complete while the server of a role answers a query; never taken from a file."""

    role: str = luigi.ChoiceParameter(choices=["source", "destination"])
    run_name: str = luigi.Parameter(
        default="", significant=False, visibility=ParameterVisibility.HIDDEN, description="the run that waits for it"
    )

    @property
    def priority(self) -> int:  # type: ignore[override]
        """Return more for the source, with which an embedded destination is started, too."""
        return int(self.role == "source")

    def complete(self) -> bool:
        try:
            return readiness.is_ready(self._database())
        except PipelineError:
            return False

    def run(self) -> None:
        self.begin()
        if settings.is_embedded(self.role):
            self.tell(0, "starting the embedded server")
            settings.start_embedded(self.role)
        readiness.wait_until_ready(self._database(), settings.readiness_options(), self.tell)

    def ensure(self) -> None:
        # A server that is restarted between two steps is waited for.
        if not self.complete():
            self.run()

    def _database(self) -> Database:
        return settings.database(self.role, application_name="towpath-readiness")


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat()
