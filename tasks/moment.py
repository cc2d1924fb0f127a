"""When a snapshot was taken, in its server's own terms: by these a later one can tell which rows are as they were."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.postgres import Session
from tasks.statements import statement

# Since then a snapshot tells 64-bit transaction ids.
_TELLS_SNAPSHOTS = 130000
_EPOCH = 1 << 32
_FIRST_NORMAL_XID = 3


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A row of `read_moment.sql`: `xmin` and `xmax` are 64-bit transaction ids.

    Of those before `xmin` all had ended; none from `xmax` on had begun.
    """

    started_at: str
    timeline: int
    lsn: str
    xmin: int
    xmax: int

    def leads_to(self, later: "Moment") -> bool:
        """Whether a later moment is of the same history, told by numbers that have not come round.

        A server that was restarted since may have come back from a copy of its disk, in which the same numbers belong
        to other transactions.
        """
        return (
            (self.started_at, self.timeline) == (later.started_at, later.timeline)
            and _position(self.lsn) <= _position(later.lsn)
            and self.xmin <= later.xmin
            and later.xmax - self.xmin < _EPOCH // 2
        )

    @property
    def oldest_unseen(self) -> str:
        """The lowest transaction id, as rows show it, of what this snapshot may not have seen."""
        return str(max(self.xmin % _EPOCH, _FIRST_NORMAL_XID))

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | None) -> "Moment | None":
        return cls(**content) if content else None


def read_moment(session: Session) -> Moment | None:
    """Ask in the transaction of the snapshot; None where the server is too old to tell."""
    if session.server_version < _TELLS_SNAPSHOTS:
        return None
    started_at, timeline, lsn, xmin, xmax = session.all(statement("read_moment"))[0]
    return Moment(started_at=started_at, timeline=timeline, lsn=lsn, xmin=xmin, xmax=xmax)


def if_lasting(session: Session, moment: Moment | None, taken_at: str) -> Moment | None:
    """Return the moment if by now the disk has all that its snapshot saw, else None.

    What was committed with `synchronous_commit = off` may be lost in a crash, and its transaction id given again; it is
    on disk after three times `wal_writer_delay` at the latest, by the documentation.
    """
    if moment is None or not session.value(statement("read_durability"), [moment.lsn, taken_at]):
        return None
    return moment


def _position(lsn: str) -> int:
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)
