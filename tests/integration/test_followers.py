"""Views of other people on landed tables and models: they follow what readers see, or the run stops by their name."""

import threading
import time
from dataclasses import replace

import pytest

from tasks import catalogue, followers, landing
from tasks.errors import CopyDiffers, DependentsFound
from tasks.landing import RestoreOptions
from tasks.postgres import connect
from tasks.run_folder import RunFolder
from tests.integration.conftest import SECOND, ignore
from tests.worlds import wait_until

WHOLE = """
select
    view_class.oid::regclass::text as name,
    pg_get_userbyid(relowner) as owner,
    relacl::text as grants,
    reloptions,
    obj_description(view_class.oid, 'pg_class') as comment,
    (
        select array_agg(array[attname, attacl::text, col_description(attrelid, attnum)] order by attnum)
        from pg_attribute where attrelid = view_class.oid and attnum > 0
    ) as columns,
    pg_get_viewdef(view_class.oid) as definition
from pg_class as view_class where relkind = 'v' and relnamespace in ('own'::regnamespace, 'public'::regnamespace)
order by 1
"""


def hang(warehouse, *statements):
    """What an analyst does."""
    warehouse.query("create schema own")
    for statement in statements:
        warehouse.query(statement)


def night(warehouse):
    """The second load, from its restore to its publication."""
    warehouse.load("second")
    warehouse.build(SECOND)
    warehouse.publish(SECOND)


def test_a_view_on_a_landed_table_reads_what_readers_see_from_one_version_to_the_next(published):
    hang(published, "create view own.dear as select * from public.films where price > 50")

    published.load("second")
    while_loaded = published.query("select count(*) from own.dear")
    published.build(SECOND)
    published.publish(SECOND)

    assert while_loaded == [(0,)]
    assert published.query("select count(*) from own.dear") == [(21,)]
    assert "public__previous" not in published.query("select pg_get_viewdef('own.dear'::regclass)")[0][0]


def test_a_view_on_a_model_reads_the_version_that_readers_see(published):
    hang(published, "create view own.best as select distinct version from analytics.ratings")

    night(published)

    assert published.query("select version from own.best") == [("second",)]


def test_views_on_views_follow_in_the_order_in_which_they_need_one_another(published):
    hang(
        published,
        # Numbered against the order of need: the last made is read by the first.
        "create view own.a as select 'first'::text as version",
        "create view own.b as select * from own.a",
        "create view own.c as select version, count(*) over () as films from analytics.ratings, public.films",
        "create or replace view own.a as select version from own.c limit 1",
        "create view own.d as select b.version, b as whole from own.b",
    )

    night(published)

    assert published.query("select version, (whole).version from own.d") == [("second", "second")]


def test_owner_grants_comments_and_options_follow(published, analyst):
    hang(
        published,
        """create view own."Odd, ""100%""\" with (security_barrier = true) as
        select film_id as "Id", title, 'public__previous.films' as note from public.films""",
        'grant select on own."Odd, ""100%""" to public',
        f'grant update (title) on own."Odd, ""100%""" to {analyst} with grant option',
        'comment on view own."Odd, ""100%""" is \'what it\'\'s for: public__previous.films\'',
        'comment on column own."Odd, ""100%""".title is \'as printed\'',
        f"grant create, usage on schema own to {analyst}",
        f"grant usage on schema public, analytics to {analyst}",
        f"grant select on public.films to {analyst}",
        "create view own.theirs as select title from public.films",
        f"alter view own.theirs owner to {analyst}",
        f"revoke delete on own.theirs from {analyst}",
        # Whoever makes a view anew must not give away what its owner did not.
        "alter default privileges in schema own grant all on tables to public",
    )
    before = published.query(WHOLE)

    night(published)

    assert published.query(WHOLE) == before
    published.reader(f"set role {analyst}", "select title from own.theirs")
    assert published.query('select distinct note from own."Odd, ""100%"""') == [("public__previous.films",)]


def test_a_column_of_a_landed_type_follows_although_the_type_is_another(published):
    hang(
        published,
        "create view own.moods as select 'good'::public.mood as mood, films from public.films limit 1",
    )

    night(published)

    assert published.query("select mood::text, (films).price::text from own.moods") == [("good", "99.00")]


