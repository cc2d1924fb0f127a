"""Landing to tested models, beside those that readers see: `dbt build` into the `__next` schemas."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from tasks import catalogue, claims, dbt_program, generations, ledger
from tasks.dbt_artifacts import BuildResults
from tasks.dbt_program import DbtOptions
from tasks.errors import DestinationBusy, DestinationUnfit, LandingOccupied, PipelineError, RolledBack
from tasks.ledger import Holding, State, read_holding
from tasks.postgres import Database, Session, with_names
from tasks.progress import Listener

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Build:
    """A version that was built and passed its tests; names are `schema.model`."""

    version_id: int
    schemas: list[str]
    models: list[str]
    in_place: list[str]
    tests: int
    warnings: list[str]
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
    session = claims.claim(destination)
    version_id = _begin(session, load_id, dbt_digest, options, run=run)
    try:
        dbt_program.build(session, options, output, listener=listener)
    except PipelineError:
        # What was built in place stays, and must not be taken for somebody else's.
        if made := BuildResults.read_if_any(output):
            with session.transaction():
                _record(session, version_id, made)
        raise
    made = BuildResults.read(output)
    schemas = _accept(session, load_id, version_id, made)
    built = Build(
        version_id=version_id,
        schemas=schemas,
        models=[_final(name) for name in made.relations],
        in_place=[name for name in made.relations if generations.NEXT not in name],
        tests=made.tests,
        warnings=made.named("warn"),
        dbt=made.dbt_version,
        seconds=round(time.monotonic() - started, 3),
    )
    logger.info(
        "built load %d into %s: %d models, %d tests passed in %.1f s",
        load_id, ", ".join(schemas) or "its schemas in place", len(built.models), built.tests, built.seconds,
    )  # fmt: skip
    if built.in_place:
        logger.warning(
            "built in place, not published in one piece with the rest: %s (their schema does not follow target.schema)",
            ", ".join(built.in_place),
        )
    return built


def _begin(session: Session, load_id: int, dbt_digest: str, options: DbtOptions, *, run: str) -> int:
    begun: list[int] = []

    def work() -> None:
        begun.clear()
        holding = read_holding(session)
        published = holding.version("published")
        _ensure_buildable(session, holding, load_id, dbt_digest)
        if published is not None:
            _ensure_replaceable(session, published)
        generations.drop_next(session, holding)
        if strangers := generations.next_schemas(session):
            raise LandingOccupied(
                f"{session.database} has schemas that Towpath did not make where dbt would build: "
                f"{', '.join(strangers)}; nothing was changed",
                hint=f"rename them: names with {generations.NEXT} are Towpath's",
            )
        begun.append(
            session.value(
                "insert into towpath.versions (load_id, run, dbt_digest, state)"
                " values (%s, %s, %s, 'building') returning version_id",
                [load_id, run, dbt_digest],
            )
        )
        if published is not None:
            _prepare_next(session, published)

    catalogue.patiently(
        session,
        work,
        timeout_seconds=options.readers_timeout_seconds,
        what="clearing what an earlier build left",
        state="readers see what they saw",
    )
    return begun[0]


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
            f"{', '.join(hanging)}; nothing was built, readers see what they saw",
            hint="let the schemas of these models follow target.schema, or drop what hangs on them",
        )


def _prepare_next(session: Session, published: State) -> None:
    """Give the new schemas the old ones' default privileges, and the models that keep state their state."""
    for built in published.built_schemas:
        session.run(with_names("create schema {}", built))
        catalogue.copy_default_privileges(session, _final(built), built)
    for qualified in published.stateful:
        schema, name = qualified.split(".", 1)
        old, new = (_final(schema), name), (schema, name)
        session.run(with_names("create table {} (like {} including all)", new, old))
        session.run(with_names("insert into {} overriding system value select * from {}", new, old))


def _final(schema: str) -> str:
    return schema.replace(generations.NEXT, "")


def _accept(session: Session, load_id: int, version_id: int, made: BuildResults) -> list[str]:
    with session.transaction():
        states = read_holding(session).states
        _drop_what_dbt_left(session, states, made)
        built = [schema for schema in generations.next_schemas(session) if catalogue.living_in(session, [schema])]
        final = [_final(schema) for schema in built]
        landing = next(state.load_schemas for state in states if state.load_id == load_id)
        if clashing := sorted(set(final) & set(landing)):
            raise DestinationUnfit(
                f"models would be published into landing schemas: {', '.join(clashing)}; readers see what they saw",
                hint="give the models' schemas other names, for example with [dbt] schema",
            )
        generations.ensure_names_fit(final)
        catalogue.drop_schemas(session, [schema for schema in generations.next_schemas(session) if schema not in built])
        _record(session, version_id, made)
        stateful = [name for name in made.stateful if generations.NEXT in name]
        session.run(
            "update towpath.versions set state = 'built', built_at = clock_timestamp(),"
            " schemas = %s, built_schemas = %s, stateful = %s where version_id = %s",
            [final, built, stateful, version_id],
        )
        session.run("update towpath.loads set state = 'built' where load_id = %s and state = 'restored'", [load_id])
    return final


def _drop_what_dbt_left(session: Session, states: tuple[State, ...], made: BuildResults) -> None:
    """Drop the copies of models that keep state and that the project no longer has."""
    copied = {name for state in states if state.version_state == "published" for name in state.stateful}
    for qualified in sorted(copied - set(made.relations)):
        session.run(with_names("drop table if exists {}", tuple(qualified.split(".", 1))))


def _record(session: Session, version_id: int, made: BuildResults) -> None:
    """Note what was built, in place or not, as Towpath's; must be in a transaction."""
    wanted = set(made.places)
    in_place = sorted({schema for schema, _ in wanted if generations.NEXT not in schema})
    objects = [
        *catalogue.living_in(session, generations.next_schemas(session)),
        *(found for found in catalogue.living_in(session, in_place) if _place(found.identity) in wanted),
    ]
    ledger.record_objects(session, objects, version_id=version_id)
    session.run("update towpath.versions set in_place = %s where version_id = %s", [in_place, version_id])


def _place(identity: str) -> tuple[str, str]:
    schema, _, name = identity.partition(".")
    return schema.strip('"'), name.strip('"')
