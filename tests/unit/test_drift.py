"""What two catalogues say of one another; that servers and the job say it too is in tests/integration/test_drift.py."""

import json
from dataclasses import replace

import pytest

from tasks.drift import Change, compare
from tasks.shapes import Catalogue, Column, Key, Shape

PRIMARY = Key(kind="primary key", columns=("film_id",))
TO_FILMS = Key(
    kind="foreign key",
    columns=("film_id",),
    referenced_table=("public", "films"),
    referenced_columns=("film_id",),
)


def columns(*described: str) -> tuple[Column, ...]:
    """Each as `name type`, those that are never null with a `!` behind, in order and numbered from 1."""
    parted = [text.partition(" ") for text in described]
    return tuple(
        Column(number=number, name=name, type=kind.removesuffix("!"), is_never_null=kind.endswith("!"))
        for number, (name, _, kind) in enumerate(parted, 1)
    )


FILMS = Shape(
    oid=1,
    schema="public",
    name="films",
    kind="table",
    rows=20,
    columns=columns("film_id integer!", "title text!", "price numeric(5,2)"),
    keys=(PRIMARY,),
)
ACTORS = Shape(
    oid=2,
    schema="public",
    name="actors",
    kind="table",
    rows=56,
    columns=columns("film_id integer", "actor text"),
    keys=(TO_FILMS,),
)


def catalogue(*shapes: Shape, source: int = 1) -> Catalogue:
    return Catalogue(system_identifier="7", database_oid=source, shapes=shapes)


def told(before: Catalogue, after: Catalogue, readers=None) -> list[tuple[str, str]]:
    return [(change.kind, change.words) for change in compare(before, after, readers or {})]


def with_column(shape: Shape, number: int, **changes) -> Shape:
    changed = tuple(replace(c, **changes) if c.number == number else c for c in shape.columns)
    return replace(shape, columns=changed)


def without_column(shape: Shape, name: str) -> Shape:
    return replace(shape, columns=tuple(column for column in shape.columns if column.name != name))


def with_another(shape: Shape, column: Column) -> Shape:
    return replace(shape, columns=(*shape.columns, column))


RATING = Column(number=4, name="rating", type="text", is_never_null=False)

CHANGES = {
    "nothing": (FILMS, []),
    "a column is new": (with_another(FILMS, RATING), [("added", "column public.films.rating, text, is new")]),
    "a column is gone": (without_column(FILMS, "price"), [("dropped", "column public.films.price is gone")]),
    "a column is of another type": (
        with_column(FILMS, 3, type="integer"),
        [("retyped", "column public.films.price was numeric(5,2) and is integer")],
    ),
    "a column is of another length": (
        with_column(FILMS, 3, type="numeric(6,2)"),
        [("retyped", "column public.films.price was numeric(5,2) and is numeric(6,2)")],
    ),
    "a column may be null": (
        with_column(FILMS, 2, is_never_null=False),
        [("nullable", "column public.films.title may be null now")],
    ),
    "a column is never null": (
        with_column(FILMS, 3, is_never_null=True),
        [("never null", "column public.films.price is never null now")],
    ),
    "a column has another name": (
        with_column(FILMS, 3, name="cost"),
        [("renamed", "column public.films.price is named cost now")],
    ),
    "a column has another name, type and promise": (
        with_column(FILMS, 3, name="cost", type="bigint", is_never_null=True),
        [
            ("renamed", "column public.films.price is named cost now"),
            ("retyped", "column public.films.cost was numeric(5,2) and is bigint"),
            ("never null", "column public.films.cost is never null now"),
        ],
    ),
    "a column is gone and another is new": (
        with_another(without_column(FILMS, "price"), replace(RATING, type="numeric(5,2)")),
        [
            ("dropped", "column public.films.price is gone"),
            ("added", "column public.films.rating, numeric(5,2), is new"),
        ],
    ),
    "two columns have changed names": (
        with_column(with_column(FILMS, 2, name="price", type="numeric(5,2)"), 3, name="title", type="text"),
        [
            ("nullable", "column public.films.title may be null now"),
            ("never null", "column public.films.price is never null now"),
        ],
    ),
    "a key's column has another name": (
        with_column(replace(FILMS, keys=(replace(PRIMARY, columns=("id",)),)), 1, name="id"),
        [("renamed", "column public.films.film_id is named id now")],
    ),
    "a key is gone": (
        replace(FILMS, keys=()),
        [("key dropped", "table public.films has lost its primary key (film_id)")],
    ),
    "a key has another column": (
        replace(FILMS, keys=(replace(PRIMARY, columns=("film_id", "title")),)),
        [
            ("key dropped", "table public.films has lost its primary key (film_id)"),
            ("key added", "table public.films has a new primary key (film_id, title)"),
        ],
    ),
    "it is a view": (replace(FILMS, kind="view"), [("retyped", "public.films was a table and is a view")]),
    "it has another name": (
        replace(FILMS, name="movies"),
        [("renamed", "table public.films is named public.movies now")],
    ),
    "it is in another schema": (
        replace(FILMS, schema="archive"),
        [("renamed", "table public.films is named archive.films now")],
    ),
    "it has no rows": (replace(FILMS, rows=0), [("emptied", "table public.films had 20 rows and has none now")]),
    "it has fewer rows": (replace(FILMS, rows=1), []),
    "its rows were not counted": (replace(FILMS, rows=None), []),
    "it was made anew": (replace(FILMS, oid=9), []),
    "it was made anew, and a number is another column's": (
        with_column(replace(FILMS, oid=9), 3, name="cost", type="integer"),
        [("dropped", "column public.films.price is gone"), ("added", "column public.films.cost, integer, is new")],
    ),
    "it was made anew, and a column may have another name": (
        with_column(replace(FILMS, oid=9), 3, name="cost"),
        [("renamed", "column public.films.price is gone and cost is new in its place: perhaps renamed")],
    ),
    "it was made anew with a column less, so that numbers mean others": (
        replace(FILMS, oid=9, columns=columns("title text!", "price numeric(5,2)"), keys=()),
        [
            ("dropped", "column public.films.film_id is gone"),
            ("key dropped", "table public.films has lost its primary key (film_id)"),
        ],
    ),
}


