"""What the next load takes over from the one before, as it is, instead of making and filling it again."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tasks import generations, inventory, ties
from tasks.contents import Entry
from tasks.inventory import Content, Number, Rows, TableName
from tasks.ledger import Holding, State
from tasks.manifest import Manifest
from tasks.postgres import Session
from tasks.remainder import positions
from tasks.statements import statement

logger = logging.getLogger(__name__)

# They may show what they do not depend on: the time, a table that a function reads.
_ALWAYS_MADE = "MATERIALIZED VIEW "
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What of a dump is made, and what is not because the load shares it with the one before: its number, its form.

    `rows` are what the shared tables hold.
    """

    made: list[Entry]
    shared: Mapping[Number, str] = field(default_factory=dict)
    rows: Mapping[TableName, Rows] = field(default_factory=dict)


def plan(session: Session, holding: Holding, manifest: Manifest, entries: Sequence[Entry], *, recipe: str) -> Plan:
    """Find out what the next load may share with the one before: what is as it was and needs nothing that is not.

    Nothing, unless both have the same recipe. The rows of every table that may be shared are looked at.
    """
    everything, before = Plan(made=list(entries)), _before(holding)
    if before is None or inventory.recipe_of(session, before.load_id) != recipe:
        return everything
    number_of = _numbers(manifest, entries)
    known = inventory.contents_of(session, before.load_id)
    if not known or any(one.name not in number_of for one in known):
        return everything
    altered = _altered(session, known)
    changed = {
        *(number_of[one.name] for one in [*altered, *_changed_tables(manifest, known)]),
        *_moved_sequences(session, before, manifest, entries),
        *(entry.number for entry in entries if entry.title.startswith(_ALWAYS_MADE)),
    }
    made = ties.made(entries, changed)
    touched = inventory.touched(session, [one for one in known if number_of[one.name] not in made])
    made = ties.made(entries, changed | {number_of[one.name] for one in touched})
    _tell_of([one.identity for one in [*altered, *touched]])
    kept = [one for one in known if number_of[one.name] not in made]
    return Plan(
        made=[entry for entry in entries if entry.number in made],
        shared={one.number: one.form for one in kept},
        rows={one.place: one.rows for one in kept if one.rows is not None},
    )


def _tell_of(spoilt: Sequence[str]) -> None:
    if spoilt:
        named = ", ".join(spoilt[:_SHOWN]) + (f" and {len(spoilt) - _SHOWN} more" if spoilt[_SHOWN:] else "")
        logger.warning("somebody has changed in the landing what is loaded again now: %s", named)


def _before(holding: Holding) -> State | None:
    """Return the load that gives way to the next one, where it is whole."""
    previous = holding.load_at("previous")
    before = previous if generations.is_read(holding, previous) else holding.load_at("landing")
    return before if before is not None and before.is_load_whole else None


def _numbers(manifest: Manifest, entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    """Map each object, by type and identity, to the number of the entry that brings it, alone or with others."""
    numbers = {(entry.classid, entry.oid): entry.number for entry in entries if entry.classid}
    brought = zip(manifest.objects, manifest.brought_by, strict=True)
    return {found: numbers[source] for found, source in brought if source in numbers}


def _altered(session: Session, known: Sequence[Content]) -> list[Content]:
    """List what is defined otherwise than when the load had come, or is gone."""
    forms = inventory.forms_of(session, [one.number for one in known])
    return [one for one in known if forms.get(one.number) != one.form]


def _changed_tables(manifest: Manifest, known: Sequence[Content]) -> list[Content]:
    """List the tables of which the dump has other rows than the load."""
    contents = {(table.schema, table.name): manifest.content_of(table) for table in manifest.tables}
    tables = [one for one in known if one.type == "table"]
    return [one for one in tables if one.rows is None or contents.get(one.place) != one.rows.content]


def _moved_sequences(session: Session, before: State, manifest: Manifest, entries: Iterable[Entry]) -> set[int]:
    """Return the sequences that stand elsewhere in the landing than in the dump, be it because somebody used them."""
    home = {place: schema for schema, place in generations.place_of(before).items()}
    named = [(s, n) for _, s, n in session.all(statement("read_landed_sequences"), {"load_id": before.load_id})]
    found = zip(named, positions(session, named), strict=True)
    stands = {(home.get(schema, schema), name): position for (schema, name), position in found}
    moved = {s.oid for s in manifest.sequences if stands.get((s.schema, s.name)) != (s.last_value, s.is_called)}
    return {entry.number for entry in entries if entry.oid in moved and entry.title.startswith("SEQUENCE ")}