def test_a_view_of_a_role_that_ours_may_act_as_follows_and_one_of_another_stops_the_run(published, analyst):
    query = "select count(*) from own.theirs"
    hang(
        published,
        f"grant create, usage on schema own to {analyst}",
        f"grant usage on schema public to {analyst}",
        f"grant select on public.films to {analyst}",
        "create view own.theirs as select title from public.films",
        f"alter view own.theirs owner to {analyst}",
        "create role loader_of_films login",
        "alter table public.films owner to loader_of_films",
    )
    try:
        with connect(published.destination) as session:
            landed = catalogue.living_in(session, ["public"])
            parts = catalogue.family_of(session, landed)
            session.run("set role loader_of_films")
            hindered = followers.obstacles(session, landed, parts)
            session.run("reset role")
            session.run(f"grant {analyst} to loader_of_films")
            session.run("set role loader_of_films")
            free = followers.obstacles(session, landed, parts)
            with session.transaction(), followers.carried(session, landed, parts, renamed={}, state="as it was"):
                assert session.value("select to_regclass('own.theirs') is null")
    finally:
        published.query("alter table public.films owner to current_user; drop role loader_of_films")

    missing = f"grant {analyst} to loader_of_films is missing"
    assert hindered == [f"view own.theirs of {analyst} (on public.films), which cannot follow: {missing}"]
    assert free == []
    assert published.query(query) == [(20,)]
    assert published.query("select pg_get_userbyid(relowner) from pg_class where relname = 'theirs'") == [(analyst,)]


ALL_FILMS = "create view own.all_films as select * from public.films"

CANNOT_FOLLOW = {
    "a materialized view": (
        ["create materialized view own.kept as select count(*) from public.films"],
        r"materialized view own\.kept of \w+ \(on public\.films",
    ),
    "a foreign key": (
        ["create table own.notes (film_id integer references public.films)"],
        r"table constraint notes_film_id_fkey on own\.notes of \w+",
    ),
    "a function with an SQL body": (
        ["create function own.films() returns bigint begin atomic select count(*) from public.films; end"],
        r"function own\.films\(\) of \w+ \(on public\.films",
    ),
    "a materialized view on a view": (
        [ALL_FILMS, "create materialized view own.kept as select count(*) from own.all_films"],
        r"materialized view own\.kept of \w+ \(on own\.all_films",
    ),
    "a materialized view on a model": (
        ["create materialized view own.kept as select * from analytics.ratings"],
        r"materialized view own\.kept of \w+ \(on analytics\.ratings",
    ),
    "a view with a trigger": (
        [
            ALL_FILMS,
            (
                "create trigger t instead of insert on own.all_films for each row"
                " execute function suppress_redundant_updates_trigger()"
            ),
        ],
        r"view own\.all_films of \w+ \(on public\.films\), which cannot follow: it has a trigger",
    ),
    "a view with a rule": (
        [ALL_FILMS, "create rule r as on delete to own.all_films do instead nothing"],
        "which cannot follow: it has a rule",
    ),
    "a view that owns a sequence": (
        [ALL_FILMS, "create sequence own.numbers owned by own.all_films.film_id"],
        "which cannot follow: it owns a sequence",
    ),
    "a view with a default": (
        [ALL_FILMS, "alter view own.all_films alter column price set default 7"],
        "which cannot follow: a column of it has a default",
    ),
}
CATALOGUE = "select oid, relname, relnamespace from pg_class where relnamespace <> 'towpath'::regnamespace order by oid"


@pytest.mark.parametrize("thing", list(CANNOT_FOLLOW))
def test_what_cannot_follow_stops_the_restore_by_name_before_anything_is_touched(published, thing):
    statements, named = CANNOT_FOLLOW[thing]
    hang(published, *statements)
    before = published.query(CATALOGUE)

    with pytest.raises(DependentsFound, match=named):
        published.load("second")

    assert published.query(CATALOGUE) == before


def test_a_temporary_view_of_a_session_that_is_still_there_stops_the_restore(published):
    analyst = published.reader("create temporary view mine as select * from public.films")

    with pytest.raises(DependentsFound, match="temporary view"):
        published.load("second")

    number = analyst.info.backend_pid
    analyst.close()
    # The server drops what was temporary after it has said goodbye.
    wait_until(lambda: not published.query("select 1 from pg_stat_activity where pid = %s", [number]))
    published.load("second")


def test_where_views_are_to_be_refused_each_is_named_with_its_owner(published):
    hang(published, "create view own.dear as select * from public.films where price > 50")

    with pytest.raises(DependentsFound, match=r"view own\.dear of \w+ \(on public\.films"):
        replace(published, rebinds=False).load("second")

    assert published.query("select count(*) from own.dear") == [(0,)]


