"""Landing to tested models, beside those that readers see: `dbt build` into the `__next` schemas."""

import contextlib
import functools
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from tasks import catalogue, claims, dbt_program, generations, ledger, patience, stateful
from tasks.checkpoints import Json
from tasks.dbt_artifacts import BuildResults
from tasks.dbt_program import DbtOptions
from tasks.errors import DatabaseUnreachable, DestinationBusy, DestinationUnfit, PipelineError, RolledBack
from tasks.ledger import Holding, State, read_holding
from tasks.postgres import Database, Session
from tasks.progress import Listener, Tell
from tasks.statements import with_names

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Build:
    """A version that was built and passed its tests; names are `schema.model`, `built` is `BuildResults.results`."""

    version_id: int
    schemas: list[str]
    models: list[str]
    in_place: list[str]
    tests: int
    warnings: list[str]
    built: list[Json]
    dbt: str
    seconds: float


def build(
    load_id: int,
    dbt_digest: str,
    destination: Database,
    options: DbtOptions,
    output: Path,
    *,
    run: str,
    listener: Listener,
) -> Build:
    """Build and test every model on a load, in schemas that no reader knows; `output` gets dbt's own files.

    Raises:
        DestinationBusy: the load is not in the landing any more.
        RolledBack: this very version was published and rolled back.
        LandingOccupied, DestinationUnfit: objects that Towpath did not make are where dbt would build, or would go.
        ModelsBroken, TestsFailed: the failed nodes are named. Whatever is raised, readers see what they saw.
    """
    started = time.monotonic()
    dbt_program.forget_results(output)
    session = claims.claim(destination)
    waiting = functools.partial(listener, 0)
    version_id = _begin(session, load_id, dbt_digest, options, waiting, run=run)
    try:
        dbt_program.build(session, options, output, listener=listener)
    except BaseException as error:
        if not isinstance(error, DatabaseUnreachable):
            # A server does not notice that dbt is gone before its statement ends.
            with contextlib.suppress(PipelineError):
                claims.end_leftovers(session)
        # What was built in place stays, and must not be taken for somebody else's.
        if made := BuildResults.read_if_any(output):
            with session.transaction():
                _record(session, version_id, options.schema, made)
        raise
    made = BuildResults.read(output)
    schemas = _accept(session, load_id, version_id, made)
    built = Build(
        version_id=version_id,
        schemas=schemas,
        models=[generations.final_name(name) for name in made.relations],
        in_place=[name for name in made.relations if _is_in_place(name)],
        tests=made.tests,
        warnings=made.named("warn"),
        built=made.results,
        dbt=made.dbt_version,
        seconds=round(time.monotonic() - started, 3),
    )
    _tell(load_id, built)
    listener(100, f"built {len(built.models)} models, {built.tests} tests passed")
    return built


def _tell(load_id: int, built: Build) -> None:
    logger.info(
        "built load %d into %s: %d models, %d tests passed in %.1f s",
        load_id, ", ".join(built.schemas) or "its schemas in place", len(built.models), built.tests, built.seconds,
    )  # fmt: skip
    if built.in_place:
        logger.warning(
            "built in place, not published in one piece with the rest: %s (their schema does not follow target.schema)",
            ", ".join(built.in_place),
        )


def _begin(session: Session, load_id: int, dbt_digest: str, options: DbtOptions, waiting: Tell, *, run: str) -> int:
    def work() -> int:
        holding = read_holding(session)
        published = holding.version("published")
        _ensure_buildable(session, holding, load_id, dbt_digest)
        if published is not None:
            _ensure_replaceable(session, published)
        generations.drop_next(session, holding)
        generations.ensure_next_is_free(session, options.schema)
        version_id = session.value(
            "insert into towpath.versions (load_id, run, dbt_digest, target, state)"
            " values (%s, %s, %s, %s, 'building') returning version_id",
            [load_id, run, dbt_digest, options.schema],
        )
        if published is not None:
            stateful.prepare_next(session, published)
        return int(version_id)

    return patience.patiently(
        session,
        work,
        timeout_seconds=options.readers_timeout_seconds,
        what="clearing what an earlier build left",
        state="readers see what they saw",
        tell=waiting,
    )


