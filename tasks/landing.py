"""Dump to landing: the last load is set aside, the new one restored and compared; or all is put back."""

import functools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tasks import (
    admission,
    catalogue,
    claims,
    contents,
    filling,
    generations,
    inventory,
    ledger,
    patience,
    proof,
    unchanged,
)
from tasks.archive import Restoring
from tasks.checkpoints import Json, digest_of, ensure_intact
from tasks.contents import Entry
from tasks.drift import Change
from tasks.dump_folder import DEFINITIONS
from tasks.errors import DatabaseUnreachable, DestinationUnfit, PipelineError, RestoreFailed, StatementFailed
from tasks.indexing import EVERYTHING, Indexing
from tasks.inventory import Rows, TableName
from tasks.ledger import read_holding
from tasks.manifest import Manifest
from tasks.postgres import Database, Session
from tasks.progress import Listener, Tell, unheard
from tasks.statements import with_names
from tasks.tools import Tools
from tasks.unchanged import Plan

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Percent done by then.
_COMPARING = 95
# Between two attempts to put the landing back.
_PAUSE_SECONDS = 2


@dataclass(frozen=True, kw_only=True)
class RestoreOptions(admission.Terms):
    """How to restore, and on which terms; times in seconds."""

    jobs: int
    timeout_seconds: float
    readers_timeout_seconds: float
    verify: str
    indexing: Indexing = EVERYTHING
    keeps_unchanged: bool = True

    def recipe(self, manifest: Manifest) -> str:
        """Digest what decides how a landing is made: tables of another recipe are other tables, whatever their rows."""
        how = {"indexing": vars(self.indexing), "left_out": manifest.left_out, "definitions": manifest.definitions}
        return digest_of({"made by": 1, **how})


@dataclass(frozen=True, kw_only=True)
class Load(proof.Proof):
    """A load in the landing, and what was proved of it; `unchanged` of its tables were there already."""

    load_id: int
    tables: int
    unchanged: int
    rows: int
    drift: list[str]
    catalogue: Json
    seconds: float


def restore(
    manifest: Manifest,
    directory: Path,
    destination: Database,
    tools: Tools,
    options: RestoreOptions,
    *,
    run: str,
    listener: Listener,
) -> Load:
    """Bring a dump into the landing and prove that it arrived.

    Models that read the last load go on reading it: it is moved aside, not dropped. When anything fails after
    that, what was half loaded is dropped and the last load moves back.

    Raises:
        DumpDamaged, OlderDump, DestinationUnfit, DestinationBusy, LandingOccupied, DependentsFound, SchemaDrifted:
            before the landing was touched.
        PublishBlocked: readers kept the last load from being moved.
        RestoreFailed, CopyDiffers: the landing is as it was.
    """
    started, waiting = time.monotonic(), functools.partial(listener, 0)
    listener(0, "digesting the dump, to see that it is what was dumped")
    ensure_intact(directory, manifest.files)
    archive = directory / DEFINITIONS
    entries = contents.entries(tools.pg_restore, archive, timeout_seconds=options.timeout_seconds)
    wanted = contents.restored(entries, except_titles=manifest.left_out)
    session = claims.claim(destination)
    _recover(session, options)
    changes = _ensure_fit(session, manifest, options, waiting)
    plan = Plan(made=wanted)
    if options.keeps_unchanged:
        listener(0, "looking for what has not changed since the last load")
        plan = _plan(session, manifest, wanted, options, waiting)
    load_id = _set_aside(session, manifest, options, waiting, plan=plan, run=run)
    try:
        restoring = Restoring(
            session=session, tool=tools.pg_restore, archive=archive, timeout_seconds=options.timeout_seconds
        )
        rows = filling.fill(
            restoring, manifest, tools.psql, plan, indexing=options.indexing, jobs=options.jobs, listener=listener
        )
        listener(_COMPARING, f"comparing {len(manifest.tables)} tables with what was dumped ({options.verify})")
        proved = proof.compare(session, manifest, options.verify)
        _accept(session, manifest, load_id, rows, plan, recipe=options.recipe(manifest))
    except BaseException as error:
        _put_back(destination, options, error)
        raise
    seconds = round(time.monotonic() - started, 3)
    logger.info(
        "restored %s to %s as load %d: %d tables, %d of them unchanged, %d rows in %.1f s",
        directory, destination, load_id, len(manifest.tables), len(plan.rows), manifest.rows, seconds,
    )  # fmt: skip
    listener(100, f"restored {len(manifest.tables)} tables, {manifest.rows} rows, as load {load_id}")
    return Load(
        load_id=load_id,
        tables=len(manifest.tables),
        unchanged=len(plan.rows),
        rows=manifest.rows,
        drift=[change.words for change in changes],
        catalogue=manifest.catalogue,
        seconds=seconds,
        **vars(proved),
    )


