"""Views that other people hung on what Towpath makes, and how they follow it from one generation to the next.

A view is bound by number to what it reads. When that gives way to another generation, the view is taken down before
and made anew after it, in the same transaction: by name it then reads what readers read from now on.
"""

import contextlib
import graphlib
import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks import catalogue
from tasks.catalogue import Dependent, Object, Part
from tasks.errors import LockNotGranted, StatementFailed
from tasks.postgres import Session
from tasks.statements import quoted, statement

logger = logging.getLogger(__name__)

# In what pg_get_viewdef writes: a text, a quoted name, a plain name.
_WORDS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[^\W\d][\w$]*""")


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A row of `read_followers.sql`; `marks` are the statements that give it its comments and grants."""

    objid: int
    name: str
    owner: str
    is_made_as_owner: bool
    obstacle: str | None
    options: str
    definition: str
    marks: list[str]
    reads: list[int]

    def __str__(self) -> str:
        return f"view {self.name} of {self.owner}"


def obstacles(session: Session, objects: Sequence[Object | Part], allowed: Sequence[Part]) -> list[str]:
    """Name what depends on these objects, is not allowed to and could not follow them, and why."""
    return _find(session, objects, allowed)[1]


def missing(
    session: Session,
    objects: Sequence[Object],
    allowed: Sequence[Part],
    columns: Mapping[tuple[str, str], Collection[str] | None],
    *,
    renamed: Mapping[str, str],
) -> list[str]:
    """Name the views that hang on these objects and read a table or a column that will not be there.

    `columns` has the names of those that will, by schema and table, or None where any column will do; `renamed` maps
    schemas as in `carried`.
    """
    following = {view.objid: view for view in _find(session, objects, allowed)[0]}
    numbers = {"views": list(following), "relations": [o.objid for o in objects]}
    found = []
    for number, schema, relation, column in session.all(statement("read_view_columns"), numbers):
        place = (renamed.get(schema, schema), relation)
        there = columns.get(place)
        if place not in columns or (column is not None and there is not None and column not in there):
            found.append(f"{following[number]}, which reads {'.'.join([*place, *([column] if column else [])])}")
    return found


@contextlib.contextmanager
def carried(
    session: Session,
    objects: Sequence[Object | Part],
    allowed: Sequence[Part],
    *,
    renamed: Mapping[str, str],
    state: str,
) -> Iterator[list[Follower]]:
    """Let the views that hang on these objects follow what takes their place within the block.

    Must be in a transaction. `renamed` maps schemas as they are called before the block to what they stand for.

    Raises:
        DependentsFound: something hangs on them that cannot follow, or a view reads what is not there any more; the
            transaction is to be rolled back.
    """
    following = _locked(session, objects, allowed, state)
    for view in reversed(following):
        _as_maker(session, view, f"drop view {view.name}")
    yield following
    for view in following:
        _make_anew(session, view, renamed, state)
    if renamed and following:
        views = {"views": [view.name for view in following], "schemas": list(renamed)}
        left = session.all(statement("read_left_behind"), views)
        if left:
            raise catalogue.depended_on([f"view {view} (on {needed}, by number)" for view, needed in left], state)
    if following:
        logger.info("views of others that follow: %s", ", ".join(view.name for view in following))


def _locked(session: Session, objects: Sequence[Object | Part], allowed: Sequence[Part], state: str) -> list[Follower]:
    """Return the views as they are when nobody can change them any more, as an owner may while we wait for a lock."""
    locked: set[int] = set()
    while True:
        following, hindered = _find(session, objects, allowed)
        if hindered:
            raise catalogue.depended_on(hindered, state)
        if locked.issuperset(view.objid for view in following):
            return following
        hurries = False
        for view in following:
            hurries = hurries or catalogue.hurry(session)
            # `lock table` would lock what the view reads as well.
            _as_maker(session, view, f"alter view {view.name} owner to {view.owner}")
        locked.update(view.objid for view in following)


def _find(
    session: Session, objects: Sequence[Object | Part], allowed: Sequence[Part]
) -> tuple[list[Follower], list[str]]:
    """Return the views that hang on objects, also by way of one another, before those that read them, and the rest."""
    views: dict[int, Dependent] = {}
    others: dict[tuple[int, int], Dependent] = {}
    known = list(allowed)
    hanging = catalogue.dependents(session, objects, known)
    while hanging:
        found = [dependent for dependent in hanging if dependent.type == "view" and dependent.objid not in views]
        views |= {dependent.objid: dependent for dependent in found}
        others |= {(d.classid, d.objid): d for d in hanging if d.type != "view"}
        parts = catalogue.family_of(session, found)
        known += parts
        hanging = catalogue.dependents(session, parts, known) if parts else []
    rows = session.all(statement("read_followers"), {"oids": list(views)}) if views else []
    names = Follower.__dataclass_fields__
    followers = {row[0]: Follower(**dict(zip(names, row, strict=True))) for row in rows}
    order = graphlib.TopologicalSorter({number: view.reads for number, view in followers.items()}).static_order()
    hindered = [f"{views[number]}, which cannot follow: {f.obstacle}" for number, f in followers.items() if f.obstacle]
    return [followers[number] for number in order], [*map(str, others.values()), *hindered]


def _make_anew(session: Session, view: Follower, renamed: Mapping[str, str], state: str) -> None:
    definition = _with_schemas(view.definition, renamed)
    try:
        _as_maker(session, view, f"create view {view.name}{view.options} as {definition}")
        if not view.is_made_as_owner:
            session.run(f"alter view {view.name} owner to {view.owner}")
        given = session.all(statement("read_view_grantees"), {"view": view.name})
        for mark in [*(taken for (taken,) in given), *view.marks]:
            _as_maker(session, view, mark)
    except LockNotGranted:
        raise
    except StatementFailed as error:
        raise catalogue.depended_on([f"{view}, which cannot follow: {error.message}"], state) from error


def _as_maker(session: Session, view: Follower, text: str) -> None:
    if not view.is_made_as_owner:
        session.run(text)
        return
    session.run(f"set local role {view.owner}")
    session.run(text)
    session.run("reset role")


def _with_schemas(definition: str, renamed: Mapping[str, str]) -> str:
    """Put other schemas' names into what pg_get_viewdef wrote: only before a dot, and never into a text."""

    def replaced(match: re.Match[str]) -> str:
        word = match[0]
        name = word[1:-1].replace('""', '"') if word[0] == '"' else word
        is_schema = definition.startswith(".", match.end()) and not definition.endswith(".", 0, match.start())
        return quoted(renamed[name]) if is_schema and word[0] != "'" and name in renamed else word

    return _WORDS.sub(replaced, definition)