def _ensure_buildable(session: Session, holding: Holding, load_id: int, dbt_digest: str) -> None:
    if not holding.has_landed(load_id):
        landed = holding.load_at("landing")
        raise DestinationBusy(
            f"load {load_id} is no longer in the landing of {session.database}"
            + (f": load {landed.load_id} of run {landed.run} is" if landed else "")
            + "; readers see what they saw",
            hint="run again: what is missing is restored from the dump",
        )
    undone, published = holding.version("previous"), holding.version("published")
    # A version before that is older than the published one was replaced by it; a newer one was rolled back.
    is_undone = undone is not None and published is not None and undone.version_id > published.version_id
    if is_undone and holding.has_version(load_id, dbt_digest, "previous"):
        raise RolledBack(
            f"the version of load {load_id} with these models was rolled back; readers see what they saw",
            hint="change the models, run RollBack again to go forward, or start under a new --run-id",
        )


def _ensure_replaceable(session: Session, published: State) -> None:
    """Refuse where dbt, replacing a model in place, would drop with CASCADE what others see."""
    in_place = ledger.objects_of(session, published.in_place, version_id=published.version_id)
    parts = catalogue.family_of(session, in_place)
    if hanging := catalogue.dependents(session, parts, parts):
        raise DestinationUnfit(
            f"dbt would build models in place in {session.database} and drop with them what hangs on them: "
            f"{', '.join(map(str, hanging))}; nothing was built, readers see what they saw",
            hint="let the schemas of these models follow target.schema, or drop what hangs on them",
        )


def _is_in_place(name: str) -> bool:
    return generations.NEXT not in name.partition(".")[0]


def _accept(session: Session, load_id: int, version_id: int, made: BuildResults) -> list[str]:
    with session.transaction():
        states = read_holding(session).states
        target = next(state.target for state in states if state.version_id == version_id)
        _drop_what_dbt_left(session, states, made)
        _record(session, version_id, target, made)
        built = [s for s in generations.next_schemas(session, target) if catalogue.living_in(session, [s])]
        final = [generations.final_name(schema) for schema in built]
        landing = next(state.load_schemas for state in states if state.load_id == load_id)
        if clashing := sorted(set(final) & set(landing)):
            raise DestinationUnfit(
                f"models would be published into landing schemas: {', '.join(clashing)}; readers see what they saw",
                hint="give the models' schemas other names, for example with [dbt] schema",
            )
        generations.ensure_names_fit(final)
        unused = [schema for schema in generations.next_schemas(session, target) if schema not in built]
        catalogue.drop_schemas(session, unused)
        stateful = [name for name in made.stateful if not _is_in_place(name)]
        readers = {place: [generations.final_name(name) for name in names] for place, names in made.readers.items()}
        ledger.record_readers(session, readers, version_id=version_id)
        session.run(
            "update towpath.versions set state = 'built', built_at = clock_timestamp(),"
            " schemas = %s, built_schemas = %s, stateful = %s where version_id = %s",
            [final, built, stateful, version_id],
        )
        session.run("update towpath.loads set state = 'built' where load_id = %s and state = 'restored'", [load_id])
    return final


def _drop_what_dbt_left(session: Session, states: tuple[State, ...], made: BuildResults) -> None:
    """Drop what the published version has and the project no longer has: copied state, and models in place."""
    for state in states:
        if state.version_state != "published":
            continue
        for qualified in sorted(set(state.stateful) - set(made.relations)):
            session.run(with_names("drop table if exists {}", tuple(qualified.split(".", 1))))
        for found in ledger.objects_of(session, state.in_place, version_id=state.version_id):
            if _place(found.identity) not in made.places and found.type in ("table", "view", "materialized view"):
                session.run(f"drop {found.type} {found.identity}")


def _record(session: Session, version_id: int, target: str, made: BuildResults) -> None:
    """Note what was built, in place or not, as Towpath's; must be in a transaction."""
    in_place = sorted({schema for schema, _ in made.places if generations.NEXT not in schema})
    living = [
        *catalogue.living_in(session, generations.next_schemas(session, target)),
        *(found for found in catalogue.living_in(session, in_place) if _place(found.identity) in made.places),
    ]
    ledger.record_objects(session, [found for found in living if found.is_owned], version_id=version_id)
    session.run("update towpath.versions set in_place = %s where version_id = %s", [in_place, version_id])


def _place(identity: str) -> tuple[str, str]:
    schema, _, name = identity.partition(".")
    return schema.strip('"'), name.strip('"')
