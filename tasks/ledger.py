"""What the destination remembers: loads, versions, the objects that each consists of, and every step of every run."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.catalogue import Object, Part, family_of, living_in
from tasks.errors import DestinationBusy, DestinationUnfit, StatementFailed
from tasks.manifest import Manifest
from tasks.postgres import Database, Session, connect, open_session, statement

logger = logging.getLogger(__name__)

# Any number that nobody else uses: this one spells "towpath" in ASCII.
_CLAIM = 0x746F7770617468
_CLAIM_SECONDS = 5.0
_HOLDER = "towpath: "
_LEFTOVER_SECONDS = 30.0
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, kw_only=True)
class State:
    """One load that is in place, with a version that is built on it; `version_id` is 0 where there is none."""

    load_id: int
    run: str
    source: str
    dump_digest: str
    snapshot_at: str
    place: str
    load_state: str
    load_schemas: list[str]
    is_load_whole: bool
    version_id: int
    dbt_digest: str | None
    version_state: str | None
    version_schemas: list[str]
    built_schemas: list[str]
    stateful: list[str]
    in_place: list[str]
    is_version_whole: bool


@dataclass(frozen=True, kw_only=True)
class Holding:
    """Which database this is (both numbers outlive a change of its name) and what it holds."""

    system_identifier: str
    database_oid: int
    states: tuple[State, ...]

    def has_landed(self, load_id: object, dump_digest: object = None) -> bool:
        """Whether the landing holds that load, restored and whole, and of that dump where one is given.

        For a checkpoint the number alone will not do: a destination that came back from a backup counts on from there.
        """
        found = (s for s in self.states if s.load_id == load_id and s.place == "landing")
        found = (state for state in found if dump_digest in (None, state.dump_digest))
        return any(state.is_load_whole and state.load_state != "restoring" for state in found)

    def has_version(self, load_id: object, dbt_digest: object, *states: str) -> bool:
        """Whether it holds the version of that load and those dbt files, whole and in one of these states."""
        found = (s for s in self.states if s.load_id == load_id and s.dbt_digest == dbt_digest)
        return any(state.version_state in states and state.is_version_whole for state in found)

    def version(self, *states: str) -> State | None:
        """Return the newest version in one of these states."""
        return next((state for state in reversed(self.states) if state.version_state in states), None)

    def load_at(self, place: str) -> State | None:
        """Return the load that is in a place: landing or previous."""
        return next((state for state in self.states if state.place == place), None)


def read_holding(session: Session) -> Holding:
    """Ask a destination what it holds; nothing, where Towpath has not been."""
    system_identifier, database_oid, has_ledger = session.all(statement("read_holding"))[0]
    rows = session.all(statement("read_states")) if has_ledger else []
    names = State.__dataclass_fields__
    states = tuple(State(**dict(zip(names, row, strict=True))) for row in rows)
    return Holding(system_identifier=system_identifier, database_oid=database_oid, states=states)


def holding_of(destination: Database) -> Holding:
    """Ask in a session of its own. Raises as `connect` does."""
    with connect(destination) as session:
        return read_holding(session)


_claims: dict[str, Session] = {}


def claim(destination: Database) -> Session:
    """Return this process's session in the destination, which holds the claim to it until the process ends.

    With the claim, sessions that a killed run left at work (its pg_restore, its dbt) are ended and waited for.

    Raises:
        DestinationBusy: another run holds the claim; it is named.
        DestinationUnfit: the ledger cannot be made.
    """
    key = repr(sorted(destination.place.items()))
    held = _claims.get(key)
    if held is not None and held.in_reach:
        return held
    session = open_session(destination)
    # Another name than that of the sessions that another run's claim, should it come first, ends as leftovers.
    session.run("select pg_catalog.set_config('application_name', %s, false)", [_holder_name(destination)])
    deadline = time.monotonic() + _CLAIM_SECONDS
    while not session.value("select pg_catalog.pg_try_advisory_lock(%s)", [_CLAIM]):
        if time.monotonic() > deadline:
            raise _busy(session)
        time.sleep(_PAUSE_SECONDS)
    _end_leftovers(session)
    try:
        if session.server_version >= 140000:
            # So that the server notices within seconds when this process is killed during a long statement.
            session.run("set client_connection_check_interval = '2s'")
        session.run(statement("create_ledger"))
    except StatementFailed as error:
        raise DestinationUnfit(
            f"the ledger, schema towpath in {destination}, cannot be made: {error.message}; nothing was changed",
            hint="grant the role create on the database",
        ) from error
    _claims[key] = session
    return session


def _holder_name(destination: Database) -> str:
    return destination.parameters["application_name"].replace("towpath ", _HOLDER, 1)


def release(destination: Database) -> None:
    """Give the claim back before the process ends."""
    session = _claims.pop(repr(sorted(destination.place.items())), None)
    if session is not None:
        session.close()


def _busy(session: Session) -> DestinationBusy:
    rows = session.all(statement("read_claim_holder"), {"claim": _CLAIM})
    holder = "; ".join(f"run {name.removeprefix(_HOLDER)} (session {p} from {at})" for name, p, at in rows)
    return DestinationBusy(
        f"{session.database} is being worked on by {holder or 'another run'}; nothing was changed",
        hint="let that run end, then run again",
    )


def _end_leftovers(session: Session) -> None:
    deadline = time.monotonic() + _LEFTOVER_SECONDS
    while rows := session.all(statement("terminate_leftovers")):
        if time.monotonic() > deadline:
            raise DestinationBusy(
                f"sessions that a killed run left in {session.database} do not end: "
                f"{', '.join(str(pid) for pid, _ in rows)}; nothing was changed",
                hint="end them with pg_terminate_backend, then run again",
            )
        time.sleep(_PAUSE_SECONDS)


def begin_load(session: Session, run: str, manifest: Manifest) -> int:
    """Note that a load begins, and what it will bring; must be in a transaction."""
    values = {
        "run": run,
        "source": manifest.source,
        "dump_digest": manifest.digest,
        "snapshot_at": manifest.snapshot_at,
        "schemas": manifest.schemas,
        "table_count": len(manifest.tables),
        "row_count": manifest.rows,
    }
    load_id = int(session.value(statement("insert_load"), values))
    types, identities = [kind for kind, _ in manifest.objects], [identity for _, identity in manifest.objects]
    unknown = [None] * len(types)
    columns = {"types": types, "identities": identities, "classids": unknown, "objids": unknown, "names": unknown}
    session.run(statement("insert_objects"), {"load_id": load_id, "version_id": None, **columns})
    return load_id


def record_objects(
    session: Session, objects: Sequence[Object], *, load_id: int | None = None, version_id: int | None = None
) -> None:
    """Note what a load or a version consists of, every part of it; must be in a transaction."""
    session.run("delete from towpath.objects where load_id = %s or version_id = %s", [load_id, version_id])
    known = {(o.classid, o.objid): o for o in objects}
    parts = family_of(session, objects)
    owners = [known.get((part.classid, part.objid)) for part in parts]
    columns = {
        "types": [owner.type if owner else None for owner in owners],
        "identities": [owner.identity if owner else None for owner in owners],
        "classids": [part.classid for part in parts],
        "objids": [part.objid for part in parts],
        "names": [part.name for part in parts],
    }
    session.run(statement("insert_objects"), {"load_id": load_id, "version_id": version_id, **columns})


def objects_of(
    session: Session, schemas: Sequence[str], *, load_id: int | None = None, version_id: int | None = None
) -> list[Object]:
    """List what of a load or a version lives in these schemas.

    An object is known by its number; or, being this role's, by its name: half a load has no numbers yet, and a
    model that somebody has built again with dbt has new ones.
    """
    rows = session.all(
        "select classid, objid, object_type, identity from towpath.objects where load_id = %s or version_id = %s",
        [load_id, version_id],
    )
    numbers = {(classid, objid) for classid, objid, _, _ in rows}
    names = {(kind, identity) for _, _, kind, identity in rows if identity is not None}
    living = living_in(session, schemas)
    return [o for o in living if (o.classid, o.objid) in numbers or (o.is_owned and (o.type, o.identity) in names)]


def all_parts(session: Session, *, beside: Sequence[Object]) -> list[Part]:
    """List every part of every load and version, and of those of the objects `beside` them that are not noted.

    What is noted is not looked up: an index that somebody has added to a table since is no part of what we made.
    """
    rows = session.all("select distinct classid, objid, object_name from towpath.objects where classid is not null")
    noted = [Part(*row) for row in rows]
    numbers = {(part.classid, part.objid) for part in noted}
    return [*noted, *family_of(session, [o for o in beside if (o.classid, o.objid) not in numbers])]


def set_load(session: Session, load_id: int, *, state: str, place: str | None) -> None:
    """Note a load's state and place, and when it came to be so."""
    session.run(
        "update towpath.loads set state = %(state)s, place = %(place)s,"
        " restored_at = case when %(state)s = 'restored' then clock_timestamp() else restored_at end,"
        " published_at = case when %(state)s = 'published' then clock_timestamp() else published_at end"
        " where load_id = %(load_id)s",
        {"state": state, "place": place, "load_id": load_id},
    )
    if place is None:
        session.run("delete from towpath.objects where load_id = %s", [load_id])


