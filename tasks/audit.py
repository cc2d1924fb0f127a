"""The audit log in the destination: every step of every run, with its outcome."""

from tasks.postgres import Database, Session, connect
from tasks.statements import statement


def has_begun(destination: Database) -> bool:
    """Whether the destination has a ledger, of which the log is a part."""
    with connect(destination) as session:
        return is_there(session)


def is_there(session: Session) -> bool:
    """Whether the session's database has the log."""
    return session.value("select pg_catalog.to_regclass('towpath.steps') is not null") is True


def record_step(
    destination: Database, *, run: str, step: str, outcome: str, message: str | None, started_at: str, seconds: float
) -> None:
    """Add a line; where there is no ledger yet it is made, because a dump comes before the first load."""
    with connect(destination) as session:
        if not is_there(session):
            session.run(statement("create_ledger"))
        session.run(
            "insert into towpath.steps (run, step, outcome, message, started_at, seconds)"
            " values (%s, %s, %s, %s, %s, %s)",
            [run, step, outcome, message, started_at, seconds],
        )
