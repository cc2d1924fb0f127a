"""Files of rows into landed tables, by psql's COPY, and each table's indexes as soon as its rows are in."""

import functools
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tasks import rows
from tasks.archive import Restoring
from tasks.contents import Entry
from tasks.crew import Work
from tasks.errors import CopyDiffers, RestoreFailed
from tasks.manifest import Table
from tasks.psql import CopyBrokenError, Psql
from tasks.rows import GROUP_BYTES, GROUP_TABLES, LARGE_BYTES
from tasks.statements import qualified, quoted

_INDEXES = ("INDEX ", "CONSTRAINT ")
# A transaction's number has 32 bits where its rows show it.
_TELL_WRITER = "select 'written by ' || pg_catalog.txid_current() % 4294967296"
_WRITER_SAID = re.compile(r" written by (\d+)")
_PUT_BACK = "the landing is being put back as it was, readers see what they saw"


@dataclass(frozen=True)
class Shipment:
    """Tables with rows, which one psql loads, and the entries of the archive that are their indexes and keys."""

    tables: tuple[Table, ...]
    indexes: tuple[Entry, ...]

    @property
    def is_large(self) -> bool:
        """Whether it is one table that is worth a psql of its own, and several jobs for its indexes."""
        return self.tables[0].rows_bytes >= LARGE_BYTES


def plan(tables: Sequence[Table], entries: Sequence[Entry]) -> list[Shipment]:
    """Part tables, the largest first, and those of the entries that need nothing but their table to be filled."""
    of_entry = {entry.number: entry.oid for entry in entries if entry.title.startswith("TABLE ")}
    by_table: dict[int, list[Entry]] = {}
    for entry in entries:
        # An index may call a function, and that may read other tables: it waits until these are filled.
        needed = {of_entry.get(number) for number in entry.depends_on}
        if entry.title.startswith(_INDEXES) and len(needed) == 1 and None not in needed:
            by_table.setdefault(min(filter(None, needed)), []).append(entry)
    shipments: list[Shipment] = []
    for table in sorted(tables, key=lambda each: -each.rows_bytes):
        indexes = tuple(by_table.get(table.oid, ()))
        last = shipments[-1] if shipments else None
        is_full = last is None or last.is_large or len(last.tables) >= GROUP_TABLES
        if table.rows_bytes >= LARGE_BYTES or last is None or is_full or _bytes(last.tables) >= GROUP_BYTES:
            shipments.append(Shipment((table,), indexes))
        else:
            shipments[-1] = Shipment((*last.tables, table), (*last.indexes, *indexes))
    return shipments


def _bytes(tables: Iterable[Table]) -> int:
    return sum(table.rows_bytes for table in tables)


@dataclass(frozen=True, kw_only=True)
class Loading:
    """What all shipments of a load have in common; `jobs` are for the indexes of a large table.

    `writers` fills as it goes: the transaction that wrote a table's rows, by the table's number at the source.
    """

    psql: Psql
    restoring: Restoring
    jobs: int
    begin: Callable[[str], None]
    writers: dict[int, int] = field(default_factory=dict)

    def work(self, shipments: Sequence[Shipment]) -> list[Work]:
        """Return the pieces of work that fill and index the tables.

        They raise:
            RestoreFailed: rows were refused, or an index could not be made.
            CopyDiffers: the server has taken in another number of rows than was dumped.
            DatabaseUnreachable: the server went away.
        """
        return [functools.partial(self._ship, shipment) for shipment in shipments]

    def _ship(self, shipment: Shipment, ensure_going: Callable[[], None]) -> None:
        self._copy(shipment.tables, ensure_going, is_alone=shipment.is_large)
        self._index(shipment, ensure_going)
        names = [qualified(table.schema, table.name) for table in shipment.tables]
        self._carry([f"analyze {', '.join(names)}"], [], shipment.tables, ensure_going)

    def _index(self, shipment: Shipment, ensure_going: Callable[[], None]) -> None:
        make = functools.partial(self.restoring.make, section="post-data", ensure_going=ensure_going)
        if not shipment.is_large:
            make(shipment.indexes, jobs=1)
            return
        indexes = [entry for entry in shipment.indexes if entry.title.startswith("INDEX ")]
        alone = {} if len(indexes) % self.jobs or not self._is_crowded() else {"max_parallel_maintenance_workers": "0"}
        make(indexes, jobs=self.jobs, settings=alone)
        # A key locks its table, so they come one after another, each with all processors.
        make([entry for entry in shipment.indexes if entry not in indexes], jobs=1)

    def _is_crowded(self) -> bool:
        """Whether workers of the server's would only be in one another's way: each job has a processor, and no more.

        Known of a server on this machine alone.
        """
        host = self.psql.session.connected_as()["host"]
        is_here = host.startswith("/") or host in ("localhost", "127.0.0.1", "::1")
        return is_here and self.jobs > 1 and self.jobs >= (os.cpu_count() or 1)

    def _copy(self, tables: Sequence[Table], ensure_going: Callable[[], None], *, is_alone: bool) -> None:
        orders = _statements(tables[0]) if is_alone else []
        blocks = map(self._rows_of if is_alone else self._script_of, tables)
        counts = self._carry(orders, itertools.chain.from_iterable(blocks), tables, ensure_going)
        for table, count in zip(tables, counts, strict=True):
            if count != table.rows:
                raise CopyDiffers(
                    f"table {table} has {table.rows} rows in the dump, of which {count} were loaded; {_PUT_BACK}",
                    hint="delete this run's dump.json to dump anew, and run again",
                )

    def _carry(
        self, orders: Sequence[str], blocks: Iterable[bytes], tables: Sequence[Table], ensure_going: Callable[[], None]
    ) -> list[int]:
        self.begin(str(tables[0]))
        writers: list[int] = []

        def on_copied(count: int) -> None:
            for table in tables[count : count + 1]:
                self.begin(str(table))

        def on_said(line: str) -> None:
            if match := _WRITER_SAID.fullmatch(line):
                writers.append(int(match[1]))

        try:
            counts = self.psql.copy(orders, blocks, on_copied=on_copied, on_said=on_said, ensure_going=ensure_going)
        except CopyBrokenError as error:
            self.psql.session.ensure_in_reach()
            raise RestoreFailed(
                f"the rows of {tables[min(error.done, len(tables) - 1)]} could not be loaded into "
                f"{self.psql.session.database}: {error.said}; {_PUT_BACK}",
                hint="mend the cause and run again: the dump is kept",
            ) from error
        if writers:
            self.writers.update(zip((table.oid for table in tables), writers, strict=True))
        return counts

    def _rows_of(self, table: Table) -> Iterator[bytes]:
        folder = self.restoring.archive.parent
        return rows.read([folder / name for name in table.files], is_binary=table.is_binary)

    def _script_of(self, table: Table) -> Iterator[bytes]:
        """Give what psql reads of one of several tables, whose rows are text and so can stand between its orders."""
        *before, tell_writer, commit = _statements(table)
        yield "".join(f"{order};\n" for order in before).encode()
        yield from self._rows_of(table)
        yield f"\\.\n{tell_writer};\n{commit};\n".encode()


def _statements(table: Table) -> list[str]:
    """Return what loads a table so that its rows are frozen: it must be truncated in the same transaction."""
    name, columns = qualified(table.schema, table.name), ", ".join(map(quoted, table.columns))
    form = "binary" if table.is_binary else "text"
    into = f"{name} ({columns})" if columns else name
    copy = f"copy {into} from stdin with (format {form}, freeze)"
    return ["begin", f"truncate only {name}", copy, _TELL_WRITER, "commit"]
