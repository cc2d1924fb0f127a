import os
import subprocess
import threading
import time

import pytest

from tasks import catalogue, claims, embedded, patience
from tasks.errors import DependentsFound, PublishBlocked, StatementFailed
from tasks.postgres import Database, connect
from tests.conftest import DATA, run_sql_file
from tests.worlds import ask, wait_until


@pytest.fixture
def session(empty):
    with connect(empty.destination) as opened:
        yield opened


@pytest.fixture
def real_world(empty):
    run_sql_file(empty.destination, DATA / "real_world.sql")
    return empty


def schemas_of(session):
    names = "select nspname::text from pg_namespace where nspname !~ '^(pg_|information_schema)' order by 1"
    return [name for (name,) in session.all(names)]


def moved(session, schemas):
    with session.transaction():
        catalogue.move(session, catalogue.living_in(session, list(schemas)), schemas)


def dumped(warehouse):
    """Everything in a database, as pg_dump writes it."""
    command = [str(embedded.binaries() / "pg_dump"), "--restrict-key=none", "--exclude-schema=*__aside"]
    environment = os.environ | warehouse.destination.libpq_environment()
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def lines_that_differ(one, other):
    return sorted(set(one.splitlines()) ^ set(other.splitlines()))


def test_a_move_there_and_back_leaves_everything_as_it_was(real_world, session):
    names = schemas_of(session)
    objects, before = catalogue.living_in(session, names), dumped(real_world)

    moved(session, {name: f"{name}__aside" for name in names})
    moved(session, {f"{name}__aside": name for name in names})

    assert catalogue.living_in(session, names) == objects
    assert lines_that_differ(dumped(real_world), before) == []
    assert len(objects) > 80


def test_everything_but_extensions_and_their_members_moves(real_world, session):
    names = schemas_of(session)
    before = {(o.classid, o.objid, o.type) for o in catalogue.living_in(session, names)}

    moved(session, {name: f"{name}__aside" for name in names})

    assert catalogue.living_in(session, names) == []
    assert {
        (o.classid, o.objid, o.type) for o in catalogue.living_in(session, [f"{name}__aside" for name in names])
    } == before
    assert session.all("select extname::text, extnamespace::regnamespace::text from pg_extension order by 1") == [
        ("citext", "public"),
        ("hstore", "extensions"),
        ("pg_trgm", "extensions"),
        ("plpgsql", "pg_catalog"),
    ]


def test_views_read_the_same_rows_wherever_their_tables_are(session):
    session.run("create schema mart; create table public.films as select 1 as film_id")
    session.run("create view mart.films as select * from public.films")

    moved(session, {"public": "public__aside"})

    assert session.all("select * from mart.films") == [(1,)]


def test_a_move_that_fails_half_way_leaves_everything_where_it_was(session):
    session.run("create schema aside; create table aside.b (); create table public.a (); create table public.b ()")

    with pytest.raises(StatementFailed, match='"b" already exists'):
        moved(session, {"public": "aside"})

    assert [o.identity for o in catalogue.living_in(session, ["public"])] == ["public.a", "public.b"]


# Dropping


def depended_on_by(session, *statements):
    session.run("create schema ours; create schema own; create type ours.mood as enum ('fine')")
    session.run("create table ours.films (film_id serial primary key, title text)")
    session.run("create function ours.twice(integer) returns integer language sql immutable return $1 * 2")
    for statement in statements:
        session.run(statement)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("create view own.films as select * from ours.films", "view own.films"),
        ("create materialized view own.films as select * from ours.films", "materialized view own.films"),
        ("create table own.diary (day date, mood ours.mood)", "table own.diary "),
        (
            "create table own.notes (film_id integer references ours.films)",
            "table constraint notes_film_id_fkey on own",
        ),
        ("create table own.notes (number integer default nextval('ours.films_film_id_seq'))", "default value for own"),
        (
            "create table own.notes (number integer check (ours.twice(number) > 2))",
            "table constraint notes_number_chec",
        ),
        ("create table own.sequels () inherits (ours.films)", "table own.sequels"),
        ("create table own.albums (film ours.films)", r"table own.albums "),
        ("create function own.f(ours.mood) returns integer language sql return 1", r"function own.f\(ours.mood\)"),
    ],
)
def test_schemas_are_not_dropped_while_something_outside_needs_them(session, statement, named):
    depended_on_by(session, statement)

    with pytest.raises(DependentsFound, match=named):
        catalogue.drop_schemas(session, ["ours"])

    assert session.all("select to_regclass('ours.films') is not null") == [(True,)]
    assert len(catalogue.living_in(session, ["ours", "own"])) == 4


def test_schemas_that_only_need_one_another_are_dropped_together(session):
    depended_on_by(session, "create view own.films as select * from ours.films")

    catalogue.drop_schemas(session, ["ours", "own"])

    assert schemas_of(session) == ["public"]


def test_a_schema_that_is_not_there_is_as_good_as_dropped(session):
    catalogue.drop_schemas(session, ["never was"])

    assert schemas_of(session) == ["public"]


# Patience


def test_work_whose_locks_cannot_be_had_is_given_up_and_nothing_of_it_stays(empty, session):
    session.run("create table public.a (); create table public.b ()")
    reader = empty.reader("begin", "select * from public.b")

    with pytest.raises(PublishBlocked, match=f"moving waited 1 s .*session {reader.info.backend_pid} .*; all is kept"):
        patience.patiently(
            session,
            lambda: catalogue.move(session, catalogue.living_in(session, ["public"]), {"public": "aside"}),
            timeout_seconds=1,
            what="moving",
            state="all is kept",
        )

    assert [o.identity for o in catalogue.living_in(session, ["public"])] == ["public.a", "public.b"]
    assert schemas_of(session) == ["public"]


