"""The film database, at any size, with the same rows each time."""

from collections.abc import Sequence

from benchmarks.servers import STATEMENTS
from tasks.postgres import Database, Session, connect

# A rating with all that belongs to it, indexes and the other tables in proportion, and a database with nothing in it.
_BYTES_PER_RATING = 174
_EMPTY_BYTES = 7_700_000
# How many ratings each size has: 0.1, 1.4 and 10 GB.
SIZES = {"small": 560_000, "medium": 8_000_000, "large": 56_000_000}
# What tells one table's rows from others: how many there are, and a digest of them.
Contents = dict[str, tuple[int, str]]


def ratings_for(size_bytes: float) -> int:
    """Return how many ratings make a database of about this size."""
    return max(round((size_bytes - _EMPTY_BYTES) / _BYTES_PER_RATING), 160)


def expected_bytes(ratings: int) -> float:
    """Return about how large a database with so many ratings is."""
    return _EMPTY_BYTES + ratings * _BYTES_PER_RATING


def fill(database: Database, ratings: int) -> int:
    """Make the film database in an empty one, and return its size in bytes."""
    with connect(database) as session:
        session.run(text("create_films"), {"ratings": ratings})
        return _settled(session)


def fill_tables(database: Database, tables: int, rows: int) -> int:
    """Make many equal tables with some rows each in an empty database, and return its size in bytes."""
    with connect(database) as session:
        session.run(text("create_tables"), {"tables": tables, "rows": rows})
        return _settled(session)


def _settled(session: Session) -> int:
    session.run("vacuum (freeze, analyze)")
    session.run("checkpoint")
    return int(session.value("select pg_database_size(current_database())"))


def text(name: str) -> str:
    """Return the text of a statement in `benchmarks/sql`."""
    return (STATEMENTS / f"{name}.sql").read_text(encoding="utf-8")


def contents(database: Database, schemas: Sequence[str] = ("public",), *, only: str = "") -> Contents:
    """Count and digest the rows of each table and view of some schemas, or of one alone; by qualified name."""
    query = text("read_contents")
    with connect(database) as session:
        names = [".".join(row) for row in session.all(text("read_tables"), {"schemas": list(schemas)})]
        # None of our names needs quotes.
        return {name: session.all(query.format(table=name))[0] for name in names if only in {"", name}}


def definitions(database: Database) -> list[str]:
    """List the indexes, keys and checks of the tables of the source."""
    with connect(database) as session:
        return [definition for (definition,) in session.all(text("read_definitions"))]
