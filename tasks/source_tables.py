"""The tables of a source: which there are, which of them a role may read, and who keeps it from reading them now."""

from dataclasses import dataclass

from tasks.contents import Entry
from tasks.errors import SourceBusy, SourceUnreadable
from tasks.postgres import Session
from tasks.statements import statement


@dataclass(frozen=True, kw_only=True)
class SourceTable:
    """A row of `read_tables.sql`."""

    oid: int
    schema: str
    name: str
    kind: str
    is_readable: bool
    is_filtered: bool

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def all_tables(session: Session) -> list[SourceTable]:
    """List the tables, partitioned tables and sequences of the source's users, wanted or not."""
    names = SourceTable.__dataclass_fields__
    return [SourceTable(**dict(zip(names, row, strict=True))) for row in session.all(statement("read_tables"))]


def relations_among(tables: list[SourceTable], wanted: list[Entry]) -> list[SourceTable]:
    """Return the tables and sequences that a table of contents defines: a role must be able to read both."""
    numbers = {entry.oid for entry in wanted if entry.title.startswith(("TABLE ", "SEQUENCE "))}
    return [table for table in tables if table.oid in numbers]


def ensure_readable(session: Session, tables: list[SourceTable]) -> None:
    """Raise SourceUnreadable, naming every table that the role may not read, or of which it would see some rows."""
    unreadable = [str(table) for table in tables if not table.is_readable]
    filtered = [str(table) for table in tables if table.is_filtered]
    if unreadable:
        raise SourceUnreadable(
            f"the role may not read {len(unreadable)} tables of {session.database}: {', '.join(unreadable)}; "
            "nothing was dumped",
            hint="grant it pg_read_all_data, or leave the tables out with [source] exclude_tables",
        )
    if filtered:
        raise SourceUnreadable(
            f"row-level security hides rows from the role in {len(filtered)} tables of {session.database}: "
            f"{', '.join(filtered)}; nothing was dumped",
            hint="alter role … bypassrls, or leave the tables out with [source] exclude_tables",
        )


def ensure_unlocked(session: Session, tables: list[SourceTable]) -> None:
    """Raise SourceBusy, naming who keeps which of these tables from being read."""
    if held := locks(session, tables):
        raise SourceBusy(
            f"tables of {session.database} are locked: {', '.join(held)}; nothing was dumped",
            hint="run again when that session has ended (what is prepared: commit prepared or rollback prepared), or "
            "raise [dump] lock_wait_timeout",
        )


def locks(session: Session, tables: list[SourceTable]) -> list[str]:
    """Name who keeps which of these tables from being read: who has locked it, and who waits to."""
    rows = session.all(statement("read_lock_holders"), {"oids": [table.oid for table in tables]})
    return [f"{table} by {holder}" for table, holder in rows]
