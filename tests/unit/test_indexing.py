import pytest

from tasks.contents import Entry
from tasks.indexing import Indexing
from tasks.remainder import ForeignKey


def entry(number: int, title: str, *depends_on: int) -> Entry:
    return Entry(f"{number}; 1259 {16000 + number} {title}", 1259, 16000 + number, title, number, frozenset(depends_on))


FILMS, ACTORS = entry(1, "TABLE public films me"), entry(2, "TABLE public actors me")
KEY, UNIQUE = entry(3, "CONSTRAINT public films films_pkey me", 1), entry(4, "INDEX public actors_code me", 2)
TITLES, ATTACHED = entry(5, "INDEX public titles me", 1), entry(6, "INDEX ATTACH public titles_2024 me", 5, 9)
ON_TITLES, ON_KEY = (
    entry(7, "COMMENT public INDEX titles me", 5),
    entry(8, "COMMENT public CONSTRAINT films_pkey me", 3),
)
REFERENCE = entry(10, "FK CONSTRAINT public films films_actor_fkey me", 1, 2, 4)
ON_REFERENCE = entry(11, "COMMENT public CONSTRAINT films_actor_fkey ON films me", 10)
MADE = [FILMS, ACTORS, KEY, UNIQUE, TITLES, ATTACHED, ON_TITLES, ON_KEY, REFERENCE, ON_REFERENCE]
DESCRIBED = ForeignKey(
    oid=REFERENCE.oid, schema="public", table="films", name="films_actor_fkey",
    definition="FOREIGN KEY (actor) REFERENCES public.actors(code)", is_partitioned=False,
)  # fmt: skip


def test_by_default_all_is_made_and_foreign_keys_with_what_hangs_on_them_last():
    parts = Indexing().parts(MADE, [DESCRIBED])

    assert parts.others == MADE[:-2]
    assert (parts.checked, parts.unchecked, parts.hanging) == ([REFERENCE], [], [ON_REFERENCE])


def test_with_keys_only_an_index_stays_that_a_foreign_key_needs_and_what_hangs_on_the_others_goes():
    parts = Indexing(indexes="keys").parts(MADE, [DESCRIBED])

    assert parts.others == [FILMS, ACTORS, KEY, UNIQUE, ON_KEY]
    assert parts.checked == [REFERENCE]


def test_without_foreign_keys_no_index_is_needed_for_one():
    parts = Indexing(indexes="keys", foreign_keys="skip").parts(MADE, [DESCRIBED])

    assert parts.others == [FILMS, ACTORS, KEY, ON_KEY]
    assert (parts.checked, parts.unchecked, parts.hanging) == ([], [], [])


@pytest.mark.parametrize(("is_partitioned", "checked"), [(False, []), (True, [REFERENCE])])
def test_a_key_that_is_not_to_be_checked_is_written_by_us_where_every_server_can(is_partitioned, checked):
    described = ForeignKey(**{**vars(DESCRIBED), "is_partitioned": is_partitioned})

    parts = Indexing(foreign_keys="not_valid").parts(MADE, [described])

    assert parts.checked == checked
    assert parts.unchecked == ([] if checked else [described])
    assert parts.hanging == [ON_REFERENCE]
