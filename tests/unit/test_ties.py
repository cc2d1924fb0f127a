import pytest

from tasks.contents import Entry
from tasks.ties import made

# What `pg_restore --list --verbose` says of a database; behind the arrow, what each depends on.
CONTENTS = """
1 TYPE public mood
2 FUNCTION public is_fit(numeric)
3 TABLE public films -> 1 2
4 COMMENT public COLUMN films.title -> 3
5 SEQUENCE public films_id_seq -> 3
6 SEQUENCE OWNED BY public films_id_seq -> 5
7 DEFAULT public films id -> 5 3 3
8 CONSTRAINT public films films_pkey -> 3
9 FUNCTION public title(public.films) -> 3
10 SEQUENCE public numbers
11 TABLE public actors
12 DEFAULT public actors id -> 10 11
13 CONSTRAINT public actors actors_pkey -> 11
14 TABLE public film_actors
15 INDEX public by_title -> 14 9
16 FK CONSTRAINT public film_actors film_id_fkey -> 14 3 8
17 FK CONSTRAINT public film_actors actor_id_fkey -> 14 11 13
18 VIEW public casts -> 3 14
19 MATERIALIZED VIEW public cast_sizes -> 18
20 TABLE public events
21 TABLE public events_2025 -> 20
22 TABLE public events_2026
23 TABLE ATTACH public events_2026 -> 22 20
24 FUNCTION public is_odd(integer)
25 TRIGGER public actors odd -> 24 11
26 DOMAIN public price
27 CHECK CONSTRAINT public price fit -> 26 2
28 TABLE public prices -> 26
29 TABLE public people
30 SEQUENCE public people_id_seq -> 29
31 FK CONSTRAINT public events film_fkey -> 20 3 8
"""


def entries() -> list[Entry]:
    found = []
    for line in CONTENTS.strip().splitlines():
        named, _, needed = line.partition(" -> ")
        number, _, title = named.partition(" ")
        found.append(Entry(line, 1259, int(number), title, int(number), frozenset(map(int, needed.split()))))
    return found


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([11], [11, 12, 13, 17, 25], id="a table comes with its parts, and the keys on both of its sides"),
        pytest.param(
            [3],
            [3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 18, 19, 31],
            id="an index on what reads the row type of a changed table takes its own table along",
        ),
        pytest.param([10], [10, 11, 12, 13, 17, 25], id="a sequence takes along the table whose column it fills"),
        pytest.param([12], [11, 12, 13, 17, 25], id="a table leaves its column's standalone sequence where it is"),
        pytest.param([30], [29, 30], id="a table is one with the sequence of its identity column"),
        pytest.param([5], [3, 4, 5, 6, 7, 8, 9, 14, 15, 16, 17, 18, 19, 31], id="and of its serial column"),
        pytest.param([22], [20, 21, 22, 23, 31], id="a partition takes along the whole tree"),
        pytest.param([21], [20, 21, 22, 23, 31], id="a child takes along its parent and the other children"),
        pytest.param([19], [19], id="a materialized view is made by itself"),
        pytest.param([24], [11, 12, 13, 17, 24, 25], id="a function takes along the table of its trigger"),
    ],
)
def test_what_is_made_when_something_has_changed(changed, expected):
    assert sorted(made(entries(), changed)) == expected


def test_a_domain_is_made_with_the_function_of_its_constraint_and_so_is_its_table():
    assert {2, 26, 27, 28} <= made(entries(), [2])
