"""One run at a time on a destination: who holds the claim works there, and nobody else."""

import logging
import time
from collections.abc import Callable

from tasks import ledger
from tasks.errors import DestinationBusy, DestinationUnfit, StatementFailed
from tasks.postgres import Database, Row, Session, open_session
from tasks.servers import ensure_writable, read_server
from tasks.statements import statement

logger = logging.getLogger(__name__)

# Any number that nobody else uses: this one spells "towpath" in ASCII.
_CLAIM = 0x746F7770617468
_CLAIM_SECONDS = 5.0
_HOLDER = "towpath: "
_LEFTOVER_SECONDS = 30.0
_PAUSE_SECONDS = 0.2

_claims: dict[str, Session] = {}


def claim(destination: Database) -> Session:
    """Return this process's session in the destination, which holds the claim to it until the process ends.

    With the claim, sessions that a killed run left at work (its pg_restore, its dbt) are ended and waited for.

    Raises:
        DestinationBusy: another run holds the claim; it is named.
        DestinationUnfit: nothing can be written there, the ledger is somebody else's or cannot be made.
    """
    key = repr(sorted(destination.place.items()))
    held = _claims.get(key)
    if held is not None and held.in_reach:
        return held
    session = open_session(destination)
    ensure_writable(session, read_server(session))
    ensure_ledger_is_ours(session)
    # Another name than that of the sessions that another run's claim, should it come first, ends as leftovers.
    session.run("select pg_catalog.set_config('application_name', %s, false)", [_holder_name(destination)])
    _wait_for_claim(session, lambda: session.value("select pg_catalog.pg_try_advisory_lock(%s)", [_CLAIM]) is True)
    end_leftovers(session)
    _open_ledger(session)
    _claims[key] = session
    return session


def _open_ledger(session: Session) -> None:
    try:
        with session.transaction():
            session.run(statement("create_ledger"))
            if ledger.recognize(session):
                logger.warning(
                    "the ledger of %s came from a backup: what it tells of is known by name, and kept", session.database
                )
    except StatementFailed as error:
        raise DestinationUnfit(
            f"the ledger, schema towpath in {session.database}, cannot be made: {error.message}; nothing was changed",
            hint="mend that (it may be that the role lacks create on the database), and run again",
        ) from error


def _holder_name(destination: Database) -> str:
    return destination.parameters["application_name"].replace("towpath ", _HOLDER, 1)


def release(destination: Database) -> None:
    """Give the claim back before the process ends."""
    session = _claims.pop(repr(sorted(destination.place.items())), None)
    if session is not None:
        session.close()


def ensure_unclaimed(session: Session) -> None:
    """Raise DestinationBusy, naming it, where another run holds the claim; without taking it."""
    _wait_for_claim(session, lambda: not _holders(session))


def ensure_ledger_is_ours(session: Session) -> None:
    """Raise DestinationUnfit where there is a schema towpath that this role cannot write to as it needs to."""
    if owners := [name for (name,) in session.all(statement("read_ledger_owner"))]:
        raise DestinationUnfit(
            f"the ledger, schema towpath in {session.database}, belongs to {', '.join(owners)}; nothing was changed",
            hint="run as that role, or make this one a member of it",
        )


def _wait_for_claim(session: Session, is_free: Callable[[], bool]) -> None:
    # The server may not have noticed yet that a run was killed.
    deadline = time.monotonic() + _CLAIM_SECONDS
    while not is_free():
        if time.monotonic() > deadline:
            raise _busy(session)
        time.sleep(_PAUSE_SECONDS)


def _holders(session: Session) -> list[Row]:
    return session.all(statement("read_claim_holder"), {"claim": _CLAIM})


def _busy(session: Session) -> DestinationBusy:
    rows = _holders(session)
    holder = "; ".join(f"run {name.removeprefix(_HOLDER)} (session {p} from {at})" for name, p, at in rows)
    return DestinationBusy(
        f"{session.database} is being worked on by {holder or 'another run'}; nothing was changed",
        hint="let that run end, then run again",
    )


def end_leftovers(session: Session) -> None:
    """End what the programs of a run that was broken off have left at work in the server, and wait until it is gone."""
    deadline = time.monotonic() + _LEFTOVER_SECONDS
    while rows := session.all(statement("terminate_leftovers")):
        if time.monotonic() > deadline:
            raise DestinationBusy(
                f"sessions that a killed run left in {session.database} do not end: "
                f"{', '.join(str(pid) for pid, _ in rows)}; nothing was changed",
                hint="end them with pg_terminate_backend, then run again",
            )
        time.sleep(_PAUSE_SECONDS)
