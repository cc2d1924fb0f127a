"""The runs whose reports are in the artifacts folder."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from tasks.amounts import moment
from tasks.checkpoints import FORMAT, Json

_MESSAGE_WIDTH = 300
UNKNOWN = "a {role} that is not rightly set"
# A report without these is nobody's.
_LEAST = {"run", "outcome", "ended_at"}


def reports(root: Path, *, destination: str | None = None) -> list[Json]:
    """Read the report of every run that has ended, published or failed, the last to end first.

    Given a destination, of the runs for that one: two jobs that share a folder have each their own history. A run that
    was wrongly set, and so has failed, may be of either. What is no report of this version of Towpath is passed over:
    the folder may hold anybody's files.
    """
    places = (destination, UNKNOWN.format(role="destination"))
    found = (report for report in _reports(root) if destination is None or report.get("destination") in places)
    return sorted(found, key=lambda report: str(report["ended_at"]), reverse=True)


def _reports(root: Path) -> Iterator[Json]:
    for path in root.glob("*/report.json"):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and content.get("format") == FORMAT and content.keys() >= _LEAST:
            yield content


def last_published(earlier: list[Json], *, except_run: str) -> Json | None:
    """Return the newest report of another run that was published."""
    return next((r for r in earlier if r["outcome"] == "published" and r["run"] != except_run), None)


def last_to_end(ended: Sequence[Json]) -> tuple[str, str]:
    """Say of the newest of some reports how that run ended, and what to do where none has been published since."""
    if not ended:
        return "no run has left a report here", "see that runs are started, then: luigi --module tasks FullPipeline"
    last = ended[0]
    told, at = f"the last run to end, {last['run']},", moment(last["ended_at"])
    if last["outcome"] == "published":
        return (
            f"{told} was published {at}",
            "find out why no run has ended since (is one at work? is cron?), or start one",
        )
    failure = last["failures"][-1]
    message = textwrap.shorten(failure["message"], _MESSAGE_WIDTH, placeholder=" …")
    # A run that came to nothing, as when no server answers, has no log.
    left = f"its log: {last['log']}" if last["log"] else f"its folder: {last['folder']}"
    return (
        f"{told} failed {at} (code {failure['exit_code']}): {message}",
        f"{failure['remedy']}; {left}",
    )
