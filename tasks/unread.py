"""Tables that need not be read: the source shows that they are as in an earlier dump, whose files are taken over."""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.checkpoints import digest_of_file
from tasks.manifest import Manifest, Table
from tasks.moment import Moment
from tasks.postgres import Session
from tasks.row_sources import RowSource
from tasks.run_folder import RunFolder
from tasks.statements import with_names
from tasks.unloading import Unloaded

logger = logging.getLogger(__name__)

# So many tables in one statement: it holds a lock on each until its end.
_AT_ONCE = 500


@dataclass(frozen=True)
class Earlier:
    """A dump of the same source, and where it is."""

    folder: Path
    manifest: Manifest
    moment: Moment


def earlier_dump(folder: RunFolder, definitions: str, now: Moment | None, database: tuple[str, int]) -> Earlier | None:
    """Return the newest dump of another run, of the same database and definitions, of a moment that led to this."""
    beside = [RunFolder(path) for path in folder.path.parent.glob("*/") if path != folder.path]
    kept = [run for run in beside if run.dump.is_dir()]
    for run in sorted(kept, key=_written_at, reverse=True):
        content = run.checkpoint("dump").read()
        if content is None:
            continue
        manifest = Manifest.from_json(content)
        then = manifest.moment
        is_of_the_same = (manifest.system_identifier, manifest.database_oid) == database
        if is_of_the_same and manifest.definitions == definitions and now and then and then.leads_to(now):
            return Earlier(run.dump, manifest, then)
    return None


def _written_at(run: RunFolder) -> float:
    # Another process may tidy it away.
    with suppress(OSError):
        return run.checkpoint("dump").path.stat().st_mtime
    return 0


def take_over(session: Session, sources: Sequence[RowSource], earlier: Earlier, directory: Path) -> list[Unloaded]:
    """Link the files of those tables that are as they were into a new dump, and return these tables.

    By the rules of visibility: what a later snapshot sees and an earlier one did not was written by a transaction that
    the earlier one may not have seen. If there is no such row, and there are as many as before, none is gone either.
    """
    known = {table.oid: table for table in earlier.manifest.tables if table.with_data}
    alike = [source for source in sources if _is_alike(source, known.get(source.oid))]
    taken = []
    for source in _unwritten(session, alike, {oid: table.rows for oid, table in known.items()}, earlier.moment):
        table = known[source.oid]
        files = {name: earlier.manifest.files[name] for name in table.files}
        if all(_link(earlier.folder / name, directory / name, str(file["sha256"])) for name, file in files.items()):
            taken.append(Unloaded(source=source, rows=table.rows, files=dict(files)))
        else:
            # What is read in its place must not be written through a link.
            for name in files:
                (directory / name).unlink(missing_ok=True)
    return taken


def _is_alike(source: RowSource, table: Table | None) -> bool:
    if table is None:
        return False
    now = (source.schema, source.name, source.columns, source.is_binary, source.form)
    then = (table.schema, table.name, table.columns, table.is_binary, table.form)
    return now == then and source.form is not None and bool(table.files)


def _unwritten(
    session: Session, sources: Sequence[RowSource], rows: Mapping[int, int], then: Moment
) -> list[RowSource]:
    found: set[tuple[int, int, int]] = set()
    for begin in range(0, len(sources), _AT_ONCE):
        asked = sources[begin : begin + _AT_ONCE]
        # age() takes the way around the end of 32 bits; a row that is older than half of them seems new, and is read.
        each = [
            f"select {source.oid}, count(*), count(*) filter (where pg_catalog.age(xmin) <= {{age}}) from only {{}}"
            for source in asked
        ]
        query = " union all ".join(each).replace("{age}", f"pg_catalog.age('{then.oldest_unseen}'::xid)")
        found.update(session.all(with_names(query, *((source.schema, source.name) for source in asked))))
    same = {oid for oid, count, new in found if count == rows[oid] and new == 0}
    return [source for source in sources if source.oid in same]


def _link(old: Path, new: Path, sha256: str) -> bool:
    """Whether the file is there, as it was written, and its disk lets it have a second name."""
    with suppress(OSError):
        new.parent.mkdir(exist_ok=True)
        new.unlink(missing_ok=True)
        os.link(old, new)
        if digest_of_file(new) == sha256:
            return True
    with suppress(OSError):
        new.unlink(missing_ok=True)
    return False
