"""What arrived is what left: measured at the source in the dump's snapshot, and in the landing after the load."""

from collections.abc import Sequence

from tasks.errors import CopyDiffers
from tasks.manifest import Manifest
from tasks.postgres import Session
from tasks.snapshot import SourceTable
from tasks.statements import with_names

_COUNT = "select count(*) from only {}"


def count(session: Session, tables: Sequence[SourceTable]) -> dict[int, int]:
    """Count the rows of each table of the source, by the table's number; a partitioned one has none of its own."""
    return {t.oid: session.value(with_names(_COUNT, (t.schema, t.name))) if t.kind == "r" else 0 for t in tables}


def compare(session: Session, manifest: Manifest) -> str:
    """Count what has landed and say in words what was proved.

    Raises:
        CopyDiffers: some tables have other rows than the dump; they are named.
    """
    differing = []
    for table in manifest.tables:
        expected = table.rows if table.with_data else 0
        found = session.value(with_names(_COUNT, (table.schema, table.name)))
        if found != expected:
            differing.append(f"{table} has {expected} rows in the dump but {found} in {session.database}")
    if differing:
        raise CopyDiffers(
            f"{'; '.join(differing)}; the landing is put back as it was, readers see what they saw",
            hint="delete this run's dump.json to dump anew, and run again",
        )
    return "counted on both sides, table by table"