@pytest.mark.parametrize(("now", "expected"), CHANGES.values(), ids=CHANGES)
def test_a_change_of_one_table_is_told_in_words(now, expected):
    assert told(catalogue(FILMS), catalogue(now)) == expected


def test_tables_that_are_gone_or_new_are_named():
    now = replace(ACTORS, oid=3, name="people")

    assert told(catalogue(FILMS, ACTORS), catalogue(FILMS, now)) == [
        ("dropped", "table public.actors is gone"),
        ("added", "table public.people is new"),
    ]


def test_a_table_put_in_the_place_of_another_is_compared_by_its_name():
    replacement = replace(FILMS, oid=5, columns=columns("film_id integer!", "title text!"))
    before = catalogue(FILMS, replace(replacement, name="films_new"))
    after = catalogue(replace(FILMS, name="films_old"), replacement)

    assert told(before, after) == [
        ("dropped", "table public.films_new is gone"),
        ("added", "table public.films_old is new"),
        ("dropped", "column public.films.price is gone"),
    ]


def test_new_names_make_no_new_foreign_key():
    movies = with_column(replace(FILMS, name="movies", keys=(replace(PRIMARY, columns=("id",)),)), 1, name="id")
    key = replace(TO_FILMS, columns=("film",), referenced_table=("public", "movies"), referenced_columns=("id",))
    actors = with_column(replace(ACTORS, keys=(key,)), 1, name="film")

    assert told(catalogue(FILMS, ACTORS), catalogue(movies, actors)) == [
        ("renamed", "table public.films is named public.movies now"),
        ("renamed", "column public.movies.film_id is named id now"),
        ("renamed", "column public.actors.film_id is named film now"),
    ]


# A source that is another database now: numbers say nothing


def test_a_copy_of_the_source_with_other_numbers_is_no_change():
    copied = replace(FILMS, oid=900, columns=tuple(replace(c, number=c.number + 5) for c in FILMS.columns))

    assert told(catalogue(FILMS), catalogue(copied, source=2)) == []


def test_a_column_of_the_same_type_in_the_same_place_is_perhaps_renamed():
    now = replace(with_column(FILMS, 3, name="cost"), oid=900)

    assert told(catalogue(FILMS), catalogue(now, source=2)) == [
        ("renamed", "column public.films.price is gone and cost is new in its place: perhaps renamed")
    ]


