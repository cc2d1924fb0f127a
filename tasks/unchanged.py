"""What the next load takes over from the one before, as it is, instead of making and filling it again."""

import logging
from collections.abc import Iterable, Mapping, Sequence, Set
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

Name = tuple[str, str]
"""Type and identity, as `pg_identify_object` gives them."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What of a dump is made, and what is not because the load shares it with the one before, by number.

    `rows` are what the shared tables hold.
    """

    made: list[Entry]
    shared: Set[Number] = frozenset()
    rows: Mapping[TableName, Rows] = field(default_factory=dict)


def plan(session: Session, holding: Holding, manifest: Manifest, entries: Sequence[Entry], *, recipe: str) -> Plan:
    """Find out what the next load may share with the one before: what is as it was and needs nothing that is not.

    Nothing, unless both have the same recipe. The rows of every table that may be shared are looked at.
    """
    everything, before = Plan(made=list(entries)), _before(holding)
    if before is None or inventory.recipe_of(session, before.load_id) != recipe:
        return everything
    number_of = _numbers(manifest, entries)
    known = {number_of.get((one.type, one.identity), 0): one for one in inventory.contents_of(session, before.load_id)}
    if not known or 0 in known:
        return everything
    altered = _altered(session, known)
    changed = {
        *altered,
        *_changed_tables(manifest, known),
        *_moved_sequences(session, before, manifest, entries),
        *(entry.number for entry in entries if entry.title.startswith(_ALWAYS_MADE)),
    }
    made = ties.made(entries, changed)
    rows = {number: one.rows for number, one in known.items() if one.rows is not None and number not in made}
    touched = inventory.touched(session, {known[number].number[1]: held for number, held in rows.items()})
    spoilt = altered | {number for number in rows if known[number].number[1] in touched}
    made = ties.made(entries, changed | spoilt)
    _tell_of([known[number].identity for number in sorted(spoilt)])
    return Plan(
        made=[entry for entry in entries if entry.number in made],
        shared={one.number for number, one in known.items() if number not in made},
        rows={known[number].place: held for number, held in rows.items() if number not in made},
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


def _numbers(manifest: Manifest, entries: Iterable[Entry]) -> dict[Name, int]:
    """Map each object to the number of the entry that brings it."""
    numbers = {(entry.classid, entry.oid): entry.number for entry in entries if entry.classid}
    brought = zip(manifest.objects, manifest.brought_by, strict=True)
    return {found: numbers[source] for found, source in brought if source in numbers}


def _altered(session: Session, known: Mapping[int, Content]) -> set[int]:
    """Return what is defined otherwise than when the load had come, or is gone."""
    forms = inventory.forms_of(session, [one.number for one in known.values()])
    return {number for number, one in known.items() if forms.get(one.number) != one.form}


def _changed_tables(manifest: Manifest, known: Mapping[int, Content]) -> set[int]:
    """Return the tables of which the dump has other rows than the load."""
    contents = {(table.schema, table.name): manifest.content_of(table) for table in manifest.tables}
    tables = {number: one for number, one in known.items() if one.type == "table"}
    return {n for n, one in tables.items() if one.rows is None or contents.get(one.place) != one.rows.content}


def _moved_sequences(session: Session, before: State, manifest: Manifest, entries: Iterable[Entry]) -> set[int]:
    """Return the sequences that stand elsewhere in the landing than in the dump, be it because somebody used them."""
    home = {place: schema for schema, place in generations.place_of(before).items()}
    named = [(s, n) for _, s, n in session.all(statement("read_landed_sequences"), {"load_id": before.load_id})]
    found = zip(named, positions(session, named), strict=True)
    stands = {(home.get(schema, schema), name): position for (schema, name), position in found}
    moved = {s.oid for s in manifest.sequences if stands.get((s.schema, s.name)) != (s.last_value, s.is_called)}
    return {entry.number for entry in entries if entry.oid in moved and entry.title.startswith("SEQUENCE ")}
