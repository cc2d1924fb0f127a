"""Landing to tested models, beside those that readers see: `dbt build` into the `__next` schemas."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from tasks import catalogue, commands, generations, ledger
from tasks.checkpoints import digest_of, files_in, writing_to
from tasks.commands import ProgramFailed
from tasks.dbt_artifacts import BuildResults, failure
from tasks.errors import DestinationBusy, DestinationUnfit, LandingOccupied, RolledBack, SettingInvalid
from tasks.ledger import Holding, State, read_holding
from tasks.postgres import Database, Session, with_names
from tasks.progress import Listener

logger = logging.getLogger(__name__)

# What dbt and editors write into a project folder, and what no build depends on.
_NOT_SOURCES = {"target", "logs", ".git", "__pycache__", ".user.yml", ".DS_Store"}


@dataclass(frozen=True, kw_only=True)
class DbtOptions:
    """Which project, and how dbt builds it."""

    executable: str
    project: Path
    profiles: Path
    schema: str
    threads: int
    variables: str
    timeout_seconds: float
    readers_timeout_seconds: float

    def digest(self) -> str:
        """Tell one state of the project from another: its files, its variables, its target schema.

        Raises:
            SettingInvalid: there is no project.
        """
        if not (self.project / "dbt_project.yml").is_file():
            raise SettingInvalid(
                f"{self.project} is not a dbt project: it has no dbt_project.yml; nothing was built",
                hint="name the project's folder in [dbt] project_dir or with --dbt-project-dir",
            )
        files = {name: found["sha256"] for name, found in files_in(self.project, _NOT_SOURCES).items()}
        return digest_of({"files": files, "variables": self.variables, "schema": self.schema})


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
        ModelsBroken, TestsFailed: readers see what they saw; the failed nodes are named.
    """
    started = time.monotonic()
    session = ledger.claim(destination)
    version_id = _begin(session, load_id, dbt_digest, options, run=run)
    _run_dbt(session, options, output, listener=listener)
    made = BuildResults.read(output)
    schemas = _accept(session, load_id, version_id, made)
    built = Build(
        version_id=version_id,
        schemas=schemas,
        models=made.relations,
        in_place=[name for name in made.relations if generations.NEXT not in name.split(".")[0]],
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
        _ensure_buildable(session, holding, load_id, dbt_digest)
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
        if published := holding.version("published"):
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
    if holding.has_version(load_id, dbt_digest, "previous"):
        raise RolledBack(
            f"the version of load {load_id} with these models was rolled back; readers see what they saw",
            hint="change the models, run RollBack again to go forward, or start under a new --run-id",
        )


def _prepare_next(session: Session, published: State) -> None:
    """Give the new schemas the old ones' default privileges, and the models that keep state their state."""
    for schema in published.version_schemas:
        session.run(with_names("create schema {}", schema + generations.NEXT))
        catalogue.copy_default_privileges(session, schema, schema + generations.NEXT)
    for qualified in published.stateful:
        schema, name = qualified.split(".", 1)
        old, new = (schema, name), (schema + generations.NEXT, name)
        session.run(with_names("create table {} (like {} including all)", new, old))
        session.run(with_names("insert into {} select * from {}", new, old))


def _run_dbt(session: Session, options: DbtOptions, output: Path, *, listener: Listener) -> None:
    with writing_to(output):
        output.mkdir(parents=True, exist_ok=True)
        # A result that is there after a failure must be this build's.
        (output / "run_results.json").unlink(missing_ok=True)
    command = [
        options.executable,
        "build",
        f"--project-dir={options.project}",
        f"--profiles-dir={options.profiles}",
        "--profile=towpath",
        f"--target-path={output}",
        f"--log-path={output / 'logs'}",
        f"--threads={options.threads}",
        f"--vars={options.variables}",
        "--no-use-colors",
    ]

    def on_line(line: str) -> None:
        said = line[10:] if line[2:3] == ":" else line
        logger.info("dbt: %s", said) if " START " not in said else logger.debug("dbt: %s", said)
        listener(0, said)

    try:
        environment = dbt_environment(session, schema=options.schema + generations.NEXT)
        commands.run(command, environment=environment, timeout_seconds=options.timeout_seconds, on_line=on_line)
    except ProgramFailed as error:
        raise failure(error, output, options.project) from error


def dbt_environment(session: Session, *, schema: str) -> dict[str, str]:
    """Return the variables that `dbt_models/profiles.yml` reads, as libpq resolved them for this session."""
    connected = session.connected_as()
    return {
        **session.database.libpq_environment(),
        "TOWPATH_HOST": connected["host"],
        "TOWPATH_PORT": connected["port"],
        "TOWPATH_USER": connected["user"],
        "TOWPATH_DBNAME": connected["dbname"],
        "TOWPATH_SCHEMA": schema,
        "TOWPATH_APPLICATION_NAME": session.database.parameters["application_name"],
        # dbt keeps variables of this prefix out of its logs and artifacts.
        "DBT_ENV_SECRET_TOWPATH_PASSWORD": connected["password"],
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def _accept(session: Session, load_id: int, version_id: int, made: BuildResults) -> list[str]:
    with session.transaction():
        holding = read_holding(session)
        schemas = generations.next_schemas(session)
        final = [schema.replace(generations.NEXT, "") for schema in schemas]
        landing = next(state.load_schemas for state in holding.states if state.load_id == load_id)
        if clashing := sorted(set(final) & set(landing)):
            raise DestinationUnfit(
                f"models would be published into landing schemas: {', '.join(clashing)}; readers see what they saw",
                hint="give the models' schemas other names, for example with [dbt] schema",
            )
        generations.ensure_names_fit(final)
        wanted = set(made.places)
        in_place = [schema for schema, _ in wanted if generations.NEXT not in schema]
        objects = [
            *catalogue.living_in(session, schemas),
            *(o for o in catalogue.living_in(session, in_place) if _place(o.identity) in wanted),
        ]
        ledger.record_objects(session, objects, version_id=version_id)
        session.run(
            "update towpath.versions set state = 'built', built_at = clock_timestamp(), schemas = %s, stateful = %s"
            " where version_id = %s",
            [final, [n.replace(generations.NEXT, "", 1) for n in made.stateful if generations.NEXT in n], version_id],
        )
        session.run("update towpath.loads set state = 'built' where load_id = %s and state = 'restored'", [load_id])
    return final


def _place(identity: str) -> tuple[str, str]:
    schema, _, name = identity.partition(".")
    return schema.strip('"'), name.strip('"')
