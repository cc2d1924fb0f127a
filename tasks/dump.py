"""Source to a folder of definitions and rows: one snapshot, taken after the locks, its rows counted as they come."""

import functools
import logging
import time
from collections.abc import Collection, Sequence
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks import contents, crew, dump_folder, proof, selection, shapes, unloading, unread
from tasks.amounts import size
from tasks.archive import DumpOptions
from tasks.checkpoints import Json, files_in, sizes_in
from tasks.dump_folder import DEFINITIONS
from tasks.errors import DumpFailed, PipelineError
from tasks.manifest import Manifest, Table
from tasks.moment import if_lasting
from tasks.postgres import Database, Session, connect
from tasks.progress import AFTER_TABLES, Listener, Progress
from tasks.proof import Measured, TableName
from tasks.psql import Psql
from tasks.row_sources import RowSource, read_row_sources
from tasks.run_folder import RunFolder
from tasks.snapshot import Snapshot, held_snapshot
from tasks.source_tables import SourceTable
from tasks.tools import Tools
from tasks.unloading import Unloaded, Unloading

logger = logging.getLogger(__name__)

# Percent done by then.
_DESCRIBING = 95
# What a program that failed does not know may be known to this session a moment later.
_CAUSE_SECONDS = 2
_UNTOUCHED = "the destination was not touched"


def dump_database(
    source: Database,
    folder: RunFolder,
    tools: Tools,
    options: DumpOptions,
    *,
    expected: Collection[int] = (),
    listener: Listener,
) -> Manifest:
    """Dump the source into `folder.dump`, whole and flushed to disk or not at all, and describe it.

    `expected` are the numbers of the tables that were to be dumped when somebody looked.

    Raises:
        SourceUnreadable, SourceEmpty, SourceBusy, SourceUncopyable: before a row was read.
        DumpFailed: pg_dump or psql failed.
        ArtifactsUnwritable: the disk is full or the folder not ours.
    """
    started = time.monotonic()
    listener(0, f"locking the tables of {source}")
    with folder.unfinished(folder.dump) as directory, connect(source) as session:
        job = _Job(session=session, tools=tools, options=options, folder=folder, directory=directory)
        without_rows = selection.without_rows(session, tools, options, directory.parent)
        with held_snapshot(session, tools, options, directory / DEFINITIONS, expected=expected) as snapshot:
            selection.ensure_copyable(session, snapshot.wanted, options, large_objects=snapshot.large_objects)
            unloaded, measured = _unload(job, snapshot, without_rows, listener)
            listener(_DESCRIBING, "describing what was dumped")
            content = _describe(job, snapshot, without_rows, unloaded)
        content["tables"] = [_table_of(table, unloaded, measured, without_rows) for table in snapshot.tables]
        known = {name: file for table in unloaded.values() for name, file in table.files.items() if file}
        dump_folder.explain(directory, content)
        seconds = round(time.monotonic() - started, 3)
        manifest = Manifest(files=files_in(directory, known=known), seconds=seconds, **content)
    logger.info(
        "dumped %s to %s: %d tables, %d rows, %d bytes in %.1f s",
        source, folder.dump, len(manifest.tables), manifest.rows, manifest.bytes, manifest.seconds,
    )  # fmt: skip
    listener(100, f"dumped {len(manifest.tables)} tables, {manifest.rows} rows, {size(manifest.bytes)}")
    if manifest.left_out:
        logger.warning("left out, because it belongs to no schema or is not copied: %s", "; ".join(manifest.left_out))
    return manifest


@dataclass(frozen=True, kw_only=True)
class _Job:
    session: Session
    tools: Tools
    options: DumpOptions
    folder: RunFolder
    directory: Path

    @functools.cached_property
    def definitions(self) -> str:
        """The digest of what defines all that is dumped."""
        file, seconds = self.directory / DEFINITIONS, self.options.timeout_seconds
        return contents.digest(self.tools.pg_restore, file, timeout_seconds=seconds)


