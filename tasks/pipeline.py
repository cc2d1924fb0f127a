"""The tasks: what requires what, and what is complete when. The work is done a storey below."""

import contextlib
import functools
import logging
import sys
from collections.abc import Mapping

from tasks import (
    audit,
    claims,
    dbt_program,
    dump,
    ending,
    inquiry,
    landing,
    luigid,
    models,
    preflight,
    proof,
    report,
    sections,
    settings,
    summary,
)
from tasks import publish as publishing
from tasks.checkpoints import Json
from tasks.errors import PipelineError
from tasks.manifest import Manifest
from tasks.step import RunTask, Step, major
from tasks.task import DatabaseReady, TowpathTask

logger = logging.getLogger(__name__)


class Preflight(RunTask):
    """Everything asked that can be asked beforehand. Complete when this very invocation has asked it and may go on."""

    checkpoint_name = "preflight"
    is_listed: bool = luigid.Flag(default=True, description="print the whole list; else only what is not ok is logged")

    def requires(self) -> Mapping[str, TowpathTask]:
        # Whoever only looks wants to see in the list that a server does not answer.
        return {} if self.is_listed else self._servers()

    def _servers(self) -> Mapping[str, TowpathTask]:  # A dump that is there can be loaded while its source is down.
        roles = ["destination"] if self.clone(DumpSource).complete() else ["source", "destination"]
        return {role: DatabaseReady(role=role, run_name=self.run_name) for role in roles}

    def complete(self) -> bool:
        try:
            # Asked by the process that sees the run through, before it waits for its turn.
            if self.is_part_of_a_run:
                self.folder.hold()
            return self.checkpoint.made_from({"invocation": self.invocation, "passed": True}) is not None
        except PipelineError:
            return False

    def run(self) -> None:
        self.begin()
        sections.ensure_readable()
        self._queue_up()
        self.tell(0, "asking all that can be asked beforehand")
        with self.claimed():
            for server in self._servers().values() if self.is_listed else ():
                with contextlib.suppress(PipelineError):
                    server.ensure()
            plan = self._plan()
            seen = preflight.look(plan)
            findings = seen.findings
            fingerprint = {"invocation": self.invocation, "passed": inquiry.has_passed(findings, strict=self.strict)}
            began, seconds = self.times()
            found = {"findings": [finding.to_json() for finding in findings], "destination": self.place()}
            times = {"started_at": began, "seconds": seconds}
            self.checkpoint.write(fingerprint, {**found, **times, "tables": seen.tables})
        self.tell(100, f"asked {len(findings)} questions")
        sys.stdout.write(inquiry.tell(findings, is_listed=self.is_listed))
        inquiry.ensure_passed(findings, strict=self.strict)
        # Where there is nothing to copy the build comes next, and would wait for the end of a rehearsal.
        if not plan.has_landed:
            dbt_program.rehearse(self.database("destination"), settings.dbt_options(), self.folder.dbt)

    def _queue_up(self) -> None:
        if not self.is_listed and (seconds := settings.queue_seconds()):
            claims.queue_up(self.database("destination"), seconds=seconds, tell=functools.partial(self.tell, 0))

    @property
    def is_part_of_a_run(self) -> bool:
        # Whoever only looks has no run that fails.
        return not self.is_listed

    def note(self, outcome: str, message: str | None) -> None:
        # Whoever only looks leaves nothing behind in a destination where Towpath has never been.
        with contextlib.suppress(PipelineError):
            if audit.has_begun(self.asking("destination")):
                super().note(outcome, message)

    def _plan(self) -> preflight.Plan:
        is_dumped = self.clone(DumpSource).complete()
        return preflight.Plan(
            source=self.asking("source"),
            destination=self.asking("destination"),
            folder=self.folder,
            tools=settings.tools,
            dump=settings.dump_options(),
            dbt=settings.dbt_options,
            dumped=Manifest.from_json(self.read("dump")) if is_dumped else None,
            has_landed=is_dumped and self.clone(RestoreDestination).complete(),
            terms=settings.restore_options(allow_older=self.allow_older),
            alerts=settings.notify_options,
        )


class DumpSource(Step):
    """Complete while dump and manifest are in place, fit each other, are of this source and prove what is asked."""

    checkpoint_name = "dump"

    def requires(self) -> Mapping[str, TowpathTask]:
        return {"looked": _looked(self)}

    def fingerprint(self) -> Json:
        return {"source": self.database("source").place, "selection": settings.dump_options().selection}

    def still_holds(self, content: Json, /) -> bool:
        manifest = Manifest.from_json(content)
        return dump.is_in_place(self.folder.dump, manifest) and proof.can_prove(manifest, sections.verify().level)

    def work(self) -> Json:
        options, source = settings.dump_options(), self.database("source")
        # What it proves is about to be replaced; the other checkpoints are proved by the destination.
        self.checkpoint.remove()
        tools = self.tools(source_major=major(self.asking("source")))
        seen = self.read("preflight").get("tables", ())
        manifest = dump.dump_database(source, self.folder, tools, options, expected=seen, listener=self.tell)
        # A destination that has gone away meanwhile costs no dump.
        return {**manifest.to_json(), "destination": self.place()}


