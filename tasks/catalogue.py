"""What lives in the destination's schemas, what depends on it, and how it moves, all from the system catalogues.

Objects are told by their numbers in the catalogues (`classid`, `objid`): these stay while names and schemas change.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.errors import DependentsFound
from tasks.postgres import Session
from tasks.statements import quoted, statement, with_names

logger = logging.getLogger(__name__)

# Who waits for us is to be free again within a second (`patience.py` says why): a wait is next to nothing once we have
# held locks for half of that.
_PATIENCE_SECONDS = 0.5
_HURRIED_LOCK_TIMEOUT_MS = 10
_SHOWN = 20
# Statements that make one journey to the server.
_AT_ONCE = 50


@dataclass(frozen=True)
class Part:
    """An object, or a part of one (an index, a constraint, a row type), as the ledger remembers it."""

    classid: int
    objid: int
    name: str


@dataclass(frozen=True)
class Object:
    """An object that lives in a schema by itself; type and identity as `pg_identify_object` gives them.

    `is_owned` says whether the session's role owns it.
    """

    classid: int
    objid: int
    type: str
    schema: str
    identity: str
    is_owned: bool
    owner: str


@dataclass(frozen=True)
class Dependent:
    """What depends on something else, `needed`; `owner` is empty where it has none of its own."""

    classid: int
    objid: int
    type: str
    identity: str
    needed: str
    owner: str

    def __str__(self) -> str:
        return f"{self.type} {self.identity}{self.owner and f' of {self.owner}'} (on {self.needed})"


def living_in(session: Session, schemas: Iterable[str]) -> list[Object]:
    """List what lives in these schemas by itself, extensions and their members excepted, in an order to move it."""
    rows = session.all(statement("read_living"), {"schemas": list(schemas)})
    return [Object(*row) for row in rows]


def family_of(session: Session, objects: Sequence[Object | Part | Dependent]) -> list[Part]:
    """List these objects with all that is part of them."""
    rows = session.all(statement("read_family"), _numbers(objects))
    return [Part(*row) for row in rows]


def dependents(session: Session, objects: Sequence[Object | Part], allowed: Sequence[Part]) -> list[Dependent]:
    """List what depends on these objects and is not allowed to."""
    rows = session.all(
        statement("read_dependents"),
        {
            **_numbers(objects),
            "allowed_classids": [part.classid for part in allowed],
            "allowed_objids": [part.objid for part in allowed],
            "allowed_names": [part.name for part in allowed],
        },
    )
    return [Dependent(*row) for row in rows]


def move(session: Session, objects: Iterable[Object], schemas: Mapping[str, str]) -> None:
    """Move objects from the schemas that are keys to those that are values; must be in a transaction.

    Whatever refers to them follows, being bound by number.
    """
    for schema in dict.fromkeys(schemas.values()):
        session.run(with_names("create schema if not exists {}", schema))
    # An identity is quoted by the server itself. "routine f()" is right for functions, procedures and aggregates;
    # "aggregate f()" would have to be "aggregate f(*)".
    kinds = {found: _KEYWORDS.get(found.type, found.type) for found in objects}
    hurriedly(session, [f"alter {kinds[o]} {o.identity} set schema {quoted(schemas[o.schema])}" for o in kinds])


def hurriedly(session: Session, statements: Sequence[str]) -> None:
    """Run statements that lock, many at a time."""
    hurries = False
    for begin in range(0, len(statements), _AT_ONCE):
        hurries = hurries or hurry(session)
        session.run(";\n".join(statements[begin : begin + _AT_ONCE]))


def hurry(session: Session) -> bool:
    """Wait for locks next to nothing from now on, once we have held some for a while; whether that is so."""
    if has_held_long := session.seconds_in_transaction > _PATIENCE_SECONDS:
        session.run(f"set local lock_timeout = {_HURRIED_LOCK_TIMEOUT_MS}")
    return has_held_long


_KEYWORDS = {
    "function": "routine",
    "procedure": "routine",
    "aggregate": "routine",
    "window function": "routine",
    "statistics object": "statistics",
}


def drop_schemas(session: Session, schemas: Sequence[str]) -> None:
    """Drop schemas of our own with all that is in them, after it is shown that nothing outside needs it.

    Raises:
        DependentsFound: something outside does; nothing is dropped.
    """
    _lock(session, living_in(session, schemas))
    living = living_in(session, schemas)
    if others := [f"{found.type} {found.identity} (in it)" for found in living if not found.is_owned]:
        raise depended_on(others, f"schemas {', '.join(schemas)} are kept as they are")
    # Parts count: somebody's default may use the sequence of a column, somebody's column the type of a table.
    parts = family_of(session, living)
    outside = dependents(session, parts, parts)
    if outside:
        raise depended_on([str(found) for found in outside], f"schemas {', '.join(schemas)} are kept as they are")
    for schema in schemas:
        session.run(with_names("drop schema if exists {} cascade", schema))


def _lock(session: Session, objects: Iterable[Object]) -> None:
    """Keep others from hanging something on these relations between our look at what does and the drop."""
    # `lock table` would lock what a view reads as well, and takes no materialized view.
    relations = [found.identity for found in objects if found.type in _RELATIONS and found.is_owned]
    hurriedly(session, [f"alter table {identity} owner to current_user" for identity in relations])


_RELATIONS = {"table", "view", "materialized view", "foreign table"}


def depended_on(found: Sequence[str], state: str) -> DependentsFound:
    """Put into words that objects are in the way which Towpath did not make."""
    shown = ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if found[_SHOWN:] else "")
    return DependentsFound(
        f"objects that Towpath did not make depend on what it would replace: {shown}; {state}",
        hint="mend what is said of them, drop them, or make them dbt models (these come with each version); run again",
    )


def carry_grants(
    session: Session, old: Sequence[Object | Part], new: Sequence[Object | Part], schemas: Mapping[str, str]
) -> None:
    """Grant on each new relation what its namesake among the old ones grants; old schema to new schema."""
    pairs = {"old_schemas": list(schemas), "new_schemas": list(schemas.values())}
    oids = {"old_oids": [o.objid for o in old], "new_oids": [o.objid for o in new]}
    hurriedly(session, [grant for (grant,) in session.all(statement("read_relation_grants"), {**oids, **pairs})])


def copy_default_privileges(session: Session, old_schema: str, new_schema: str) -> None:
    """Give the new schema the default privileges that this role has set in the old one."""
    schemas = {"old_schema": old_schema, "new_schema": new_schema}
    for (grant,) in session.all(statement("read_default_privileges"), schemas):
        session.run(grant)


def _numbers(objects: Sequence[Object | Part | Dependent]) -> dict[str, list[int]]:
    return {"classids": [o.classid for o in objects], "objids": [o.objid for o in objects]}