def _unload(
    job: _Job, snapshot: Snapshot, without_rows: set[int], listener: Listener
) -> tuple[dict[int, Unloaded], dict[TableName, Measured]]:
    """Let psql carry the rows, a few tables at a time, while this session, which holds the snapshot, digests them.

    Returns:
        What was unloaded of the tables that may have rows, by number; what was measured, by schema and name.
    """
    session, options = job.session, job.options
    sources = read_row_sources(session, [t.oid for t in snapshot.tables if t.oid not in without_rows])
    taken = _take_over(job, snapshot, sources) if options.takes_over else []
    as_before = {table.source.oid for table in taken}
    sources = [source for source in sources if source.oid not in as_before]
    shipments = unloading.plan(sources, options.compress, server_version=session.server_version)
    is_digested = options.verify == "checksums"
    names = [(table.schema, table.name) for table in snapshot.tables] if is_digested else []
    sizes = {str(source): source.rows_bytes for source in sources}
    with ThreadPoolExecutor(1) as threads, Progress("dumping", sizes, listener, at_work=options.jobs) as progress:
        unload = Unloading(
            psql=Psql(session, job.tools.psql, time.monotonic() + options.timeout_seconds),
            snapshot=snapshot.name,
            directory=job.directory,
            compression=options.compress,
            begin=progress.begin,
        )
        measuring = threads.submit(proof.measure, session, names, options.verify, state=_UNTOUCHED)
        try:
            crew.side_by_side(unload.work(shipments), jobs=options.jobs)
        except BaseException as error:
            try:
                # Where the source went away, or a statement failed in the snapshot, the programs name a symptom.
                if isinstance(error, DumpFailed) and futures.wait([measuring], timeout=_CAUSE_SECONDS).done:
                    measuring.result()
                    session.ensure_in_reach()
            finally:
                session.give_up()
            with suppress(PipelineError):
                measuring.result()
            raise
        if not measuring.done():
            listener(AFTER_TABLES, "all tables are dumped; their rows are still being digested in the source")
        tables = [*taken, *(piece.table for shipment in shipments for piece in shipment)]
        return {table.source.oid: table for table in tables}, measuring.result()


def _take_over(job: _Job, snapshot: Snapshot, sources: Sequence[RowSource]) -> list[Unloaded]:
    database = snapshot.system_identifier, snapshot.database_oid
    earlier = unread.earlier_dump(job.folder, job.definitions, snapshot.moment, database)
    taken = unread.take_over(job.session, sources, earlier, job.directory) if earlier else []
    if taken and earlier:
        logger.info("%d tables are as in %s: its files are taken over, they are not read", len(taken), earlier.folder)
    return taken


def _describe(job: _Job, snapshot: Snapshot, without_rows: set[int], unloaded: dict[int, Unloaded]) -> Json:
    """Say what the snapshot holds besides rows, in the words of the manifest."""
    session = job.session
    described = selection.describe(session, snapshot.wanted, job.options, without_rows)
    large_objects = [f"LARGE OBJECTS - {snapshot.large_objects}"] if snapshot.large_objects else []
    rows = {table.oid: unloaded[table.oid].rows if table.oid in unloaded else 0 for table in snapshot.tables}
    return {
        **described,
        "left_out": [*described["left_out"], *large_objects],
        "source": str(session.database),
        "server_version": session.server_version,
        "system_identifier": snapshot.system_identifier,
        "database_oid": snapshot.database_oid,
        "snapshot_at": snapshot.taken_at,
        "lsn": snapshot.lsn,
        "definitions": job.definitions,
        "pg_dump": job.tools.pg_dump.version,
        "moment": if_lasting(session, snapshot.moment, snapshot.taken_at),
        "catalogue": shapes.read_catalogue(session, snapshot.wanted, rows).to_json(),
    }


def _table_of(
    table: SourceTable,
    unloaded: dict[int, Unloaded],
    measured: dict[TableName, Measured],
    without_rows: set[int],
) -> Table:
    found, digested = unloaded.get(table.oid), measured.get((table.schema, table.name))
    return Table(
        oid=table.oid,
        schema=table.schema,
        name=table.name,
        rows=found.rows if found else 0,
        bytes=found.source.table_bytes if found else 0,
        rows_bytes=found.source.rows_bytes if found else 0,
        with_data=table.kind == "r" and table.oid not in without_rows,
        columns=found.source.columns if found else [],
        is_binary=found is not None and found.source.is_binary,
        files=list(found.files) if found else [],
        form=found.source.form if found else None,
        digest=digested.digest if digested else None,
    )


def is_in_place(directory: Path, manifest: Manifest) -> bool:
    """Whether the dump's files are there in the sizes that the manifest has; their digests are compared on loading."""
    return sizes_in(directory) == {name: file["bytes"] for name, file in manifest.files.items()}
