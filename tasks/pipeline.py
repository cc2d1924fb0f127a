"""The tasks: what requires what, and what is complete when. The work is done a storey below."""

import datetime
import logging
import sys
import time
from collections.abc import Mapping
from typing import Any

import luigi
import luigi.retcodes

from tasks import dump, landing, ledger, models, readiness, report, rollback, settings
from tasks import publish as publishing
from tasks.archive import Tools
from tasks.checkpoints import Checkpoint, Json, RunFolder
from tasks.errors import PipelineError
from tasks.ledger import Holding
from tasks.manifest import Manifest
from tasks.postgres import Database, connect

logger = logging.getLogger(__name__)


class Told(logging.Filter):
    """Show a foreseen failure by its own words instead of a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, PipelineError):
            record.msg, record.args, record.exc_info, record.exc_text = str(error), (), None, None
        return True


logging.getLogger("luigi-interface").addFilter(Told())


class TowpathTask(luigi.Task):
    """What all tasks do when they fail: say it in words, and end with the exit code of its kind."""

    def on_failure(self, exception: BaseException) -> Any:
        if not isinstance(exception, PipelineError):
            return super().on_failure(exception)
        # The one instance that the luigi command reads its exit code from when all is done.
        luigi.retcodes.retcode().task_failed = exception.exit_code
        return str(exception)

    def tell(self, percentage: int, text: str) -> None:
        """Show luigid how far the task is."""
        if self.set_status_message is not None:
            self.set_status_message(text)
        if self.set_progress_percentage is not None and percentage:
            self.set_progress_percentage(percentage)


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

    def _database(self) -> Database:
        return settings.database(self.role, application_name="towpath-readiness")


class Step(TowpathTask):
    """A task whose checkpoint is believed only while it was made from what it would be made from now."""

    run_id: str = luigi.Parameter(default="", description="names the run; by default today's date in UTC")
    allow_older: bool = luigi.BoolParameter(
        significant=False, description="load a dump that is older than what readers see"
    )
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
        return settings.database(role, application_name=f"towpath {self.run_name}")

    def holding(self) -> Holding:
        return ledger.holding_of(self.database("destination"))

    def read(self, name: str) -> Json:
        """Return the content of another step's checkpoint, empty where there is none."""
        return self.folder.checkpoint(name).read() or {}

    def fingerprint(self) -> Json:
        """Return what the step would be made from now."""
        raise NotImplementedError

    def still_holds(self, content: Json, /) -> bool:
        """Whether the world is still as a true checkpoint says."""
        raise NotImplementedError

    def work(self) -> Json:
        """Do the step's work and return what the checkpoint is to say of it."""
        raise NotImplementedError

    def complete(self) -> bool:
        try:
            content = self.checkpoint.read()
            # No server is asked while there is no checkpoint.
            return content is not None and content["fingerprint"] == self.fingerprint() and self.still_holds(content)
        except PipelineError as error:
            logger.debug("%s is not complete: %s", self, error)
            return False

    def run(self) -> None:
        with self.folder.claimed():
            # A server that was asleep when Luigi asked may, now that it is up, turn out to hold it all.
            if self.complete():
                return
            started, self.started_at = time.monotonic(), _now()
            content = self.work()
            seconds = {"started_at": self.started_at, "seconds": round(time.monotonic() - started, 3)}
            self.checkpoint.write(self.fingerprint(), {**content, **seconds})
            self.note("done", None)

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
            ledger.record_step(
                self.database("destination"),
                run=self.run_name,
                step=type(self).__name__,
                outcome=outcome,
                message=message,
                started_at=began,
                seconds=seconds,
            )
        except PipelineError as error:
            logger.debug("the audit log was not written: %s", error)


class DumpSource(Step):
    """Complete while the dump and its manifest are in place, fit each other, and are of this source."""

    checkpoint_name = "dump"

    def requires(self) -> Mapping[str, luigi.Task]:
        return {"source": DatabaseReady(role="source"), "destination": DatabaseReady(role="destination")}

    def fingerprint(self) -> Json:
        return {"source": self.database("source").place, "selection": settings.dump_options().selection}

    def still_holds(self, content: Json, /) -> bool:
        return dump.is_in_place(self.folder.dump, Manifest.from_json(content))

    def work(self) -> Json:
        options, source = settings.dump_options(), self.database("source")
        # What it proves is about to be replaced; the other checkpoints are proved by the destination.
        self.checkpoint.remove()
        manifest = dump.dump_database(source, self.folder, _tools(self), options, listener=self.tell)
        return manifest.to_json()


