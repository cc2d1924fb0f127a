"""Tested models to readers: wait for those who could see neither version whole, then swap in one transaction."""

import functools
import logging
import time
from dataclasses import dataclass

from tasks import catalogue, claims, dependents, generations, ledger, patience
from tasks.errors import DestinationBusy, LandingOccupied
from tasks.generations import NEXT, previous
from tasks.ledger import State, read_holding
from tasks.postgres import Database, Session
from tasks.progress import Listener, unheard

logger = logging.getLogger(__name__)

_GATE_SLICE_SECONDS = 2
# Percent done by then.
_READERS_ARE_GONE = 50
_KEPT = "readers go on seeing the old version, the new one is built and kept"


@dataclass(frozen=True, kw_only=True)
class PublishOptions:
    """How long to wait for readers, in seconds, whether to keep what they saw, whether views of others follow."""

    readers_timeout_seconds: float
    keep_previous: bool
    rebinds: bool


@dataclass(frozen=True, kw_only=True)
class Publication:
    """The version that readers see from now on, and the views of others that follow it."""

    version_id: int
    schemas: list[str]
    followers: list[str]
    waited_seconds: float
    seconds: float


def publish(
    load_id: int, dbt_digest: str, destination: Database, options: PublishOptions, *, listener: Listener = unheard
) -> Publication:
    """Show a built version to readers, all of it at once.

    Raises:
        DestinationBusy: the version is not there any more.
        DependentsFound: objects that Towpath did not make depend on the version that would go.
        LandingOccupied: an object that Towpath did not make bears the name of a model.
        PublishBlocked: readers held on to the old version for too long; they go on seeing it.
    """
    started = time.monotonic()
    session = claims.claim(destination)
    holding = read_holding(session)
    published = holding.version("published")
    if published is not None and holding.has_version(load_id, dbt_digest, "published"):
        return _publication(published, [], waited=0, seconds=0)
    if not holding.has_version(load_id, dbt_digest, "built"):
        raise DestinationBusy(
            f"the version to be published, of load {load_id}, is no longer in {destination}; readers see what they saw",
            hint="run again: what is missing is built anew",
        )
    listener(0, "waiting for readers whose snapshot is older than the new version")
    _wait_for_old_snapshots(session, options, listener)
    waited = time.monotonic() - started
    listener(_READERS_ARE_GONE, "showing the new version to readers, in one transaction")
    version, following = _swap(session, options, listener)
    seconds = time.monotonic() - started
    logger.info(
        "published load %d in %s: schemas %s, %.1f s of %.1f s spent waiting for readers",
        load_id, destination, ", ".join(version.version_schemas), waited, seconds,
    )  # fmt: skip
    listener(100, f"readers see load {load_id}, in {', '.join(version.version_schemas)}")
    return _publication(version, following, waited=waited, seconds=seconds)


def _publication(version: State, following: list[str], *, waited: float, seconds: float) -> Publication:
    return Publication(
        version_id=version.version_id,
        schemas=version.version_schemas,
        followers=following,
        waited_seconds=round(waited, 3),
        seconds=round(seconds, 3),
    )


def _wait_for_old_snapshots(session: Session, options: PublishOptions, listener: Listener) -> None:
    """Wait until no session holds a snapshot in which the new tables are still empty.

    `create index concurrently` waits for exactly these, whichever role they are of, and obeys lock_timeout; to
    look into pg_stat_activity for them would take pg_read_all_stats.
    """

    def attempt() -> None:
        session.run("drop index if exists towpath.readers_gate_passed")
        session.run("create index concurrently readers_gate_passed on towpath.readers_gate (nothing)")

    session.run(f"set lock_timeout = '{_GATE_SLICE_SECONDS}s'")
    try:
        patience.until_granted(
            session,
            attempt,
            timeout_seconds=options.readers_timeout_seconds,
            what="publishing (snapshots from before the new version was built)",
            state=_KEPT,
            tell=functools.partial(listener, 0),
        )
    finally:
        session.run("set lock_timeout = 0")


def _swap(session: Session, options: PublishOptions, listener: Listener) -> tuple[State, list[str]]:
    def work() -> tuple[State, list[str]]:
        holding = read_holding(session)
        dependents.ensure_independent(session, holding, rebinds=options.rebinds)
        outgoing = holding.version("published")
        incoming = next(state for state in holding.states if state.version_state == "built")
        # What reads the load that goes is bound to where it was set aside.
        aside = outgoing if outgoing is not None and outgoing.place == "previous" else None
        renamed = {previous(schema): schema for schema in aside.load_schemas} if aside else {}
        landing = holding.load_at("landing")
        with dependents.followed(session, holding, staying=landing, renamed=renamed, state=_KEPT) as following:
            generations.drop_previous(session, holding)
            if outgoing is not None:
                _take_down(session, outgoing, incoming)
            _put_up(session, incoming, outgoing)
            if not options.keep_previous:
                generations.drop_previous(session, read_holding(session))
        return incoming, [view.name for view in following]

    return patience.patiently(
        session,
        work,
        timeout_seconds=options.readers_timeout_seconds,
        what="publishing",
        state=_KEPT,
        tell=functools.partial(listener, _READERS_ARE_GONE),
    )


def _take_down(session: Session, outgoing: State, incoming: State) -> None:
    objects = generations.take_stock(session, outgoing)
    catalogue.move(session, objects, {schema: previous(schema) for schema in outgoing.version_schemas})
    ledger.set_version(session, outgoing.version_id, state="previous")
    if outgoing.load_id != incoming.load_id:
        ledger.set_load(session, outgoing.load_id, state="set aside", place="previous")


def _put_up(session: Session, incoming: State, outgoing: State | None) -> None:
    homes = {name: name.replace(NEXT, "") for name in incoming.built_schemas}
    objects = ledger.objects_of(session, list(homes), version_id=incoming.version_id)
    _ensure_free(session, {o.identity.replace(NEXT, "", 1) for o in objects}, list(homes.values()))
    catalogue.move(session, objects, homes)
    _ensure_empty(session, list(homes))
    catalogue.drop_schemas(session, list(homes))
    if outgoing is not None:
        places = {previous(schema): schema for schema in outgoing.version_schemas}
        old = ledger.objects_of(session, list(places), version_id=outgoing.version_id)
        catalogue.carry_grants(session, old, objects, places)
        ledger.rename_objects(session, version_id=outgoing.version_id)
    ledger.rename_objects(session, version_id=incoming.version_id)
    ledger.set_version(session, incoming.version_id, state="published")
    ledger.set_load(session, incoming.load_id, state="published", place="landing")


def _ensure_empty(session: Session, schemas: list[str]) -> None:
    left = [f"{found.type} {found.identity}" for found in catalogue.living_in(session, schemas)]
    if left:
        raise LandingOccupied(
            f"objects that Towpath did not make are where dbt has built: {', '.join(left)}; {_KEPT}",
            hint="move them elsewhere (alter … set schema), and run again",
        )


def _ensure_free(session: Session, identities: set[str], schemas: list[str]) -> None:
    occupied = [f"{o.type} {o.identity}" for o in catalogue.living_in(session, schemas) if o.identity in identities]
    if occupied:
        raise LandingOccupied(
            f"objects that Towpath did not make bear the names of models: {', '.join(occupied)}; "
            "readers see what they saw, the new version is built and kept",
            hint="rename or move them, and run again",
        )