def test_autovacuum_at_work_on_a_table_is_ended_and_nobody_who_reads_waits_for_it(serve):
    server = serve()
    # A page in every fifth of a second, for minutes.
    server.start(autovacuum_naptime="1s", autovacuum_vacuum_cost_delay="100ms", autovacuum_vacuum_cost_limit="10")
    ask(server.database("postgres"), "create role keeper login")
    ask(server.database("postgres"), "create database shop owner keeper")
    shop = server.database("shop")
    keepers = Database(parameters={**shop.parameters, "user": "keeper"})
    with connect(keepers) as session, connect(shop) as reader:
        claims.claim(keepers)
        claims.release(keepers)
        session.run(
            "insert into towpath.loads"
            " (run, source, dump_digest, snapshot_at, state, place, schemas, table_count, row_count) values"
            " ('first', 'shop', '', now(), 'restored', 'landing', '{landing}', 1, 60000)"
        )
        for schema in ("landing", "elsewhere"):
            session.run(f"create schema {schema}; create table {schema}.films (id integer, title text)")
            session.run(f"insert into {schema}.films select n, repeat('x', 500) from generate_series(1, 60000) as n")
            session.run(f"delete from {schema}.films where id % 2 = 0")
        reader.run("create view public.films as select * from landing.films")
        at_work = "select pid from pg_stat_progress_vacuum where relid = to_regclass(%s)"
        wait_until(lambda: reader.all(at_work, ["landing.films"]) and reader.all(at_work, ["elsewhere.films"]))
        elsewhere = reader.all(at_work, ["elsewhere.films"])
        moving = threading.Thread(target=move_away, args=(keepers, 20))
        began = time.monotonic()
        moving.start()

        longest = 0.0
        while moving.is_alive():
            asked = time.monotonic()
            reader.all("select title from public.films limit 1")
            longest = max(longest, time.monotonic() - asked)
        moving.join()

        assert longest < 1
        assert time.monotonic() - began < 10
        assert [o.identity for o in catalogue.living_in(reader, ["aside"])] == ["aside.films"]
        assert reader.all(at_work, ["elsewhere.films"]) == elsewhere


def move_away(database, timeout_seconds):
    with connect(database) as session:
        patience.patiently(
            session,
            lambda: catalogue.move(session, catalogue.living_in(session, ["landing"]), {"landing": "aside"}),
            timeout_seconds=timeout_seconds,
            what="moving",
            state="all is kept",
        )


def test_work_that_waits_gives_its_locks_back_in_between(empty, session):
    session.run("create table public.a (); create table public.b ()")
    empty.reader("begin", "select * from public.b")
    other = empty.reader()
    working = threading.Thread(target=try_to_move, args=(session, 3))
    working.start()

    longest, answers = 0.0, 0
    while working.is_alive():
        began = time.monotonic()
        with other.cursor() as cursor:
            cursor.execute("select * from public.a, public.b")
        longest, answers = max(longest, time.monotonic() - began), answers + 1
        time.sleep(0.005)

    working.join()
    assert longest < 1
    assert answers > 30


def try_to_move(session, timeout_seconds):
    objects = catalogue.living_in(session, ["public"])
    with pytest.raises(PublishBlocked):
        patience.patiently(
            session,
            lambda: catalogue.move(session, objects, {"public": "aside"}),
            timeout_seconds=timeout_seconds,
            what="moving",
            state="all is kept",
        )


def test_work_is_done_as_soon_as_the_lock_is_free(empty, session):
    session.run("create table public.a ()")
    reader = empty.reader("begin", "select * from public.a")
    ending = threading.Timer(1, reader.close)
    ending.start()

    patience.patiently(
        session,
        lambda: catalogue.move(session, catalogue.living_in(session, ["public"]), {"public": "aside"}),
        timeout_seconds=20,
        what="moving",
        state="all is kept",
    )

    ending.join()
    assert [o.identity for o in catalogue.living_in(session, ["aside"])] == ["aside.a"]


def test_work_that_fails_for_another_reason_is_not_tried_again(session):
    attempts = []

    def work():
        attempts.append(1)
        session.run("create table public.a ()")
        session.run("select 1 / 0")

    with pytest.raises(StatementFailed, match="division by zero"):
        patience.patiently(session, work, timeout_seconds=20, what="dividing", state="all is kept")

    assert len(attempts) == 1
    assert catalogue.living_in(session, ["public"]) == []


# Grants


def test_grants_go_to_the_namesakes_that_still_have_the_column(session, analyst):
    session.run('create schema before; create table before."A b" (kept text, gone text, shut text)')
    session.run('create table public."A b" (kept text, shut text)')
    session.run(f'grant select (kept, gone), update (kept) on before."A b" to {analyst}')
    old, new = catalogue.living_in(session, ["before"]), catalogue.living_in(session, ["public"])

    catalogue.carry_grants(session, old, new, {"before": "public"})

    rights = """
        select column_name::text, privilege_type::text from information_schema.column_privileges
        where table_schema = 'public' and grantee = 'analyst' order by 1, 2
    """
    assert session.all(rights) == [("kept", "SELECT"), ("kept", "UPDATE")]
