"""What a source has besides definitions and rows: where sequences stand, which materialized views are filled."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from tasks.contents import Entry
from tasks.postgres import Session
from tasks.statements import statement, with_names

# So many relations in one statement: each takes a lock until its end, and a server has room for some thousands.
_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class SequenceState:
    """Where a sequence stands, by its number at the source; `is_called` says that `last_value` was given out."""

    oid: int
    schema: str
    name: str
    last_value: int
    is_called: bool


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """A foreign key, by its number at the source too."""

    oid: int
    schema: str
    table: str
    name: str
    definition: str
    is_partitioned: bool


@dataclass(frozen=True, kw_only=True)
class MaterializedView:
    """One that is to be filled."""

    schema: str
    name: str


def read_sequences(session: Session, wanted: Sequence[Entry]) -> list[SequenceState]:
    """Ask every sequence where it stands now; a sequence knows of no snapshot."""
    oids = [entry.oid for entry in wanted if entry.classid and entry.title.startswith("SEQUENCE ")]
    named = session.all(statement("read_sequence_names"), {"oids": oids})
    found = positions(session, [(schema, name) for _, schema, name in named])
    return [
        SequenceState(oid=oid, schema=schema, name=name, last_value=last_value, is_called=is_called)
        for (oid, schema, name), (last_value, is_called) in zip(named, found, strict=True)
    ]


def positions(session: Session, names: Sequence[tuple[str, str]]) -> list[tuple[int, bool]]:
    """Return last_value and is_called of each sequence, by schema and name, in this order."""
    found: dict[int, tuple[int, bool]] = {}
    for begin in range(0, len(names), _AT_ONCE):
        asked = names[begin : begin + _AT_ONCE]
        # pg_sequences does not tell of a sequence that was restarted and has not been called since.
        each = [f"select {begin + number}, last_value, is_called from {{}}" for number in range(len(asked))]
        values = session.all(with_names(" union all ".join(each), *asked))
        found |= {number: (last_value, is_called) for number, last_value, is_called in values}
    return [found[number] for number in range(len(names))]


def read_foreign_keys(session: Session, wanted: Sequence[Entry]) -> list[ForeignKey]:
    """List the foreign keys among what is wanted, as the source would write them."""
    oids = [entry.oid for entry in wanted if entry.classid and entry.title.startswith("FK CONSTRAINT ")]
    names = ForeignKey.__dataclass_fields__
    rows = session.all(statement("read_foreign_keys"), {"oids": oids})
    return [ForeignKey(**dict(zip(names, row, strict=True))) for row in rows]


def read_materialized_views(
    session: Session, wanted: Sequence[Entry], unwanted: Collection[int]
) -> list[MaterializedView]:
    """List those that are filled, each after those that it reads; one that reads one that is not cannot be filled."""
    oids = [entry.oid for entry in wanted if entry.classid and entry.title.startswith("MATERIALIZED VIEW ")]
    found = {row[0]: row[1:] for row in session.all(statement("read_materialized_views"), {"oids": oids})}
    order = TopologicalSorter({oid: reads for oid, (_, _, _, reads) in found.items()}).static_order()
    filled: dict[int, MaterializedView] = {}
    for oid in order:
        schema, name, is_filled, reads = found[oid]
        if is_filled and oid not in unwanted and all(each in filled for each in reads):
            filled[oid] = MaterializedView(schema=schema, name=name)
    return list(filled.values())


def users_rows_of_extensions(session: Session, wanted: Sequence[Entry]) -> list[str]:
    """Name the tables of extensions that users have added rows to, and their sequences: these are not copied."""
    extensions = {entry.title.split()[2] for entry in wanted if entry.title.startswith("EXTENSION - ")}
    left = []
    for extension, schema, name, is_sequence, condition in session.all(statement("read_extension_tables")):
        query = with_names("select exists (select from only {} ", (schema, name)) + condition + ")"
        if extension in extensions and (is_sequence or session.value(query)):
            left.append(f"{'SEQUENCE SET' if is_sequence else 'TABLE DATA'} {schema} {name} (of extension {extension})")
    return left


def set_sequences(session: Session, states: Sequence[SequenceState]) -> None:
    """Bring the landed sequences to where those of the source stood."""
    session.run(
        statement("set_sequences"),
        {
            "schemas": [state.schema for state in states],
            "names": [state.name for state in states],
            "last_values": [state.last_value for state in states],
            "called": [state.is_called for state in states],
        },
    )


def add_unchecked(session: Session, keys: Sequence[ForeignKey]) -> None:
    """Add foreign keys that hold for what is written from now on, and of which nobody has checked the rows."""
    unchecked = [
        with_names("alter table only {} add constraint {} ", (key.schema, key.table), key.name)
        + f"{key.definition.removesuffix(' NOT VALID')} not valid"
        for key in keys
    ]
    for begin in range(0, len(unchecked), _AT_ONCE):
        session.run(";\n".join(unchecked[begin : begin + _AT_ONCE]))


def fill(session: Session, views: Sequence[MaterializedView]) -> None:
    """Fill landed materialized views, in the order in which they are given."""
    for view in views:
        session.run(with_names("refresh materialized view {}", (view.schema, view.name)))
