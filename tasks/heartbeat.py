"""Waiting for a server, but only for as long as it answers.

A server that hangs (stopped, out of memory, its disk gone) closes no connection, and its machine goes on
acknowledging: neither keepalives nor tcp_user_timeout end the wait. So whoever waits for a server asks it now and
then, in a connection of its own, whether it is still there.
"""

import contextlib
import select
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from tasks import libpq
from tasks.errors import DatabaseUnreachable

_POLL_SECONDS = 0.5
_ASKS_PER_LIMIT = 4


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a server may be silent, and how long a single statement may take, in seconds."""

    hang_seconds: float = 120
    statement_seconds: float = 6 * 3600


class Heartbeat:
    """When a server was last heard of, by somebody who begins to wait for it now."""

    def __init__(self, name: str, parameters: Mapping[str, str], limits: Limits) -> None:
        self._name = name
        self._parameters = parameters
        self._limits = limits
        self._heard_at = self._asked_at = time.monotonic()

    def listen(self) -> None:
        """Ask the server, if it is time to; to be called again and again while waiting.

        Raises:
            DatabaseUnreachable: it has not answered for `hang_seconds`.
        """
        pause = self._limits.hang_seconds / _ASKS_PER_LIMIT
        if time.monotonic() < self._asked_at + pause:
            return
        if _answers(self._parameters, pause):
            self._heard_at = time.monotonic()
        self._asked_at = time.monotonic()
        silent = self._asked_at - self._heard_at
        if silent >= self._limits.hang_seconds:
            raise DatabaseUnreachable(
                f"{self._name} has not answered for {silent:.0f} s: it hangs; what it was asked to do was broken off, "
                "readers see a whole version",
                hint="see to the server, then run the same command again: what is complete is kept; or be more patient "
                "with [readiness] hang_seconds",
            )

    def beside(self, ensure_going: Callable[[], None]) -> Callable[[], None]:
        """Return what is to be called while waiting for this server's work, which something else may end as well."""

        def listen() -> None:
            ensure_going()
            self.listen()

        return listen


class _Silent(DatabaseUnreachable):
    """Nobody answered an attempt to connect."""


def _answers(parameters: Mapping[str, str], seconds: float) -> bool:
    """Whether the server says anything at all to a new connection; that it has none left is an answer too."""
    deadline = time.monotonic() + seconds
    dsn = psycopg2.extensions.make_dsn(**{**parameters, "application_name": "towpath-asks"})
    try:
        with contextlib.closing(psycopg2.connect(dsn, async_=True)) as asking:
            while (state := asking.poll()) != psycopg2.extensions.POLL_OK:
                if not _is_ready(asking, state, max(0, deadline - time.monotonic())):
                    return False
    except psycopg2.Error as error:
        # "FATAL:  sorry, too many clients": two spaces are the server's own words, in whichever language.
        return ":  " in str(error)
    return True


def _is_ready(connection: psycopg2.extensions.connection, state: int, seconds: float) -> bool:
    waiting = [connection]
    reading = state == psycopg2.extensions.POLL_READ
    return any(select.select(waiting if reading else [], [] if reading else waiting, [], seconds))


class Connection(psycopg2.extensions.connection):
    """A connection that waits no longer than its server answers, and that Ctrl-C and another thread can interrupt."""

    def __init__(self, name: str, parameters: Mapping[str, str], limits: Limits) -> None:
        self._name = name
        self._parameters = parameters
        self._limits = limits
        self._is_made = self._is_given_up = False
        super().__init__(psycopg2.extensions.make_dsn(**parameters))
        self._is_made = True
        self.autocommit = True
        self.set_client_encoding("UTF8")

    def give_up(self) -> None:
        """End the wait of another thread, and with it the connection: the server notices within seconds."""
        self._is_given_up = True

    def wait(self) -> None:
        """Wait as psycopg2 asks to. What is raised here closes the connection."""
        heartbeat = Heartbeat(self._name, self._parameters, self._limits)
        limit = self._limits.statement_seconds if self._is_made else self._connect_seconds()
        deadline = time.monotonic() + limit
        while (state := self.poll()) != psycopg2.extensions.POLL_OK:
            if self._is_given_up:
                raise self._too_late(limit)
            if _is_ready(self, state, min(_POLL_SECONDS, max(0, deadline - time.monotonic()))):
                continue
            if time.monotonic() >= deadline:
                raise self._too_late(limit)
            if self._is_made:
                heartbeat.listen()

    def _connect_seconds(self) -> float:
        given = float(self._parameters.get("connect_timeout") or 0)
        return given if given > 0 else self._limits.hang_seconds

    def _too_late(self, seconds: float) -> DatabaseUnreachable:
        if not self._is_made:
            return _Silent(
                f"{self._name} does not answer: timeout of {seconds:.0f} s expired; nothing was changed",
                hint="see to the server and to the way there, or correct host and port",
            )
        how = "was given up" if self._is_given_up else f"did not end within {seconds:.0f} s"
        return DatabaseUnreachable(
            f"a statement in {self._name} {how}; readers see a whole version",
            hint="end its session there if it is still at work, then run the same command again: what is complete is "
            "kept; or be more patient with [readiness] statement_seconds",
        )


def connection_to(name: str, parameters: Mapping[str, str], limits: Limits) -> Connection:
    """Connect to the first host that answers within `connect_timeout`; libpq by itself goes on from those that refuse.

    Raises:
        DatabaseUnreachable: the last one did not answer in time.
        psycopg2.Error: it refused.
    """
    try:
        return Connection(name, parameters, limits)
    except _Silent:
        others = libpq.without_first_host(parameters)
        if others is None:
            raise
    return connection_to(name, others, limits)


def _wait(connection: psycopg2.extensions.connection) -> None:
    if isinstance(connection, Connection):
        connection.wait()
    else:
        psycopg2.extras.wait_select(connection)


# psycopg2 would wait in libpq, where no time limit and no signal reaches it.
psycopg2.extensions.set_wait_callback(_wait)
