"""Is a ledger still in the database in which it was made, and are the numbers that it notes those of this one?"""

from tasks.postgres import Session

# Its own numbers: a pg_dump does not bring them along, a copy of the files does, and a copy of the database.
_READ_NUMBERS = "select array['towpath.loads', 'towpath.objects', 'towpath.steps']::regclass[]::bigint[]"


def is_here(session: Session) -> bool:
    """Whether the ledger did not come out of a pg_dump."""
    # One that an earlier version of Towpath made has no home until the next claim.
    if session.value("select pg_catalog.to_regclass('towpath.home') is null"):
        return True
    return bool(session.value("select numbers from towpath.home") == session.value(_READ_NUMBERS))


def settle(session: Session) -> None:
    """Forget all numbers, which are another database's, and be at home here; must be in a transaction."""
    session.run("delete from towpath.objects where identity is null")
    session.run("update towpath.objects set classid = null, objid = null")
    session.run("delete from towpath.contents")
    session.run("update towpath.home set numbers = %s::bigint[]", [session.value(_READ_NUMBERS)])
