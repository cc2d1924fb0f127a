"""The catalogue of the tables that land: what each looked like at the source, in columns, types and keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.checkpoints import Json
from tasks.contents import Entry
from tasks.postgres import Session
from tasks.statements import statement

# Schema and name.
Place = tuple[str, str]

_RELATIONS = ("TABLE ", "VIEW ", "MATERIALIZED VIEW ")
_IDENTITY = (
    "select (pg_catalog.pg_control_system()).system_identifier::text, oid::bigint from pg_catalog.pg_database"
    " where datname = pg_catalog.current_database()"
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """`number` outlives a change of name; `type` is as `format_type` writes it, qualified outside `pg_catalog`."""

    number: int
    name: str
    type: str
    is_never_null: bool


@dataclass(frozen=True, kw_only=True)
class Key:
    """A primary, unique or foreign key; only a foreign one has a table and columns that it refers to."""

    kind: str
    columns: tuple[str, ...]
    referenced_table: Place | None = None
    referenced_columns: tuple[str, ...] = ()

    def __str__(self) -> str:
        own = f"{self.kind} ({', '.join(self.columns)})"
        if self.referenced_table is None:
            return own
        return f"{own} to {'.'.join(self.referenced_table)} ({', '.join(self.referenced_columns)})"

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Key":
        table = content["referenced_table"]
        return cls(
            kind=content["kind"],
            columns=tuple(content["columns"]),
            referenced_table=(table[0], table[1]) if table else None,
            referenced_columns=tuple(content["referenced_columns"]),
        )


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A table, view or materialized view.

    `oid` is its number at the source, `rows` how many it had there, those of its partitions included; None where nobody
    has counted. A partition is no table of its own here.
    """

    oid: int
    schema: str
    name: str
    kind: str
    rows: int | None
    columns: tuple[Column, ...]
    keys: tuple[Key, ...]

    @property
    def place(self) -> Place:
        return self.schema, self.name

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    def to_json(self) -> Json:
        return {**vars(self), "columns": [*map(vars, self.columns)], "keys": [*map(vars, self.keys)]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Shape":
        columns = tuple(Column(**column) for column in content["columns"])
        return cls(**{**content, "columns": columns, "keys": tuple(map(Key.from_json, content["keys"]))})


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All shapes of one dump, and the database that they are of: there a number means the same table for ever."""

    system_identifier: str
    database_oid: int
    shapes: tuple[Shape, ...]

    def to_json(self) -> Json:
        return {**vars(self), "shapes": [shape.to_json() for shape in self.shapes]}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Catalogue":
        return cls(**{**content, "shapes": tuple(map(Shape.from_json, content["shapes"]))})


def read_catalogue(session: Session, wanted: Sequence[Entry], counts: Mapping[int, int]) -> Catalogue:
    """Describe the tables and views among what is wanted of a source, as its session sees them now.

    `counts` has the rows of each table by its number, of each partition too; empty, where nobody has counted.
    """
    system_identifier, database_oid = session.all(_IDENTITY)[0]
    oids = [entry.oid for entry in wanted if entry.classid and entry.title.startswith(_RELATIONS)]
    given = {"oids": oids, "row_counts": [counts.get(oid) for oid in oids]}
    names = Shape.__dataclass_fields__
    rows = session.all(statement("read_shapes"), given)
    shapes = tuple(Shape.from_json(dict(zip(names, row, strict=True))) for row in rows)
    return Catalogue(system_identifier=system_identifier, database_oid=database_oid, shapes=shapes)