OTHERS = {
    "another type": with_column(FILMS, 3, name="cost", type="integer"),
    "another place": replace(FILMS, columns=columns("film_id integer!", "cost numeric(5,2)", "title text!")),
    "one of two in its place": with_another(
        with_column(FILMS, 3, name="cost"), Column(number=4, name="fee", type="numeric(5,2)", is_never_null=False)
    ),
}


@pytest.mark.parametrize("now", OTHERS.values(), ids=OTHERS)
def test_a_column_that_may_be_quite_another_is_not_guessed_to_be_renamed(now):
    changes = compare(catalogue(FILMS), catalogue(now, source=2), {})

    assert changes[0] == Change("dropped", "column public.films.price is gone")
    assert {change.kind for change in changes[1:]} == {"added"}


def test_a_column_is_perhaps_renamed_although_the_one_before_it_is_gone():
    now = replace(FILMS, columns=columns("film_id integer!", "cost numeric(5,2)"))

    assert told(catalogue(FILMS), catalogue(now, source=2)) == [
        ("dropped", "column public.films.title is gone"),
        ("renamed", "column public.films.price is gone and cost is new in its place: perhaps renamed"),
    ]


def test_a_table_of_the_same_columns_is_perhaps_renamed():
    now = replace(FILMS, oid=900, name="movies")

    assert told(catalogue(FILMS), catalogue(now, source=2)) == [
        ("renamed", "table public.films is gone and public.movies is new with the same columns: perhaps renamed")
    ]


def test_of_two_tables_of_the_same_columns_neither_is_guessed_to_be_renamed():
    one, other = replace(FILMS, oid=900, name="one"), replace(FILMS, oid=901, name="other")

    assert told(catalogue(FILMS), catalogue(one, other, source=2)) == [
        ("dropped", "table public.films is gone"),
        ("added", "table public.one is new"),
        ("added", "table public.other is new"),
    ]


# Who reads what has changed


def test_models_that_read_a_table_are_named_with_each_of_its_changes_and_no_others():
    readers = {("public", "films"): ["gold.ratings", "silver.films"], ("public.films", "x"): ["nobody"]}
    now = with_column(with_column(FILMS, 2, type="varchar"), 3, name="cost")

    words = [words for _, words in told(catalogue(FILMS, ACTORS), catalogue(now), readers)]

    assert words == [
        "table public.actors is gone",
        "column public.films.title was text and is varchar (read by gold.ratings, silver.films)",
        "column public.films.price is named cost now (read by gold.ratings, silver.films)",
    ]


def test_models_that_read_a_table_which_is_gone_or_renamed_are_named():
    readers = {("public", "films"): ["silver.films"], ("public", "actors"): ["silver.actors"]}

    words = [words for _, words in told(catalogue(FILMS, ACTORS), catalogue(replace(FILMS, name="movies")), readers)]

    assert words == [
        "table public.actors is gone (read by silver.actors)",
        "table public.films is named public.movies now (read by silver.films)",
    ]


# What a policy stops


@pytest.mark.parametrize("kind", ["dropped", "renamed", "retyped", "key dropped", "nullable"])
def test_what_could_break_a_model_is_stopped_by_additive_and_freeze(kind):
    change = Change(kind, "")

    assert [change.is_stopped_by(policy) for policy in ("evolve", "additive", "freeze")] == [False, True, True]


@pytest.mark.parametrize("kind", ["added", "key added", "never null"])
def test_what_takes_nothing_away_is_stopped_by_freeze_only(kind):
    change = Change(kind, "")

    assert [change.is_stopped_by(policy) for policy in ("evolve", "additive", "freeze")] == [False, False, True]


def test_a_table_that_has_no_rows_any_more_stops_nothing():
    change = Change("emptied", "")

    assert [change.is_stopped_by(policy) for policy in ("evolve", "additive", "freeze")] == [False, False, False]


def test_a_catalogue_is_the_same_after_a_journey_through_json():
    before = catalogue(FILMS, ACTORS, replace(FILMS, name='odd "name"', rows=None, columns=(), keys=()))

    assert Catalogue.from_json(json.loads(json.dumps(before.to_json()))) == before
