"""What others hung on the loads and versions that Towpath made: shown to be nothing, or to be able to follow."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager

from tasks import catalogue, followers, generations, inventory, ledger
from tasks.catalogue import Object
from tasks.followers import Follower
from tasks.ledger import Holding, State
from tasks.postgres import Session


def ensure_independent(session: Session, holding: Holding, *, rebinds: bool) -> None:
    """Show that nothing which Towpath did not make depends on what it made or, where it `rebinds`, that it can follow.

    What hangs on the current generation can follow it to the next; what hangs on one that goes, or on models that dbt
    replaces in place, cannot.

    Raises:
        DependentsFound: something is in the way; nothing was changed.
    """
    lasting, passing = _lasting_objects(session, holding), passing_objects(session, holding)
    parts = ledger.all_parts(session, beside=[*lasting, *passing])
    if rebinds:
        on_passing = catalogue.dependents(session, catalogue.family_of(session, passing), parts)
        hanging = [*map(str, on_passing), *followers.obstacles(session, parts, parts)]
    else:
        hanging = [str(found) for found in catalogue.dependents(session, parts, parts)]
    hanging += _strangers(session, holding, [*lasting, *passing])
    if hanging:
        raise catalogue.depended_on(list(dict.fromkeys(hanging)), "nothing was changed, readers see what they saw")


def ensure_readable(
    session: Session, holding: Holding, columns: Mapping[tuple[str, str], Collection[str] | None], *, source: str
) -> None:
    """Show that the views of others on landed tables find in the next load what they read; `columns` is what it has.

    Raises:
        DependentsFound: some would not, and could not follow; nothing was changed.
    """
    objects = _lasting_objects(session, holding)
    parts = ledger.all_parts(session, beside=objects)
    found: list[str] = []
    for state in holding.states:
        home = {place: schema for schema, place in generations.place_of(state).items()}
        landed = [o for o in objects if o.schema in home]
        found += followers.missing(session, landed, parts, columns, renamed=home)
    if found:
        gone = f"{source} has it no longer; nothing was changed, readers see what they saw"
        raise catalogue.depended_on(list(dict.fromkeys(found)), gone)


def followed(
    session: Session, holding: Holding, *, staying: State | None, renamed: Mapping[str, str], state: str
) -> AbstractContextManager[list[Follower]]:
    """Let what others hung on loads and versions, but for a load that stays, follow what the block puts in their place.

    What two loads share stays in any case. Must be in a transaction; see `followers.carried`.
    """
    objects = all_objects(session, holding)
    unmoved = inventory.numbers_shared(session)
    if staying is not None:
        unmoved |= {(o.classid, o.objid) for o in generations.load_objects(session, staying)}
    parts = ledger.all_parts(session, beside=objects)
    moving = catalogue.family_of(session, [o for o in objects if (o.classid, o.objid) not in unmoved])
    return followers.carried(session, moving, parts, renamed=renamed, state=state)


def all_objects(session: Session, holding: Holding) -> list[Object]:
    """List what Towpath made, as it is now."""
    return [*_lasting_objects(session, holding), *passing_objects(session, holding)]


def _lasting_objects(session: Session, holding: Holding) -> list[Object]:
    """List the current generation: what is in the landing, what readers see, and the load that this reads."""
    published = holding.version("published")
    loads = {
        state.load_id: state
        for state in holding.states
        if state.place == "landing" or published is None or generations.is_read(holding, state)
    }
    found = [o for state in loads.values() for o in generations.load_objects(session, state)]
    return [*found, *(generations.version_objects(session, published) if published else [])]


def passing_objects(session: Session, holding: Holding) -> list[Object]:
    """List all else that Towpath made, as it is now: of what a failed build has left the ledger has no list."""
    found: list[Object] = []
    for state in holding.states:
        if state.place == "previous" and holding.version("published") and not generations.is_read(holding, state):
            found += generations.load_objects(session, state)
        if state.version_state == "previous":
            found += generations.version_objects(session, state)
        if state.version_state in ("building", "built"):
            found += catalogue.living_in(session, generations.next_schemas(session, state.target))
        found += ledger.objects_of(session, state.in_place, version_id=state.version_id)
    return found


def _strangers(session: Session, holding: Holding, objects: Sequence[Object]) -> list[str]:
    """Name what somebody put into a `__previous` schema, which is to be dropped whole."""
    ours = {(found.classid, found.objid) for found in objects}
    load, version = holding.load_at("previous"), holding.version("previous")
    schemas = [*(load.load_schemas if load else []), *(version.version_schemas if version else [])]
    living = catalogue.living_in(session, [generations.previous(schema) for schema in schemas])
    return [f"{o.type} {o.identity} (in it)" for o in living if (o.classid, o.objid) not in ours]
