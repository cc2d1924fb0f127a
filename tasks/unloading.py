"""The rows of a source to files, under its shared snapshot, by psql's COPY: several tables at a time, largest first."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tasks.checkpoints import Json, ensure_writable
from tasks.crew import Work
from tasks.errors import DumpFailed
from tasks.postgres import Session
from tasks.psql import CopyBrokenError, Psql
from tasks.rows import BINARY_TYPES, GROUP_BYTES, GROUP_TABLES, LARGE_BYTES, Compression, store
from tasks.statements import qualified, quoted, statement

# A large table is read in ranges of pages, eight to sixteen of them, so that no job is idle for long.
_MOST_RANGES = 16
_LEAST_RANGE_BYTES = 64 << 20
# A range of tuple numbers is read by itself since then; before, each would read the whole table.
_READS_RANGES = 140000


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """A row of `read_row_sources.sql`: a table that may have rows.

    `form` is equal as long as the same rows read the same; None where that cannot be told.
    """

    oid: int
    schema: str
    name: str
    columns: list[str]
    is_binary_safe: bool
    is_heap: bool
    form: str | None
    heap_bytes: int
    table_bytes: int
    block_bytes: int

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def is_large(self) -> bool:
        return self.table_bytes >= LARGE_BYTES

    @property
    def is_binary(self) -> bool:
        """Whether its files are binary; else they are text."""
        return self.is_large and self.is_binary_safe


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
            return source.table_bytes
        end = self.pages[1] or -(-source.heap_bytes // source.block_bytes)
        return (end - self.pages[0]) * source.table_bytes // -(-source.heap_bytes // source.block_bytes)

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


def row_sources(session: Session, oids: Sequence[int]) -> list[RowSource]:
    """List those of some tables that have pages, and so may have rows."""
    types = [form for name in BINARY_TYPES for form in (name, f"{name}[]")]
    names = RowSource.__dataclass_fields__
    rows = session.all(statement("read_row_sources"), {"oids": list(oids), "binary_types": types})
    return [RowSource(**dict(zip(names, row, strict=True))) for row in rows]


def plan(sources: Sequence[RowSource], compression: Compression, *, server_version: int) -> list[list[Piece]]:
    """Part the work into shipments, each for one psql, the largest first: a range of a large table, or small tables."""
    large: list[list[Piece]] = []
    groups: list[list[Piece]] = []
    for source in sorted(sources, key=lambda each: -each.table_bytes):
        table, name = Unloaded(source=source), f"rows/{source.oid}"
        if source.is_large:
            can_part = server_version >= _READS_RANGES and source.is_heap and bool(source.columns)
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
    wanted = max(_LEAST_RANGE_BYTES, source.table_bytes // _MOST_RANGES)
    # A power of two: a map of free space that comes or goes moves nothing.
    range_bytes = 1 << (wanted - 1).bit_length()
    pages = -(-source.heap_bytes // source.block_bytes)
    count = -(-source.table_bytes // range_bytes)
    bounds = [pages * number // count for number in range(count)]
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
            raise DumpFailed(
                f"the rows of {shipment[min(error.done, len(shipment) - 1)].table.source} in "
                f"{self.psql.session.database} could not be read: {error.said}; the destination was not touched",
                hint="mend the cause and run again; the log above has all that psql said",
            ) from error
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
