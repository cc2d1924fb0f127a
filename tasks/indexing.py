"""Which of the source's indexes and foreign keys the landing is given: all, or what its readers have use for."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.contents import Entry
from tasks.remainder import ForeignKey

INDEXES = ("all", "keys")
FOREIGN_KEYS = ("validate", "not_valid", "skip")
_KEY = "FK CONSTRAINT "


@dataclass(frozen=True)
class Indexing:
    """One of INDEXES and one of FOREIGN_KEYS."""

    indexes: str = "all"
    foreign_keys: str = "validate"

    def parts(self, made: Sequence[Entry], described: Sequence[ForeignKey]) -> "Parts":
        """Part what is to be made into what comes with the tables, and what foreign keys and all that hangs on them."""
        keys = [entry for entry in made if entry.title.startswith(_KEY)]
        hanging = _depending_on(keys, made)
        apart = {*keys, *hanging}
        others = [entry for entry in made if entry not in apart]
        if self.foreign_keys == "skip":
            return Parts(self._indexed(others, ()), [], [], [])
        by_number = {key.oid: key for key in described if not key.is_partitioned and self.foreign_keys == "not_valid"}
        return Parts(
            others=self._indexed(others, keys),
            checked=[entry for entry in keys if entry.oid not in by_number],
            unchecked=[by_number[entry.oid] for entry in keys if entry.oid in by_number],
            hanging=hanging,
        )

    def _indexed(self, others: Sequence[Entry], keys: Sequence[Entry]) -> list[Entry]:
        needed = {number for key in keys for number in key.depends_on}
        unwanted = [
            entry
            for entry in others
            if self.indexes == "keys" and entry.title.startswith("INDEX ") and entry.number not in needed
        ]
        left_out = {*unwanted, *_depending_on(unwanted, others)}
        return [entry for entry in others if entry not in left_out]


EVERYTHING = Indexing()


@dataclass(frozen=True)
class Parts:
    """Entries and keys in the order in which they are made: foreign keys, and what hangs on them, last."""

    others: list[Entry]
    checked: list[Entry]
    unchecked: list[ForeignKey]
    hanging: list[Entry]


def _depending_on(needed: Sequence[Entry], entries: Sequence[Entry]) -> list[Entry]:
    """List those of the entries that need some others, directly or by way of one another."""
    numbers = {entry.number for entry in needed}
    found: dict[int, Entry] = {}
    while more := [e for e in entries if e.number not in numbers and e.number not in found and e.depends_on & numbers]:
        found.update((entry.number, entry) for entry in more)
        numbers = {entry.number for entry in more}
    return list(found.values())
