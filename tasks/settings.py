"""`luigi.cfg` and flags to plain frozen values. Each class is a section; `[dbt] threads` is `--dbt-threads`."""

import datetime
import re
import sys
from pathlib import Path

import luigi
from luigi.parameter import ParameterVisibility

from tasks import commands, generations, proof
from tasks import embedded as embedded_servers
from tasks.archive import DumpOptions
from tasks.checkpoints import RunFolder
from tasks.dbt_program import DbtOptions
from tasks.drift import POLICIES
from tasks.errors import SettingInvalid
from tasks.heartbeat import Limits
from tasks.landing import RestoreOptions
from tasks.postgres import Database
from tasks.publish import PublishOptions
from tasks.readiness import ReadinessOptions
from tasks.tools import Tools, choose_tools

PROJECT = Path(__file__).resolve().parents[1]

# With "towpath " before it, it is the sessions' application_name, of which a server keeps 63 bytes.
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,49}")

# dbt puts names between double quotes, and into texts, as they are.
_TARGET_SCHEMA = re.compile(r"[^\"'\\.\x00-\x1f]+")


class source(luigi.Config):
    """Where the data is, and which of it. Patterns are pg_dump's own: `sales.*`, `"Mixed Case"`."""

    uri: str = luigi.Parameter(
        default="", visibility=ParameterVisibility.PRIVATE, description="libpq connection string"
    )
    schemas: tuple[str, ...] = luigi.ListParameter(default=(), description="patterns of schemas to dump; all if none")
    exclude_schemas: tuple[str, ...] = luigi.ListParameter(default=(), description="patterns of schemas to leave out")
    tables: tuple[str, ...] = luigi.ListParameter(default=(), description="patterns of tables to dump; all if none")
    exclude_tables: tuple[str, ...] = luigi.ListParameter(default=(), description="patterns of tables to leave out")
    exclude_table_data: tuple[str, ...] = luigi.ListParameter(
        default=(), description="patterns of tables to copy without their rows"
    )
    exclude_extensions: tuple[str, ...] = luigi.ListParameter(default=(), description="extensions not to be made")
    large_objects: str = luigi.ChoiceParameter(
        default="refuse", choices=["refuse", "skip"], description="what to do where the source has large objects"
    )


class destination(luigi.Config):
    """Where the data goes."""

    uri: str = luigi.Parameter(
        default="", visibility=ParameterVisibility.PRIVATE, description="libpq connection string"
    )


class artifacts(luigi.Config):
    """What a run leaves behind."""

    root: str = luigi.Parameter(default="artifacts", description="folder of the runs' folders")


class embedded(luigi.Config):
    """The two servers that are used where no connection string is given."""

    folder: str = luigi.Parameter(default=".towpath", description="folder of their data")


class readiness(luigi.Config):
    """Waiting for the servers."""

    timeout_seconds: float = luigi.FloatParameter(default=60, description="how long to wait for each server")
    hang_seconds: float = luigi.FloatParameter(default=120, description="how long a server at work may be silent")
    statement_seconds: float = luigi.FloatParameter(
        default=6 * 3600, description="how long a single statement of ours may take"
    )


class dump(luigi.Config):
    """How to dump."""

    jobs: int = luigi.IntParameter(default=2, description="tables dumped at once")
    compress: str = luigi.Parameter(default="1", description="as pg_dump --compress: 0 to 9, gzip:1, zstd:1, none")
    lock_wait_timeout: float = luigi.FloatParameter(
        default=60, description="how many seconds to wait for a lock on each table"
    )
    timeout_seconds: float = luigi.FloatParameter(default=6 * 3600, description="how long pg_dump may take in all")
    tools_folder: str = luigi.Parameter(default="", description="the one folder to look for pg_dump and pg_restore")


class restore(luigi.Config):
    """How to restore."""

    jobs: int = luigi.IntParameter(default=2, description="tables and indexes restored at once")
    timeout_seconds: float = luigi.FloatParameter(default=6 * 3600, description="how long pg_restore may take in all")
    on_dependents: str = luigi.ChoiceParameter(
        default="rebind",
        choices=["rebind", "refuse"],
        description="views of others on landed tables and models: rebind (they follow each version) or refuse",
    )
    drift: str = luigi.ChoiceParameter(
        default="evolve",
        choices=POLICIES,
        description="what may differ from the tables of the load before: evolve, anything; additive, only new tables,"
        " columns and keys, and columns that are never null now; freeze, nothing",
    )


class verify(luigi.Config):
    """How to prove that what arrived is what left."""

    level: str = luigi.ChoiceParameter(default="counts", choices=list(proof.LEVELS), description="what to compare")


