"""May this dump land in this destination? Asked while nothing has been touched."""

from tasks import catalogue, dependents, generations
from tasks.errors import DestinationUnfit, LandingOccupied, OlderDump, RolledBack
from tasks.ledger import Holding, read_holding
from tasks.manifest import Manifest
from tasks.postgres import Session
from tasks.statements import statement

_RELATIONS = {"table", "view", "materialized view", "sequence", "foreign table"}


def ensure_fit(session: Session, manifest: Manifest, *, allow_older: bool, rebinds: bool) -> None:
    """Refuse what could not end well.

    Raises:
        DestinationUnfit: it is the source itself, lacks a privilege or an extension, or a schema's name does not fit.
        OlderDump, RolledBack: readers would go back in time.
        DependentsFound, LandingOccupied: objects that Towpath did not make are in the way; they are named.
    """
    holding = read_holding(session)
    here = str(session.database)
    if (holding.system_identifier, holding.database_oid) == (manifest.system_identifier, manifest.database_oid):
        raise DestinationUnfit(
            f"{here} is the source itself; nothing was changed", hint="give another --destination-uri"
        )
    published = holding.version("published")
    if published is not None and published.snapshot_at > manifest.snapshot_at and not allow_older:
        raise OlderDump(
            f"the dump shows {manifest.source} as of {manifest.snapshot_at}, but readers of {here} already see "
            f"{published.snapshot_at}, load {published.load_id} of run {published.run}; nothing was changed",
            hint="run under a new --run-id to dump anew, or go back on purpose with --allow-older",
        )
    undone = holding.version("previous")
    if undone and published and undone.dump_digest == manifest.digest and undone.load_id > published.load_id:
        raise RolledBack(
            f"this dump's load was rolled back: readers of {here} see load {published.load_id} of run "
            f"{published.run}; nothing was changed",
            hint="run RollBack again to go forward to it, or start under a new --run-id",
        )
    generations.ensure_names_fit(manifest.schemas)
    _ensure_privileges(session, manifest)
    _ensure_extensions(session, manifest)
    dependents.ensure_independent(session, holding, rebinds=rebinds)
    _ensure_free(session, manifest, holding)


def _ensure_free(session: Session, manifest: Manifest, holding: Holding) -> None:
    landed = holding.load_at("landing")
    ours = {(o.classid, o.objid) for o in generations.load_objects(session, landed)} if landed else set()
    wanted = set(manifest.objects)
    relations = {identity for kind, identity in wanted if kind in _RELATIONS}
    occupied = [
        f"{found.type} {found.identity}"
        for found in catalogue.living_in(session, manifest.schemas)
        if (found.classid, found.objid) not in ours
        and ((found.type, found.identity) in wanted or (found.type in _RELATIONS and found.identity in relations))
    ]
    if occupied:
        raise LandingOccupied(
            f"{session.database} has objects that Towpath did not make where the load would go: "
            f"{', '.join(occupied)}; nothing was changed",
            hint="rename or move them (alter … set schema), or leave theirs out with [source] exclude_tables",
        )


def _ensure_privileges(session: Session, manifest: Manifest) -> None:
    places = [place for (place,) in session.all(statement("read_missing_privileges"), {"schemas": manifest.schemas})]
    if places:
        raise DestinationUnfit(
            f"the role may not create in {', '.join(places)} of {session.database}; nothing was changed",
            hint="grant create on each of them to the role",
        )


def _ensure_extensions(session: Session, manifest: Manifest) -> None:
    names = [extension.name for extension in manifest.extensions]
    schemas = {extension.name: extension.schema for extension in manifest.extensions}
    rows = session.all(statement("read_available_extensions"), {"names": names})
    absent = [name for name, is_available, _ in rows if not is_available]
    elsewhere = [f"{name} in {at} rather than {schemas[name]}" for name, _, at in rows if at and at != schemas[name]]
    if absent or elsewhere:
        raise DestinationUnfit(
            f"{session.database} cannot have the source's extensions: {', '.join(absent + elsewhere)}; "
            "nothing was changed",
            hint="install them on the server, or name them in [source] exclude_extensions",
        )
