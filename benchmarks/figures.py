"""What was measured, as JSON files: each benchmark writes its own, the page is made from all that are there."""

import datetime
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.servers import PROJECT, Place
from tasks.postgres import connect

FOLDER = Path(__file__).with_name("figures")
# Of the destination's settings, those that a load feels.
_SETTINGS = (
    "wal_level", "max_wal_size", "checkpoint_timeout", "shared_buffers", "maintenance_work_mem", "fsync",
    "synchronous_commit", "full_page_writes", "wal_compression", "data_checksums", "autovacuum",
)  # fmt: skip

Figures = dict[str, Any]


def circumstances(place: Place) -> Figures:
    """Return when, on which machine and what a benchmark measures; to be asked before it begins."""
    with connect(place.destination) as session:
        version = session.value("show server_version")
        settings = {name: session.value(f"show {name}") for name in _SETTINGS}
    return {
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores of {_line('/proc/cpuinfo', 'model name')}, {_memory()} of memory",
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "postgresql": version,
        "settings": settings,
        "towpath": _commit(),
    }


def write(name: str, figures: Figures) -> None:
    """Keep what was measured, in place of what was measured before."""
    FOLDER.mkdir(exist_ok=True)
    content = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    (FOLDER / f"{name}.json").write_text(content, encoding="utf-8")


def read(name: str) -> Figures | None:
    """Return what was measured, or None."""
    file = FOLDER / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _commit() -> str:
    """Return the commit of what is measured, with a + where the files are others."""
    git = ["git", "-C", str(PROJECT)]
    asked = [
        [*git, "rev-parse", "--short", "HEAD"],
        [*git, "status", "--porcelain", "tasks", "dbt_models", "luigi.cfg"],
    ]
    try:
        commit, changes = (subprocess.run(each, capture_output=True, text=True, check=True).stdout for each in asked)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.strip() + ("+" if changes else "")


def _line(file: str, name: str) -> str:
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "processor")


def _memory() -> str:
    return f"{int(_line('/proc/meminfo', 'MemTotal').split()[0]) / 1024**2:.0f} GiB"
