"""The three generations of what Towpath makes, and how one becomes another.

Objects live under their own schema's name while they are current, in `<schema>__previous` while they are kept for
those who still read them, in `<schema>__next` while dbt builds them, and pass through `<schema>__dropped` on
their way out. Schemas with these endings are Towpath's own; those without are shared with whoever uses them.

What two loads share lives under its own schema's name for as long as either of them is in place.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from tasks import catalogue, followers, inventory, keys, ledger
from tasks.catalogue import Object
from tasks.errors import DestinationUnfit, LandingOccupied
from tasks.followers import Follower
from tasks.ledger import Holding, State
from tasks.postgres import Session

logger = logging.getLogger(__name__)

NEXT, PREVIOUS, DROPPED = "__next", "__previous", "__dropped"
ENDINGS = (NEXT, PREVIOUS, DROPPED)
_LONGEST_NAME_BYTES = 63
# The ledger's own; and PostgreSQL keeps names that begin with pg_ to itself.
_NAMES_TAKEN = ("towpath", "pg")
FIT_NAMES = (
    f"names may have {_LONGEST_NAME_BYTES - len(PREVIOUS)} bytes, not be towpath or pg, not contain {NEXT} and not end "
    f"with {PREVIOUS} or {DROPPED}"
)


def previous(schema: str) -> str:
    """Return the name under which a schema's last generation is kept."""
    return schema + PREVIOUS


def final_name(name: str) -> str:
    """Return the name that readers know, of a schema or of `schema.model`."""
    schema, dot, model = name.partition(".")
    return schema.replace(NEXT, "") + dot + model


def unfit_names(schemas: Sequence[str]) -> list[str]:
    """List every schema whose name leaves no room for an ending, or has one."""
    too_long = [schema for schema in schemas if len(previous(schema).encode()) > _LONGEST_NAME_BYTES]
    return too_long + [s for s in schemas if s in _NAMES_TAKEN or s.endswith(ENDINGS) or NEXT in s]


def ensure_names_fit(schemas: Sequence[str]) -> None:
    """Raise DestinationUnfit, naming every schema whose name leaves no room for an ending, or has one."""
    if unfit := unfit_names(schemas):
        raise DestinationUnfit(
            f"schemas cannot be landed or published under their names: {', '.join(unfit)}; nothing was changed",
            hint=f"leave them out with [source] exclude_schemas, or rename the models' schemas; {FIT_NAMES}",
        )


def place_of(state: State) -> dict[str, str]:
    """Map a load's own schema names to where its objects are now."""
    return {s: previous(s) if state.place == "previous" else s for s in state.load_schemas}


def load_objects(session: Session, state: State) -> list[Object]:
    """List the objects of a load that are in its place; of what it shares, only the load in the landing says so."""
    return ledger.objects_of(session, list(place_of(state).values()), load_id=state.load_id)


def own_objects(session: Session, state: State) -> list[Object]:
    """List the objects that a load has for itself alone, where they are now: those that move or go when it does."""
    shared = inventory.numbers_beside(session, state.load_id)
    return [o for o in load_objects(session, state) if (o.classid, o.objid) not in shared]


def version_objects(session: Session, state: State) -> list[Object]:
    """List the objects of a version that is published or was before."""
    names = [previous(s) if state.version_state == "previous" else s for s in state.version_schemas]
    return ledger.objects_of(session, names, version_id=state.version_id)


def take_stock(session: Session, state: State) -> list[Object]:
    """Note a version's objects by the numbers that they have now, before they move, and list those that move.

    A model that somebody has built again with dbt by hand has another number than it had, and its name is about to
    change.
    """
    objects = version_objects(session, state)
    in_place = ledger.objects_of(session, state.in_place, version_id=state.version_id)
    ledger.record_objects(session, [*objects, *in_place], version_id=state.version_id)
    return objects


def drop_next(session: Session, holding: Holding) -> None:
    """Drop what a build left that was not published; must be in a transaction."""
    unpublished = [s for s in holding.states if s.version_state in ("building", "built")]
    for state in unpublished:
        catalogue.drop_schemas(session, next_schemas(session, state.target))
        ledger.set_version(session, state.version_id, state="dropped")


def ensure_next_is_free(session: Session, target: str) -> None:
    """Raise LandingOccupied, naming the schemas that are not Towpath's where dbt would build.

    To be asked when what an earlier build left is dropped, or where there is none.
    """
    if strangers := next_schemas(session, target):
        raise LandingOccupied(
            f"{session.database} has schemas that Towpath did not make where dbt would build: "
            f"{', '.join(strangers)}; nothing was changed",
            hint=f"rename them: names with {NEXT} are Towpath's",
        )


