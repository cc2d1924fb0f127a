"""The film database, at any size, with the same rows each time."""

from benchmarks.servers import STATEMENTS
from tasks.postgres import Database, connect

# A rating with all that belongs to it, indexes and the other tables in proportion, takes so many bytes.
_BYTES_PER_RATING = 174
# How many ratings each size has: 0.1, 1.4 and 10 GB.
SIZES = {"small": 560_000, "medium": 8_000_000, "large": 56_000_000}
# What tells one table's rows from others: how many there are, and a digest of them.
Contents = dict[str, tuple[int, str]]


def ratings_for(size_bytes: float) -> int:
    """Return how many ratings make a database of about this size."""
    return max(round(size_bytes / _BYTES_PER_RATING), 160)


def expected_bytes(ratings: int) -> float:
    """Return about how large a database with so many ratings is."""
    return ratings * _BYTES_PER_RATING


def fill(database: Database, ratings: int) -> int:
    """Make the film database in an empty one, and return its size in bytes."""
    with connect(database) as session:
        session.run(text("create_films"), {"ratings": ratings})
        session.run("vacuum (freeze, analyze)")
        session.run("checkpoint")
        return int(session.value("select pg_database_size(current_database())"))


def text(name: str) -> str:
    """Return the text of a statement in `benchmarks/sql`."""
    return (STATEMENTS / f"{name}.sql").read_text(encoding="utf-8")


def contents(database: Database, *, only: str = "") -> Contents:
    """Count and digest the rows of each table of the source, or of one alone."""
    with connect(database) as session:
        names = [name for _, name in session.all(text("read_tables")) if only in {"", name}]
        query = text("read_contents")
        return {name: session.all(query.format(table=f'public."{name}"'))[0] for name in names}


def definitions(database: Database) -> list[str]:
    """List the indexes, keys and checks of the tables of the source."""
    with connect(database) as session:
        return [definition for (definition,) in session.all(text("read_definitions"))]
