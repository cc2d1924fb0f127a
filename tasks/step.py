"""What every task of a run has in common: its folder, a claim on it, a checkpoint that is believed only while true."""

import abc
import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import luigi

from tasks import audit, ledger, luigid, runlog, settings
from tasks.checkpoints import Checkpoint, Json
from tasks.errors import DestinationBusy, PipelineError
from tasks.ledger import Holding
from tasks.postgres import Database, connect
from tasks.run_folder import RunFolder
from tasks.task import TowpathTask
from tasks.tools import Tools

logger = logging.getLogger(__name__)


class RunId(luigi.Parameter):
    """Names a run."""

    def normalize(self, x: str) -> str:
        """Return it, or today's date: a default would be evaluated on import, in luigid's workers days too early."""
        return x or settings.default_run_id()


class RunTask(TowpathTask):
    """A task of one run, whose failures are in the destination's audit log."""

    run_id: str = RunId(default="", description="names the run; by default today's date")
    allow_older: bool = luigid.Flag(description="load a dump that is older than what readers see")
    strict: bool = luigid.Flag(description="let the preflight's warnings stop the run")
    checkpoint_name = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run_name = self.run_id

    @property
    def folder(self) -> RunFolder:
        return settings.run_folder(self.run_name)

    @property
    def checkpoint(self) -> Checkpoint:
        return self.folder.checkpoint(self.checkpoint_name)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep the run to this process for the length of a block, and what it says in the run's log."""
        with self.folder.claimed():
            self.hold()
            yield

    def hold(self) -> None:
        """Keep the run's folder, and what is said in it, until this process ends; whoever only looks leaves no log."""
        if self.is_part_of_a_run:
            self.folder.hold()
            runlog.keep(self.folder.log)

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

    def place(self) -> Json | None:
        """Return which database the destination is; None where it cannot be asked."""
        with contextlib.suppress(PipelineError):
            return self.holding().place
        return None

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
        began, seconds = self.times()
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

    def version(self) -> Json:
        """Return what tells one version of the models from another: the load, the dbt project, the destination."""
        load_id = self.read("restore").get("load_id")
        return {"load_id": load_id, "dbt_digest": settings.dbt_options().digest(), **self.holding().place}

    def complete(self) -> bool:
        try:
            if self.is_true():
                return True
            self.prepare()
        except PipelineError as error:
            logger.debug("%s is not complete: %s", self, error)
        return False

    def prepare(self) -> None:
        """Begin, if there is something to begin, while the steps before this one are at work: it will be needed."""

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
        with self.claimed():
            # A server that was asleep when Luigi asked may, now that it is up, turn out to hold it all.
            if self.complete():
                return
            super().ensure()
            self.begin()
            content = self.work()
            began, seconds = self.times()
            self.checkpoint.write(self.fingerprint(), {**content, "started_at": began, "seconds": seconds})
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
