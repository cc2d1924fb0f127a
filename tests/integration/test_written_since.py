"""By what a table of the source could show that it is as it was at an earlier snapshot: docs/decisions/0029."""

import contextlib

import psycopg2
import pytest

from tasks.postgres import connect
from tasks.statements import statement

SNAPSHOT = """
    select pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""
TABLE = """
    create table public.films (id integer primary key, title text);
    insert into public.films select i, 'title ' || i from generate_series(1, 100) as i;
"""


class Source:
    """A table, and sessions that work on it."""

    def __init__(self, database):
        self.database, self.opened = database, []
        self.run(TABLE)

    def session(self):
        self.opened.append(psycopg2.connect(**self.database.parameters))
        return self.opened[-1]

    def run(self, *statements):
        with connect(self.database) as session:
            for each in statements:
                session.run(each)

    def snapshot(self):
        with connect(self.database) as session:
            return session.all(SNAPSHOT)[0]

    def held(self, since):
        """What the table has, and how much of it was written since, both as of now."""
        with connect(self.database) as session, session.transaction(snapshot=True):
            _, until = session.all(SNAPSHOT)[0]
            query = statement("count_written_since").format(own_rows="only public.films")
            return session.all(query, {"since": since, "until": until})[0]

    def is_unchanged(self, before):
        since, rows = before
        return self.held(since) == (rows, 0)


@pytest.fixture
def films_source(source):
    made = Source(source)
    yield made
    for each in made.opened:
        with contextlib.suppress(psycopg2.Error):
            each.close()


def noted(source):
    """What a dump would note: the oldest transaction that its snapshot might not see, and the rows."""
    since, _ = source.snapshot()
    return since, source.held(since)[0]


CHANGES = {
    "an insert": ["insert into public.films values (101, 'new')"],
    "an update": ["update public.films set title = 'other' where id = 7"],
    "an update that sets what was there": ["update public.films set title = title where id = 7"],
    "a delete": ["delete from public.films where id = 7"],
    "as many inserted as deleted": [
        "delete from public.films where id = 7",
        "insert into public.films values (7, 'other')",
    ],
    "a subtransaction": [
        "do $$ begin begin update public.films set title = 'x'; exception when others then null; end; end $$"
    ],
    "emptied and filled again": [
        "create table public.kept as select * from public.films",
        "truncate public.films",
        "insert into public.films select * from public.kept",
    ],
    "frozen as it was written": [
        "begin; truncate public.films; insert into public.films select generate_series(1, 100), 'y'; commit",
        "vacuum (freeze) public.films",
    ],
    "another type": ["alter table public.films alter id type bigint"],
}
NO_CHANGES = {
    "nothing": [],
    "other tables": ["create table public.others as select generate_series(1, 1000)"],
    "what was rolled back": ["begin; update public.films set title = 'x'; rollback"],
    "rows that were locked": ["begin; select * from public.films for update; commit"],
    "frozen": ["vacuum (freeze) public.films"],
    "written anew by the server": ["vacuum full public.films", "cluster public.films using films_pkey"],
    "analyzed": ["analyze public.films"],
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_a_table_that_was_written_to_shows_it(films_source, change):
    before = noted(films_source)

    films_source.run(*CHANGES[change])

    assert not films_source.is_unchanged(before)


@pytest.mark.parametrize("change", list(NO_CHANGES))
def test_a_table_that_nobody_wrote_to_shows_that(films_source, change):
    before = noted(films_source)

    films_source.run(*NO_CHANGES[change])

    assert films_source.is_unchanged(before)


def test_what_was_open_at_the_snapshot_and_is_committed_after_it_shows(films_source):
    other = films_source.session()
    with other.cursor() as cursor:
        cursor.execute("update public.films set title = 'late' where id = 7")
    # Younger transactions that are over do not hide the older one that is not.
    films_source.run("create table public.others ()")
    before = noted(films_source)
    open_still = films_source.is_unchanged(before)

    other.commit()

    assert open_still
    assert not films_source.is_unchanged(before)


def test_what_was_committed_while_another_was_open_is_taken_for_changed_once(films_source):
    other = films_source.session()
    with other.cursor() as cursor:
        cursor.execute("create table public.others ()")
    films_source.run("update public.films set title = 'seen' where id = 7")
    before = noted(films_source)
    other.rollback()
    after = noted(films_source)

    assert not films_source.is_unchanged(before)
    assert films_source.is_unchanged(after)


def test_numbers_are_compared_in_the_32_bits_that_rows_show(films_source):
    query = statement("count_written_since").format(own_rows="only public.films")
    with connect(films_source.database) as session:
        number = session.value("select distinct xmin::text::bigint from public.films")
        around = {"since": 2**32 + number - 3, "until": 2**32 + number + 3}
        after = {"since": 2**32 + number + 1, "until": 2**32 + number + 3}

        assert session.all(query, around) == [(100, 100)]
        assert session.all(query, after) == [(100, 0)]
