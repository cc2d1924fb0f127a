"""The two steps that carry data, called as the tasks call them."""

from collections.abc import Collection
from pathlib import Path

from tasks import dump, landing
from tasks.archive import DumpOptions
from tasks.landing import Load, RestoreOptions
from tasks.manifest import Manifest
from tasks.postgres import Database
from tasks.run_folder import RunFolder
from tasks.tools import Tools

OPTIONS = RestoreOptions(
    jobs=2, timeout_seconds=60, readers_timeout_seconds=5, allow_older=False, rebinds=True, verify="counts"
)


def ignore(percentage: int, text: str) -> None:
    """Nobody watches."""


def dumped(
    source: Database,
    folder: Path,
    tools: Tools,
    options: DumpOptions | None = None,
    *,
    expected: Collection[int] = (),
) -> Manifest:
    """Dump into `folder/dump`."""
    return dump.dump_database(
        source, RunFolder(folder), tools, options or DumpOptions(), expected=expected, listener=ignore
    )


def restored(
    manifest: Manifest, folder: Path, destination: Database, tools: Tools, options: RestoreOptions = OPTIONS
) -> Load:
    """Restore `folder/dump`."""
    path = RunFolder(folder).dump
    return landing.restore(manifest, path, destination, tools, options, run="test", listener=ignore)


def copied(source: Database, destination: Database, tools: Tools, folder: Path) -> Load:
    """Dump and restore."""
    return restored(dumped(source, folder, tools), folder, destination, tools)
