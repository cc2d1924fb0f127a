"""What the ledger remembers of a load so that a later one can share with it: how it was made, what its objects are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.catalogue import Object
from tasks.postgres import Session
from tasks.statements import split, statement

# In the catalogues: classid and objid.
Number = tuple[int, int]
TableName = tuple[str, str]

# So many tables in one statement: it holds a lock on each until its end.
_AT_ONCE = 100
_COUNT = "select {oid}, count(*), count(*) filter (where xmin = '{writer}') from only {table}"


@dataclass(frozen=True)
class Rows:
    """A table's rows: a digest of what they came from, how many, the number of the transaction that wrote them.

    The number is what the rows show of it, which is 32 bits; it is None where there are no rows.
    """

    content: str
    count: int
    written_by: int | None


@dataclass(frozen=True)
class Content:
    """An object of a load, by its name in the landing, as it was when the load had come; `rows` are a table's."""

    type: str
    identity: str
    number: Number
    form: str
    rows: Rows | None

    @property
    def name(self) -> tuple[str, str]:
        """Type and identity, by which a dump knows it too."""
        return self.type, self.identity

    @property
    def place(self) -> TableName:
        """Schema and name, of a relation."""
        schema, name = split(self.identity)[:2]
        return schema, name


def recipe_of(session: Session, load_id: int) -> str | None:
    """Return by which definitions and settings a load was made; None where the Towpath that made it did not note it."""
    rows = session.all("select recipe from towpath.recipes where load_id = %s", [load_id])
    return str(rows[0][0]) if rows else None


def contents_of(session: Session, load_id: int) -> list[Content]:
    """Return what was noted of a load's objects."""
    query = (
        "select object_type, identity, classid, objid, form, content, row_count, written_by from towpath.contents"
        " where load_id = %s"
    )
    return [
        Content(kind, identity, (classid, objid), form, None if content is None else Rows(content, count, writer))
        for kind, identity, classid, objid, form, content, count, writer in session.all(query, [load_id])
    ]


def forms_of(session: Session, numbers: Sequence[Number]) -> dict[Number, str]:
    """Digest what the catalogues say of each object that is there."""
    given = {"classids": [classid for classid, _ in numbers], "objids": [objid for _, objid in numbers]}
    return {(classid, objid): form for classid, objid, form in session.all(statement("read_forms"), given)}


def touched(session: Session, objects: Sequence[Content]) -> list[Content]:
    """List the tables among these that have other rows than were written by their load."""
    tables = {one.number[1]: one.rows for one in objects if one.rows is not None}
    query = "select oid::bigint, oid::regclass::text from pg_catalog.pg_class where oid = any(%s::bigint[]::oid[])"
    named = session.all(query, [list(tables)])
    untouched = set()
    for begin in range(0, len(named), _AT_ONCE):
        asked = named[begin : begin + _AT_ONCE]
        each = [_COUNT.format(oid=oid, writer=tables[oid].written_by or 0, table=name) for oid, name in asked]
        counts = session.all(" union all ".join(each))
        untouched |= {oid for oid, count, written in counts if count == written == tables[oid].count}
    return [one for one in objects if one.rows is not None and one.number[1] not in untouched]


def record(
    session: Session,
    objects: Sequence[Object],
    rows: Mapping[TableName, Rows],
    shared: Mapping[Number, str],
    *,
    load_id: int,
    recipe: str,
) -> None:
    """Note how a load in the landing was made, what its objects are and what its tables hold; in a transaction.

    What is `shared` keeps the form that it has had since it was made.
    """
    forms = {**forms_of(session, [(o.classid, o.objid) for o in objects]), **shared}
    noted = [Content(o.type, o.identity, (o.classid, o.objid), forms[o.classid, o.objid], None) for o in objects]
    held = [rows.get(one.place) if one.type == "table" else None for one in noted]
    columns = {
        "types": [one.type for one in noted],
        "identities": [one.identity for one in noted],
        "classids": [one.number[0] for one in noted],
        "objids": [one.number[1] for one in noted],
        "forms": [one.form for one in noted],
        "contents": [table and table.content for table in held],
        "row_counts": [table and table.count for table in held],
        "writers": [table and table.written_by for table in held],
    }
    session.run("insert into towpath.recipes (load_id, recipe) values (%s, %s)", [load_id, recipe])
    session.run(statement("insert_contents"), {"load_id": load_id, **columns})


def numbers_beside(session: Session, load_id: int) -> set[Number]:
    """Return the numbers of all that other loads consist of: what a load shares with them is among these."""
    query = "select classid, objid from towpath.objects where load_id <> %s and classid is not null"
    return {(classid, objid) for classid, objid in session.all(query, [load_id])}


def numbers_shared(session: Session) -> set[Number]:
    """Return the numbers of what belongs to two loads."""
    query = (
        "select classid, objid from towpath.objects where load_id is not null and classid is not null"
        " group by classid, objid having count(distinct load_id) > 1"
    )
    return {(classid, objid) for classid, objid in session.all(query)}