class RestoreDestination(Step):
    """Complete while the destination holds the load of this run's dump."""

    checkpoint_name = "restore"

    def requires(self) -> Mapping[str, luigi.Task]:
        return {"dump": self.clone(DumpSource), "ready": DatabaseReady(role="destination")}

    def fingerprint(self) -> Json:
        dumped = self.read("dump")
        return {"dump": Manifest.from_json(dumped).digest if dumped else None, **_place(self.holding())}

    def still_holds(self, content: Json, /) -> bool:
        return self.holding().has_landed(content["load_id"])

    def work(self) -> Json:
        load = landing.restore(
            Manifest.from_json(self.read("dump")),
            self.folder.dump,
            self.database("destination"),
            _tools(self).pg_restore,
            settings.restore_options(allow_older=self.allow_older),
            run=self.run_name,
            listener=self.tell,
        )
        return {"load_id": load.load_id, "destination": str(self.database("destination")), "rows": load.rows}


class RunDbt(Step):
    """Complete while the destination holds the version built on this run's load from these dbt files."""

    checkpoint_name = "dbt"

    def requires(self) -> Mapping[str, luigi.Task]:
        return {"restore": self.clone(RestoreDestination)}

    def fingerprint(self) -> Json:
        return _version(self)

    def still_holds(self, content: Json, /) -> bool:
        version = content["fingerprint"]
        return self.holding().has_version(version["load_id"], version["dbt_digest"], "built", "published")

    def work(self) -> Json:
        version = _version(self)
        built = models.build(
            version["load_id"],
            version["dbt_digest"],
            self.database("destination"),
            settings.dbt_options(),
            self.folder.dbt,
            run=self.run_name,
            listener=self.tell,
        )
        return vars(built)


class PublishModels(Step):
    """Complete while the destination says that this run's version is the published one."""

    checkpoint_name = "publish"

    def requires(self) -> Mapping[str, luigi.Task]:
        return {"dbt": self.clone(RunDbt)}

    def fingerprint(self) -> Json:
        return _version(self)

    def still_holds(self, content: Json, /) -> bool:
        version = content["fingerprint"]
        return self.holding().has_version(version["load_id"], version["dbt_digest"], "published")

    def work(self) -> Json:
        version, destination = _version(self), self.database("destination")
        options = settings.publish_options()
        return vars(publishing.publish(version["load_id"], version["dbt_digest"], destination, options))


class FullPipeline(Step):
    """Source to tested, published models. Complete while all steps are."""

    checkpoint_name = "report"

    def requires(self) -> Mapping[str, luigi.Task]:
        return {"published": self.clone(PublishModels)}

    def fingerprint(self) -> Json:
        return {"steps": {name: self.read(name).get("started_at") for name in report.STEPS}}

    def still_holds(self, _content: Json, /) -> bool:
        steps = (DumpSource, RestoreDestination, RunDbt, PublishModels)
        if not all(self.clone(step).complete() for step in steps):
            return False
        if not self.started_at:
            logger.info("run %s is complete: nothing to do", self.run_name)
        return True

    def work(self) -> Json:
        checkpoints = {name: self.read(name) for name in report.STEPS}
        destination = self.database("destination")
        with connect(destination) as session:
            server = session.value("show server_version")
        versions = {"luigi": luigi.__version__, "python": sys.version.split()[0], "destination_server": str(server)}
        composed = report.compose(self.run_name, checkpoints, versions=versions)
        psql = _tools(self).pg_dump.path.with_name("psql")
        shown = report.first_rows(destination, psql, settings.publish().show, composed["models"])
        sys.stdout.write(report.summarize(composed, self.folder.path, shown=shown) + "\n")
        return composed


class RollBack(TowpathTask):
    """Bring back the version that readers saw before; once more, and it goes forward again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_done = False

    def complete(self) -> bool:
        return self._is_done

    def requires(self) -> Mapping[str, luigi.Task]:
        return {"ready": DatabaseReady(role="destination")}

    def run(self) -> None:
        destination = settings.database("destination", application_name="towpath RollBack")
        seconds = settings.publish_options().readers_timeout_seconds
        current, before = rollback.roll_back(destination, readers_timeout_seconds=seconds)
        self._is_done = True
        sys.stdout.write(
            f"\nReaders of {destination} see load {before.load_id} of run {before.run} again, as of "
            f"{before.snapshot_at[:19]} UTC, in place of load {current.load_id} of run {current.run}.\n"
            "RollBack once more goes forward again; the next new run replaces both.\n"
        )


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


def _place(holding: Holding) -> Json:
    return {"system_identifier": holding.system_identifier, "database_oid": holding.database_oid}


def _version(step: Step) -> Json:
    load_id = step.read("restore").get("load_id")
    return {"load_id": load_id, "dbt_digest": settings.dbt_options().digest(), **_place(step.holding())}


def _tools(step: Step) -> Tools:
    majors = {}
    for role in ("source", "destination"):
        with connect(step.database(role)) as session:
            majors[f"{role}_major"] = session.server_version // 10000
    return settings.tools(**majors)
