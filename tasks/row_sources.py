"""Which tables of a source may have rows, how large they are, and in what form their rows can be read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tasks.errors import DumpFailed, StatementFailed
from tasks.postgres import Session
from tasks.rows import BINARY_TYPES, LARGE_BYTES
from tasks.statements import statement, with_names

# A range of tuple numbers is read by itself since then; before, each would read the whole table.
_READS_RANGES = 140000


@dataclass(frozen=True, kw_only=True)
class RowSource:
    """A row of `read_row_sources.sql`: a table that may have rows.

    `form` is equal as long as the same rows read the same; None where that cannot be told. `table_bytes` is its size as
    the server has it, `heap_bytes` that of its pages, up to the last one that has rows where that can be asked,
    `toast_bytes` that of wide values beside it.
    """

    oid: int
    schema: str
    name: str
    columns: list[str]
    is_binary_safe: bool
    is_heap: bool
    form: str | None
    table_bytes: int
    heap_bytes: int
    toast_bytes: int
    block_bytes: int

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def rows_bytes(self) -> int:
        return self.heap_bytes + self.toast_bytes

    @property
    def pages(self) -> int:
        return -(-self.heap_bytes // self.block_bytes)

    @property
    def is_large(self) -> bool:
        return self.rows_bytes >= LARGE_BYTES

    @property
    def is_binary(self) -> bool:
        """Whether its files are binary; else they are text."""
        return self.is_large and self.is_binary_safe

    def reads_ranges(self, server_version: int) -> bool:
        """Whether a server reads only those of its pages that it is asked for."""
        return self.is_heap and server_version >= _READS_RANGES


def read_row_sources(session: Session, oids: Sequence[int]) -> list[RowSource]:
    """List those of some tables that have pages, and so may have rows, in the transaction that is to read them.

    Raises:
        DumpFailed: a table could not be read; it is named.
    """
    types = [form for name in BINARY_TYPES for form in (name, f"{name}[]")]
    names = RowSource.__dataclass_fields__
    rows = session.all(statement("read_row_sources"), {"oids": list(oids), "binary_types": types})
    sources = [RowSource(**dict(zip(names, row, strict=True))) for row in rows]
    version = session.server_version
    return [
        _up_to_its_rows(session, source) if source.is_large and source.reads_ranges(version) else source
        for source in sources
    ]


def _up_to_its_rows(session: Session, source: RowSource) -> RowSource:
    """Without its pages after the last row: the server may give them back, and equal rows are to be equal files."""

    def has_rows(begin: int, end: int) -> bool:
        own_rows = with_names("select exists(select from only {} ", (source.schema, source.name))
        return bool(session.value(own_rows + f"where ctid >= '({begin},0)' and ctid < '({end},0)')"))

    try:
        pages = _until_last_row(source.pages, has_rows)
    except StatementFailed as error:
        raise unreadable(source, session, error.message, hint="mend the cause and run again") from error
    toast_bytes = source.toast_bytes if pages else 0
    return replace(source, heap_bytes=pages * source.block_bytes, toast_bytes=toast_bytes)


def _until_last_row(pages: int, has_rows: Callable[[int, int], bool]) -> int:
    """By longer and longer strides from the end, then by halves of the last: as a rule the last page has rows."""
    end, stride = pages, 1
    while end and not has_rows(max(end - stride, 0), end):
        end, stride = max(end - stride, 0), stride * 2
    begin = max(end - stride, 0)
    while end - begin > 1:
        middle = (begin + end) // 2
        begin, end = (middle, end) if has_rows(middle, end) else (begin, middle)
    return end


def unreadable(source: RowSource, session: Session, said: str, *, hint: str) -> DumpFailed:
    """Return what to raise, naming the table."""
    return DumpFailed(
        f"the rows of {source} in {session.database} could not be read: {said}; the destination was not touched",
        hint=hint,
    )
