"""What readers see now, since when, and whether that is recent enough."""

import datetime
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tasks import audit, history
from tasks.amounts import duration, instant, moment
from tasks.checkpoints import Json
from tasks.errors import PublishedLate
from tasks.postgres import Database, connect
from tasks.statements import statement


@dataclass(frozen=True, kw_only=True)
class Published:
    """The version that readers see: the load it was built on, and its times, ISO 8601 in UTC."""

    load_id: int
    run: str
    source: str
    snapshot_at: str
    published_at: str

    def to_json(self) -> Json:
        return asdict(self)


def published(destination: Database) -> Published | None:
    """Ask the destination; None where nothing has been published. Raises as `connect` does."""
    with connect(destination) as session:
        rows = session.all(statement("read_published")) if audit.is_there(session) else []
    return Published(**dict(zip(Published.__dataclass_fields__, rows[0], strict=True))) if rows else None


def ensure_recent(destination: Database, *, expected_every: datetime.timedelta, ended: Sequence[Json]) -> str:
    """Return a line on what readers see; `ended` are `history.reports`, by which it is said why that is old.

    The age is the data's, since the dump's snapshot, and not since the publication: a rollback and a model that is
    edited publish anew what is old.

    Raises:
        PublishedLate: nothing is published, or it is older than `expected_every`.
        PipelineError: as `connect` does.
    """
    seen, expected = published(destination), f"a version is expected every {duration(expected_every.total_seconds())}"
    last, remedy = history.last_to_end(ended)
    if seen is None:
        raise PublishedLate(f"readers of {destination} see nothing yet, and {expected}; {last}", hint=remedy)
    age, since = _seconds_since(seen.snapshot_at), duration(_seconds_since(seen.published_at))
    told = f"load {seen.load_id} of run {seen.run} as of {moment(seen.snapshot_at)}, published {since} ago"
    if age > expected_every.total_seconds():
        raise PublishedLate(
            f"what readers see is {duration(age)} old, and {expected}: {told}, in {destination}; {last}", hint=remedy
        )
    return f"readers see {told}, in time: {expected}"


def _seconds_since(then: str) -> float:
    # The source's clock may be ahead of ours.
    return max(0.0, (datetime.datetime.now(datetime.timezone.utc) - instant(then)).total_seconds())