def next_schemas(session: Session, target: str) -> list[str]:
    """List the schemas into which dbt builds, with that `target.schema`: named after it, or marked at their end."""
    query = (
        "select nspname::text from pg_catalog.pg_namespace"
        " where pg_catalog.starts_with(nspname::text, %s) or pg_catalog.right(nspname::text, %s) = %s order by 1"
    )
    return [name for (name,) in session.all(query, [target + NEXT, len(NEXT), NEXT])]


def drop_previous(session: Session, holding: Holding) -> None:
    """Drop the version before the published one, and the load that only it reads; must be in a transaction."""
    version, load, published = holding.version("previous"), holding.load_at("previous"), holding.version("published")
    if load is not None and published is not None and load.load_id == published.load_id:
        load = None
    schemas = [previous(schema) for schema in version.version_schemas] if version else []
    schemas += [previous(schema) for schema in load.load_schemas] if load else []
    own = own_objects(session, load) if load is not None else []
    if load is not None:
        keys.drop(session, keys.between(session, own, load_id=load.load_id))
    unread = own if published is None else []
    home = {previous(schema): schema for schema in load.load_schemas} if load else {}
    with _following(session, unread, home):
        catalogue.drop_schemas(session, list(dict.fromkeys(schemas)))
    if version is not None:
        ledger.set_version(session, version.version_id, state="dropped")
    if load is not None:
        ledger.set_load(session, load.load_id, state="dropped", place=None)


def discard_landing(session: Session, holding: Holding) -> None:
    """Drop the load in the landing and bring the one before it back; must be in a transaction."""
    landed, before = holding.load_at("landing"), holding.load_at("previous")
    unwanted = own_objects(session, landed) if landed is not None else []
    if landed is not None:
        keys.drop(session, keys.between(session, unwanted, load_id=landed.load_id))
    with _following(session, unwanted, {}):
        if landed is not None:
            dropped = passing(session, landed.load_schemas)
            catalogue.move(session, unwanted, dropped)
            catalogue.drop_schemas(session, list(dropped.values()))
            ledger.set_load(session, landed.load_id, state="dropped", place=None)
        if before is not None:
            home = {previous(schema): schema for schema in before.load_schemas}
            returning = own_objects(session, before)
            keys.take_names(session, keys.between(session, returning, load_id=before.load_id))
            catalogue.move(session, returning, home)
            catalogue.drop_schemas(session, list(home))
            ledger.set_load(session, before.load_id, state=before.load_state, place="landing")


def _following(
    session: Session, objects: Sequence[Object], renamed: Mapping[str, str]
) -> AbstractContextManager[list[Follower]]:
    if not objects:
        return nullcontext([])
    parts = ledger.all_parts(session, beside=objects)
    state = "nothing was changed, readers see what they saw"
    return followers.carried(session, catalogue.family_of(session, objects), parts, renamed=renamed, state=state)


def passing(session: Session, schemas: Sequence[str]) -> dict[str, str]:
    """Map schemas to the `__dropped` ones through which their objects pass.

    Raises:
        LandingOccupied: somebody has a schema of that name.
    """
    names = {schema: schema + DROPPED for schema in schemas}
    query = "select nspname::text from pg_catalog.pg_namespace where nspname = any(%s) order by 1"
    if taken := [name for (name,) in session.all(query, [list(names.values())])]:
        raise LandingOccupied(
            f"{session.database} has schemas that Towpath did not make where its own would pass: {', '.join(taken)}; "
            "nothing was changed",
            hint=f"rename them: names that end with {DROPPED} are Towpath's",
        )
    return names


def set_aside(session: Session, holding: Holding, *, shared: Collection[tuple[int, int]] = ()) -> None:
    """Move the load in the landing to its `__previous` schemas, but for what the next one is to share with it.

    `shared` are numbers in the catalogues, and nothing of it may depend on what moves, but for foreign keys; must be in
    a transaction.
    """
    landed = holding.load_at("landing")
    if landed is not None:
        going = [o for o in load_objects(session, landed) if (o.classid, o.objid) not in shared]
        keys.give_up_names(session, keys.between(session, going, load_id=landed.load_id))
        catalogue.move(session, going, {s: previous(s) for s in landed.load_schemas})
        ledger.set_load(session, landed.load_id, state=landed.load_state, place="previous")


def is_read(holding: Holding, load: State | None) -> bool:
    """Whether the published version reads that load."""
    published = holding.version("published")
    return load is not None and published is not None and load.load_id == published.load_id
