"""What a server says of itself, and where two of them disagree in a way that a person should know of."""

import time
from dataclasses import dataclass

from tasks.errors import DestinationUnfit, Doubt
from tasks.postgres import Session
from tasks.statements import statement

_CLOCKS_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class Server:
    """A row of `read_server.sql` (`clock` is ISO 8601 in UTC); `ahead_seconds` is its clock's lead over ours."""

    role: str
    is_standby: bool
    is_read_only: bool
    clock: str
    clock_seconds: float
    time_zone: str
    encoding: str
    collation: str
    standby_delay_milliseconds: int
    is_feedback_on: bool
    folder: str | None
    large_objects: int
    system_identifier: str
    database_oid: int
    version: str
    ahead_seconds: float

    @property
    def major(self) -> int:
        """18 of 18.6."""
        return int(self.version.split(".")[0])


def read_server(session: Session) -> Server:
    """Ask a server what it is."""
    names = list(Server.__dataclass_fields__)
    asked = time.time()
    row = dict(zip(names, session.all(statement("read_server"))[0], strict=False))
    # The answer is from somewhere between question and return.
    ahead = row["clock_seconds"] - (asked + time.time()) / 2
    version = f"{session.server_version // 10000}.{session.server_version % 10000}"
    return Server(**row, version=version, ahead_seconds=ahead)


def ensure_writable(session: Session, server: Server) -> None:
    """Raise DestinationUnfit where nothing can be written: a standby, or a database or role set to read only."""
    if server.is_standby:
        raise DestinationUnfit(
            f"{session.database} is a standby, which cannot be written to; nothing was changed",
            hint="give the primary's address in --destination-uri",
        )
    if server.is_read_only:
        raise DestinationUnfit(
            f"{session.database} is read-only for {server.role}: default_transaction_read_only is on; "
            "nothing was changed",
            hint="alter database … reset default_transaction_read_only, or the same for the role",
        )


def consider_temporary_tables(session: Session) -> str | list[Doubt]:
    """Doubt where the role may not make temporary tables, which some of dbt's ways to build a model need."""
    if session.value("select pg_catalog.has_database_privilege(pg_catalog.current_database(), 'temporary')"):
        return "the role may make temporary tables"
    return [
        Doubt(
            f"the role may not make temporary tables in {session.database}: dbt's incremental models and snapshots "
            "need them",
            "grant temporary on the database to the role, unless the project has none of these",
        )
    ]


def compare_clocks(source: Server, destination: Server) -> str | list[Doubt]:
    """Compare three clocks and the time zones of two servers."""
    doubts = []
    aheads = {"this machine": 0.0, "the source": source.ahead_seconds, "the destination": destination.ahead_seconds}
    spread = max(aheads.values()) - min(aheads.values())
    if spread > _CLOCKS_SECONDS:
        told = ", ".join(f"{name} {ahead:+.0f} s" for name, ahead in aheads.items() if ahead)
        doubts.append(
            Doubt(
                f"clocks differ by {spread:.0f} s: {told} against this machine; a dump is dated by the source's",
                "let all three keep time by NTP",
            )
        )
    if _zone(source) != _zone(destination):
        doubts.append(
            Doubt(
                f"the source's time zone is {source.time_zone}, the destination's {destination.time_zone}: a model "
                "that makes a date of a timestamptz may get another day there",
                f"alter database … set timezone = '{source.time_zone}' on the destination, or name the zone in models",
            )
        )
    return doubts or f"within {spread:.1f} s of one another; time zone {source.time_zone} on both"


def compare_texts(source: Server, destination: Server) -> str | list[Doubt]:
    """Compare encodings and default collations."""
    doubts = []
    if source.encoding != destination.encoding:
        doubts.append(
            Doubt(
                f"the source's encoding is {source.encoding}, the destination's {destination.encoding}: text is "
                "converted, and what has no equal there fails in the restore",
                f"create the destination database with encoding '{_wider(source.encoding)}'",
            )
        )
    if _folded(source.collation) != _folded(destination.collation):
        doubts.append(
            Doubt(
                f"the source sorts by {source.collation}, the destination by {destination.collation}: order by and "
                "comparisons of text may answer otherwise there",
                "create the destination database with the source's locale, or name a collation where order counts",
            )
        )
    return doubts or f"{source.encoding}, sorted by {source.collation}, on both"


def _zone(server: Server) -> str:
    zone = server.time_zone.removeprefix("Etc/")
    return "UTC" if zone in ("UCT", "Universal", "Zulu", "GMT", "Greenwich") else zone


def _folded(collation: str) -> str:
    # One locale has many spellings: en_US.utf8, en_US.UTF-8.
    return collation.lower().replace("-", "")


def _wider(encoding: str) -> str:
    # What a SQL_ASCII database holds is in no known encoding.
    return "SQL_ASCII" if encoding == "SQL_ASCII" else "UTF8"


def consider_standby(source: Server) -> str | list[Doubt]:
    """Say for how long a source that is a standby lets a dump read."""
    if not source.is_standby:
        return "the source is a primary: no replay cancels the dump"
    if source.standby_delay_milliseconds < 0:
        return "the source is a standby that waits for its readers"
    seconds = source.standby_delay_milliseconds / 1000
    if source.is_feedback_on:
        return f"the source is a standby: only a change of a table there cancels a dump, {seconds:.0f} s after it"
    return [
        Doubt(
            "the source is a standby with hot_standby_feedback = off: replay cancels a dump that it has waited for "
            f"{seconds:.0f} s (max_standby_streaming_delay)",
            "set hot_standby_feedback = on there, or max_standby_streaming_delay = -1, or longer than a dump takes",
        )
    ]