class dbt(luigi.Config):
    """Which models, and how dbt builds them."""

    project_dir: str = luigi.Parameter(default=str(PROJECT / "dbt_models"), description="folder of the dbt project")
    schema: str = luigi.Parameter(default="analytics", description="target.schema, for models that name none")
    threads: int = luigi.IntParameter(default=4, description="models built at once")
    vars: str = luigi.Parameter(default="{}", description="variables for dbt, as YAML or JSON")
    executable: str = luigi.Parameter(default="", description="dbt's program; by default the one beside this Python")
    timeout_seconds: float = luigi.FloatParameter(default=6 * 3600, description="how long dbt may take in all")


class publish(luigi.Config):
    """How to show a new version to readers."""

    readers_timeout_seconds: float = luigi.FloatParameter(default=600, description="how long to wait for readers")
    keep_previous: bool = luigi.BoolParameter(
        default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING, description="keep a version to roll back to"
    )
    show: str = luigi.Parameter(default="gold.film_ratings", description="the model whose first rows a run shows")


def default_run_id() -> str:
    """Return today's date in UTC, as of the call."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def run_folder(run_id: str) -> RunFolder:
    """Return where a run's artifacts are. Raises SettingInvalid where the id cannot name a folder."""
    if not _RUN_ID.fullmatch(run_id):
        raise SettingInvalid(
            f"{run_id!r} cannot name a run; nothing was changed",
            hint="take up to 50 letters, digits and . _ : + - of which the first is a letter or a digit",
        )
    return RunFolder(Path(artifacts().root).resolve() / run_id)


def is_embedded(role: str) -> bool:
    """Whether no connection string is given for a role."""
    return not _given_uri(role)


def _given_uri(role: str) -> str:
    section = source() if role == "source" else destination()
    return section.uri or commands.variable(f"{role.upper()}_URI")


def database(role: str, *, application_name: str) -> Database:
    """Return the database of a role: flag, `luigi.cfg`, environment, embedded server."""
    given = _given_uri(role) or embedded_servers.uri(Path(embedded().folder), role)
    limits = Limits(hang_seconds=readiness().hang_seconds, statement_seconds=readiness().statement_seconds)
    return Database.from_uri(given, application_name=application_name, limits=limits)


def start_embedded(role: str) -> None:
    """Start the embedded server of a role, with its database."""
    embedded_servers.start(Path(embedded().folder), role, PROJECT / "source_db_init" / "init.sql")


def tools(*, source_major: int, destination_major: int) -> Tools:
    """Find the client programs. Raises ToolMissing."""
    folder, bundled = dump().tools_folder, embedded_servers.binaries()
    return choose_tools(folder, bundled, source_major=source_major, destination_major=destination_major)


def readiness_options() -> ReadinessOptions:
    return ReadinessOptions(timeout_seconds=readiness().timeout_seconds)


def dump_options() -> DumpOptions:
    which, how = source(), dump()
    return DumpOptions(
        schemas=tuple(which.schemas),
        exclude_schemas=tuple(which.exclude_schemas),
        tables=tuple(which.tables),
        exclude_tables=tuple(which.exclude_tables),
        exclude_table_data=tuple(which.exclude_table_data),
        exclude_extensions=tuple(which.exclude_extensions),
        jobs=how.jobs,
        compress=how.compress,
        lock_wait_timeout=how.lock_wait_timeout,
        large_objects=which.large_objects,
        timeout_seconds=how.timeout_seconds,
        verify=verify().level,
    )


def restore_options(*, allow_older: bool) -> RestoreOptions:
    return RestoreOptions(
        jobs=restore().jobs,
        timeout_seconds=restore().timeout_seconds,
        readers_timeout_seconds=publish().readers_timeout_seconds,
        allow_older=allow_older,
        rebinds=rebinds(),
        verify=verify().level,
        drift=restore().drift,
    )


def dbt_options() -> DbtOptions:
    """Raises SettingInvalid where the target's schema has a letter that dbt would not quote, or an unfit name."""
    section = dbt()
    if not _TARGET_SCHEMA.fullmatch(section.schema) or generations.unfit_names([section.schema]):
        raise SettingInvalid(
            f"[dbt] schema cannot be {section.schema!r}; nothing was built",
            hint=f"take a name without quotes, dots and backslashes; {generations.FIT_NAMES}",
        )
    return DbtOptions(
        executable=section.executable or str(Path(sys.executable).with_name("dbt")),
        project=Path(section.project_dir).resolve(),
        profiles=PROJECT / "dbt_models",
        schema=section.schema,
        threads=section.threads,
        variables=section.vars,
        timeout_seconds=section.timeout_seconds,
        readers_timeout_seconds=publish().readers_timeout_seconds,
    )


def publish_options() -> PublishOptions:
    section = publish()
    return PublishOptions(
        readers_timeout_seconds=section.readers_timeout_seconds,
        keep_previous=section.keep_previous,
        rebinds=rebinds(),
    )


def rebinds() -> bool:
    """Whether views of others are to follow what they hang on."""
    return restore().on_dependents == "rebind"
