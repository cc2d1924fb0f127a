"""The rows of a source to files, under its shared snapshot, by psql's COPY: several tables at a time, largest first."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tasks.checkpoints import Json, ensure_writable
from tasks.crew import Work
from tasks.psql import CopyBrokenError, Psql
from tasks.row_sources import RowSource, unreadable
from tasks.rows import GROUP_BYTES, GROUP_TABLES, Compression, store
from tasks.statements import qualified, quoted

# A large table is read in ranges of pages, eight to sixteen of them, so that no job is idle for long.
_MOST_RANGES = 16
_LEAST_RANGE_BYTES = 64 << 20


@dataclass(kw_only=True)
class Unloaded:
    """The rows of one table, and its files by their names in the dump, in order; filled as they are written."""

    source: RowSource
    rows: int = 0
    files: dict[str, Json | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A table, or the rows of it that are on some of its pages, and the file that they go to."""

    table: Unloaded
    file: str
    pages: tuple[int, int | None] | None = None

    @property
    def bytes(self) -> int:
        source = self.table.source
        if self.pages is None:
            return source.rows_bytes
        begin, end = self.pages
        return ((end or source.pages) - begin) * source.rows_bytes // source.pages

    @property
    def statement(self) -> str:
        """COPY, of this table's own rows and not its children's."""
        source = self.table.source
        name, columns = qualified(source.schema, source.name), ", ".join(map(quoted, source.columns))
        what = f"{name} ({columns})" if columns else name
        if self.pages is not None:
            begin, end = self.pages
            until = "" if end is None else f" and ctid < '({end},0)'"
            what = f"(select {columns} from only {name} where ctid >= '({begin},0)'{until})"
        return f"copy {what} to stdout with (format {'binary' if source.is_binary else 'text'})"


def plan(sources: Sequence[RowSource], compression: Compression, *, server_version: int) -> list[list[Piece]]:
    """Part the work into shipments, each for one psql, the largest first: a range of a large table, or small tables."""
    large: list[list[Piece]] = []
    groups: list[list[Piece]] = []
    for source in sorted(sources, key=lambda each: -each.rows_bytes):
        table, name = Unloaded(source=source), f"rows/{source.oid}"
        if source.is_large:
            can_part = source.reads_ranges(server_version) and bool(source.columns)
            ranges = _ranges(source) if can_part else [None]
            ending = f"copy{compression.ending}"
            files = (
                [f"{name}.{ending}"] if len(ranges) == 1 else [f"{name}.{n:05}.{ending}" for n in range(len(ranges))]
            )
            large += [[Piece(table=table, file=f, pages=r)] for f, r in zip(files, ranges, strict=True)]
            table.files.update(dict.fromkeys(files))
            continue
        piece = Piece(table=table, file=f"{name}.copy")
        table.files[piece.file] = None
        is_full = groups and (len(groups[-1]) >= GROUP_TABLES or sum(each.bytes for each in groups[-1]) >= GROUP_BYTES)
        if not groups or is_full:
            groups.append([])
        groups[-1].append(piece)
    return sorted([*large, *groups], key=lambda shipment: -sum(piece.bytes for piece in shipment))


def _ranges(source: RowSource) -> list[tuple[int, int | None] | None]:
    """By its own size alone: the files of a table that does not change are the same whatever is dumped beside it."""
    wanted = max(_LEAST_RANGE_BYTES, source.rows_bytes // _MOST_RANGES)
    # A power of two: as a rule the count is the same when the server gives back pages of wide values.
    range_bytes = 1 << (wanted - 1).bit_length()
    count = min(-(-source.rows_bytes // range_bytes), source.pages)
    bounds = [source.pages * number // count for number in range(count)]
    if count == 1:
        return [None]
    return [(begin, end) for begin, end in zip(bounds, [*bounds[1:], None], strict=True)]


@dataclass(frozen=True, kw_only=True)
class Unloading:
    """What all shipments of a dump have in common."""

    psql: Psql
    snapshot: str
    directory: Path
    compression: Compression
    begin: Callable[[str], None]

    def work(self, shipments: Sequence[Sequence[Piece]]) -> list[Work]:
        """Return the pieces of work that fill in the tables' rows and files.

        They raise:
            DumpFailed: a table could not be read; it is named.
            ArtifactsUnwritable, OSError: the disk of the dump is full.
        """
        (self.directory / "rows").mkdir(exist_ok=True)
        return [functools.partial(self._ship, shipment) for shipment in shipments]

    def _ship(self, shipment: Sequence[Piece], ensure_going: Callable[[], None]) -> None:
        is_alone = shipment[0].table.source.is_large
        file, stored = self.directory / shipment[0].file, list[Json]()
        self.begin(str(shipment[0].table.source))

        def on_copied(count: int) -> None:
            for piece in shipment[count : count + 1]:
                self.begin(str(piece.table.source))

        def take(stream: IO[bytes]) -> None:
            stored.append(store(stream, file, self.compression))

        try:
            counts = self.psql.copy(
                [],
                [self._script(shipment).encode()],
                take=take if is_alone else None,
                on_copied=on_copied,
                ensure_going=ensure_going,
            )
        except CopyBrokenError as error:
            ensure_writable(self.directory.parent)
            at = shipment[min(error.done, len(shipment) - 1)].table.source
            hint = "mend the cause and run again; the log above has all that psql said"
            raise unreadable(at, self.psql.session, error.said, hint=hint) from error
        for piece, rows in zip(shipment, counts, strict=True):
            piece.table.rows += rows
            piece.table.files[piece.file] = stored[0] if is_alone else None

    def _script(self, shipment: Sequence[Piece]) -> str:
        """Rows go to our pipe or to files of their own, and what psql says of them to its standard error."""
        is_alone = shipment[0].table.source.is_large
        lines = [
            r"\o /dev/stderr" if is_alone else "",
            "begin isolation level repeatable read read only;",
            f"set transaction snapshot '{self.snapshot}';",
        ]
        for piece in shipment:
            to = "/dev/stdout" if is_alone else str(self.directory / piece.file)
            escaped = to.replace("\\", "\\\\").replace("'", "''")
            lines.append(rf"{piece.statement} \g '{escaped}'")
        return "\n".join([*lines, "commit;\n"])
