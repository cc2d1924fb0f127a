"""Foreign keys from tables that two loads share to those that each has for itself.

Such a table has a key for each of the two, under one name. The load in the landing has the name; the key that leads to
what is set aside gives it up for as long as that lasts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks import catalogue
from tasks.catalogue import Object
from tasks.postgres import Session
from tasks.statements import quoted, statement


@dataclass(frozen=True)
class Key:
    """A row of `read_keys_between.sql`; the table's name is quoted where it must be."""

    table: str
    classid: int
    objid: int
    name: str
    noted_name: str


def between(session: Session, objects: Sequence[Object], *, load_id: int | None = None) -> list[Key]:
    """List the keys that lead to a load's own objects from what it shares with another one, as that load noted them."""
    tables = [found.objid for found in objects if found.type == "table"]
    rows = session.all(statement("read_keys_between"), {"load_id": load_id, "tables": tables}) if tables else []
    return [Key(*row) for row in rows]


def drop(session: Session, keys: Sequence[Key]) -> None:
    """Drop them, before that to which they lead; must be in a transaction."""
    _alter(session, [(key, f"drop constraint {quoted(key.name)}") for key in keys])


def give_up_names(session: Session, keys: Sequence[Key]) -> None:
    """Let them be called after their numbers; must be in a transaction."""
    _alter(session, [(key, _renaming(key.name, f"{key.objid}__previous")) for key in keys])


def take_names(session: Session, keys: Sequence[Key]) -> None:
    """Let them be called as they were when their load had come; must be in a transaction."""
    _alter(session, [(key, _renaming(key.name, key.noted_name)) for key in keys if key.name != key.noted_name])


def _renaming(old: str, new: str) -> str:
    return f"rename constraint {quoted(old)} to {quoted(new)}"


def _alter(session: Session, changes: Sequence[tuple[Key, str]]) -> None:
    catalogue.hurriedly(session, [f"alter table {key.table} {change}" for key, change in changes])
