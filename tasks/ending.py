"""How a run ends, published or failed: its report, and whoever is told of it. What is told breaks no run."""

import importlib.metadata
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tasks import (
    alerts,
    documentation,
    freshness,
    history,
    housekeeping,
    ledger,
    lineage,
    metrics,
    notify,
    pages,
    report,
    sections,
    settings,
)
from tasks.checkpoints import Json
from tasks.dbt_artifacts import BuildResults
from tasks.errors import PipelineError, RunInProgress
from tasks.postgres import Database, connect
from tasks.report import Ended
from tasks.run_folder import RunFolder

logger = logging.getLogger(__name__)

# The fingerprint of a published run's report until all have been told.
_UNTOLD = {"told": False}
_BUG = "this is a bug of Towpath: report it with the run's log; then run the same command again"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A task that failed, when it began, in UTC, and how long it went on; `invocation` is of the luigi command."""

    task: str
    error: BaseException
    invocation: str
    started_at: str
    seconds: float

    def to_json(self) -> Json:
        known = self.error if isinstance(self.error, PipelineError) else None
        return {
            "task": self.task,
            "message": known.message if known else f"{type(self.error).__name__}: {self.error}",
            "remedy": known.hint if known else _BUG,
            "exit_code": known.exit_code if known else PipelineError.exit_code,
            "started_at": self.started_at,
            "seconds": self.seconds,
        }


def published(run: str) -> Json:
    """Compose the report of a run whose steps are all done and write it down, as not yet told.

    A run that is killed while it tells leaves a report; and the same command composes and tells it anew.

    Raises:
        ArtifactsUnwritable: it could not be written down. And as `connect` does.
    """
    folder = settings.run_folder(run)
    checkpoints = {name: folder.checkpoint(name).read() or {} for name in report.TASKS}
    destination = settings.database("destination", application_name="towpath-asks")
    with connect(destination) as session:
        server = {"destination_server": str(session.value("show server_version"))}
    untold = folder.checkpoint("report").made_from(_UNTOLD)
    earlier = history.reports(folder.path.parent, destination=str(destination))
    docs, removed = _documented(destination, folder), _tidied(destination, folder)
    seen = freshness.published(destination)
    composed = report.compose(
        Ended(
            run=run,
            folder=folder.path,
            places=_places(),
            checkpoints=checkpoints,
            failures=[],
            findings=checkpoints["preflight"].get("findings", []),
            built=checkpoints["dbt"].get("built", []),
            readers=seen.to_json() if seen else None,
            versions={**_versions(), **server},
            earlier=earlier,
            aftermath={"docs": docs, "removed": removed, "disk": housekeeping.disk(folder.path.parent, folder)},
        )
    )
    if untold:
        # What it took the place of.
        composed["after_failure"] = untold["after_failure"]
    folder.checkpoint("report").write(_UNTOLD, composed)
    return composed


def _documented(destination: Database, folder: RunFolder) -> Json | None:
    if sections.dbt().docs:
        return documentation.document(destination, settings.dbt_options(), folder.path)
    documentation.forget(folder.path)
    return None


def _tidied(destination: Database, folder: RunFolder) -> list[Json]:
    holding, root = ledger.holding_of(destination), folder.path.parent
    seen, held = holding.version("published"), [state.run for state in holding.states]
    if seen is None:
        return []
    return housekeeping.tidy(
        root,
        settings.keeping(),
        place=holding.place,
        published=seen.run,
        snapshot_at=seen.snapshot_at,
        held=[folder.path.name, *held],
    )


def failed(run: str, failure: Failure) -> None:
    """Write the report of a run that has failed, and tell it; several tasks of one invocation may fail.

    Raises SettingInvalid where the run's id cannot name a folder.
    """
    if isinstance(failure.error, RunInProgress):
        # How that run ends is for the process that works on it to say.
        return
    folder = settings.run_folder(run)
    try:
        composed = _compose_failed(folder, failure)
    except Exception as error:  # noqa: BLE001 (what failed is to be told, whatever its files are like)
        logger.warning("the report of run %s has its failure only: %s: %s", run, type(error).__name__, error)
        composed = report.compose(_bare(folder, [failure.to_json()]))
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.checkpoint("report").write({"failed": failure.invocation}, composed)
    except (OSError, PipelineError) as unwritten:
        logger.warning("report.json of run %s was not written: %s", run, unwritten)
    tell(composed)


def _compose_failed(folder: RunFolder, failure: Failure) -> Json:
    before = folder.checkpoint("report").made_from({"failed": failure.invocation})
    looked = folder.checkpoint("preflight").read() or {}
    is_looked = looked.get("fingerprint", {}).get("invocation") == failure.invocation
    checkpoints = {name: read for name in _before(failure.task) if (read := folder.checkpoint(name).read())}
    made = BuildResults.read_if_any(folder.dbt) if failure.task == report.TASKS["dbt"] else None
    return report.compose(
        replace(
            _bare(folder, [*(before["failures"] if before else []), failure.to_json()]),
            checkpoints=checkpoints,
            findings=looked["findings"] if is_looked else [],
            built=made.results if made else checkpoints.get("dbt", {}).get("built", []),
            readers=_readers(),
            earlier=history.reports(folder.path.parent, destination=_place("destination")),
            aftermath={"docs": None, "removed": [], "disk": housekeeping.disk(folder.path.parent, folder)},
        )
    )


def _bare(folder: RunFolder, failures: list[Json]) -> Ended:
    """Return what is known of a failed run without reading a file or asking a server."""
    return Ended(
        run=folder.path.name,
        folder=folder.path,
        places=_places(),
        checkpoints={},
        failures=failures,
        findings=[],
        built=[],
        readers={"unknown": "it was not asked"},
        versions=_versions(),
        earlier=[],
        aftermath={"docs": None, "removed": [], "disk": None},
    )


def _before(task: str) -> list[str]:
    """Name the checkpoints of the steps before a task; those of later ones may be of an earlier try."""
    tasks = list(report.TASKS.values())
    position = tasks.index(task) if task in tasks else len(tasks) if task == "FullPipeline" else 0
    return list(report.TASKS)[:position]


def _places() -> dict[str, str]:
    return {role: _place(role) for role in ("source", "destination")}


def _place(role: str) -> str:
    try:
        return str(settings.database(role, application_name="towpath-asks"))
    except PipelineError:
        return history.UNKNOWN.format(role=role)


def _readers() -> Json | None:
    try:
        seen = freshness.published(settings.database("destination", application_name="towpath-asks"))
    except PipelineError as error:
        return {"unknown": str(error.message)}
    return seen.to_json() if seen else None


def _versions() -> Json:
    packages = {name: importlib.metadata.version(name) for name in ("towpath", "luigi")}
    return {**packages, "python": sys.version.split()[0]}


def tell(composed: Json) -> None:
    """Tell a report to all who are to know of it."""
    folder = settings.run_folder(composed["run"])
    for what, voice in _VOICES:
        _try(what, voice, composed, folder)


def _try(what: str, voice: Callable[[Json, RunFolder], None], composed: Json, folder: RunFolder) -> None:
    try:
        voice(composed, folder)
    except PipelineError as error:
        text = "%s of run %s: %s; the run itself is not affected\n    what to do: %s"
        logger.warning(text, what, composed["run"], error.message, error.hint)
    except Exception as error:  # noqa: BLE001 (a published run must not fail of what is said about it)
        logger.warning("%s of run %s: %s; the run itself is not affected", what, composed["run"], error)


def late(error: PipelineError) -> None:
    """Tell that what readers see is late, or why that is not known."""
    try:
        notify.send(alerts.of_lateness(error), settings.notify_options())
    except Exception as untold:  # noqa: BLE001 (what is late is to be told, whatever becomes of its alert)
        logger.warning("nobody was told: %s", untold)


def _alert(composed: Json, _folder: RunFolder) -> None:
    options = settings.notify_options()
    notify.send(alerts.of_run(composed, on=options.on), options)


# What a report is told by, each by itself: in words for the log, and how. Pages come first: an alert names them.
_VOICES: Sequence[tuple[str, Callable[[Json, RunFolder], None]]] = (
    ("report.html", pages.write_report),
    ("index.html", pages.write_index),
    ("the alert", _alert),
    ("the metrics' textfile", lambda told, _: metrics.write_textfile(told, settings.metrics_options())),
    ("metrics", lambda told, _: metrics.push(told, settings.metrics_options())),
    ("the file of lineage", lambda told, folder: lineage.write_events(told, folder, settings.lineage_options())),
    ("lineage", lambda told, folder: lineage.send_events(told, folder, settings.lineage_options())),
)
