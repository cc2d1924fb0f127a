"""Is the server there and does it answer a query? Waiting for it, as long as waiting can help."""

import logging
import time
from dataclasses import dataclass

import tenacity

from tasks.errors import DatabaseUnreachable
from tasks.postgres import Database, connect
from tasks.progress import Listener, unheard

logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class ReadinessOptions:
    """How long to wait, in seconds."""

    timeout_seconds: float


def is_ready(database: Database) -> bool:
    """Ask once. Raises what waiting cannot mend: LoginRefused, DatabaseMissing, SettingInvalid."""
    try:
        with connect(database) as session:
            return session.value("select true") is True
    except DatabaseUnreachable:
        return False


def wait_until_ready(database: Database, options: ReadinessOptions, listener: Listener = unheard) -> None:
    """Wait with growing pauses until the server answers a query; to accept a connection is not enough.

    Raises:
        DatabaseUnreachable: it did not within the time.
        LoginRefused, DatabaseMissing, SettingInvalid: at once, because waiting will not help.
    """
    started = time.monotonic()

    def tell(state: tenacity.RetryCallState) -> None:
        refused = state.outcome.exception() if state.outcome else None
        if isinstance(refused, DatabaseUnreachable) and state.attempt_number == 1:
            logger.info("waiting: %s", refused.message)
        waited = time.monotonic() - started
        listener(0, f"waiting for {database}, {waited:.0f} of {options.timeout_seconds:.0f} s")

    asking = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(DatabaseUnreachable),
        wait=tenacity.wait_random_exponential(multiplier=_FIRST_PAUSE_SECONDS, max=_LONGEST_PAUSE_SECONDS),
        stop=tenacity.stop_after_delay(options.timeout_seconds),
        before_sleep=tell,
        reraise=True,
    )
    try:
        asking(_ask, database)
    except DatabaseUnreachable as error:
        raise DatabaseUnreachable(
            f"{error.message} (waited {time.monotonic() - started:.0f} s)",
            hint=f"{error.hint}; or wait longer with [readiness] timeout_seconds",
        ) from error
    seconds = time.monotonic() - started
    logger.info("%s is ready after %.1f s", database, seconds)
    listener(100, f"{database} is ready after {seconds:.1f} s")


def _ask(database: Database) -> None:
    with connect(database) as session:
        session.value("select true")
