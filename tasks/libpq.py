"""What libpq reads besides its arguments: its environment variables and its service files."""

import configparser
import contextlib
from collections.abc import Mapping
from pathlib import Path

from tasks import commands

# libpq names an environment variable for each of its parameters: PG and the name without underscores, but for
# these (https://www.postgresql.org/docs/current/libpq-envars.html).
_VARIABLES = {"dbname": "PGDATABASE", "connect_timeout": "PGCONNECT_TIMEOUT", "application_name": "PGAPPNAME"}
WITHOUT_VARIABLE = {"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}


def variable(parameter: str) -> str:
    """Return the name of the variable that stands for a connection parameter."""
    return _VARIABLES.get(parameter, "PG" + parameter.replace("_", "").upper())


def without_first_host(parameters: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the parameters with the hosts that are left to try, if any."""
    rest = {
        name: text.partition(",")[2]
        for name in ("host", "hostaddr", "port")
        if "," in (text := parameters.get(name, ""))
    }
    return {**parameters, **rest} if {"host", "hostaddr"} & rest.keys() else None


def service(name: str) -> Mapping[str, str]:
    """Return what libpq will read of a service: from the user's file, else the system's, which it looks for in turn."""
    user = commands.variable("PGSERVICEFILE") or str(Path.home() / ".pg_service.conf")
    system = Path(commands.variable("PGSYSCONFDIR") or "/etc/postgresql-common") / "pg_service.conf"
    files = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    with contextlib.suppress(OSError, configparser.Error):
        files.read([system, user])
    return files[name] if files.has_section(name) else {}
