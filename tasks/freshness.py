"""What readers see now, and since when."""

from dataclasses import asdict, dataclass

from tasks import audit
from tasks.checkpoints import Json
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
