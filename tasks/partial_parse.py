"""What dbt has read of a project, kept from run to run: where one file was edited, it reads that one anew."""

import contextlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tasks.checkpoints import Json, writing_to

_PARSED = "partial_parse.msgpack"
_READ = "partial_parse.json"


def bring(output: Path, project: Path, digests: Mapping[str, str]) -> None:
    """See to it that `output` has what dbt read last, for this run or another, unless dbt would take it for too much.

    dbt compares it with the project, the target, the variables; but a YAML file that bears the same time as then it
    does not open, and an image or an archive may give all files one time, whatever is in them.

    Raises:
        ArtifactsUnwritable: the output folder is full or not ours.
    """
    files = _state(project, digests)
    parsed = output / _PARSED
    with writing_to(output):
        output.mkdir(parents=True, exist_ok=True)
        newest = parsed if parsed.exists() else _newest(output)
        if newest is not None and _is_misleading(newest.with_name(_READ), files):
            parsed.unlink(missing_ok=True)
        elif newest is not None and newest != parsed:
            shutil.copyfile(newest, parsed)
        (output / _READ).write_text(json.dumps(files), encoding="utf-8")


def _newest(output: Path) -> Path | None:
    # The folders of all runs lie side by side.
    found = output.parent.parent.glob(f"*/{output.name}/{_PARSED}")
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)


def _is_misleading(read: Path, files: Json) -> bool:
    try:
        known = json.loads(read.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True
    both = ((known[name], files[name]) for name in known.keys() & files.keys())
    return any(then[0] == now[0] and then[1] != now[1] for then, now in both)


def _state(project: Path, digests: Mapping[str, str]) -> Json:
    """When each file was changed, in nanoseconds, and the SHA-256 of what is in it."""
    state = {}
    for name, digest in digests.items():
        with contextlib.suppress(OSError):
            state[name] = [(project / name).stat().st_mtime_ns, digest]
    return state
