"""What must be made anew because something else is: read from the table of contents of a dump."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from tasks.contents import Entry

_KEY = "FK CONSTRAINT "
_WHOLES = ("TABLE ", "VIEW ", "MATERIALIZED VIEW ", "FOREIGN TABLE ", "DOMAIN ")
# What these depend on among the wholes is what they are part of: it is made with them, and they with it.
_PARTS = (
    *("TABLE ATTACH ", "INDEX ", "INDEX ATTACH ", "CONSTRAINT ", "CHECK CONSTRAINT ", "DEFAULT ", "TRIGGER ", "RULE "),
    *("STATISTICS ", "SEQUENCE OWNED BY ", "SEQUENCE "),
)


def made(contents: Sequence[Entry], changed: Collection[int]) -> set[int]:
    """Return the numbers of the entries that are made anew when these are, themselves included.

    That is what depends on them, what is part of the same table, and the tables that inherit from one another: to those
    who read the old parent a new child would add its rows to the old one's. Foreign keys alone tie no tables; each is
    made when either of its tables is.
    """
    pulled = _pulled(contents)
    found = _closure(pulled, changed)
    keys = {entry.number for entry in contents if _is_key(entry) and not found.isdisjoint(entry.depends_on)}
    return found | _closure(pulled, keys)


def _closure(pulled: Mapping[int, set[int]], numbers: Collection[int]) -> set[int]:
    found, waiting = set(numbers), list(numbers)
    while waiting:
        new = pulled.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def _pulled(contents: Sequence[Entry]) -> Mapping[int, set[int]]:
    """Map each entry to those that are made when it is."""
    by_number = {entry.number: entry for entry in contents}
    pulled: defaultdict[int, set[int]] = defaultdict(set)
    for entry in contents:
        if _is_key(entry):
            continue
        for number in entry.depends_on:
            pulled[number].add(entry.number)
            if number in by_number and _is_one(entry, by_number[number]):
                pulled[entry.number].add(number)
    return pulled


def _is_one(entry: Entry, other: Entry) -> bool:
    """Whether neither is made without the other, on which it depends."""
    if _is_any(entry, ("TABLE ",)) and _is_any(other, ("TABLE ",)):
        return True
    # A sequence that depends on a table is that of one of its columns.
    return _is_any(entry, _PARTS) and _is_any(other, (*_WHOLES, *_columns_sequence(entry)))


def _columns_sequence(entry: Entry) -> tuple[str, ...]:
    return ("SEQUENCE ",) if entry.title.startswith("SEQUENCE OWNED BY ") else ()


def _is_key(entry: Entry) -> bool:
    return entry.title.startswith(_KEY)


def _is_any(entry: Entry, descriptors: tuple[str, ...]) -> bool:
    return entry.title.startswith(descriptors)
