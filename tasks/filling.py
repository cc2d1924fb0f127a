"""What of a dump is made in the landing, in the order in which it can be: tables, rows, indexes, keys, what is left."""

import time
from collections.abc import Sequence

from tasks import crew, loading, remainder
from tasks.archive import Restoring
from tasks.contents import Entry
from tasks.errors import RestoreFailed, StatementFailed
from tasks.indexing import Indexing
from tasks.inventory import Rows, TableName
from tasks.loading import Loading
from tasks.manifest import Manifest, Table
from tasks.postgres import Session
from tasks.progress import AFTER_TABLES, Listener, Progress
from tasks.psql import Psql
from tasks.statements import with_names
from tasks.tools import Tool
from tasks.unchanged import Plan

_WITH_STATISTICS = ("STATISTICS ", "INDEX ")
# An index just made lies on the disk in its own order, and all rows are frozen: to read it alone, which is a part of
# its table, checks a key in half the time. By itself a server takes that for a walk from place to place.
_INDEXES_IN_ORDER = {"random_page_cost": "1"}


def fill(
    restoring: Restoring,
    manifest: Manifest,
    psql: Tool,
    plan: Plan,
    *,
    indexing: Indexing,
    jobs: int,
    listener: Listener,
) -> dict[TableName, Rows]:
    """Make the tables, fill them and index each as soon as it is full, then all that needs the rows of several.

    Foreign keys come last, by themselves: beside other entries two of pg_restore's jobs may deadlock, when one attaches
    a partition's index while another adds a key that refers to the partitioned table (seen once in a hundred loads).

    Returns:
        What the tables hold, also those that are shared.

    Raises:
        RestoreFailed, CopyDiffers, DatabaseUnreachable, ArtifactsUnwritable: some of it may be there.
    """
    session, parts = restoring.session, indexing.parts(plan.made, manifest.foreign_keys)
    restoring.make(parts.others, section="pre-data", jobs=1)
    made = [table for table in manifest.tables if (table.schema, table.name) not in plan.rows]
    tables = [table for table in made if table.rows]
    shipments = loading.plan(tables, parts.others)
    with Progress("restoring", {str(t): t.rows_bytes for t in tables}, listener, at_work=jobs) as progress:
        deadline = time.monotonic() + restoring.timeout_seconds
        carrier = Psql(session, psql, deadline, settings=(("synchronous_commit", "off"),))
        load = Loading(psql=carrier, restoring=restoring, jobs=jobs, begin=progress.begin)
        crew.side_by_side(load.work(shipments), jobs=jobs)
    listener(AFTER_TABLES, f"adding {len(parts.checked)} foreign keys, and what else needs several tables")
    done = {entry.number for shipment in shipments for entry in shipment.indexes}
    rest = [entry for entry in parts.others if entry.number not in done]
    restoring.make(rest, section="post-data", jobs=jobs)
    restoring.make(parts.checked, section="post-data", jobs=jobs, settings=_INDEXES_IN_ORDER)
    remainder.add_unchecked(session, parts.unchecked)
    restoring.make(parts.hanging, section="post-data", jobs=1)
    try:
        _finish(session, manifest, plan, made, rest)
    except StatementFailed as error:
        raise RestoreFailed(
            f"the landing could not be completed: {error.message}; it is being put back as it was, readers see what "
            "they saw",
            hint="mend the cause and run again: the dump is kept",
        ) from error
    written = {(t.schema, t.name): Rows(manifest.content_of(t), t.rows, load.writers.get(t.oid)) for t in made}
    return {**plan.rows, **written}


def _finish(session: Session, manifest: Manifest, plan: Plan, made: Sequence[Table], rest: Sequence[Entry]) -> None:
    """Bring sequences to where they stood, fill materialized views, gather the statistics that are still missing."""
    numbers = {entry.oid for entry in plan.made}
    remainder.set_sequences(session, [state for state in manifest.sequences if state.oid in numbers])
    remainder.fill(session, manifest.materialized)
    # Those with rows are analyzed already, but for what has come since; among the others are parents of partitions.
    of_entry = {entry.number: entry.oid for entry in plan.made if entry.title.startswith("TABLE ")}
    late = {of_entry.get(n) for e in rest if e.title.startswith(_WITH_STATISTICS) for n in e.depends_on}
    if names := [(table.schema, table.name) for table in made if not table.rows or table.oid in late]:
        # The commits of each table need not wait for the disk: the next one, which does, keeps them all.
        waits = session.value("select pg_catalog.current_setting('synchronous_commit')")
        session.run("set synchronous_commit = off")
        session.run(with_names(f"analyze {', '.join(['{}'] * len(names))}", *names))
        session.run(f"set synchronous_commit = {waits}")
