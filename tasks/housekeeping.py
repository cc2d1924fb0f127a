"""Which runs' folders are kept, and how much room they take: after a publish the older ones go."""

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tasks.checkpoints import FORMAT, Json
from tasks.errors import PipelineError, RunInProgress
from tasks.run_folder import CHECKPOINTS, RunFolder

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How many runs are kept, and how many of these with their dumps; the one just published counts."""

    runs: int
    dumps: int


@dataclass(frozen=True, kw_only=True)
class _Run:
    """A run's folder, when it was last worked on, and what its checkpoints say; what they do not is empty."""

    folder: RunFolder
    worked_on: int
    begun_for: frozenset[str]
    published_to: str
    published_at: str
    snapshot_at: str

    @property
    def name(self) -> str:
        return self.folder.path.name


def tidy(
    root: Path, keeping: Keeping, *, place: Json, published: str, snapshot_at: str, held: Collection[str]
) -> list[Json]:
    """Remove what is older than what is to be kept, after a publish, and say what went: `run`, `what`, `bytes`.

    Never removed: the run `published`, which readers of the destination at `place` see as of `snapshot_at`; the newest
    that was published to another one; one that could still be resumed, because its dump is newer than what readers
    see, or not known to be for them; one that a process works on; and whatever is not a run. Of a run in `held`, whose
    version RollBack would bring back, the dump may go. What cannot be removed is a warning.
    """
    try:
        runs = _runs(root)
    except OSError as error:
        logger.warning("older runs were not looked for in %s: %s", root, error)
        return []
    by_time = sorted((run for run in runs if run.published_at), key=lambda run: run.published_at)
    newest = {run.published_to: run.name for run in by_time}.values()
    resumable = (run.name for run in runs if _can_be_resumed(run, _named(place), snapshot_at))
    whole = {published, *newest, *resumable}
    gone = [run for run in runs[keeping.runs :] if run.name not in {*whole, *held}]
    bare = [run for run in runs[keeping.dumps :] if run.name not in whole and run not in gone]
    return [
        *(removed for run in gone if (removed := _try_to_remove(run.folder, "run"))),
        *(removed for run in bare if run.folder.dump.exists() and (removed := _try_to_remove(run.folder, "dump"))),
    ]


def disk(root: Path, folder: RunFolder) -> Json | None:
    """Return the bytes of this run's files, of those of all runs, and what is free; None where it cannot be asked."""
    try:
        free = shutil.disk_usage(root).free
        artifacts = _bytes_in(*(run.folder.path for run in _runs(root)))
        return {"run_bytes": _bytes_in(folder.path), "artifacts_bytes": artifacts, "free_bytes": free}
    except OSError:
        return None


def _can_be_resumed(run: _Run, place: str, snapshot_at: str) -> bool:
    """Whether a run has a dump that is not known to be older than what readers of its destination see."""
    is_for_others = bool(run.begun_for - {place, run.published_to})
    return bool(run.snapshot_at) and (is_for_others or run.snapshot_at > snapshot_at)


def _runs(root: Path) -> list[_Run]:
    """The runs in the artifacts folder, that which was worked on last first."""
    found = (_read(RunFolder(path)) for path in root.iterdir() if path.is_dir() and not path.is_symlink())
    return sorted((run for run in found if run), key=lambda run: run.worked_on, reverse=True)


def _read(folder: RunFolder) -> _Run | None:
    """Return what is known of a run; None where the folder holds no checkpoint, and so is not one."""
    whole = {name: content for name in CHECKPOINTS if (content := _content(folder.checkpoint(name).path))}
    if not whole:
        return None
    published, dumped = whole.get("publish", {}), whole.get("dump", {})
    place = published.get("fingerprint", {})
    # Where a run failed, both are to say it: what was dumped for one destination may be on its way to another.
    begun_for = (whole.get(name, {}).get("destination", place) for name in ("preflight", "dump"))
    return _Run(
        folder=folder,
        worked_on=max(folder.checkpoint(name).path.stat().st_mtime_ns for name in whole),
        begun_for=frozenset(_named(place) for place in begun_for),
        published_to=_named(place) if published else "",
        published_at=str(published.get("started_at", "")),
        snapshot_at=str(dumped.get("snapshot_at", "")),
    )


def _named(place: object) -> str:
    known = place if isinstance(place, dict) else {}
    return f"{known.get('system_identifier')}/{known.get('database_oid')}"


def _content(path: Path) -> Json:
    """What a checkpoint of this version of Towpath or an older one says; nothing where it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(content, dict) and isinstance(content.get("fingerprint"), dict)
    return content if is_ours and content.get("format") in range(FORMAT + 1) else {}


def _try_to_remove(folder: RunFolder, what: str) -> Json | None:
    path = folder.path if what == "run" else folder.dump
    size = _bytes_in(path)
    try:
        with folder.unheld():
            folder.remove() if what == "run" else folder.remove_dump()
    except RunInProgress:
        return None
    except (OSError, PipelineError) as error:
        logger.warning("an older %s was not removed, %s: %s", what, path, error)
        return None
    logger.info("removed an older %s, %s: %d bytes", what, path, size)
    return {"run": folder.path.name, "what": what, "bytes": size}


def _bytes_in(*folders: Path) -> int:
    """What the files of these folders take: once, where dumps share the file of a table that has not changed."""
    sizes = {}
    for path in (Path(parent) / name for folder in folders for parent, _, names in os.walk(folder) for name in names):
        # Another run ends, or tidies too; or it is not for us to look at.
        with contextlib.suppress(OSError):
            found = path.lstat()
            sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())
