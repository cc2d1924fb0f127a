"""Is there room: for the dump in the artifacts folder, and for a second copy where the destination keeps its data?"""

import shutil
from pathlib import Path

from tasks.amounts import size
from tasks.errors import ArtifactsUnwritable, Doubt
from tasks.postgres import Session
from tasks.servers import Server

# A table's rows take from a fifth of its pages (narrow rows, dead ones) to all of them; zstd takes that to a tenth
# where it is repetitive, seldom below a quarter where it is not.
_LEAST, _MOST = 0.2, 1.0
_LEAST_COMPRESSED, _MOST_COMPRESSED = 0.02, 0.5


def ensure_room_for_dump(folder: Path, table_bytes: int, *, is_compressed: bool, is_at_most: bool) -> str | list[Doubt]:
    """Compare what is free with what a dump of these tables takes; an estimate from their size at the source.

    Raises:
        ArtifactsUnwritable: there is less than even a dump that compresses very well would take.
    """
    least, most = (_LEAST_COMPRESSED, _MOST_COMPRESSED) if is_compressed else (_LEAST, _MOST)
    free = shutil.disk_usage(folder).free
    told = f"{size(free)} free in {folder} for a dump of {size(table_bytes)} of tables"
    if is_at_most:
        return f"{told} at most"
    if free < table_bytes * least:
        raise ArtifactsUnwritable(
            f"{told}: it takes {size(table_bytes * least)} at the very least; nothing was changed",
            hint="make room, delete older runs' folders, or give another --artifacts-root",
        )
    if free < table_bytes * most:
        return [
            Doubt(
                f"{told}, which may take up to {size(table_bytes * most)}",
                "make room, delete older runs' folders, or give another --artifacts-root",
            )
        ]
    return told


def consider_room_for_landing(
    session: Session, server: Server, table_bytes: int, freed_bytes: int
) -> str | list[Doubt]:
    """Compare what is free under the destination's data with what a second copy takes, where that can be seen.

    A server does not tell what is free on its disk; it can be seen where its data is on this machine. `freed_bytes` is
    what the restore drops first.
    """
    copy = f"the new load takes about {size(table_bytes)} and indexes, beside the one before"
    folder = Path(server.folder) if server.folder else None
    try:
        is_here = session.connected_as()["host"].startswith("/") and folder is not None and folder.exists()
    except OSError:
        is_here = False
    if folder is None or not is_here:
        return f"{copy}; what is free there cannot be asked from here"
    free = shutil.disk_usage(folder).free + freed_bytes
    told = f"{size(free)} free in {folder} when what is kept for a way back is dropped; {copy}"
    if free >= table_bytes:
        return told
    return [Doubt(told, "make room there; [publish] keep_previous = false keeps one copy less")]
