"""A run's report as OpenLineage events: the run, the copy of every table, every model of dbt, the tests.

Openlineage is an extra: this room is entered only where events are wanted.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState, set_producer
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    RunFacet,
    data_quality_assertions_dataset,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
)
from openlineage.client.uuid import generate_static_uuid

from tasks.checkpoints import Json
from tasks.postgres import Database

_ROOT = "FullPipeline"
_NOT_RUN = ("skipped", "no-op")


@dataclass(frozen=True, kw_only=True)
class _Work:
    """One job's one run: what it is, when it was at work, what it read and made; `error` where it failed."""

    name: str
    kind: str
    began: datetime.datetime
    ended: datetime.datetime
    integration: str = "TOWPATH"
    error: str | None = None
    language: str = "PYTHON"
    inputs: Sequence[InputDataset] = ()
    outputs: Sequence[OutputDataset] = ()


class Events:
    """What a report has to tell; `columns` are those of the source's tables, name and type, by `schema.table`."""

    def __init__(
        self, report: Json, *, namespace: str, database: Callable[[str], Database], columns: Mapping[str, list[Json]]
    ) -> None:
        self._report = report
        self._namespace = namespace
        self._database = database
        self._columns = columns
        set_producer(f"urn:towpath:{report['versions']['towpath']}")

    def all(self) -> Iterator[RunEvent]:
        """Give a START, and a COMPLETE or a FAIL, of each, the run first."""
        run = self._run()
        yield from self._told(run, parent=None)
        for work in (*self._copies(), *self._models(), *self._tests()):
            yield from self._told(work, parent=run)

    def _run(self) -> _Work:
        failures = self._report["failures"]
        # What a try before this one has done began earlier; each try looks first.
        looked = [step for step in self._report["steps"] if step["step"] == "Preflight"]
        began = min(step["started_at"] for step in looked or failures or self._report["steps"])
        return _Work(
            name=_ROOT,
            kind="PIPELINE",
            began=_moment(began),
            ended=_moment(self._report["ended_at"]),
            error="; ".join(failure["message"] for failure in failures) or None,
        )

    def _copies(self) -> Iterator[_Work]:
        """Each takes from the beginning of the dump to the end of the restore."""
        steps = {step["step"]: step for step in self._report["steps"]}
        dumped, restored = steps.get("DumpSource"), steps.get("RestoreDestination")
        if dumped is None or restored is None:
            return
        error = "; ".join(f["message"] for f in self._report["failures"] if f["task"] == "RestoreDestination") or None
        for table in self._report["tables"]:
            name, schema = table["table"], self._schema(table["table"])
            source, landing = self._dataset("source", name), self._dataset("destination", name)
            yield _Work(
                name=f"{_ROOT}.copy.{name}",
                kind="COPY",
                began=_moment(dumped["started_at"]),
                ended=_moment(restored["started_at"]) + datetime.timedelta(seconds=restored["seconds"]),
                error=error,
                inputs=[InputDataset(*source, facets=schema)],
                outputs=[OutputDataset(*landing, facets=schema, outputFacets={} if error else _statistics(table))],
            )

    def _models(self) -> Iterator[_Work]:
        for built in self._report["built"]:
            if built["materialized"] and built["status"] not in _NOT_RUN:
                yield _Work(
                    name=f"{_ROOT}.model.{built['name']}",
                    kind="MODEL",
                    integration="DBT",
                    began=self._began(built),
                    ended=self._began(built) + datetime.timedelta(seconds=built["seconds"]),
                    error=None if built["status"] == "success" else built["message"] or built["status"],
                    language="SQL",
                    inputs=[InputDataset(*self._dataset("destination", name)) for name in built["reads"]],
                    outputs=[OutputDataset(*self._dataset("destination", built["name"]))],
                )

    def _tests(self) -> Iterator[_Work]:
        """All that tell of data in one, because they are of the datasets that it reads."""
        tests = [b for b in self._report["built"] if b["kind"] == "test" and b["of"] and b["status"] not in _NOT_RUN]
        if not tests:
            return
        of: dict[str, list[Json]] = {}
        for test in tests:
            of.setdefault(test["of"], []).append(test)
        failed = [test["name"] for test in tests if test["status"] not in ("pass", "warn")]
        yield _Work(
            name=f"{_ROOT}.tests",
            kind="TEST",
            integration="DBT",
            began=min(self._began(test) for test in tests),
            ended=max(self._began(test) + datetime.timedelta(seconds=test["seconds"]) for test in tests),
            error=f"failed: {', '.join(failed)}" if failed else None,
            language="SQL",
            inputs=[
                InputDataset(*self._dataset("destination", name), inputFacets=_assertions(about))
                for name, about in of.items()
            ],
        )

    def _began(self, built: Json) -> datetime.datetime:
        """Return when dbt began with it, or began at all: what cannot be compiled has no time of its own."""
        (dbt,) = (step["started_at"] for step in self._report["steps"] if step["step"] == "RunDbt")
        return _moment(built["started_at"] or dbt)

    def _told(self, work: _Work, *, parent: _Work | None) -> Iterator[RunEvent]:
        engine = processing_engine_run.ProcessingEngineRunFacet(
            name="Towpath", version=self._report["versions"]["towpath"]
        )
        facets: dict[str, RunFacet] = {"processing_engine": engine}
        if parent:
            facets["parent"] = parent_run.ParentRunFacet(
                run=parent_run.Run(runId=self._id(parent)),
                job=parent_run.Job(namespace=self._namespace, name=parent.name),
            )
        kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration=work.integration, jobType=work.kind)
        job = Job(self._namespace, work.name, facets={"jobType": kind})
        run = Run(self._id(work), facets=facets)
        yield RunEvent(eventType=RunState.START, eventTime=work.began.isoformat(), run=run, job=job)
        if work.error:
            failed = error_message_run.ErrorMessageRunFacet(message=work.error, programmingLanguage=work.language)
            run = Run(run.runId, facets={**facets, "errorMessage": failed})
        yield RunEvent(
            eventType=RunState.FAIL if work.error else RunState.COMPLETE,
            eventTime=work.ended.isoformat(),
            run=run,
            job=job,
            inputs=list(work.inputs),
            outputs=list(work.outputs),
        )

    def _id(self, work: _Work) -> str:
        """Return the same id for the same work, so that what is told twice is taken for one."""
        return str(generate_static_uuid(work.began, f"{self._namespace}/{work.name}/{self._report['run']}".encode()))

    def _dataset(self, role: str, name: str) -> tuple[str, str]:
        """Return namespace and name, by OpenLineage's conventions for PostgreSQL."""
        database = self._database(role)
        host = (database.known("host") or database.known("hostaddr") or "localhost").split(",")[0]
        port = database.known("port").split(",")[0] or "5432"
        dbname = database.known("dbname") or database.known("user")
        # A socket's folder is written as in libpq's URIs.
        return f"postgres://{quote(host, safe=':')}:{port}", f"{dbname}.{name}"

    def _schema(self, table: str) -> dict[str, DatasetFacet]:
        fields = [
            schema_dataset.SchemaDatasetFacetFields(name=column["name"], type=column["type"])
            for column in self._columns.get(table, [])
        ]
        return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)} if fields else {}


def _statistics(table: Json) -> dict[str, OutputDatasetFacet]:
    rows = table["rows"] if table["copied"] else 0
    size = table["bytes"] if table["copied"] else None
    return {
        "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=rows, size=size
        )
    }


def _assertions(tests: Sequence[Json]) -> dict[str, InputDatasetFacet]:
    assertions = [
        data_quality_assertions_dataset.Assertion(
            assertion=test["test"] or "custom_sql",
            name=test["name"],
            column=test["column"],
            success=test["status"] == "pass",
            severity="warn" if test["status"] == "warn" else "error",
        )
        for test in tests
    ]
    return {
        "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            assertions=assertions
        )
    }


def _moment(text: str) -> datetime.datetime:
    # Python 3.10 reads no Z.
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
