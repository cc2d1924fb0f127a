"""Source to one pg_dump directory: one snapshot, taken after the locks, its rows measured."""

import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tasks import archive, proof, selection, shapes
from tasks.amounts import size
from tasks.archive import DumpOptions, Entry
from tasks.checkpoints import files_in, sizes_in
from tasks.errors import DumpFailed, PipelineError
from tasks.manifest import Manifest, Table
from tasks.postgres import Database, Session, connect
from tasks.progress import AFTER_TABLES, Listener, Progress
from tasks.proof import Measured, TableName
from tasks.run_folder import RunFolder
from tasks.selection import table_numbers
from tasks.snapshot import Snapshot, held_snapshot
from tasks.tools import Tool, Tools

logger = logging.getLogger(__name__)

# Percent done by then.
_DIGESTING = 95
_BEGUN = re.compile(r'dumping contents of table "(.+)"$')


def dump_database(
    source: Database, folder: RunFolder, tools: Tools, options: DumpOptions, *, listener: Listener
) -> Manifest:
    """Dump the source into `folder.dump`, whole and flushed to disk or not at all, and describe it.

    Raises:
        SourceUnreadable, SourceEmpty, SourceBusy, SourceUncopyable: before a row was read.
        DumpFailed: pg_dump failed, or its dump lacks a table of the snapshot.
        ArtifactsUnwritable: the disk is full or the folder not ours.
    """
    started = time.monotonic()
    listener(0, f"locking the tables of {source}")
    with folder.unfinished(folder.dump) as directory, connect(source) as session:
        with held_snapshot(session, tools, options, directory.parent) as snapshot:
            selection.ensure_copyable(session, snapshot.wanted, options, large_objects=snapshot.large_objects)
            measured = _dump_and_measure(session, snapshot, tools.pg_dump, options, directory, listener=listener)
            described = selection.describe(session, snapshot.wanted, options)
            keys = selection.orphaned_keys(session, snapshot.wanted)
            catalogue = shapes.read_catalogue(session, snapshot.wanted, _rows_of(snapshot, measured))
        contents = archive.entries(tools.pg_restore, directory, timeout_seconds=options.timeout_seconds)
        listener(_DIGESTING, "digesting the files of the dump")
        manifest = Manifest(
            source=str(source),
            system_identifier=snapshot.system_identifier,
            database_oid=snapshot.database_oid,
            server_version=session.server_version,
            pg_dump=tools.pg_dump.version,
            snapshot_at=snapshot.taken_at,
            lsn=snapshot.lsn,
            tables=_tables_of(snapshot, measured, contents, source),
            files=files_in(directory),
            catalogue=catalogue.to_json(),
            left_out=[*archive.left_out(contents), *(key.title for key in keys), *_large_objects(snapshot)],
            seconds=round(time.monotonic() - started, 3),
            **described,
        )
    logger.info(
        "dumped %s to %s: %d tables, %d rows, %d bytes in %.1f s",
        source, folder.dump, len(manifest.tables), manifest.rows, manifest.bytes, manifest.seconds,
    )  # fmt: skip
    listener(100, f"dumped {len(manifest.tables)} tables, {manifest.rows} rows, {size(manifest.bytes)}")
    if manifest.left_out:
        logger.warning("left out, because it belongs to no schema or is not copied: %s", "; ".join(manifest.left_out))
    return manifest


def _dump_and_measure(
    session: Session, snapshot: Snapshot, tool: Tool, options: DumpOptions, directory: Path, *, listener: Listener
) -> dict[TableName, Measured]:
    """Run pg_dump while this session, which holds the snapshot, counts and digests."""
    names = [(table.schema, table.name) for table in snapshot.tables]
    state = "the destination was not touched"
    arguments = ["--format=directory", f"--jobs={options.jobs}", f"--snapshot={snapshot.name}"]
    sizes = {str(table): snapshot.sizes_bytes[table.oid] for table in snapshot.tables}
    with ThreadPoolExecutor(1) as threads, Progress("dumping", sizes, listener, at_work=options.jobs) as progress:
        measuring = threads.submit(proof.measure, session, names, options.verify, state=state)

        def on_line(line: str) -> None:
            if match := _BEGUN.search(line):
                progress.begin(match[1])

        try:
            archive.pg_dump(session, tool, options, directory, arguments, on_line=on_line)
        except BaseException as error:
            if isinstance(error, DumpFailed) and measuring.done():
                # Where the source went away, or a statement failed in the snapshot, pg_dump names a symptom.
                measuring.result()
                session.ensure_in_reach()
            session.give_up()
            with suppress(PipelineError):
                measuring.result()
            raise
        if not measuring.done():
            listener(AFTER_TABLES, "all tables are dumped; their rows are still being measured in the source")
        return measuring.result()


def _rows_of(snapshot: Snapshot, measured: dict[TableName, Measured]) -> dict[int, int]:
    return {table.oid: measured[table.schema, table.name].rows for table in snapshot.tables}


def _large_objects(snapshot: Snapshot) -> list[str]:
    return [f"LARGE OBJECTS - {snapshot.large_objects}"] if snapshot.large_objects else []


def _tables_of(
    snapshot: Snapshot, measured: dict[TableName, Measured], contents: list[Entry], source: Database
) -> list[Table]:
    filled = {entry.oid for entry in contents if entry.brings_rows}
    defined = table_numbers(contents)
    if defined != {table.oid for table in snapshot.tables}:
        raise DumpFailed(
            f"pg_dump of {source} wrote {len(defined)} tables where the snapshot has {len(snapshot.tables)}; "
            "the dump was thrown away, the destination was not touched",
            hint="run again when no migration is running on the source",
        )
    return [
        Table(
            schema=table.schema,
            name=table.name,
            rows=measured[table.schema, table.name].rows,
            bytes=snapshot.sizes_bytes[table.oid],
            with_data=table.oid in filled,
            digest=measured[table.schema, table.name].digest,
        )
        for table in snapshot.tables
    ]


def is_in_place(directory: Path, manifest: Manifest) -> bool:
    """Whether the dump's files are there in the sizes that the manifest has; their digests are compared on loading."""
    return sizes_in(directory) == {name: file["bytes"] for name, file in manifest.files.items()}