def test_a_view_that_reads_what_the_new_version_has_not_stops_the_publication_and_reads_on(published):
    hang(published, "create view own.counted as select films from analytics.only_first")
    published.load("second")
    published.build(SECOND)

    with pytest.raises(DependentsFound, match=r"view own\.counted .*only_first.* does not exist"):
        published.publish(SECOND)

    assert published.query("select films from own.counted") == [(20,)]
    assert published.query("select distinct version from analytics.ratings") == [("first",)]
    published.query("drop view own.counted")
    published.publish(SECOND)


def test_a_view_that_knows_a_landed_sequence_by_number_only_stops_the_publication(published):
    published.query("create sequence public.film_numbers")
    hang(published, "create view own.numbered as select 'public.films'::regclass as landed, title from public.films")
    published.load("second")
    published.build(SECOND)

    with pytest.raises(DependentsFound, match=r"own\.numbered \(on public__previous\.films, by number\)"):
        published.publish(SECOND)

    assert published.query("select count(*) from own.numbered") == [(20,)]


def test_rolling_back_brings_views_back_and_once_more_forward(published):
    hang(
        published,
        "create view own.both as select distinct version, price from analytics.ratings, public.films",
        "create view own.films as select count(*) from public.films",
    )
    night(published)
    published.roll_back()
    back = published.query("select version, count(*) from own.both group by 1"), published.query("table own.films")

    published.roll_back()

    assert [version for version, _ in back[0]] == ["first"]
    assert back[1] == [(20,)]
    assert published.query("select * from own.both") == [("second", 99)]
    assert published.query("table own.films") == [(21,)]


def test_a_view_that_needs_the_current_version_stops_the_way_back(published):
    night(published)
    hang(published, "create view own.counted as select films from analytics.only_second")

    with pytest.raises(DependentsFound, match=r"own\.counted .*only_second"):
        published.roll_back()

    assert published.query("select films from own.counted") == [(21,)]


def test_a_view_on_a_load_that_was_never_published_goes_over_to_the_load_that_takes_its_place(landed):
    hang(landed, "create view own.dear as select count(*) from public.films where price > 50")

    landed.load("second")
    landed.load("third")
    landed.load("third")

    assert landed.query("table own.dear") == [(21,)]


def test_a_view_on_a_load_that_readers_never_saw_goes_back_to_the_one_that_they_see(loaded_again):
    hang(loaded_again, "create view own.dear as select count(*) from public.films where price > 50")

    loaded_again.load("third")
    while_loaded = loaded_again.query("table own.dear")
    loaded_again.build(SECOND)
    loaded_again.publish(SECOND)

    assert while_loaded == [(0,)]
    assert loaded_again.query("table own.dear") == [(21,)]


def test_views_are_as_they_were_after_a_restore_that_failed(published):
    hang(published, "create view own.dear as select count(*) from public.films")
    manifest = published.dumps["second"]
    wrong = replace(manifest, tables=[replace(table, rows=table.rows + 1) for table in manifest.tables])
    before = published.query(WHOLE)
    options = RestoreOptions(
        jobs=2, timeout_seconds=60, readers_timeout_seconds=3, allow_older=False, rebinds=True, verify="counts"
    )

    with pytest.raises(CopyDiffers):
        landing.restore(
            wrong, RunFolder(published.dump_folder / "second").dump, published.destination,
            published.tools, options, run="x", listener=ignore,
        )  # fmt: skip

    assert published.query(WHOLE) == before
    assert published.query("table own.dear") == [(20,)]


def test_a_model_edited_on_the_same_load_takes_the_views_along(published):
    hang(
        published,
        "create view own.best as select distinct version from analytics.ratings",
        "create view own.films as select count(*) from public.films",
    )
    numbers = "select 'own.films'::regclass::oid"
    before = published.query(numbers)

    published.build(SECOND)
    published.publish(SECOND)

    assert published.query("table own.best") == [("second",)]
    assert published.query(numbers) == before, "nothing that it reads has changed its place"


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("SELECT a FROM old.t", 'SELECT a FROM "new".t'),
        ("SELECT 'old.t'::text, old.f(1)", "SELECT 'old.t'::text, \"new\".f(1)"),
        ("SELECT 'it''s old.t' FROM s.t", None),
        ('SELECT "old ".a, "x.old".b', None),
        ('SELECT "Odd ""old".t', 'SELECT "new ""er".t'),
        ("SELECT 1 OPERATOR(old.+) 2", 'SELECT 1 OPERATOR("new".+) 2'),
        ("SELECT x.old.y FROM öld.t", None),
        (r"SELECT E'\\old.t' AS e", None),
    ],
)
def test_schemas_are_renamed_where_they_are_schemas(definition, expected):
    renamed = {"old": "new", 'Odd "old': 'new "er'}

    assert followers._with_schemas(definition, renamed) == (expected or definition)


