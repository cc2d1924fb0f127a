import threading
import time

import psycopg2
import pytest

from tasks.errors import DependentsFound, DestinationBusy, LandingOccupied, PublishBlocked
from tasks.ledger import holding_of

FIRST, SECOND = "{version: first}", "{version: second}"
RELATIONS = """
    select nspname || '.' || relname from pg_class join pg_namespace on relnamespace = pg_namespace.oid
    where nspname ~ '^analytics' and relkind in ('r', 'v') order by 1
"""
SHOWN_FIRST = [
    ("analytics.Mixed Case, 100%",),
    ("analytics.only_first",),
    ("analytics.ratings",),
    ("analytics.shouted_titles",),
    ("analytics.titles",),
    ("analytics_marts.prices",),
]
SHOWN_SECOND = [
    ("analytics.Mixed Case, 100%",),
    ("analytics.only_second",),
    ("analytics.ratings",),
    ("analytics.shouted_titles",),
    ("analytics.titles",),
    ("analytics_extra.only_second_elsewhere",),
    ("analytics_marts.prices",),
]


def shown(warehouse):
    return [row for row in warehouse.query(RELATIONS) if "__" not in row[0]]


def ask(reader, statement):
    with reader.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_a_first_version_is_shown_under_the_schemas_that_the_project_names(published):
    assert published.query(RELATIONS) == SHOWN_FIRST


def test_a_later_version_replaces_the_one_before_in_all_its_schemas(rebuilt):
    rebuilt.publish(SECOND)

    assert shown(rebuilt) == SHOWN_SECOND
    assert rebuilt.query("select distinct version from analytics.ratings") == [("second",)]
    assert rebuilt.query("select distinct version from analytics_marts.prices") == [("second",)]
    assert rebuilt.query("select nspname from pg_namespace where nspname like '%\\_\\_next%'") == []


def test_the_version_before_is_kept_with_the_models_that_the_project_no_longer_has(rebuilt):
    rebuilt.publish(SECOND)

    kept = [name.replace("__previous", "") for (name,) in rebuilt.query(RELATIONS) if "__previous" in name]
    assert [(name,) for name in sorted(kept)] == SHOWN_FIRST
    assert rebuilt.query("select films from analytics__previous.only_first") == [(20,)]
    assert rebuilt.query("select distinct version from analytics_marts__previous.prices") == [("first",)]


def test_a_view_on_a_view_reads_the_version_that_it_belongs_to(rebuilt):
    rebuilt.publish(SECOND)

    assert rebuilt.query("select count(*), min(version) from analytics.shouted_titles") == [(21, "second")]
    assert rebuilt.query("select count(*), min(version) from analytics__previous.shouted_titles") == [(20, "first")]


def test_models_that_follow_one_another_for_several_versions_leave_nothing_behind(replaced):
    replaced.load("third")
    replaced.build(FIRST)
    replaced.publish(FIRST)

    assert shown(replaced) == SHOWN_FIRST
    assert replaced.query("select count(*), min(version) from analytics.shouted_titles") == [(21, "first")]
    assert len(replaced.query(RELATIONS)) == len(SHOWN_FIRST) + len(SHOWN_SECOND)


def test_an_index_keeps_its_name_and_its_table(rebuilt):
    before = rebuilt.query("select indexname from pg_indexes where schemaname = 'analytics__next'")

    rebuilt.publish(SECOND)

    assert rebuilt.query("select indexname from pg_indexes where schemaname = 'analytics'") == before
    assert len(before) == 1


def test_without_keep_previous_nothing_of_the_version_before_is_left(rebuilt):
    rebuilt.publish(SECOND, keep_previous=False)

    assert rebuilt.query(RELATIONS) == SHOWN_SECOND
    assert rebuilt.query("select nspname from pg_namespace where nspname like '%\\_\\_previous'") == []
    assert rebuilt.query("select state, place from towpath.loads order by load_id") == [
        ("dropped", None),
        ("published", "landing"),
    ]


def test_publishing_what_is_published_already_changes_nothing(published):
    before = published.query("select version_id, state, published_at from towpath.versions")

    publication = published.publish(FIRST)

    assert published.query("select version_id, state, published_at from towpath.versions") == before
    assert [publication.version_id, publication.schemas] == [before[0][0], ["analytics", "analytics_marts"]]


def test_a_version_that_was_dropped_by_hand_is_not_published(rebuilt):
    rebuilt.query("drop table analytics__next.ratings cascade")

    with pytest.raises(DestinationBusy, match="no longer"):
        rebuilt.publish(SECOND)

    assert shown(rebuilt) == SHOWN_FIRST


# Grants


