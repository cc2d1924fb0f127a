"""What the destination remembers: loads, versions, and the objects that each consists of."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks import home, keys
from tasks.catalogue import Object, Part, family_of, living_in
from tasks.manifest import Manifest
from tasks.postgres import Database, Session, connect
from tasks.shapes import Catalogue, Place
from tasks.statements import statement, with_names


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
    target: str
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

    @property
    def place(self) -> dict[str, object]:
        """What a checkpoint says of which database this is."""
        return {"system_identifier": self.system_identifier, "database_oid": self.database_oid}

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
    catalogue = json.dumps(manifest.catalogue)
    session.run("insert into towpath.catalogues (load_id, catalogue) values (%s, %s)", [load_id, catalogue])
    return load_id


def catalogue_of(session: Session, load_id: int) -> Catalogue | None:
    """Return what a load's tables looked like at the source; None where the Towpath that made it did not note it."""
    if not _has_table(session, "towpath.catalogues"):
        return None
    rows = session.all("select catalogue from towpath.catalogues where load_id = %s", [load_id])
    return Catalogue.from_json(rows[0][0]) if rows else None


def record_readers(session: Session, readers: Mapping[Place, Sequence[str]], *, version_id: int) -> None:
    """Note which models of a version read which landed tables; must be in a transaction."""
    session.run("delete from towpath.readers where version_id = %s", [version_id])
    rows = [(*place, model) for place, models in readers.items() for model in models]
    schemas, tables, models = zip(*rows, strict=True) if rows else ((), (), ())
    session.run(
        "insert into towpath.readers (version_id, schema_name, table_name, model)"
        " select %s, * from unnest(%s::text[], %s::text[], %s::text[])",
        [version_id, list(schemas), list(tables), list(models)],
    )


def readers_of(session: Session, version_id: int) -> dict[Place, list[str]]:
    """Return the models of a version that read a landed table directly, by the table's schema and name."""
    if not _has_table(session, "towpath.readers"):
        return {}
    query = (
        "select schema_name, table_name, array_agg(model order by model) from towpath.readers"
        " where version_id = %s group by schema_name, table_name"
    )
    return {(schema, table): models for schema, table, models in session.all(query, [version_id])}


def _has_table(session: Session, name: str) -> bool:
    """Whether the ledger has it: one that an older Towpath made has it only after the next claim."""
    return bool(session.value("select pg_catalog.to_regclass(%s) is not null", [name]))


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
    numbers = {(classid, objid) for classid, objid, _, _ in rows} if home.is_here(session) else set()
    names = {(kind, identity) for _, _, kind, identity in rows if identity is not None}
    living = living_in(session, schemas)
    return [o for o in living if (o.classid, o.objid) in numbers or (o.is_owned and (o.type, o.identity) in names)]


def all_parts(session: Session, *, beside: Sequence[Object]) -> list[Part]:
    """List every part of every load and version, and of those of the objects `beside` them that are not noted.

    What is noted is not looked up: an index that somebody has added to a table since is no part of what we made.
    """
    rows = session.all("select distinct classid, objid, object_name from towpath.objects where classid is not null")
    noted = [Part(*row) for row in rows] if home.is_here(session) else []
    numbers = {(part.classid, part.objid) for part in noted}
    others = [o for o in beside if (o.classid, o.objid) not in numbers]
    # Half a load may have added keys to what it shares.
    leading = [Part(key.classid, key.objid, key.name) for key in keys.between(session, others)]
    return [*noted, *family_of(session, [*others, *leading])]


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
        for table in ("objects", "catalogues", "recipes", "contents"):
            session.run(with_names("delete from {} where load_id = %s", ("towpath", table)), [load_id])
    else:
        rename_objects(session, load_id=load_id)


def rename_objects(session: Session, *, load_id: int | None = None, version_id: int | None = None) -> None:
    """Note the names that the objects of a load or a version have since they moved; must be in a transaction."""
    session.run(
        "update towpath.objects set identity"
        " = coalesce((pg_catalog.pg_identify_object(classid::oid, objid::oid, 0)).identity, identity)"
        " where (load_id = %s or version_id = %s) and identity is not null and classid is not null",
        [load_id, version_id],
    )


def recognize(session: Session) -> bool:
    """Look up by name, in a transaction, what a ledger out of a pg_dump tells of; False where it did not come from one.

    The numbers that it brings are another database's, and here they may be anybody's.
    """
    if home.is_here(session):
        return False
    home.settle(session)
    schemas = [name for (name,) in session.all("select nspname::text from pg_catalog.pg_namespace")]
    for load_id, version_id in session.all("select distinct load_id, version_id from towpath.objects"):
        objects = objects_of(session, schemas, load_id=load_id, version_id=version_id)
        record_objects(session, objects, load_id=load_id, version_id=version_id)
    return True


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
        session.run("delete from towpath.readers where version_id = %s", [version_id])
