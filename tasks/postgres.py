"""A database, how libpq is told of it, a session in it: where psycopg2 is known, and its errors translated, once."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg2
import psycopg2.extensions
from psycopg2 import errorcodes

from tasks import commands, libpq, session_settings
from tasks.errors import (
    DatabaseUnreachable,
    LockNotGranted,
    ObjectMissing,
    PipelineError,
    SettingInvalid,
    StatementFailed,
)
from tasks.heartbeat import Connection, Heartbeat, Limits, connection_to
from tasks.refusals import first_line, refusal
from tasks.statements import statement

_KINDS = {
    errorcodes.LOCK_NOT_AVAILABLE: LockNotGranted,
    errorcodes.UNDEFINED_TABLE: ObjectMissing,
    errorcodes.INVALID_SCHEMA_NAME: ObjectMissing,
}

Row = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Database:
    """Where a database is. Its text never holds a password."""

    parameters: Mapping[str, str] = field(repr=False)
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_uri(cls, uri: str, *, application_name: str, limits: Limits | None = None) -> "Database":
        """Take any libpq connection string: a URI or `host=… dbname=…`.

        Raises:
            SettingInvalid: it is not one.
        """
        try:
            given = {name: str(value) for name, value in psycopg2.extensions.parse_dsn(uri).items()}
        except psycopg2.Error as error:
            raise _unreadable() from error
        # A password with an unescaped @ or / spills into host, port or database, all of which are shown.
        spills = "@" in given.get("host", "") + given.get("dbname", "")
        numbers = given.get("port", "0").replace(",", "0") + given.get("connect_timeout", "0")
        if spills or not numbers.isdigit():
            raise _unreadable()
        # Programs speak UTF-8 with us, whatever a role has set for its users.
        ours = {"client_encoding": "UTF8", "application_name": application_name}
        parameters = {"connect_timeout": "10", **given, **ours}
        return cls(parameters=parameters, limits=limits or Limits())

    @property
    def place(self) -> dict[str, str]:
        """What tells this database from another without asking it."""
        # Without a name, the database is that of the user's name.
        last = "dbname" if self.known("dbname") else "user"
        names = ("service", "host", "hostaddr", "port", last)
        return {name: self.known(name) for name in names if self.known(name)}

    def known(self, name: str) -> str:
        """Return a parameter as libpq will find it, or an empty string."""
        service = self.parameters.get("service") or commands.variable("PGSERVICE")
        of_service = libpq.service(service).get(name) if service and name != "service" else None
        return self.parameters.get(name) or of_service or commands.variable(libpq.variable(name))

    def __str__(self) -> str:
        name = self.known("dbname") or self.known("service") or self.known("user") or "the default database"
        where = self.known("host") or self.known("hostaddr") or "the local socket"
        port = self.known("port")
        is_plain = not port or (where.startswith("/") and port == "5432")
        return f"{name} on {where}" if is_plain else f"{name} on {where}:{port}"

    def libpq_environment(self) -> dict[str, str]:
        """Return the variables that make a libpq program connect here; a password travels in no argument."""
        return {libpq.variable(k): v for k, v in self.parameters.items() if k not in libpq.WITHOUT_VARIABLE}

    def named(self, dbname: str) -> "Database":
        """Return another database of the same server."""
        return replace(self, parameters={**self.parameters, "dbname": dbname})

    def hosts(self) -> dict[str, str]:
        """Return where to connect, as libpq will find it: one or several hosts, which are tried in turn."""
        return {name: self.known(name) for name in ("host", "hostaddr", "port") if self.known(name)}


def _unreadable() -> SettingInvalid:
    return SettingInvalid(
        "a connection string cannot be read (it is not shown: it may hold a password); nothing was changed",
        hint="write it as postgresql://user:password@host:5432/database, special characters as %XX",
    )


class Session:
    """One connection in autocommit mode, which threads use in turn; only `transaction()` holds several statements."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self.database = database
        self._connection = connection
        # A wait callback, which psycopg2 has from us, ends psycopg2's own turns.
        self._turn = threading.Lock()
        self._began = time.monotonic()
        self._overruled = self._overrule()

    def _overrule(self) -> dict[str, str]:
        """Set what this server knows of our settings, and return those that would have been others."""
        values = {"wanted": json.dumps(session_settings.OURS), "names": list(session_settings.OURS)}
        rows = self.all(statement("overrule_settings"), values)
        return {name: now for name, before, now in rows if before != now}

    def libpq_environment(self, *, as_ours: bool = False, **settings: str) -> dict[str, str]:
        """Return the variables that make a libpq program connect here, unhindered or with all settings as ours."""
        options = session_settings.options({**session_settings.held(self._overruled, all_of_them=as_ours), **settings})
        known, variables = self.database.known("options"), session_settings.VARIABLES if as_ours else {}
        return {**self.database.libpq_environment(), **variables, "PGOPTIONS": f"{known} {options}".strip()}

    @property
    def server_version(self) -> int:
        """As libpq gives it: 180006 is 18.6."""
        return self._connection.server_version

    @property
    def seconds_in_transaction(self) -> float:
        """Since the last `transaction()` began."""
        return time.monotonic() - self._began

    @property
    def in_reach(self) -> bool:
        """Whether the server still answers on this connection."""
        with contextlib.suppress(PipelineError):
            self.ensure_in_reach()
            return True
        return False

    def ensure_in_reach(self) -> None:
        """Raise DatabaseUnreachable where the connection is lost: what failed beside it has failed because of that."""
        self.run("select true")

    def connected_as(self) -> dict[str, str]:
        """Return host, port, user, password and dbname as libpq resolved them, `~/.pgpass` and services included."""
        info = self._connection.info
        known = {name: getattr(info, name) for name in ("host", "port", "user", "password", "dbname")}
        return {name: str(value) if value else "" for name, value in known.items()}

    def heartbeat(self) -> Heartbeat:
        """Return what tells somebody who waits for this very server whether it still answers."""
        connected = self.connected_as()
        at = {"hostaddr": "", "host": connected["host"], "port": connected["port"]}
        return Heartbeat(str(self.database), {**self.database.parameters, **at}, self.database.limits)

    def dbname_option(self) -> str:
        """Return `--dbname=` for a program that would take a bare name with `=` or `://` in it for more than a name."""
        return "--dbname=" + psycopg2.extensions.make_dsn(dbname=self.connected_as()["dbname"])

    def all(self, query: str, values: Mapping[str, Any] | Sequence[Any] | None = None) -> list[Row]:
        """Run a query and return its rows, none for a statement that has no result.

        Raises:
            DatabaseUnreachable: the connection is lost, the server hangs, or the statement took too long.
            LockNotGranted: `lock_timeout` went by.
            StatementFailed: the server refused it.
        """
        try:
            with self._turn, self._connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            raise self._translated(error) from error

    def run(self, query: str, values: Mapping[str, Any] | Sequence[Any] | None = None) -> None:
        """Run a statement for its effect. Raises as `all` does."""
        self.all(query, values)

    def value(self, query: str, values: Mapping[str, Any] | Sequence[Any] | None = None) -> Any:
        """Return the first column of the first row. Raises as `all` does."""
        return self.all(query, values)[0][0]

    def close(self) -> None:
        """End the session."""
        self._connection.close()

    def give_up(self) -> None:
        """End the statement that another thread runs in this session, and with it the session."""
        self._connection.give_up()

    @contextlib.contextmanager
    def transaction(self, *, lock_timeout_seconds: float = 0, snapshot: bool = False) -> Iterator[None]:
        """Commit at the end, roll back on any error; `snapshot` makes it read-only in `repeatable read`."""
        self.run("begin isolation level repeatable read read only" if snapshot else "begin")
        self._began = time.monotonic()
        try:
            self.run(f"set local lock_timeout = {round(lock_timeout_seconds * 1000)}")
            yield
            self.run("commit")
        except BaseException:
            with contextlib.suppress(PipelineError):
                self.run("rollback")
            raise

    def _translated(self, error: psycopg2.Error) -> PipelineError:
        if self._connection.closed:
            return DatabaseUnreachable(
                f"the connection to {self.database} was lost in mid-work: {first_line(str(error))}",
                hint="run the same command again: what is complete is kept",
            )
        kind = _KINDS.get(error.pgcode or "", StatementFailed)
        return kind(
            f"{self.database} refused a statement: {first_line(str(error))}",
            hint="grant the role what it lacks, or report this as a bug with the log",
        )


@contextlib.contextmanager
def connect(database: Database) -> Iterator[Session]:
    """Open a session, with the settings of role and database that could disturb a job overruled.

    Raises:
        DatabaseUnreachable: nobody answers yet.
        LoginRefused, DatabaseMissing, SettingInvalid: waiting will not help.
    """
    session = open_session(database)
    try:
        yield session
    finally:
        session.close()


def open_session(database: Database) -> Session:
    """Open a session that lasts as long as this process, or until the server ends it. Raises as `connect`."""
    try:
        parameters = {**database.parameters, **database.hosts()}
        session = Session(database, connection_to(str(database), parameters, database.limits))
    except psycopg2.Error as error:
        raise refusal(str(database), str(error)) from error
    with contextlib.suppress(StatementFailed):
        # So that the server notices within seconds when this process is killed, or has given up, during a long
        # statement; older servers, and those on some systems, cannot.
        session.run("set client_connection_check_interval = '2s'")
    return session
