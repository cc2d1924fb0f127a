"""The runs whose reports are in the artifacts folder."""

import json
from collections.abc import Iterator
from pathlib import Path

from tasks.checkpoints import FORMAT, Json


def reports(root: Path) -> list[Json]:
    """Read the report of every run that has ended, published or failed, the last to end first.

    What is no report of this version of Towpath is passed over: the folder may hold anybody's files.
    """
    return sorted(_reports(root), key=lambda report: str(report["ended_at"]), reverse=True)


def _reports(root: Path) -> Iterator[Json]:
    for path in root.glob("*/report.json"):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and content.get("format") == FORMAT and "ended_at" in content:
            yield content


def last_published(earlier: list[Json], *, except_run: str) -> Json | None:
    """Return the newest report of another run that was published."""
    return next((r for r in earlier if r["outcome"] == "published" and r["run"] != except_run), None)
