"""`luigi.cfg` and flags to plain frozen values, checked."""

import datetime
import json
import re
import sys
from pathlib import Path

from tasks import commands, generations
from tasks import embedded as embedded_servers
from tasks.archive import DumpOptions
from tasks.dbt_program import DbtOptions
from tasks.errors import SettingInvalid
from tasks.heartbeat import Limits
from tasks.housekeeping import Keeping
from tasks.indexing import Indexing
from tasks.landing import RestoreOptions
from tasks.lineage import LineageOptions
from tasks.metrics import MetricsOptions
from tasks.notify import EVENTS, NotifyOptions
from tasks.parameters import Every
from tasks.postgres import Database
from tasks.publish import PublishOptions
from tasks.readiness import ReadinessOptions
from tasks.rows import Compression
from tasks.run_folder import RunFolder
from tasks.sections import (
    PROJECT,
    artifacts,
    dbt,
    destination,
    dump,
    embedded,
    lineage,
    metrics,
    notify,
    publish,
    readiness,
    restore,
    source,
    verify,
)
from tasks.tools import Tools, choose_tools

# With "towpath " before it, it is the sessions' application_name, of which a server keeps 63 bytes.
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,49}")

# dbt puts names between double quotes, and into texts, as they are.
_TARGET_SCHEMA = re.compile(r"[^\"'\\.\x00-\x1f]+")


def default_run_id() -> str:
    """Return today's date, as of the call, on the clock that started the job: `$TZ`, else the machine's."""
    return datetime.datetime.now().astimezone().date().isoformat()


def run_folder(run_id: str) -> RunFolder:
    """Return where a run's artifacts are. Raises SettingInvalid where the id cannot name a folder."""
    if not _RUN_ID.fullmatch(run_id):
        raise SettingInvalid(
            f"{run_id!r} cannot name a run; nothing was changed",
            hint="take up to 50 letters, digits and . _ : + - of which the first is a letter or a digit",
        )
    return RunFolder(artifacts_root() / run_id)


def artifacts_root() -> Path:
    """Return the folder of the runs' folders."""
    return Path(artifacts().root).resolve()


def keeping() -> Keeping:
    return Keeping(runs=artifacts().keep, dumps=artifacts().keep_dumps)


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


def queue_seconds() -> float:
    """Return how long a run waits for another one at the destination; 0 where it does not queue up at all."""
    return max(destination().queue_seconds, 0)


def start_embedded(role: str) -> None:
    """Start the embedded server of a role, with its database; and with the source the destination, if it is embedded.

    Whatever needs the source needs the destination, too.
    """
    roles = [one for one in embedded_servers.ROLES if one == role or (role == "source" and is_embedded(one))]
    embedded_servers.start(Path(embedded().folder), roles, PROJECT / "source_db_init" / "init.sql")


def tools(*, source_major: int, destination_major: int) -> Tools:
    """Find the client programs. Raises ToolMissing."""
    folder, bundled = dump().tools_folder, embedded_servers.binaries_if_installed()
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
        compress=Compression.from_text(how.compress),
        lock_wait_timeout=how.lock_wait_timeout,
        large_objects=which.large_objects,
        timeout_seconds=how.timeout_seconds,
        verify=verify().level,
        takes_over=how.unchanged == "link",
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
        keeps_unchanged=restore().unchanged == "keep",
        indexing=Indexing(restore().indexes, restore().foreign_keys),
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


def notify_options() -> NotifyOptions:
    """Return who is told of what. Raises SettingInvalid, in which no URL is shown."""
    section = notify()
    given = section.urls.strip()
    if unknown := [name for name in section.on if name not in EVENTS]:
        raise SettingInvalid(
            f"[notify] on has {', '.join(map(repr, unknown))}, of which nobody can be told",
            hint=f"take some of {', '.join(EVENTS)}",
        )
    return NotifyOptions(
        urls=_listed(given if given not in ("", "[]") else commands.variable("NOTIFY_URLS").strip()),
        on=section.on,
        tries=section.tries,
        timeout_seconds=section.timeout_seconds,
    )


def _listed(given: str) -> list[str]:
    if not given.startswith("["):
        # A comma may be part of a URL: it parts two where a scheme comes next.
        return [url for url in re.split(r"[\s,]+(?=[A-Za-z0-9]+://)|\s+|,$", given) if url]
    try:
        return [str(url) for url in json.loads(given)]
    except json.JSONDecodeError as error:
        raise SettingInvalid(
            f"[notify] urls, or $NOTIFY_URLS, is no JSON list: {error.msg} at character {error.pos}",
            hint='write it like ["mailto://…", "slack://…"], or the URLs alone, one a line',
        ) from None


def expected_every() -> datetime.timedelta:
    """Return how old what readers see may grow. Raises SettingInvalid where it is not said."""
    every = notify().expected_every or Every().parse(commands.variable("EXPECTED_EVERY"))
    if not every:
        raise SettingInvalid(
            "neither [notify] expected_every nor $EXPECTED_EVERY is set, so nothing is late",
            hint="set it to the time between two runs, and how long a run takes at most: 26h for one a day",
        )
    return every


def metrics_options() -> MetricsOptions:
    section = metrics()
    return MetricsOptions(
        textfile=section.textfile,
        pushgateway=section.pushgateway,
        job=section.job,
        labels=dict(section.labels),
        tables=section.tables,
        timeout_seconds=section.timeout_seconds,
    )


def lineage_options() -> LineageOptions:
    section = lineage()
    return LineageOptions(
        file=section.file,
        url=section.url,
        api_key=section.api_key,
        namespace=section.namespace,
        timeout_seconds=section.timeout_seconds,
        database=lambda role: database(role, application_name="towpath-asks"),
    )
