"""What can be set: a class is a section of `luigi.cfg`, a parameter also a flag: `[dbt] threads` is `--dbt-threads`."""

import datetime
from pathlib import Path

import luigi
from luigi.parameter import ParameterVisibility

from tasks.drift import POLICIES
from tasks.indexing import FOREIGN_KEYS, INDEXES
from tasks.notify import EVENTS
from tasks.parameters import Count, Every, Seconds, Section
from tasks.proof import LEVELS

PROJECT = Path(__file__).resolve().parents[1]


class source(Section):
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


class destination(Section):
    """Where the data goes."""

    uri: str = luigi.Parameter(
        default="", visibility=ParameterVisibility.PRIVATE, description="libpq connection string"
    )
    queue_seconds: float = luigi.FloatParameter(
        default=0, description="how long to wait for another run that works there; 0: not at all"
    )


class artifacts(Section):
    """What a run leaves behind."""

    root: str = luigi.Parameter(default="artifacts", description="folder of the runs' folders")
    keep: int = Count(default=7, description="how many runs' folders are kept")
    keep_dumps: int = Count(default=2, description="how many of these keep their dumps")


class embedded(Section):
    """The two servers that are used where no connection string is given."""

    folder: str = luigi.Parameter(default=".towpath", description="folder of their data")


class readiness(Section):
    """Waiting for the servers."""

    timeout_seconds: float = Seconds(default=60, description="how long to wait for each server")
    hang_seconds: float = Seconds(default=120, description="how long a server at work may be silent")
    statement_seconds: float = Seconds(default=6 * 3600, description="how long a single statement of ours may take")


class dump(Section):
    """How to dump."""

    jobs: int = luigi.IntParameter(default=2, description="tables dumped at once")
    compress: str = luigi.Parameter(default="zstd:1", description="rows on disk: none, or zstd:1 to zstd:22")
    unchanged: str = luigi.ChoiceParameter(
        default="link",
        choices=["link", "read"],
        description="tables that the source shows to be as in the dump before: link its files, or read them again",
    )
    lock_wait_timeout: float = Seconds(default=60, description="how many seconds to wait for a lock on each table")
    timeout_seconds: float = Seconds(default=6 * 3600, description="how long pg_dump may take in all")
    tools_folder: str = luigi.Parameter(default="", description="the one folder to look for pg_dump and pg_restore")


class restore(Section):
    """How to restore."""

    jobs: int = luigi.IntParameter(default=2, description="tables and indexes restored at once")
    timeout_seconds: float = Seconds(default=6 * 3600, description="how long pg_restore may take in all")
    indexes: str = luigi.ChoiceParameter(
        default="all", choices=INDEXES, description="of the source's: all, or keys: primary, unique and exclusion ones"
    )
    foreign_keys: str = luigi.ChoiceParameter(
        default="validate",
        choices=FOREIGN_KEYS,
        description="validate: checked on every row; not_valid: there, for whoever reads definitions; skip: none",
    )
    unchanged: str = luigi.ChoiceParameter(
        default="keep",
        choices=["keep", "load"],
        description="tables of which the landing holds the same rows already: keep, or load them again",
    )
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


class verify(Section):
    """How to prove that what arrived is what left."""

    level: str = luigi.ChoiceParameter(default="counts", choices=list(LEVELS), description="what to compare")


class dbt(Section):
    """Which models, and how dbt builds them."""

    project_dir: str = luigi.Parameter(default=str(PROJECT / "dbt_models"), description="folder of the dbt project")
    schema: str = luigi.Parameter(default="analytics", description="target.schema, for models that name none")
    threads: int = luigi.IntParameter(default=4, description="models built at once")
    vars: str = luigi.Parameter(default="{}", description="variables for dbt, as YAML or JSON")
    executable: str = luigi.Parameter(default="", description="dbt's program; by default the one beside this Python")
    timeout_seconds: float = Seconds(default=6 * 3600, description="how long dbt may take in all")
    start_early: bool = luigi.BoolParameter(
        default=True,
        parsing=luigi.BoolParameter.EXPLICIT_PARSING,
        description="let dbt start, and read the project, while the copy is on its way",
    )
    docs: bool = luigi.BoolParameter(
        default=False, parsing=luigi.BoolParameter.EXPLICIT_PARSING, description="describe what was published"
    )


class publish(Section):
    """How to show a new version to readers."""

    readers_timeout_seconds: float = Seconds(default=600, description="how long to wait for readers")
    keep_previous: bool = luigi.BoolParameter(
        default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING, description="keep a version to roll back to"
    )
    show: str = luigi.Parameter(default="gold.film_ratings", description="the model whose first rows a run shows")


class notify(Section):
    """Who is told how runs end, and when what readers see is late."""

    urls: str = luigi.Parameter(
        default="[]", visibility=ParameterVisibility.PRIVATE, description="apprise URLs, as a JSON list or one a line"
    )
    on: tuple[str, ...] = luigi.ListParameter(
        default=("failure", "recovery", "lateness"), description=f"what to tell of: {', '.join(EVENTS)}"
    )
    expected_every: datetime.timedelta = Every(
        default=datetime.timedelta(0), description="how old what readers see may grow, for CheckFreshness: 26h"
    )
    tries: int = Count(default=3, description="how often each URL is tried")
    timeout_seconds: float = Seconds(default=30, description="how long to try in all")


class metrics(Section):
    """What a run that has ended tells Prometheus."""

    textfile: str = luigi.Parameter(default="", description="a .prom file for node_exporter; none if empty")
    pushgateway: str = luigi.Parameter(
        default="", visibility=ParameterVisibility.PRIVATE, description="URL of a pushgateway; none if empty"
    )
    job: str = luigi.Parameter(default="towpath", description="the label job at the pushgateway")
    labels: dict[str, str] = luigi.DictParameter(default={}, description="further labels of every series")
    tables: bool = luigi.BoolParameter(
        default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING, description="three series for each table"
    )
    timeout_seconds: float = Seconds(default=10, description="how long the pushgateway may take")


class lineage(Section):
    """What a run that has ended tells a lineage catalogue, as OpenLineage events."""

    file: str = luigi.Parameter(default="", description="a file to add an event a line to; none if empty")
    url: str = luigi.Parameter(
        default="", visibility=ParameterVisibility.PRIVATE, description="URL of a server of OpenLineage; none if empty"
    )
    api_key: str = luigi.Parameter(default="", visibility=ParameterVisibility.PRIVATE, description="the server's key")
    namespace: str = luigi.Parameter(default="towpath", description="namespace of the jobs")
    timeout_seconds: float = Seconds(default=60, description="how long the server may take for all events")


def ensure_readable() -> None:
    """Read every section, also those that are for a run's end, while nothing is changed yet. Raises SettingInvalid."""
    for section in Section.__subclasses__():
        section()
