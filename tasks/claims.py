"""One run at a time on a destination: who holds the claim works there, and nobody else; others may queue up."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from tasks import ledger
from tasks.errors import DestinationBusy, DestinationUnfit, StatementFailed
from tasks.postgres import Database, Session, open_session
from tasks.progress import Tell, unheard
from tasks.servers import ensure_writable, read_server
from tasks.statements import statement

logger = logging.getLogger(__name__)

# Any number that nobody else uses: this one spells "towpath" in ASCII.
_CLAIM = 0x746F7770617468
# Held by a run that others queue up behind, from its preflight on: the next number.
_TURN = _CLAIM + 1
_CLAIM_SECONDS = 5.0
_HOLDER = "towpath: "
_LEFTOVER_SECONDS = 30.0
_PAUSE_SECONDS, _LONG_PAUSE_SECONDS = 0.2, 1.0

_claims: dict[str, Session] = {}
_turns: dict[str, Session] = {}


def claim(destination: Database) -> Session:
    """Return this process's session in the destination, which holds the claim to it until the process ends.

    With the claim, sessions that a killed run left at work (its pg_restore, its dbt) are ended and waited for.

    Raises:
        DestinationBusy: another run holds the claim; it is named.
        DestinationUnfit: nothing can be written there, the ledger is somebody else's or cannot be made.
    """
    key = _key(destination)
    held = _claims.get(key)
    if held is not None and held.in_reach:
        return held
    session = open_session(destination)
    ensure_writable(session, read_server(session))
    # What we say is done is on the destination's own disk, whatever it does with the commits of others.
    session.run(
        "select pg_catalog.set_config('synchronous_commit', 'local', false)"
        " where pg_catalog.current_setting('synchronous_commit') = 'off'"
    )
    ensure_ledger_is_ours(session)
    # Another name than that of the sessions that another run's claim, should it come first, ends as leftovers.
    session.run("select pg_catalog.set_config('application_name', %s, false)", [_holder_name(destination)])
    _wait(session, lambda: _takes(session, _CLAIM), for_=_CLAIM)
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


def _key(destination: Database) -> str:
    return repr(sorted(destination.place.items()))


def release(destination: Database) -> None:
    """Give the claim back before the process ends."""
    session = _claims.pop(_key(destination), None)
    if session is not None:
        session.close()


def queue_up(destination: Database, *, seconds: float, tell: Tell = unheard) -> None:
    """Wait for whoever queued up before, and for whoever works there, then have the turn until the process ends.

    With the turn a run dumps, too: of two dumps made side by side one is older, and would be refused once the other one
    is published. Whoever does not queue up (RollBack, a run without `queue_seconds`) need not have it.

    Raises:
        DestinationBusy: it took longer; the run that was waited for is named.
    """
    key = _key(destination)
    if key in _turns and _turns[key].in_reach:
        return
    # Not to be taken for a leftover, at no moment, by the run that is waited for.
    named = {**destination.parameters, "application_name": _holder_name(destination)}
    session = open_session(replace(destination, parameters=named))
    started = time.monotonic()
    _wait(session, lambda: _takes(session, _TURN), for_=_TURN, seconds=seconds, tell=tell)
    left = max(seconds - (time.monotonic() - started), _CLAIM_SECONDS)
    _wait(session, lambda: not _holders(session, _CLAIM), for_=_CLAIM, seconds=left, tell=tell)
    _turns[key] = session


def ensure_unclaimed(session: Session) -> None:
    """Raise DestinationBusy, naming it, where another run holds the claim; without taking it."""
    _wait(session, lambda: not _holders(session, _CLAIM), for_=_CLAIM)


def ensure_ledger_is_ours(session: Session) -> None:
    """Raise DestinationUnfit where there is a schema towpath that this role cannot write to as it needs to."""
    if owners := [name for (name,) in session.all(statement("read_ledger_owner"))]:
        raise DestinationUnfit(
            f"the ledger, schema towpath in {session.database}, belongs to {', '.join(owners)}; nothing was changed",
            hint="run as that role, or make this one a member of it",
        )


def _wait(
    session: Session, is_free: Callable[[], bool], *, for_: int, seconds: float = _CLAIM_SECONDS, tell: Tell = unheard
) -> None:
    # The server may not have noticed yet that a run was killed.
    started, told = time.monotonic(), ""
    while not is_free():
        waited, holders = time.monotonic() - started, _holders(session, for_) or "another run"
        if waited > seconds:
            raise DestinationBusy(
                f"{session.database} is being worked on by {holders}, and still is after {seconds:.0f} s; "
                "nothing was changed",
                hint="let that run end, then run again; or let runs wait for one another: [destination] queue_seconds",
            )
        if waited > _CLAIM_SECONDS and holders != told:
            logger.info("waiting for %s at %s, for %.0f s at most", holders, session.database, seconds)
            told = holders
        tell(f"waiting for {holders}, {waited:.0f} of {seconds:.0f} s")
        time.sleep(_PAUSE_SECONDS if waited < _CLAIM_SECONDS else _LONG_PAUSE_SECONDS)


def _takes(session: Session, lock: int) -> bool:
    return session.value("select pg_catalog.pg_try_advisory_lock(%s)", [lock]) is True


def _holders(session: Session, lock: int) -> str:
    """Name the runs that hold a lock; nothing where nobody does."""
    rows = session.all(statement("read_claim_holder"), {"claim": lock})
    return "; ".join(f"run {name.removeprefix(_HOLDER)} (session {pid} from {at})" for name, pid, at in rows)


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