def rename_objects(session: Session, version_id: int) -> None:
    """Note the names that a version's objects have since they moved; must be in a transaction."""
    session.run(
        "update towpath.objects set identity = (pg_catalog.pg_identify_object(classid::oid, objid::oid, 0)).identity"
        " where version_id = %s and identity is not null",
        [version_id],
    )


def set_version(session: Session, version_id: int, *, state: str) -> None:
    """Note a version's state, and when it came to be so."""
    session.run(
        "update towpath.versions set state = %(state)s,"
        " published_at = case when %(state)s = 'published' then clock_timestamp() else published_at end"
        " where version_id = %(version_id)s",
        {"state": state, "version_id": version_id},
    )
    if state == "dropped":
        session.run("delete from towpath.objects where version_id = %s", [version_id])


def record_step(
    destination: Database, *, run: str, step: str, outcome: str, message: str | None, started_at: str, seconds: float
) -> None:
    """Add a line to the audit log, which is made where there is none yet: a dump comes before the first load."""
    with connect(destination) as session:
        if not session.value("select pg_catalog.to_regclass('towpath.steps') is not null"):
            session.run(statement("create_ledger"))
        session.run(
            "insert into towpath.steps (run, step, outcome, message, started_at, seconds)"
            " values (%s, %s, %s, %s, %s, %s)",
            [run, step, outcome, message, started_at, seconds],
        )
