"""The version before, back before readers' eyes, and the landing that it reads with it."""

import functools
import logging
import time
from collections.abc import Mapping, Sequence

from tasks import catalogue, claims, dependents, generations, keys, ledger, patience
from tasks.catalogue import Object
from tasks.errors import NothingToRollBack
from tasks.generations import DROPPED, previous
from tasks.ledger import State, read_holding
from tasks.postgres import Database, Session
from tasks.progress import Listener, unheard

logger = logging.getLogger(__name__)

_KEPT = "readers go on seeing the current version"


def roll_back(
    destination: Database, *, readers_timeout_seconds: float, rebinds: bool, listener: Listener = unheard
) -> tuple[State, State]:
    """Exchange the published version and the one before it, in one transaction; a second time goes forward again.

    No old snapshot need be waited for: those that could not see the previous version were, when it was published.

    Returns:
        The version that readers saw, and the one that they see now.

    Raises:
        DependentsFound: objects that Towpath did not make depend on either version and cannot follow.
        NothingToRollBack: there is no previous version.
        PublishBlocked: readers hold on to the current one.
    """
    started = time.monotonic()
    session = claims.claim(destination)

    def work() -> tuple[State, State]:
        holding = read_holding(session)
        current, before = holding.version("published"), holding.version("previous")
        if current is None or before is None:
            raise NothingToRollBack(
                f"{destination} keeps no version before the one that readers see; nothing was changed",
                hint="it is kept from a publish to the next restore, unless [publish] keep_previous is false",
            )
        dependents.ensure_independent(session, holding, rebinds=rebinds)
        generations.drop_next(session, holding)
        landing = holding.load_at("landing") if current.load_id == before.load_id else None
        with dependents.followed(session, holding, staying=landing, renamed={}, state=_KEPT):
            _exchange(session, current, before)
        return current, before

    listener(0, "exchanging the version that readers see and the one before")
    current, before = patience.patiently(
        session, work,
        timeout_seconds=readers_timeout_seconds, what="rolling back", state=_KEPT, tell=functools.partial(listener, 0),
    )  # fmt: skip
    listener(100, f"readers see load {before.load_id} of run {before.run} again")
    logger.info(
        "rolled back %s from load %d (run %s) to load %d (run %s) in %.1f s",
        destination, current.load_id, current.run, before.load_id, before.run, time.monotonic() - started,
    )  # fmt: skip
    return current, before


def _exchange(session: Session, current: State, before: State) -> None:
    shown, kept = generations.take_stock(session, current), generations.take_stock(session, before)
    _trade(session, shown, current.version_schemas, kept, before.version_schemas)
    catalogue.carry_grants(session, shown, kept, {previous(s): s for s in current.version_schemas})
    if current.load_id != before.load_id:
        landed, aside = generations.own_objects(session, current), generations.own_objects(session, before)
        going = keys.between(session, landed, load_id=current.load_id)
        coming = keys.between(session, aside, load_id=before.load_id)
        keys.give_up_names(session, going)
        keys.take_names(session, coming)
        _trade(session, landed, current.load_schemas, aside, before.load_schemas)
        ledger.set_load(session, current.load_id, state="set aside", place="previous")
        ledger.set_load(session, before.load_id, state="published", place="landing")
    ledger.set_version(session, current.version_id, state="previous")
    ledger.set_version(session, before.version_id, state="published")
    for state in (current, before):
        ledger.rename_objects(session, version_id=state.version_id)


def _trade(
    session: Session, shown: Sequence[Object], shown_in: Sequence[str], kept: Sequence[Object], kept_of: Sequence[str]
) -> None:
    """Exchange two generations by way of `__dropped` schemas, which are empty again at the end."""
    passing = generations.passing(session, shown_in)
    catalogue.move(session, shown, passing)
    catalogue.move(session, kept, {previous(schema): schema for schema in kept_of})
    moved = _now_in(session, shown, list(passing.values()))
    catalogue.move(session, moved, {schema + DROPPED: previous(schema) for schema in shown_in})
    emptied: Mapping[str, None] = dict.fromkeys(previous(s) for s in kept_of if s not in shown_in)
    catalogue.drop_schemas(session, [*passing.values(), *emptied])


def _now_in(session: Session, objects: Sequence[Object], schemas: Sequence[str]) -> list[Object]:
    numbers = {(o.classid, o.objid) for o in objects}
    return [o for o in catalogue.living_in(session, schemas) if (o.classid, o.objid) in numbers]
