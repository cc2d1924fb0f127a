"""What arrived is what left: measured at the source in the dump's snapshot, and in the landing after the load."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.errors import CopyDiffers, StatementFailed
from tasks.manifest import Manifest, Table
from tasks.postgres import Database, Session
from tasks.statements import qualified, quoted, statement, with_names

# From the one that proves least to the one that proves most, with what is said of a load that it has proved.
LEVELS = {
    "off": "not compared with the source",
    "counts": "counted on both sides, table by table",
    "checksums": "every row's digest compared, table by table",
}

# So many tables in one statement: each takes a lock until its end, and a server has room for some thousands.
_AT_ONCE = 500
_PUT_BACK = "the landing is being put back as it was, readers see what they saw"

TableName = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a table holds, without its children; `digest` is None where it was only counted.

    It is of all columns but the generated ones, which are not copied: the destination works them out anew, and may
    do so otherwise, with its own collations.
    """

    rows: int
    digest: str | None
    generated: list[str]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was proved of a load, at a level and in words; `not_compared` are columns that the digests leave out."""

    level: str
    verified: str
    not_compared: list[str]


def measure(session: Session, tables: Sequence[TableName], level: str, *, state: str) -> dict[TableName, Measured]:
    """Count each table that is there and, for `checksums`, digest its rows; in a transaction.

    The digest is of each row's text, as session settings that are the same on both sides show it.

    Raises:
        StatementFailed: a table could not be read; it is named, with the state that things are in then.
    """
    named = {"schemas": [schema for schema, _ in tables], "names": [name for _, name in tables]}
    found = session.all(statement("read_carried_columns"), named)
    measured: dict[TableName, Measured] = {}
    # The text of a regclass quotes reserved words, and each version has more of them.
    session.run("set local quote_all_identifiers = on")
    # A digest takes as long as its table is large: it has a time limit of its own, and is named where it fails.
    at_once = 1 if level == "checksums" else _AT_ONCE
    for asked in (found[begin : begin + at_once] for begin in range(0, len(found), at_once)):
        questions = [_question(level, number, *each[:3]) for number, each in enumerate(asked)]
        try:
            # Branches that are worked on in parallel do not answer in their order.
            answers = sorted(session.all(" union all ".join(questions)))
        except StatementFailed as error:
            first, last = (".".join(each[:2]) for each in (asked[0], asked[-1]))
            which = first if first == last else f"one of the tables from {first} to {last}"
            message = f"the rows of {which} could not be measured: {error.message}; {state}"
            raise type(error)(message, hint="mend the cause, or lower [verify] level, and run again") from error
        for (schema, name, _, generated), (_, rows, digest) in zip(asked, answers, strict=True):
            measured[schema, name] = Measured(rows=rows, digest=digest, generated=generated)
    session.run("set local quote_all_identifiers = off")
    return measured


def _question(level: str, number: int, schema: str, name: str, columns: Sequence[str]) -> str:
    if level != "checksums":
        return with_names(f"select {number}, count(*), null from only {{}}", (schema, name))
    names = {"own_rows": f"only {qualified(schema, name)}", "columns": ", ".join(map(quoted, columns))}
    return statement("read_digest").format(**names)


def compare(session: Session, manifest: Manifest, level: str) -> Proof:
    """Measure what has landed, compare it with a dump that `can_prove` this level, and say what was proved.

    Raises:
        CopyDiffers: some tables have other rows than the dump; they are named.
        StatementFailed: a table could not be read.
    """
    if level == "off":
        return _proof(level, [])
    names = [(table.schema, table.name) for table in manifest.tables]
    with session.transaction(snapshot=True):
        found = measure(session, names, level, state=_PUT_BACK)
    pairs = ((table, found.get((table.schema, table.name))) for table in manifest.tables)
    differing = [said for table, measured in pairs if (said := _difference(table, measured, session.database))]
    if differing:
        raise CopyDiffers(
            f"{'; '.join(differing)}; {_PUT_BACK}",
            hint="delete this run's dump.json to dump anew, and run again",
        )
    left_out = sorted(f"{s}.{n}.{column}" for (s, n), table in found.items() for column in table.generated)
    return _proof(level, left_out if level == "checksums" else [])


def _proof(level: str, not_compared: list[str]) -> Proof:
    but_for = f", but for {len(not_compared)} generated columns" if not_compared else ""
    return Proof(level=level, verified=LEVELS[level] + but_for, not_compared=not_compared)


def _difference(table: Table, found: Measured | None, place: Database) -> str:
    """Say how a table that has landed differs from the dump; nothing where it does not."""
    rows = table.rows if table.with_data else 0
    if found is None:
        return f"{table} has {rows} rows in the dump but is not there in {place}"
    if found.rows != rows:
        return f"{table} has {rows} rows in the dump but {found.rows} in {place}"
    if rows and found.digest is not None and found.digest != table.digest:
        return f"{table} has {rows} rows in the dump and in {place}, but their contents differ"
    return ""


def can_prove(manifest: Manifest, level: str) -> bool:
    """Whether a dump was measured closely enough to prove this level."""
    return level != "checksums" or all(table.digest is not None for table in manifest.tables)


def reaches(proved: str, level: str) -> bool:
    """Whether what was proved of a load is as much as is asked for now."""
    levels = list(LEVELS)
    return levels.index(proved) >= levels.index(level)
