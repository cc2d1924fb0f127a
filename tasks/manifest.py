"""What a dump holds, as `dump.json` tells it to whoever loads it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tasks.checkpoints import Json, digest_of
from tasks.moment import Moment
from tasks.remainder import ForeignKey, MaterializedView, SequenceState


@dataclass(frozen=True, kw_only=True)
class Table:
    """One ordinary table, leaf partition or parent; `rows` counts its own, not its children's.

    `oid` is its number and `bytes` its size at the source, 0 where its rows are not wanted. `rows_bytes` is that of the
    pages that its rows are on: by it their form was chosen, and they are loaded. `files` are the names of
    its rows' files in the dump, in order, all of one form, and `columns` what they carry. `digest` is of these rows, in
    any order; None where they were only counted. `form` is that of `row_sources.RowSource`.
    """

    oid: int
    schema: str
    name: str
    rows: int
    bytes: int
    rows_bytes: int
    with_data: bool
    columns: list[str]
    is_binary: bool
    files: list[str]
    form: str | None
    digest: str | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, kw_only=True)
class Extension:
    """An extension of the source and the schema in which its members live."""

    name: str
    schema: str
    version: str


_LISTS: Mapping[str, type] = {
    "tables": Table,
    "extensions": Extension,
    "sequences": SequenceState,
    "foreign_keys": ForeignKey,
    "materialized": MaterializedView,
}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A dump in one snapshot of its source.

    `objects` are type and identity, as `pg_identify_object` gives them, of everything in schemas that was
    dumped, `brought_by` the number, at the source, of the entry that brings each of them; `collations` are those that
    must come with the server, each with an object that names it.
    `snapshot_at` is ISO 8601 in UTC. `left_out` says in words what a copy into schemas cannot carry.
    `catalogue` is a `shapes.Catalogue` as JSON: each task reads the manifest, few look at every column.
    `definitions` digests all statements that define what was dumped. `materialized` is in the order to fill them.
    `moment` is None where a later dump cannot build on this one.
    """

    source: str
    system_identifier: str
    database_oid: int
    server_version: int
    pg_dump: str
    snapshot_at: str
    lsn: str
    moment: Moment | None
    schemas: list[str]
    extensions: list[Extension]
    tables: list[Table]
    objects: list[tuple[str, str]]
    brought_by: list[tuple[int, int]]
    sequences: list[SequenceState]
    foreign_keys: list[ForeignKey]
    materialized: list[MaterializedView]
    definitions: str
    catalogue: Json
    collations: dict[str, str]
    left_out: list[str]
    files: dict[str, Json]
    seconds: float

    @property
    def digest(self) -> str:
        """Tells one dump from another: its files, its snapshot."""
        return digest_of({"files": self.files, "snapshot_at": self.snapshot_at, "lsn": self.lsn})

    @property
    def pg_dump_major(self) -> int:
        """The oldest pg_restore that can read the dump."""
        return int(self.pg_dump.split(".")[0])

    @property
    def rows(self) -> int:
        """Rows of all tables whose data was dumped."""
        return sum(table.rows for table in self.tables if table.with_data)

    @property
    def bytes(self) -> int:
        """Size of the dump's files."""
        return sum(int(file["bytes"]) for file in self.files.values())

    def content_of(self, table: Table) -> str:
        """Tells whether a table has the same rows, in the same order and form, as in another dump."""
        # Of no rows there is no form: an emptied table has files until its server gives the pages back.
        files, columns = (table.files, table.columns) if table.rows else ([], [])
        return digest_of({"files": [self.files[name]["sha256"] for name in files], "columns": columns})

    def to_json(self) -> Json:
        # asdict() would copy the catalogue, which takes a second where there are thousands of tables.
        plain = {name: [vars(item) for item in getattr(self, name)] for name in _LISTS}
        return {**vars(self), **plain, "moment": self.moment and asdict(self.moment)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Manifest":
        known = {name: content[name] for name in cls.__dataclass_fields__}
        known |= {name: [kind(**item) for item in content[name]] for name, kind in _LISTS.items()}
        known["moment"] = Moment.from_json(content["moment"])
        known["objects"] = [(kind, identity) for kind, identity in content["objects"]]
        known["brought_by"] = [(classid, oid) for classid, oid in content["brought_by"]]
        return cls(**known)
