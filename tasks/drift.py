"""How the tables of a dump differ from those that readers know, in words, and which differences a policy stops."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import TypeVar

from tasks import ledger
from tasks.ledger import Holding
from tasks.postgres import Session
from tasks.shapes import Catalogue, Column, Key, Place, Shape

POLICIES = ("evolve", "additive", "freeze")

# More to read, and stricter promises about it: nothing that could be read before can fail because of these.
_ADDITIVE = ("added", "key added", "never null")
_OF_ROWS_ONLY = ("emptied",)

Name = TypeVar("Name", bound=Hashable)
Readers = Mapping[Place, Sequence[str]]


@dataclass(frozen=True)
class Change:
    """One difference: added, dropped, renamed, retyped, key added, key dropped, never null, nullable or emptied.

    The words name the object and the models that read its table.
    """

    kind: str
    words: str

    @property
    def is_of_rows_only(self) -> bool:
        """Whether the table is as it was, and only its rows are gone: that is known when they have been counted."""
        return self.kind in _OF_ROWS_ONLY

    def is_stopped_by(self, policy: str) -> bool:
        """Whether `[restore] drift` does not let it pass; that a table has no rows any more never stops a run."""
        if policy == "evolve" or self.is_of_rows_only:
            return False
        return policy == "freeze" or self.kind not in _ADDITIVE


def changes(session: Session, holding: Holding, catalogue: Catalogue) -> list[Change]:
    """Compare a source's catalogue with that of the load which readers see, else of the one that is in the landing.

    `session` is one in the destination, `holding` what it holds: nothing is changed, no claim is needed. Empty where
    there is no earlier load, or its catalogue was not noted by the Towpath that made it.
    """
    states = (holding.version("published"), holding.load_at("landing"), holding.load_at("previous"))
    # Half a load gives way to the one before it.
    state = next((state for state in states if state and state.load_state != "restoring"), None)
    before = ledger.catalogue_of(session, state.load_id) if state else None
    if state is None or before is None:
        return []
    return compare(before, catalogue, ledger.readers_of(session, state.version_id))


def compare(before: Catalogue, after: Catalogue, readers: Readers) -> list[Change]:
    """List how a catalogue differs from an earlier one; `readers` has the models that read a table of the earlier one.

    A new name is known for what it is by the numbers of table and column, where both catalogues are of one database;
    else it is guessed, and said to be a guess.
    """
    is_one_source = (before.system_identifier, before.database_oid) == (after.system_identifier, after.database_oid)
    olds, news = {shape.place: shape for shape in before.shapes}, {shape.place: shape for shape in after.shapes}
    renamed = _renamed(*({p: s.oid if is_one_source else _layout(s) for p, s in side.items()} for side in (olds, news)))
    pairs = {
        place: _Pair(old, news[renamed.get(place, place)], is_one_source=is_one_source)
        for place, old in olds.items()
        if place in renamed or place in news
    }
    known = {pair.new.place for pair in pairs.values()}
    found = [
        *((place, "dropped", f"{old.kind} {old} is gone") for place, old in olds.items() if place not in pairs),
        *((place, "added", f"{new.kind} {new} is new") for place, new in news.items() if place not in known),
        *((place, kind, words) for place, pair in pairs.items() for kind, words in pair.differences(pairs)),
    ]
    return [Change(kind, words + _read_by(readers.get(place, ()))) for place, kind, words in found]


def _renamed(before: Mapping[Name, Hashable], after: Mapping[Name, Hashable]) -> dict[Name, Name]:
    """Pair each name that is gone with the new one of the same sign, where no other that is gone or new has it."""
    gone = {name: sign for name, sign in before.items() if name not in after}
    new = {name: sign for name, sign in after.items() if name not in before}
    heirs = {sign: name for name, sign in new.items()}
    gone_of, new_of = Counter(gone.values()), Counter(new.values())
    return {name: heirs[sign] for name, sign in gone.items() if gone_of[sign] == new_of[sign] == 1}


def _layout(shape: Shape) -> Hashable:
    return shape.schema, shape.kind, tuple((column.name, column.type) for column in shape.columns)


def _read_by(models: Sequence[str]) -> str:
    return f" (read by {', '.join(models)})" if models else ""


class _Pair:
    """A table as it was and as it is; `names` has the new names of its renamed columns by the old ones."""

    def __init__(self, old: Shape, new: Shape, *, is_one_source: bool) -> None:
        self.old, self.new = old, new
        self._is_one_source = is_one_source
        # A table that was made anew under its name has other columns under the same numbers.
        self._is_same_table = is_one_source and old.oid == new.oid
        kept = {column.name for column in old.columns} & {column.name for column in new.columns}
        self.names = _renamed(self._signs(old, kept), self._signs(new, kept))

    def _signs(self, shape: Shape, kept: Set[str]) -> dict[str, Hashable]:
        """Give each column its number or, where numbers say nothing, its type and the kept column that it follows."""
        signs: dict[str, Hashable] = {}
        behind = ""
        for column in shape.columns:
            behind = column.name if column.name in kept else behind
            signs[column.name] = column.number if self._is_same_table else (behind, column.type)
        return signs

    def differences(self, pairs: Mapping[Place, "_Pair"]) -> Iterator[tuple[str, str]]:
        """Give kind and words of each; `pairs` has those of all tables by their old places."""
        old, new = self.old, self.new
        if old.place != new.place:
            known, guessed = f"is named {new} now", f"is gone and {new} is new with the same columns: perhaps renamed"
            yield "renamed", f"{old.kind} {old} {known if self._is_one_source else guessed}"
        if old.kind != new.kind:
            yield "retyped", f"{new} was a {old.kind} and is a {new.kind}"
        yield from self._of_columns()
        before, after = {_translated(key, self, pairs) for key in old.keys}, set(new.keys)
        yield from (("key dropped", f"{new.kind} {new} has lost its {key}") for key in sorted(before - after, key=str))
        yield from (("key added", f"{new.kind} {new} has a new {key}") for key in sorted(after - before, key=str))
        if old.rows and new.rows == 0:
            yield "emptied", f"{new.kind} {new} had {old.rows} rows and has none now"

    def _of_columns(self) -> Iterator[tuple[str, str]]:
        olds, news = {c.name: c for c in self.old.columns}, {c.name: c for c in self.new.columns}
        for name, was in olds.items():
            now = news.get(self.names.get(name, name))
            if now is None:
                yield "dropped", f"column {self.new}.{name} is gone"
            else:
                yield from self._of_column(was, now)
        for name in sorted(news.keys() - olds.keys() - set(self.names.values())):
            yield "added", f"column {self.new}.{name}, {news[name].type}, is new"

    def _of_column(self, was: Column, now: Column) -> Iterator[tuple[str, str]]:
        if was.name != now.name:
            known, guessed = f"is named {now.name} now", f"is gone and {now.name} is new in its place: perhaps renamed"
            yield "renamed", f"column {self.new}.{was.name} {known if self._is_same_table else guessed}"
        name = f"column {self.new}.{now.name}"
        if was.type != now.type:
            yield "retyped", f"{name} was {was.type} and is {now.type}"
        if now.is_never_null and not was.is_never_null:
            yield "never null", f"{name} is never null now"
        if was.is_never_null and not now.is_never_null:
            yield "nullable", f"{name} may be null now"


def _translated(key: Key, own: _Pair, pairs: Mapping[Place, _Pair]) -> Key:
    """Return an old key by the names that its columns and tables have now: a new name alone makes no new key."""
    other = pairs.get(key.referenced_table) if key.referenced_table else None
    return replace(
        key,
        columns=tuple(own.names.get(name, name) for name in key.columns),
        referenced_table=other.new.place if other else key.referenced_table,
        referenced_columns=tuple(other.names.get(n, n) if other else n for n in key.referenced_columns),
    )
