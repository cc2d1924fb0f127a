"""Work that needs locks which readers have: begun again and again, so that nobody queues behind us for long."""

import contextlib
import logging
import time
from collections.abc import Callable
from typing import TypeVar

from tasks.errors import LockNotGranted, PipelineError, PublishBlocked
from tasks.postgres import Session
from tasks.progress import Tell, unheard
from tasks.statements import statement, with_names

logger = logging.getLogger(__name__)

T = TypeVar("T")

# A reader who waits for us while we wait for them must never be the one that the server ends to break the deadlock,
# which it does when somebody has waited for deadlock_timeout, 1 s by default. So we let go before anybody has.
_LOCK_TIMEOUT_SECONDS = 0.2
_PAUSE_SECONDS = 0.5
# By then the server has ended an autovacuum worker for us.
_AFTER_DEADLOCK_TIMEOUT_SECONDS = 0.5


def patiently(
    session: Session, work: Callable[[], T], *, timeout_seconds: float, what: str, state: str, tell: Tell = unheard
) -> T:
    """Do catalogue work in one transaction, when its locks can be had without anybody having to queue behind us.

    Returns:
        What the work returns, which is begun anew when a lock is refused.

    Raises:
        PublishBlocked: not within the time; the sessions in transactions are named.
    """

    def attempt() -> T:
        try:
            with session.transaction(lock_timeout_seconds=_LOCK_TIMEOUT_SECONDS):
                return work()
        except LockNotGranted:
            _let_autovacuum_leave(session, at_most_seconds=timeout_seconds)
            raise

    return until_granted(session, attempt, timeout_seconds=timeout_seconds, what=what, state=state, tell=tell)


def until_granted(
    session: Session, attempt: Callable[[], T], *, timeout_seconds: float, what: str, state: str, tell: Tell = unheard
) -> T:
    """Attempt something again and again until no lock is refused, and name those who are waited for.

    Returns:
        What the attempt returns.

    Raises:
        PublishBlocked: not within the time.
    """
    started, told = time.monotonic(), ""
    while isinstance(outcome := _outcome(attempt), LockNotGranted):
        others = others_in_transaction(session)
        waited = time.monotonic() - started
        if waited > timeout_seconds:
            raise PublishBlocked(
                f"{what} waited {timeout_seconds:.0f} s for readers of {session.database} and gave up: {others}; "
                f"{state}",
                hint="end these sessions (what is prepared: rollback prepared), or raise [publish] "
                "readers_timeout_seconds, and run again",
            ) from outcome
        if others != told:
            logger.info("%s waits for readers: %s", what, others)
            told = others
        tell(f"{what} waits for readers, {waited:.0f} of {timeout_seconds:.0f} s: {others}")
        time.sleep(_PAUSE_SECONDS)
    return outcome


def _outcome(attempt: Callable[[], T]) -> T | LockNotGranted:
    try:
        return attempt()
    except LockNotGranted as error:
        return error


def others_in_transaction(session: Session) -> str:
    """Name the sessions of this database that are in a transaction, the oldest first."""
    rows = session.all(statement("read_old_snapshots"))
    named = [
        f"{f'session {pid}' if pid else 'transaction'} ({role}, {name or 'unnamed'}, {state}, {seconds} s)"
        for pid, role, name, state, seconds in rows
    ]
    return ", ".join(named) or "none that this role can see"


def _let_autovacuum_leave(session: Session, *, at_most_seconds: float) -> None:
    """Have the server end autovacuum's work on our tables, as it does for whoever waits for deadlock_timeout.

    We never wait that long for a lock that readers would queue behind; for this one nobody does who reads or writes.
    It is no help with work that keeps transaction numbers from running out, which the server does not end.
    """
    # What is wrong, the next attempt will tell.
    with contextlib.suppress(PipelineError):
        for schema, name, deadlock_timeout_seconds in session.all(statement("read_vacuumed")):
            seconds = min(float(deadlock_timeout_seconds) + _AFTER_DEADLOCK_TIMEOUT_SECONDS, at_most_seconds)
            logger.debug("autovacuum is at work on %s.%s, and is asked to leave", schema, name)
            with contextlib.suppress(LockNotGranted), session.transaction(lock_timeout_seconds=seconds):
                session.run(with_names("lock table only {} in share update exclusive mode", (schema, name)))
