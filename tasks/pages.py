"""The pages of a run, made from its report alone: `report.html`, and `index.html` of all runs beside it.

Each is one file that needs no network and no JavaScript. What a report says is other people's text: a table may have
any name, and all of it is escaped.
"""

import functools
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks import amounts, history, outline, pictures
from tasks.checkpoints import Json, write_whole
from tasks.run_folder import RunFolder

if TYPE_CHECKING:
    from jinja2 import Environment

logger = logging.getLogger(__name__)

_SHOWN_IN_TREND = 60
# All that the list has of a run but the last: the fewer, the more versions of Towpath have written what it shows.
LISTED = ("run", "outcome", "ended_at", "run_seconds", "rows", "tables", "tests_passed", "failures", "readers")


def write_report(report: Json, folder: RunFolder) -> None:
    """Write `report.html`. Raises ArtifactsUnwritable."""
    write_whole(folder.page, report_page(report), by_way_of=folder.path)
    if report["failures"]:
        logger.info("what became of run %s is in %s", report["run"], folder.page)


def write_index(report: Json, folder: RunFolder) -> None:
    """Write `index.html`, with a run whose own `report.json` may not be there yet. Raises ArtifactsUnwritable."""
    root = folder.path.parent
    reports = [report, *(other for other in history.reports(root) if other["run"] != report["run"])]
    told = {str(other["run"]) for other in reports}
    untold = sorted(log.parent.name for log in root.glob("*/run.log") if log.parent.name not in told)
    # The folder of the run is this process's own.
    write_whole(folder.index, index_page(reports, untold=untold), by_way_of=folder.path)


def report_page(report: Json) -> str:
    """Make the page of one run."""
    return _made(
        "report",
        report=report,
        timeline=pictures.timeline(report["steps"]),
        tables=outline.tables(report),
        built=outline.built(report),
    )


def index_page(reports: Sequence[Json], *, untold: Sequence[str]) -> str:
    """Make the page of all runs, the last to end first; `untold` are those that have left a log and no report.

    Of a run whose report does not have all that is LISTED, there are the name and how it ended.
    """
    whole = [report for report in reports if report.keys() >= set(LISTED)]
    listed = [{name: report[name] for name in LISTED} for report in whole]
    latest = list(reversed(listed[:_SHOWN_IN_TREND]))
    return _made(
        "index",
        last=reports[0],
        reports=listed,
        others=[report for report in reports if report not in whole],
        untold=untold,
        trends={measure: pictures.trend(latest, measure) for measure in ("run_seconds", "rows")},
    )


def _made(name: str, **shown: Any) -> str:
    return _environment().get_template(f"{name}.html.jinja").render(**shown)


@functools.cache
def _environment() -> "Environment":
    # Imported late: a run with nothing to do makes no page.
    import jinja2  # noqa: PLC0415

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tasks", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        size=amounts.size,
        count=amounts.count,
        change=amounts.change,
        duration=amounts.duration,
        moment=amounts.moment,
    )
    return environment