@pytest.mark.parametrize("relation", ["public__previous.films", "analytics__previous.ratings"])
def test_a_view_on_what_is_kept_for_a_way_back_stops_the_next_restore(replaced, relation):
    hang(replaced, f"create view own.old as select * from {relation}")
    before = replaced.query(CATALOGUE)

    with pytest.raises(DependentsFound, match=r"view own\.old of \w+ \(on " + relation):
        replaced.load("third")

    assert replaced.query(CATALOGUE) == before


def test_a_view_that_reads_a_column_which_the_source_has_no_longer_stops_the_restore(published):
    hang(
        published,
        "create view own.prices as select title, price from public.films",
        "create view own.titles as select title from public.films",
    )
    before, manifest = published.query(CATALOGUE), published.dumps["second"]
    shapes = [
        {**s, "columns": [c for c in s["columns"] if (s["name"], c["name"]) != ("films", "price")]}
        for s in manifest.catalogue["shapes"]
    ]
    published.dumps = {"second": replace(manifest, catalogue={**manifest.catalogue, "shapes": shapes})}

    with pytest.raises(DependentsFound, match=r"view own\.prices of \w+, which reads public\.films\.price; .* has it"):
        published.load("second")

    assert published.query(CATALOGUE) == before


def test_a_view_on_a_model_and_a_landed_table_follows_a_model_that_was_edited_on_the_same_load(published):
    hang(published, "create view own.both as select version, price from analytics.ratings, public.films")

    published.build(SECOND)
    published.publish(SECOND)

    assert published.query("select distinct version from own.both") == [("second",)]


def test_what_an_owner_changes_while_the_swap_waits_is_kept(published):
    hang(
        published,
        "create view own.first as select 1 as number from public.films",
        "create view own.second as select * from own.first",
        "create view own.third as select * from public.films",
    )
    published.load("second")
    published.build(SECOND)
    reader = published.reader("begin", "select * from own.third")
    swap = threading.Thread(target=published.publish, args=[SECOND], kwargs={"readers_timeout_seconds": 30})
    swap.start()
    time.sleep(0.5)
    owner = published.reader()

    with owner.cursor() as cursor:
        cursor.execute("create or replace view own.first as select 2 as number from public.films")
        cursor.execute("comment on view own.second is 'new'")
    reader.cursor().execute("rollback")
    swap.join()

    assert published.query("select distinct number from own.second") == [(2,)]
    assert published.query("select obj_description('own.second'::regclass)") == [("new",)]


def test_a_view_that_is_made_on_what_goes_while_the_restore_waits_is_not_dropped(replaced):
    hang(replaced)
    analyst = replaced.reader("begin", "create view own.kept as select * from analytics__previous.ratings")
    refused: list[BaseException] = []

    def restore():
        try:
            replaced.load("third")
        except DependentsFound as error:
            refused.append(error)

    restoring = threading.Thread(target=restore)
    restoring.start()
    time.sleep(1)
    analyst.cursor().execute("commit")
    restoring.join()

    assert "view own.kept" in str(refused)
    assert replaced.query("select count(*) > 0 from own.kept") == [(True,)]


def test_a_table_that_has_become_a_partition_is_there_for_the_views_that_read_it(published):
    hang(published, "create view own.prices as select title, price from public.films")
    manifest = published.dumps["second"]
    shapes = [shape for shape in manifest.catalogue["shapes"] if shape["name"] != "films"]
    published.dumps = {"second": replace(manifest, catalogue={**manifest.catalogue, "shapes": shapes})}

    published.load("second")

    assert published.query("select count(*) from own.prices") == [(20,)]


def test_a_view_on_a_table_that_did_not_change_is_left_alone(published):
    hang(published, "create view own.people as select * from public.actors")
    number = published.query("select 'own.people'::regclass::oid")

    night(published)
    published.roll_back()

    assert published.query("select 'own.people'::regclass::oid") == number
    assert published.query("select count(*) from own.people") == [(56,)]


def test_a_view_on_tables_of_which_one_has_changed_reads_what_readers_see(published):
    hang(
        published,
        "create view own.roles as select price, actor_id from public.films inner join public.film_actors"
        " using (film_id)",
    )

    night(published)
    after = published.query("select distinct price from own.roles")
    published.roll_back()

    assert after == [(99,)]
    assert published.query("select max(price) < 99, count(*) from own.roles") == [(True, 62)]