class RestoreDestination(Step):
    """Complete while the destination holds the load of this run's dump, proved as far as is asked."""

    checkpoint_name = "restore"

    def requires(self) -> Mapping[str, TowpathTask]:
        return {"looked": _looked(self), "dump": self.clone(DumpSource)}

    def fingerprint(self) -> Json:
        dumped = self.read("dump")
        return {"dump": Manifest.from_json(dumped).digest if dumped else None, **self.holding().place}

    def still_holds(self, content: Json, /) -> bool:
        has_landed = self.holding().has_landed(content["load_id"], content["fingerprint"]["dump"])
        return has_landed and proof.reaches(content["level"], sections.verify().level)

    def work(self) -> Json:
        manifest = Manifest.from_json(self.read("dump"))
        # The source may be down by now: what counts is the program that wrote the dump.
        tools = self.tools(source_major=manifest.pg_dump_major)
        load = landing.restore(
            manifest,
            self.folder.dump,
            self.database("destination"),
            tools,
            settings.restore_options(allow_older=self.allow_older),
            run=self.run_name,
            listener=self.tell,
        )
        return {**vars(load), "destination": str(self.database("destination")), "pg_restore": tools.pg_restore.version}


class RunDbt(Step):
    """Complete while the destination holds the version built on this run's load from these dbt files."""

    checkpoint_name = "dbt"

    def prepare(self) -> None:
        if sections.dbt().start_early:
            dbt_program.prepare(settings.dbt_options())

    def requires(self) -> Mapping[str, TowpathTask]:
        return {"looked": _looked(self), "restore": self.clone(RestoreDestination)}

    def fingerprint(self) -> Json:
        return self.version()

    def still_holds(self, content: Json, /) -> bool:
        version = content["fingerprint"]
        return self.holding().has_version(version["load_id"], version["dbt_digest"], "built", "published")

    def work(self) -> Json:
        version = self.version()
        load_id, digest, options = version["load_id"], version["dbt_digest"], settings.dbt_options()
        place, folder = self.database("destination"), self.folder.dbt
        return vars(models.build(load_id, digest, place, options, folder, run=self.run_name, listener=self.tell))


class PublishModels(Step):
    """Complete while the destination says that this run's version is the published one."""

    checkpoint_name = "publish"

    def requires(self) -> Mapping[str, TowpathTask]:
        return {"looked": _looked(self), "dbt": self.clone(RunDbt)}

    def fingerprint(self) -> Json:
        return self.version()

    def still_holds(self, content: Json, /) -> bool:
        version = content["fingerprint"]
        return self.holding().has_version(version["load_id"], version["dbt_digest"], "published")

    def work(self) -> Json:
        version, destination = self.version(), self.database("destination")
        options = settings.publish_options()
        load_id, digest = version["load_id"], version["dbt_digest"]
        return vars(publishing.publish(load_id, digest, destination, options, listener=self.tell))


class FullPipeline(Step):
    """Source to tested, published models. Complete while all steps are."""

    checkpoint_name = "report"

    def requires(self) -> Mapping[str, TowpathTask]:
        return {"published": self.clone(PublishModels)}

    def fingerprint(self) -> Json:
        return {"steps": {name: self.read(name).get("started_at") for name in report.STEPS}}

    def still_holds(self, _content: Json, /) -> bool:
        if not self.started_at:
            logger.info("run %s is complete: nothing to do", self.run_name)
        return True

    def work(self) -> Json:
        composed = ending.published(self.run_name)
        destination, pg_dump = self.database("destination"), str(composed["versions"]["pg_dump"])
        psql = self.tools(source_major=int(pg_dump.split(".", maxsplit=1)[0])).pg_restore.path.with_name("psql")
        model, has_make = sections.publish().show, (sections.PROJECT / "Makefile").is_file()
        shown = summary.first_rows(destination, psql, model, composed["models"], has_make=has_make)
        ending.tell(composed)
        self.tell(100, f"run {self.run_name} is published")
        sys.stdout.write(summary.summarize(composed, self.folder.path, shown=shown) + "\n")
        return composed


def _looked(step: Step) -> Preflight:
    looked: Preflight = step.clone(Preflight, is_listed=False)
    return looked
