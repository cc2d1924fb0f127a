"""What a run that has ended has to say to a lineage catalogue: OpenLineage events, to a file, a server, or both."""

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from tasks import deadline
from tasks.addresses import Address
from tasks.checkpoints import Json
from tasks.errors import SettingInvalid
from tasks.postgres import Database
from tasks.run_folder import RunFolder

_ENDPOINT = "/api/v1/lineage"


@dataclass(frozen=True, kw_only=True)
class LineageOptions:
    """Where to, and how datasets and jobs are named; an empty text is nowhere."""

    file: str
    url: str = field(repr=False)
    api_key: str = field(repr=False)
    namespace: str
    timeout_seconds: float
    database: Callable[[str], Database]


def write_events(report: Json, folder: RunFolder, options: LineageOptions) -> None:
    """Add them to the file, if one is wanted, one a line.

    Raises:
        SettingInvalid: openlineage-python is not installed.
        RuntimeError: the file could not be written.
    """
    if options.file:
        transports = _room("lineage_transports")
        transports.emit(_events(report, folder, options), transports.to_file(Path(options.file).resolve()))


def send_events(report: Json, folder: RunFolder, options: LineageOptions) -> None:
    """Post them to the server, if one is wanted, the run's own first.

    Raises:
        SettingInvalid: openlineage-python is not installed, or the server's address or key cannot be read.
        OSError: it did not take them all, or not in time.
    """
    if not options.url:
        return
    server = Address.from_url(options.url, setting="[lineage] url")
    if not (options.api_key.isascii() and options.api_key.isprintable()):
        raise SettingInvalid(
            "[lineage] api_key cannot be a key (it is not shown): it has line breaks or letters beyond ASCII",
            hint="give the key as the server gave it, in one line",
        )
    transports, path = _room("lineage_transports"), server.path or _ENDPOINT
    transport = transports.to_server(server, path, api_key=options.api_key, timeout_seconds=options.timeout_seconds)
    events = _events(report, folder, options)
    try:
        deadline.within(options.timeout_seconds, lambda: transports.emit(events, transport))
    except OSError as error:
        raise ConnectionError(f"{server} did not take all of {len(events)} events: {error}") from error


def _events(report: Json, folder: RunFolder, options: LineageOptions) -> list[object]:
    columns = _columns(folder.checkpoint("dump").read() or {}) if report["tables"] else {}
    told = _room("lineage_events").Events(
        report, namespace=options.namespace, database=options.database, columns=columns
    )
    return list(told.all())


def _room(name: str) -> ModuleType:
    """Enter a room that knows openlineage: it takes a second, and is an extra that need not be there."""
    try:
        return importlib.import_module(f"tasks.{name}")
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "openlineage":
            raise
        raise SettingInvalid(
            "[lineage] is set, but openlineage-python is not installed",
            hint=f"{sys.executable} -m pip install 'openlineage-python>=1.54,<2'",
        ) from error


def _columns(dumped: Json) -> Mapping[str, Json]:
    """Return the columns of each table of a dump, name and type, by `schema.table`."""
    shapes = dumped.get("catalogue", {}).get("shapes", [])
    return {f"{shape['schema']}.{shape['name']}": shape["columns"] for shape in shapes}