def _ensure_fit(session: Session, manifest: Manifest, options: RestoreOptions, waiting: Tell) -> list[Change]:
    # To look at a view takes a lock on it.
    ask = functools.partial(admission.ensure_fit, session, manifest, options)
    changes = _patiently(session, options, ask, "looking at the landing", waiting)
    for emptied in (change for change in changes if change.is_of_rows_only):
        logger.warning("not as in the load before: %s", emptied.words)
    return changes


def _plan(session: Session, manifest: Manifest, wanted: list[Entry], options: RestoreOptions, waiting: Tell) -> Plan:
    def look() -> Plan:
        return unchanged.plan(session, read_holding(session), manifest, wanted, recipe=options.recipe(manifest))

    # To count a table's rows takes a lock on it.
    return _patiently(session, options, look, "looking for what has not changed", waiting)


def _recover(session: Session, options: RestoreOptions) -> None:
    """Put back what a killed restore left between two states."""
    holding = read_holding(session)
    landed = holding.load_at("landing")
    if landed is not None and landed.load_state == "restoring":
        logger.warning("load %d was never finished: the landing is put back as it was before it", landed.load_id)
        _patiently(session, options, lambda: generations.discard_landing(session, holding), "putting the landing back")


def _set_aside(
    session: Session, manifest: Manifest, options: RestoreOptions, waiting: Tell, *, plan: Plan, run: str
) -> int:
    """Clear the landing of all that is not shared; keep the load that readers see, drop the one before it, at once."""

    def work() -> int:
        holding = read_holding(session)
        generations.drop_next(session, holding)
        if generations.is_read(holding, holding.load_at("previous")):
            generations.discard_landing(session, holding)
        else:
            generations.drop_previous(session, holding)
        generations.set_aside(session, read_holding(session), shared=plan.shared)
        _make_schemas(session, manifest)
        return ledger.begin_load(session, run, manifest)

    try:
        return _patiently(session, options, work, "setting the last load aside", waiting)
    except StatementFailed as error:
        raise DestinationUnfit(
            f"the landing in {session.database} cannot be made ready: {error.message}; nothing was changed",
            hint="mend that (the role needs create on the database, and to own what Towpath has made), and run again",
        ) from error


def _make_schemas(session: Session, manifest: Manifest) -> None:
    for schema in {*manifest.schemas, *(extension.schema for extension in manifest.extensions)}:
        session.run(with_names("create schema if not exists {}", schema))
    for extension in manifest.extensions:
        session.run(
            with_names("create extension if not exists {} with schema {} cascade", extension.name, extension.schema)
        )


def _accept(
    session: Session, manifest: Manifest, load_id: int, rows: Mapping[TableName, Rows], plan: Plan, *, recipe: str
) -> None:
    with session.transaction():
        holding = read_holding(session)
        objects = ledger.objects_of(session, manifest.schemas, load_id=load_id)
        before = holding.load_at("previous")
        if before is not None:
            places = {generations.previous(schema): schema for schema in before.load_schemas}
            catalogue.carry_grants(session, generations.load_objects(session, before), objects, places)
        ledger.record_objects(session, objects, load_id=load_id)
        inventory.record(session, objects, rows, plan.shared, load_id=load_id, recipe=recipe)
        ledger.set_load(session, load_id, state="restored", place="landing")


def _put_back(destination: Database, options: RestoreOptions, error: BaseException) -> None:
    logger.warning("the restore did not end well: the landing is put back as it was")
    try:
        _recover_anew(destination, options)
    except PipelineError as second:
        said = error.message if isinstance(error, PipelineError) else "the restore was broken off"
        # What the server's silence broke is told as such.
        kind = DatabaseUnreachable if isinstance(second, DatabaseUnreachable) else RestoreFailed
        raise kind(
            f"{said}; but the landing could not be put back: {second.message}; readers of the models see what they "
            "saw, the landing is half loaded",
            hint="run the same command again as soon as the destination answers: that puts the landing back first",
        ) from error


def _recover_anew(destination: Database, options: RestoreOptions, *, attempts: int = 5) -> None:
    try:
        # A claim taken anew ends what is still at work in the landing.
        claims.release(destination)
        _recover(claims.claim(destination), options)
    except StatementFailed:
        if attempts == 1:
            raise
        # It takes room of its own; on a full disk there may be some when a checkpoint has tidied up.
        time.sleep(_PAUSE_SECONDS)
        _recover_anew(destination, options, attempts=attempts - 1)


def _patiently(session: Session, options: RestoreOptions, work: Callable[[], T], what: str, tell: Tell = unheard) -> T:
    seconds = options.readers_timeout_seconds
    state = "readers see what they saw"
    return patience.patiently(session, work, timeout_seconds=seconds, what=what, state=state, tell=tell)