def test_grants_on_models_are_carried_over(rebuilt, analyst):
    rebuilt.query(f"grant select on analytics.ratings to {analyst} with grant option")
    rebuilt.query(f"grant select, update on analytics.titles to {analyst}")
    rebuilt.query('grant select on analytics."Mixed Case, 100%" to public')

    rebuilt.publish(SECOND)

    grants = """
        select table_name, grantee, privilege_type, is_grantable from information_schema.table_privileges
        where table_schema = 'analytics' and grantee in ('analyst', 'PUBLIC') order by 1, 2, 3
    """
    assert rebuilt.query(grants) == [
        ("Mixed Case, 100%", "PUBLIC", "SELECT", "NO"),
        ("ratings", analyst, "SELECT", "YES"),
        ("titles", analyst, "SELECT", "NO"),
        ("titles", analyst, "UPDATE", "NO"),
    ]


def test_grants_on_columns_are_carried_over(rebuilt, analyst):
    rebuilt.query(f"grant select (title, version) on analytics.ratings to {analyst}")
    rebuilt.query(f"grant usage on schema analytics to {analyst}")

    rebuilt.publish(SECOND)

    reader = rebuilt.reader(f"set role {analyst}")
    assert ask(reader, "select distinct version from analytics.ratings") == [("second",)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask(reader, "select user_rating from analytics.ratings")


def test_a_grant_on_a_schema_stays(rebuilt, analyst):
    rebuilt.query(f"grant usage on schema analytics, analytics_marts to {analyst}")

    rebuilt.publish(SECOND)

    right = (
        "select has_schema_privilege(%s, schema, 'usage') from unnest(array['analytics', 'analytics_marts']) as schema"
    )
    assert rebuilt.query(right, [analyst]) == [(True,), (True,)]


def test_default_privileges_of_a_schema_act_on_a_model_that_is_new_there(loaded_again, analyst):
    loaded_again.query(f"alter default privileges in schema analytics grant select on tables to {analyst}")
    loaded_again.build(SECOND)

    loaded_again.publish(SECOND)

    right = "select has_table_privilege(%s, 'analytics.' || name, 'select') from unnest(%s) as name"
    assert loaded_again.query(right, [analyst, ["only_second", "ratings", "titles"]]) == [(True,), (True,), (True,)]
    kept = "select defaclnamespace::regnamespace::text from pg_default_acl"
    assert loaded_again.query(kept) == [("analytics",)]


# What is not Towpath's


def test_a_table_of_the_users_own_beside_the_models_stays_where_it_is(rebuilt):
    rebuilt.query("create table analytics.notes as select 'mine' as note")

    rebuilt.publish(SECOND)

    assert rebuilt.query("select note from analytics.notes") == [("mine",)]
    assert shown(rebuilt) == sorted([*SHOWN_SECOND, ("analytics.notes",)])


def test_a_table_of_the_users_own_under_the_name_of_a_new_model_is_not_replaced(rebuilt):
    rebuilt.query("create table analytics.only_second as select 'mine' as note")

    with pytest.raises(LandingOccupied, match=r"table analytics\.only_second"):
        rebuilt.publish(SECOND)

    assert rebuilt.query("select note from analytics.only_second") == [("mine",)]
    assert shown(rebuilt) == sorted([*SHOWN_FIRST, ("analytics.only_second",)])
    assert rebuilt.query("select distinct version from analytics.ratings") == [("first",)]


def test_a_version_is_published_once_the_table_in_its_way_has_another_name(rebuilt):
    rebuilt.query("create table analytics.only_second as select 'mine' as note")
    with pytest.raises(LandingOccupied):
        rebuilt.publish(SECOND)
    rebuilt.query("alter table analytics.only_second rename to notes")

    rebuilt.publish(SECOND)

    assert shown(rebuilt) == sorted([*SHOWN_SECOND, ("analytics.notes",)])


@pytest.mark.parametrize(
    "definition",
    [
        "view analytics.only_second as select 1 as one",
        "sequence analytics.only_second",
        "materialized view analytics.only_second as select 1 as one",
        "type analytics.only_second as (one integer)",
    ],
)
def test_another_kind_of_object_under_the_name_of_a_new_model_stops_the_publish_in_words(rebuilt, definition):
    rebuilt.query(f"create {definition}")

    with pytest.raises(LandingOccupied, match=r"analytics\.only_second"):
        rebuilt.publish(SECOND)

    assert rebuilt.query("select distinct version from analytics.ratings") == [("first",)]


def test_a_materialized_view_of_the_users_own_on_a_model_is_not_left_behind_in_silence(rebuilt):
    rebuilt.query("create schema own; create materialized view own.best as select * from analytics.ratings")

    with pytest.raises(DependentsFound, match=r"materialized view own\.best"):
        rebuilt.publish(SECOND)

    assert rebuilt.query("select distinct version from own.best") == [("first",)]
    assert rebuilt.query("select distinct version from analytics.ratings") == [("first",)]


# Readers


def test_a_reader_in_an_open_transaction_keeps_the_old_version_and_is_named(rebuilt):
    reader = rebuilt.reader("begin", "select * from analytics.ratings")

    with pytest.raises(PublishBlocked, match=f"session {reader.info.backend_pid} .*analyst"):
        rebuilt.publish(SECOND, readers_timeout_seconds=1)

    assert ask(reader, "select distinct version from analytics.ratings") == [("first",)]
    assert ask(reader, "select distinct version from analytics_marts.prices") == [("first",)]


def test_a_version_that_readers_kept_waiting_is_published_when_they_are_gone(rebuilt):
    reader = rebuilt.reader("begin", "select * from analytics.ratings")
    with pytest.raises(PublishBlocked):
        rebuilt.publish(SECOND, readers_timeout_seconds=0.5)
    reader.close()

    rebuilt.publish(SECOND)

    assert rebuilt.query("select distinct version from analytics.ratings") == [("second",)]


def test_other_readers_never_queue_for_long_behind_a_publish_that_waits(rebuilt):
    rebuilt.reader("begin", "select * from analytics.ratings")
    waits = Reading(rebuilt.reader(), "select distinct version from analytics.ratings")

    with waits, pytest.raises(PublishBlocked):
        rebuilt.publish(SECOND, readers_timeout_seconds=4)

    assert max(waits.seconds) < 1
    assert len(waits.seconds) > 50
    assert set(waits.answers) == {"[('first',)]"}


def test_a_publish_goes_on_as_soon_as_the_reader_that_it_waits_for_ends(rebuilt):
    reader = rebuilt.reader("begin", "select * from analytics.ratings")
    ending = threading.Timer(1, reader.close)
    ending.start()

    rebuilt.publish(SECOND, readers_timeout_seconds=20)

    assert rebuilt.query("select distinct version from analytics.ratings") == [("second",)]
    ending.join()


def test_a_snapshot_that_is_older_than_the_version_is_waited_for_and_named(loaded_again):
    reader = loaded_again.reader("begin isolation level repeatable read", "select 1")
    loaded_again.build(SECOND)

    with pytest.raises(PublishBlocked, match=f"session {reader.info.backend_pid} .*analyst"):
        loaded_again.publish(SECOND, readers_timeout_seconds=1)

    assert ask(reader, "select count(*), min(version) from analytics.ratings") == [(20, "first")]


def test_an_old_snapshot_of_a_role_that_may_see_nothing_is_waited_for_too(rebuilt, analyst):
    rebuilt.reader(f"set role {analyst}", "begin isolation level repeatable read", "select 1")

    with pytest.raises(PublishBlocked):
        rebuilt.publish(SECOND, readers_timeout_seconds=1)

    assert shown(rebuilt) == SHOWN_FIRST


def test_a_transaction_that_has_not_read_anything_yet_sees_the_new_version(rebuilt):
    reader = rebuilt.reader("begin isolation level repeatable read")

    rebuilt.publish(SECOND, readers_timeout_seconds=1)

    assert ask(reader, "select count(*), min(version) from analytics.ratings") == [(21, "second")]


def test_a_session_in_another_database_is_not_waited_for(rebuilt, published):
    published.reader("begin isolation level repeatable read", "select 1")

    rebuilt.publish(SECOND, readers_timeout_seconds=1)

    assert shown(rebuilt) == SHOWN_SECOND


def test_a_connection_that_is_lost_in_mid_swap_leaves_readers_the_old_version(rebuilt):
    reader = rebuilt.reader("begin", "select * from analytics_marts.prices")
    blocked = threading.Thread(target=end_towpath_when_it_swaps, args=(rebuilt,))
    blocked.start()

    with pytest.raises(Exception, match="lost in mid-work"):
        rebuilt.publish(SECOND, readers_timeout_seconds=20)

    blocked.join()
    assert ask(reader, "select distinct version from analytics.ratings") == [("first",)]
    assert holding_of(rebuilt.destination).has_version(1, rebuilt.dbt_options(FIRST).digest(), "published")


def end_towpath_when_it_swaps(warehouse):
    moving = """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query ~ 'set schema' and state = 'active' and pid <> pg_backend_pid()
    """
    administrator, deadline = warehouse.reader(), time.monotonic() + 20
    while not ask(administrator, moving) and time.monotonic() < deadline:
        time.sleep(0.01)


class Reading:
    """A thread that asks one question again and again: how long each answer took, and what it was."""

    def __init__(self, reader, statement):
        self.seconds, self.answers = [], []
        self._reader, self._statement = reader, statement
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def _read(self):
        while not self._is_over.is_set():
            began = time.monotonic()
            self.answers.append(str(ask(self._reader, self._statement)))
            self.seconds.append(time.monotonic() - began)
            time.sleep(0.005)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._is_over.set()
        self._thread.join()
