"""May this dump land in this destination? Asked before there is a dump, and again while nothing has been touched."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks import catalogue, dependents, drift, generations
from tasks.drift import Change
from tasks.errors import DestinationUnfit, Doubt, LandingOccupied, OlderDump, RolledBack, SchemaDrifted
from tasks.ledger import Holding, read_holding
from tasks.manifest import Manifest
from tasks.postgres import Session
from tasks.shapes import Catalogue
from tasks.statements import split, statement

_NO_LEDGER = (
    "; if they are an earlier load's, whose ledger (schema towpath) was lost, bring the ledger back from a backup of "
    "this database, or rename their schemas and those of the models"
)
_RELATIONS = {"table", "view", "materialized view", "sequence", "foreign table"}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What may be: an older dump, views of others that follow, tables that have changed (one of `drift.POLICIES`)."""

    allow_older: bool = False
    rebinds: bool = True
    drift: str = "evolve"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A dump that is to land, or one that would be made now, and a destination with what it holds."""

    session: Session
    manifest: Manifest
    holding: Holding
    terms: Terms

    @property
    def changes(self) -> list[Change]:
        """How its tables differ from those that readers know."""
        return drift.changes(self.session, self.holding, Catalogue.from_json(self.manifest.catalogue))


def ensure_fit(session: Session, manifest: Manifest, terms: Terms) -> list[Change]:
    """Ask all QUESTIONS, refuse what could not end well, and return how the tables differ from those that readers know.

    Raises:
        DestinationUnfit: it is the source itself, lacks a privilege, an extension or a collation, or a schema's name
            does not fit.
        OlderDump, RolledBack: readers would go back in time.
        DependentsFound, LandingOccupied: objects that Towpath did not make are in the way; they are named.
        SchemaDrifted: tables differ from those that readers know in a way that the policy does not let pass.
    """
    holding = read_holding(session)
    request = Request(session=session, manifest=manifest, holding=holding, terms=terms)
    for _, question, _ in QUESTIONS:
        question(request)
    return request.changes


def _ensure_elsewhere(request: Request) -> None:
    """Raise DestinationUnfit where source and destination are one database."""
    holding, manifest = request.holding, request.manifest
    if (holding.system_identifier, holding.database_oid) == (manifest.system_identifier, manifest.database_oid):
        raise DestinationUnfit(
            f"{request.session.database} is the source itself; nothing was changed",
            hint="give another --destination-uri",
        )


def _ensure_newer(request: Request) -> None:
    """Raise OlderDump or RolledBack where readers would go back in time."""
    manifest, holding, here = request.manifest, request.holding, request.session.database
    published = holding.version("published")
    if published is not None and published.snapshot_at > manifest.snapshot_at and not request.terms.allow_older:
        raise OlderDump(
            f"the dump shows {manifest.source} as of {manifest.snapshot_at}, but readers of {here} already see "
            f"{published.snapshot_at}, load {published.load_id} of run {published.run}; nothing was changed",
            hint="run under a new --run-id to dump anew, or go back on purpose with --allow-older; which also goes on "
            "where it is the source's clock that went back",
        )
    undone = holding.version("previous")
    if undone and published and undone.dump_digest == manifest.digest and undone.load_id > published.load_id:
        raise RolledBack(
            f"this dump's load was rolled back: readers of {here} see load {published.load_id} of run "
            f"{published.run}; nothing was changed",
            hint="run RollBack again to go forward to it, or start under a new --run-id",
        )


def _ensure_free(request: Request) -> None:
    """Raise LandingOccupied, naming with their owners the objects that have the names of those that would land."""
    session, manifest, landed = request.session, request.manifest, request.holding.load_at("landing")
    ours = {(o.classid, o.objid) for o in generations.load_objects(session, landed)} if landed else set()
    wanted = set(manifest.objects)
    relations = {identity for kind, identity in wanted if kind in _RELATIONS}
    occupied = [
        f"{found.type} {found.identity} of {found.owner}"
        for found in catalogue.living_in(session, manifest.schemas)
        if (found.classid, found.objid) not in ours
        and ((found.type, found.identity) in wanted or (found.type in _RELATIONS and found.identity in relations))
    ]
    if occupied:
        raise LandingOccupied(
            f"{session.database} has objects that Towpath did not make where the load would go: "
            f"{', '.join(occupied)}; nothing was changed",
            hint="rename or move them (alter … set schema), or leave theirs out with [source] exclude_tables"
            + ("" if request.holding.states else _NO_LEDGER),
        )


def _ensure_privileges(request: Request) -> None:
    """Raise DestinationUnfit, naming every place in which the role may not create what a load needs."""
    session, values = request.session, {"schemas": request.manifest.schemas}
    places = [place for (place,) in session.all(statement("read_missing_privileges"), values)]
    if places:
        raise DestinationUnfit(
            f"the role may not create in {', '.join(places)} of {session.database}; nothing was changed",
            hint="grant create on each of them to the role",
        )


def _ensure_owned(request: Request) -> None:
    """Raise DestinationUnfit, naming what Towpath made and somebody else has been given: it cannot be moved."""
    session = request.session
    objects = dependents.all_objects(session, request.holding)
    numbers = {"classids": [o.classid for o in objects], "objids": [o.objid for o in objects]}
    foreign = session.all(statement("read_not_ours"), numbers)
    if foreign:
        named = ", ".join(dict.fromkeys(f"{kind} {identity} of {owner}" for kind, identity, owner in foreign))
        raise DestinationUnfit(
            f"the role may not move what Towpath made in {session.database} and others own: {named}; "
            "nothing was changed",
            hint="alter … owner to this role, or make it a member of theirs",
        )


def _ensure_extensions(request: Request) -> str | list[Doubt]:
    """Compare the source's extensions with what the server has or would make; doubt where that is older.

    Raises:
        DestinationUnfit: it has none of that name, or has it in another schema.
    """
    session, wanted = request.session, {extension.name: extension for extension in request.manifest.extensions}
    rows = session.all(statement("read_available_extensions"), {"names": list(wanted)})
    absent = [name for name, version, _ in rows if version is None]
    installed = [(name, at, wanted[name].schema) for name, _, at in rows if at]
    elsewhere = [f"{name} in {at} rather than {schema}" for name, at, schema in installed if at != schema]
    if absent or elsewhere:
        raise DestinationUnfit(
            f"{session.database} cannot have the source's extensions: {', '.join(absent + elsewhere)}; "
            "nothing was changed",
            hint="install them on the server, or name them in [source] exclude_extensions",
        )
    older = [f"{n} {v} for {wanted[n].version}" for n, v, _ in rows if _numbers(v) < _numbers(wanted[n].version)]
    if not older:
        return ", ".join(f"{name} {version}" for name, version, _ in rows) or "none needed"
    return [
        Doubt(
            f"{session.database} has older extensions than the source: {', '.join(older)}; what needs the newer ones "
            "fails in the restore, and the landing is put back",
            "alter extension … update, or install the newer version on the server",
        )
    ]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _ensure_collations(request: Request) -> None:
    """Raise DestinationUnfit, naming every collation that must come with the server and does not."""
    session, named_by = request.session, request.manifest.collations
    rows = session.all(statement("read_missing_collations"), {"names": list(named_by)})
    if missing := [f'"{name}" (of {named_by[name]})' for (name,) in rows]:
        raise DestinationUnfit(
            f"{session.database} lacks collations of the source: {', '.join(missing)}; nothing was changed",
            hint="install the locale on the server and run pg_import_system_collations('pg_catalog')",
        )


def _ensure_names_fit(request: Request) -> None:
    generations.ensure_names_fit(request.manifest.schemas)


def _ensure_independent(request: Request) -> None:
    # Where Towpath has never been there may be no ledger to ask.
    if request.holding.states:
        dependents.ensure_independent(request.session, request.holding, rebinds=request.terms.rebinds)


def _ensure_columns(request: Request) -> None:
    """Raise DependentsFound where views of others read what the next load will not have."""
    shapes = Catalogue.from_json(request.manifest.catalogue).shapes
    # What is no shape of its own, a table that has become a partition, is there all the same.
    named = [split(identity) for kind, identity in request.manifest.objects if kind in _RELATIONS]
    columns: dict[tuple[str, str], list[str] | None] = {(names[0], names[-1]): None for names in named}
    columns |= {shape.place: [column.name for column in shape.columns] for shape in shapes}
    if request.holding.states:
        source = request.manifest.source
        dependents.ensure_readable(request.session, request.holding, columns, source=source)


def _consider_drift(request: Request) -> list[Doubt]:
    """Doubt each difference from the tables that readers know.

    Raises:
        SchemaDrifted: `[restore] drift` does not let some of them pass.
    """
    policy, found = request.terms.drift, request.changes
    stopping = [change.words for change in found if change.is_stopped_by(policy)]
    if stopping:
        raise SchemaDrifted(
            f"{request.manifest.source} is not as in the load before: {'; '.join(stopping)}; [restore] drift is "
            f"{policy}, nothing was changed, readers see what they saw",
            hint="accept it once with the same command and --restore-drift=evolve; or undo it at the source and start "
            "under a new --run-id",
        )
    return [Doubt(f"not as in the load before: {change.words}", "see to the models that read it") for change in found]


# What a question is about, the question, what is told where it has nothing to say.
QUESTIONS: Sequence[tuple[str, Callable[[Request], str | list[Doubt] | None], str]] = (
    ("two databases", _ensure_elsewhere, "the destination is not the source"),
    ("time", _ensure_newer, "readers of the destination see nothing newer"),
    ("names", _ensure_names_fit, "every schema's name leaves room for __previous"),
    ("privileges", _ensure_privileges, "the role may create what a load needs"),
    ("ownership", _ensure_owned, "the role may move what Towpath has made"),
    ("extensions", _ensure_extensions, ""),
    ("collations", _ensure_collations, "the destination has those that the source names"),
    ("drift", _consider_drift, "nothing differs from an earlier load"),
    ("views of others", _ensure_columns, "they find what they read"),
    ("dependents", _ensure_independent, "what others hung on what would be replaced, if anything, can follow"),
    ("in the way", _ensure_free, "nobody else's objects have the names of what would land"),
)
