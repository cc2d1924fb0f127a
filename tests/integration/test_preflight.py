"""Each question of the preflight, answered well and badly; nothing is touched by asking."""

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import psycopg2
import psycopg2.extras
import pytest

from tasks import disk, preflight, servers
from tasks.admission import Terms
from tasks.archive import DumpOptions
from tasks.dbt_program import DbtOptions
from tasks.errors import ArtifactsUnwritable, PipelineError, ToolMissing, WarningsFound
from tasks.inquiry import Finding, Inquiry, Unknown, ensure_passed, has_passed, summarize
from tasks.notify import NotifyOptions
from tasks.postgres import Database, connect
from tasks.preflight import Plan
from tasks.run_folder import RunFolder
from tasks.tools import choose_tools
from tests.conftest import DATA, PROJECT
from tests.integration.conftest import DBT
from tests.integration.copying import copied, dumped, restored
from tests.worlds import ask, wait_until


def run(database: Database, *statements: str) -> None:
    with connect(database) as session:
        for statement in statements:
            session.run(statement)


def dbt_options(**changes: Any) -> DbtOptions:
    standard: dict[str, Any] = {
        "executable": str(DBT),
        "project": DATA / "small_dbt",
        "profiles": PROJECT / "dbt_models",
        "schema": "analytics",
        "threads": 2,
        "variables": "{}",
        "timeout_seconds": 60,
        "readers_timeout_seconds": 3,
    }
    return DbtOptions(**{**standard, **changes})


def notify_options(*urls: str) -> NotifyOptions:
    return NotifyOptions(urls=urls, on=["failure", "lateness"], tries=1, timeout_seconds=1)


@pytest.fixture
def plan(films, destination, tools, tmp_path) -> Plan:
    """A first run on the sample."""
    return Plan(
        source=films,
        destination=destination,
        folder=RunFolder(tmp_path),
        tools=lambda **_majors: tools,
        dump=DumpOptions(),
        dbt=dbt_options,
        dumped=None,
        has_landed=False,
        terms=Terms(),
        alerts=notify_options,
    )


def answer(plan: Plan, topic: str) -> Finding:
    """The one finding of a topic."""
    (finding,) = (finding for finding in preflight.look(plan).findings if finding.topic == topic)
    return finding


def levels(findings: list[Finding]) -> dict[str, str]:
    return {finding.topic: finding.level for finding in findings}


@contextmanager
def login(database: Database, *grants: str) -> Iterator[Database]:
    """A role of its own on a database's server, that may do what the grants to `guest` say, and its own address."""
    run(database, "create role guest login")
    try:
        run(database, *grants)
        yield Database(parameters={**database.parameters, "user": "guest"})
    finally:
        run(database, "drop owned by guest", "drop role guest")


def test_a_sound_pair_of_databases_has_one_ok_for_each_question_and_nothing_is_touched(plan, query):
    schemas = "select nspname::text from pg_namespace where nspname !~ '^pg_' order by 1"
    before = query(plan.source, schemas), query(plan.destination, schemas)

    findings = preflight.look(plan).findings

    assert {finding.level for finding in findings} == {"ok"}, list(map(str, findings))
    assert len(levels(findings)) == len(findings) > 20
    assert all(finding.text for finding in findings)
    assert (query(plan.source, schemas), query(plan.destination, schemas)) == before
    assert list(plan.folder.path.iterdir()) == []


def test_servers_are_told_by_version_role_and_database(plan):
    for topic, database in (("source", plan.source), ("destination", plan.destination)):
        found = answer(plan, topic)

        assert str(database) in found.text
        assert "PostgreSQL 18." in found.text
        assert "as postgres" in found.text


def test_what_builds_on_a_source_that_does_not_answer_is_not_asked_and_all_else_is(plan, tmp_path):
    silent = Database(parameters={**plan.source.parameters, "host": str(tmp_path)})

    found = levels(preflight.look(dataclasses.replace(plan, source=silent)).findings)

    assert found["source"] == "stop"
    assert {found[topic] for topic in ("programs", "tables", "large objects", "disk here", "extensions")} == {
        "not asked"
    }
    assert {found[topic] for topic in ("destination", "ledger", "temporary tables", "dbt")} == {"ok"}


def test_a_source_that_the_programs_are_too_old_for_is_named(plan, tools, tmp_path):
    none = partial(choose_tools, str(tmp_path), tmp_path)

    found = answer(dataclasses.replace(plan, tools=none), "programs")

    assert found.level == "stop"
    assert found.exit_code == ToolMissing.exit_code
    assert "pg_dump 18 or newer is needed" in found.text


def test_every_table_and_sequence_that_the_role_may_not_read_is_named(plan):
    run(plan.source, "create sequence public.numbers", "create schema hidden", "create table hidden.away ()")
    grants = ["grant usage on schema public to guest", "grant select on public.films, public.actors to guest"]
    with login(plan.source, *grants) as guest:
        found = answer(dataclasses.replace(plan, source=guest), "tables")

    assert found.level == "stop"
    assert found.exit_code == 14
    for name in ("public.users", "public.film_actors", "public.film_category", "public.numbers", "hidden.away"):
        assert name in found.text
    assert "public.films" not in found.text
    assert "pg_read_all_data" in found.remedy


def test_row_level_security_that_hides_rows_is_named(plan):
    run(plan.source, "alter table public.users enable row level security")
    with login(plan.source, "grant pg_read_all_data to guest") as guest:
        found = answer(dataclasses.replace(plan, source=guest), "tables")

    assert found.level == "stop"
    assert "row-level security" in found.text
    assert "public.users" in found.text


def test_an_empty_source_stops(plan, source):
    run(source, "drop schema public cascade")

    found = answer(plan, "tables")

    assert (found.level, found.exit_code) == ("stop", 15)


@pytest.fixture
def locker(films) -> Iterator[Any]:
    """A session of somebody's that holds public.films."""
    with closing(psycopg2.connect(**{**films.parameters, "application_name": "migration 12"})) as connection:
        connection.cursor().execute("lock table public.films in access exclusive mode")
        yield connection


def test_a_lock_that_pg_dump_would_wait_for_is_a_warning_with_its_holder(plan, locker):
    findings = preflight.look(plan).findings
    (found,) = (finding for finding in findings if finding.topic == "tables")

    assert found.level == "warn"
    assert f"public.films by session {locker.info.backend_pid} (postgres, migration 12, idle in tran" in found.text
    assert "since 20" in found.text
    assert "will wait 60 s" in found.text
    assert "lock_wait_timeout" in found.remedy
    assert levels(findings)["in the way"] == "not asked"


def test_who_waits_for_a_lock_that_pg_dump_would_queue_behind_is_named_with_whom_it_waits_for(plan, films):
    with (
        closing(psycopg2.connect(**{**films.parameters, "application_name": "long report"})) as report,
        closing(psycopg2.connect(**{**films.parameters, "application_name": "migration 12", "async_": 1})) as migration,
    ):
        report.cursor().execute("select count(*) from public.films")
        psycopg2.extras.wait_select(migration)
        migration.cursor().execute("begin; lock table public.films in access exclusive mode")
        waits = "select 1 from pg_locks where pid = %s and locktype = 'relation' and not granted"
        wait_until(lambda: ask(films, waits, [migration.info.backend_pid]))
        found, reporter = answer(plan, "tables"), report.info.backend_pid

    assert found.level == "warn"
    assert "migration 12" in found.text
    assert f"waits for session {reporter}" in found.text


def test_a_prepared_transaction_and_a_standby_are_told_as_they_really_are(plan, serve):
    primary = serve()
    primary.start(max_prepared_transactions="2")
    plan = dataclasses.replace(plan, source=primary.database("postgres"))
    run(
        plan.source,
        "create table public.films (film_id integer)",
        "begin",
        "lock table public.films in access exclusive mode",
        "prepare transaction 'left open'",
    )
    locked = answer(plan, "tables")
    run(plan.source, "rollback prepared 'left open'")

    copy = serve(copy_of=primary)
    copy.start(max_prepared_transactions="2", max_standby_streaming_delay="45s")
    standby = preflight.look(dataclasses.replace(plan, source=copy.database("postgres"))).findings
    unwritable = answer(dataclasses.replace(plan, destination=copy.database("postgres")), "writing")

    assert locked.level == "warn"
    assert "public.films by prepared transaction 'left open' of postgres, since 20" in locked.text
    told = {finding.topic: finding for finding in standby}
    assert told["standby"].level == "warn"
    assert "45 s (max_standby_streaming_delay)" in told["standby"].text
    assert told["tables"].level == "ok"
    assert (unwritable.level, unwritable.exit_code) == ("stop", 25)
    assert "is a standby" in unwritable.text


def test_large_objects_stop_unless_they_are_to_be_skipped(plan):
    run(plan.source, "select lo_create(0)", "select lo_create(0)")
    skipping = dataclasses.replace(plan, dump=DumpOptions(large_objects="skip"))

    refused, skipped = answer(plan, "large objects"), answer(skipping, "large objects")

    assert (refused.level, refused.exit_code) == ("stop", 37)
    assert "large objects (2)" in refused.text
    assert "large_objects = skip" in refused.remedy
    assert skipped.level == "warn"
    assert "(2) will not be copied" in skipped.text


def test_what_needs_a_table_that_is_left_out_is_named(plan, tools):
    run(
        plan.source,
        "create extension file_fdw schema public",
        "create server files foreign data wrapper file_fdw",
        "create foreign table public.far (line text) server files options (filename '/dev/null')",
        "create view public.lines as select line from public.far",
        "create materialized view public.names as select * from public.users",
        "create view public.titles as select title from public.films",
    )
    leaving_out = dataclasses.replace(plan, dump=DumpOptions(exclude_tables=("public.users", "public.film_actors")))

    found = answer(leaving_out, "completeness")

    assert (found.level, found.exit_code) == ("stop", 37)
    assert "view public.lines of postgres (on public.far)" in found.text
    assert "materialized view public.names of postgres (on public.users)" in found.text
    assert "public.titles" not in found.text
    assert "exclude_tables" in found.remedy


def test_a_table_whose_rows_another_server_would_put_elsewhere_is_named(plan):
    run(
        plan.source,
        "create type public.mood as enum ('good', 'bad')",
        "create table public.moods (mood public.mood) partition by hash (mood)",
    )

    found = answer(plan, "completeness")

    assert (found.level, found.exit_code) == ("stop", 37)
    assert "public.moods" in found.text


def test_a_foreign_key_to_a_table_that_is_left_out_is_told_and_not_refused(plan):
    leaving_out = dataclasses.replace(plan, dump=DumpOptions(exclude_tables=("public.actors",)))

    findings = preflight.look(leaving_out).findings

    assert levels(findings)["completeness"] == "ok"
    (told,) = (finding for finding in findings if finding.topic == "left out")
    assert told.level == "warn"
    assert "FK CONSTRAINT public film_actors" in told.text


def test_objects_of_the_whole_database_are_named_and_the_sources_own_are_counted(plan, query):
    run(plan.source, "grant select on public.films to public", "create publication everything for all tables")
    quiet = answer(plan, "left out")

    run(
        plan.source,
        "create type public.pair as (a integer, b integer)",
        "create function public.as_pair(integer) returns public.pair language sql as 'select ($1, $1)::public.pair'",
        "create cast (integer as public.pair) with function public.as_pair(integer)",
    )
    loud = answer(plan, "left out")

    assert quiet.level == "ok"
    assert "grants, policies and publications" in quiet.text
    assert loud.level == "warn"
    assert "CAST" in loud.text


def test_a_collation_that_the_destination_does_not_have_is_named_with_a_column_of_it(plan):
    for database in (plan.source, plan.destination):
        run(database, "create collation pg_catalog.danish (locale = 'C')")
    run(plan.source, "alter table public.films alter title type text collate danish")
    sound = answer(plan, "collations")

    run(plan.destination, "drop collation pg_catalog.danish")
    found = answer(plan, "collations")

    assert sound.level == "ok"
    assert (found.level, found.exit_code) == ("stop", 25)
    assert '"danish" (of public.films.title)' in found.text


def test_encodings_and_sort_orders_that_differ_are_a_warning(plan, servers):
    server = Database.from_uri(servers["destination"], application_name="pytest")
    run(server, "create database latin template template0 encoding 'LATIN1' locale 'C'")
    other = dataclasses.replace(plan, destination=server.named("latin"))

    findings = [finding for finding in preflight.look(other).findings if finding.topic == "text"]
    run(server, "drop database latin")

    assert [finding.level for finding in findings] == ["warn", "warn"]
    assert "UTF8" in findings[0].text
    assert "LATIN1" in findings[0].text
    assert "by libc C:" in findings[1].text


def test_time_zones_that_differ_are_a_warning(plan):
    run(plan.destination, f"alter database {plan.destination.parameters['dbname']} set timezone = 'Europe/Paris'")

    found = answer(plan, "clocks")

    assert found.level == "warn"
    assert "Europe/Paris" in found.text


def test_clocks_that_differ_are_a_warning_with_numbers(films):
    with connect(films) as session:
        server = servers.read_server(session)

    late = dataclasses.replace(server, ahead_seconds=-90.0)
    doubts = servers.compare_clocks(server, late)

    assert abs(server.ahead_seconds) < 5
    assert isinstance(servers.compare_clocks(server, server), str)
    assert not isinstance(doubts, str)
    assert "differ by 90 s" in doubts[0].message
    assert "the destination -90 s" in doubts[0].message


@pytest.mark.parametrize(
    ("changes", "warns"),
    [
        ({"is_standby": False}, False),
        ({"is_standby": True, "is_feedback_on": True}, False),
        ({"is_standby": True, "standby_delay_milliseconds": -1}, False),
        ({"is_standby": True}, True),
    ],
)
def test_a_standby_that_may_cancel_the_dump_is_a_warning_with_its_delay(films, changes, warns):
    with connect(films) as session:
        server = servers.read_server(session)

    said = servers.consider_standby(dataclasses.replace(server, **changes))

    assert server.standby_delay_milliseconds == 30_000
    assert isinstance(said, str) is not warns
    assert ("30 s (max_standby_streaming_delay)" in str(said)) is warns


@pytest.mark.parametrize(
    ("share", "is_compressed", "level"),
    [(0.5, True, "ok"), (5, True, "warn"), (200, True, "stop"), (2, False, "warn"), (20, False, "stop")],
)
def test_room_for_the_dump_is_compared_with_the_size_of_its_tables(tmp_path, share, is_compressed, level):
    free = shutil.disk_usage(tmp_path).free
    inquiry = Inquiry()

    inquiry.ask(
        "disk here",
        lambda: disk.ensure_room_for_dump(tmp_path, int(free * share), is_compressed=is_compressed, is_at_most=False),
    )

    (finding,) = inquiry.findings
    assert finding.level == level
    assert str(tmp_path) in finding.text
    assert finding.exit_code == (ArtifactsUnwritable.exit_code if level == "stop" else 0)


@pytest.mark.parametrize(("share", "freed", "level"), [(0.5, 0, "ok"), (2, 0, "warn"), (2, 1.5, "ok")])
def test_room_for_a_second_copy_is_compared_where_its_disk_is_ours_to_see(destination, share, freed, level):
    inquiry = Inquiry()
    with connect(destination) as session:
        server = servers.read_server(session)
        assert server.folder is not None
        free = shutil.disk_usage(server.folder).free

        taken = (int(free * share), int(free * freed))
        inquiry.ask("disk there", disk.consider_room_for_landing, session, server, *taken)
        unseen = disk.consider_room_for_landing(session, dataclasses.replace(server, folder=None), *taken)

    (finding,) = inquiry.findings
    assert finding.level == level
    assert "cannot be asked from here" in unseen


@pytest.mark.parametrize("option", ["database", "role"])
def test_a_destination_that_is_set_to_read_only_stops(plan, option):
    with login(plan.destination) as guest:
        elsewhere = plan.destination.named("postgres")
        target = f"database {guest.parameters['dbname']}" if option == "database" else "role guest"
        run(elsewhere, f"alter {target} set default_transaction_read_only = on")
        found = answer(dataclasses.replace(plan, destination=guest), "writing")
        run(elsewhere, f"alter {target} reset default_transaction_read_only")

    assert (found.level, found.exit_code) == ("stop", 25)
    assert "read-only" in found.text


def test_source_and_destination_in_one_database_stop(plan):
    found = answer(dataclasses.replace(plan, destination=plan.source), "two databases")

    assert (found.level, found.exit_code) == ("stop", 25)


def test_a_role_that_may_not_create_is_told_where(plan):
    with login(plan.destination) as guest:
        found = answer(dataclasses.replace(plan, destination=guest), "privileges")

    assert (found.level, found.exit_code) == ("stop", 25)
    assert "database " in found.text
    assert "schema public" in found.text


def test_a_role_that_may_not_make_temporary_tables_is_a_warning(plan):
    database = plan.destination.parameters["dbname"]
    run(plan.destination, f"revoke temporary on database {database} from public")
    with login(plan.destination) as guest:
        found = answer(dataclasses.replace(plan, destination=guest), "temporary tables")

    assert found.level == "warn"
    assert "grant temporary" in found.remedy


def test_a_schema_whose_name_leaves_no_room_is_named(plan):
    run(plan.source, f"create schema {'s' * 60}", f"create table {'s' * 60}.one ()")

    found = answer(plan, "names")

    assert (found.level, found.exit_code) == ("stop", 25)
    assert "s" * 60 in found.text


def test_an_extension_that_the_destination_has_older_is_a_warning(plan):
    run(plan.source, "create extension pg_trgm schema public")
    sound = answer(plan, "extensions")
    run(plan.destination, "create extension pg_trgm schema public version '1.3'")

    found = answer(plan, "extensions")

    assert sound.level == "ok"
    assert "pg_trgm 1." in sound.text
    assert found.level == "warn"
    assert "pg_trgm 1.3 for 1." in found.text
    assert "alter extension" in found.remedy


def test_an_extension_that_the_destination_has_in_another_schema_stops(plan):
    run(plan.source, "create extension pg_trgm schema public")
    run(plan.destination, "create schema elsewhere", "create extension pg_trgm schema elsewhere")

    found = answer(plan, "extensions")

    assert (found.level, found.exit_code) == ("stop", 25)
    assert "pg_trgm in elsewhere rather than public" in found.text


def test_an_object_in_the_way_is_named_with_its_owner(plan):
    with login(plan.destination, "grant create on schema public to guest") as guest:
        run(guest, "create table public.films ()", "create view public.others as select 1 as one")
        found = answer(plan, "in the way")

    assert (found.level, found.exit_code) == ("stop", 20)
    assert "table public.films of guest" in found.text
    assert "others" not in found.text


def test_schemas_in_which_dbt_would_build_and_that_are_not_ours_are_named(plan):
    run(plan.destination, "create schema gold__next")

    found = answer(plan, "where dbt builds")

    assert (found.level, found.exit_code) == ("stop", 20)
    assert "gold__next" in found.text


def test_a_ledger_of_another_role_stops_whoever_may_not_use_it(plan, films, tools, tmp_path):
    copied(films, plan.destination, tools, tmp_path / "first")
    database = plan.destination.parameters["dbname"]
    with login(plan.destination, f"grant create on database {database} to guest") as guest:
        found = levels(preflight.look(dataclasses.replace(plan, destination=guest)).findings)

    assert found["ledger"] == "stop"
    assert found["ownership"] == "not asked"
    assert levels(preflight.look(plan).findings)["ledger"] == "ok"


def test_what_towpath_made_and_was_given_to_somebody_else_is_named(plan, films, tools, tmp_path, query):
    tables = "select tablename::text from pg_tables where schemaname = 'towpath'"
    copied(films, plan.destination, tools, tmp_path / "first")
    database = plan.destination.parameters["dbname"]
    with login(plan.destination, f"grant create on database {database} to guest") as guest:
        run(
            plan.destination,
            "grant create on schema public to guest",
            "alter schema towpath owner to guest",
            *(f"alter table towpath.{name} owner to guest" for (name,) in query(plan.destination, tables)),
            "alter table public.films owner to guest",
        )
        found = answer(dataclasses.replace(plan, destination=guest), "ownership")
        run(plan.destination, "reassign owned by guest to postgres")

    assert (found.level, found.exit_code) == ("stop", 25)
    assert "table public.users of postgres" in found.text
    assert "public.films" not in found.text


def test_a_view_of_somebodys_on_the_landing_is_named(plan, films, tools, tmp_path):
    copied(films, plan.destination, tools, tmp_path / "first")
    run(plan.destination, "create materialized view public.popular as select title from public.films")

    found = answer(plan, "dependents")

    assert (found.level, found.exit_code) == ("stop", 21)
    assert "public.popular" in found.text


def test_an_older_dump_than_what_readers_see_stops_unless_it_is_allowed(plan, films, tools, tmp_path):
    older = dumped(films, tmp_path / "older", tools)
    newer = dumped(films, tmp_path / "newer", tools)
    restored(newer, tmp_path / "newer", plan.destination, tools)
    run(
        plan.destination,
        "insert into towpath.versions (load_id, run, dbt_digest, target, state)"
        " select load_id, run, 'digest', 'analytics', 'published' from towpath.loads",
    )
    resumed = dataclasses.replace(plan, dumped=older)

    refused = answer(resumed, "time")
    allowed = answer(dataclasses.replace(resumed, terms=Terms(allow_older=True)), "time")

    assert (refused.level, refused.exit_code) == ("stop", 24)
    assert allowed.level == "ok"


def test_a_run_whose_dump_is_complete_asks_the_source_nothing(plan, films, tools, tmp_path):
    manifest = dumped(films, tmp_path / "first", tools)
    silent = Database(parameters={**plan.source.parameters, "host": str(tmp_path)})

    findings = preflight.look(dataclasses.replace(plan, source=silent, dumped=manifest)).findings

    assert {finding.level for finding in findings} == {"ok"}
    assert "this run's dump is complete" in next(finding.text for finding in findings if finding.topic == "source")


def test_a_dbt_project_that_is_not_there_stops_and_so_does_a_missing_dbt(plan, tmp_path):
    no_project = answer(dataclasses.replace(plan, dbt=partial(dbt_options, project=tmp_path)), "dbt")
    no_program = answer(dataclasses.replace(plan, dbt=partial(dbt_options, executable="/no/dbt")), "dbt")

    assert (no_project.level, no_project.exit_code) == ("stop", 32)
    assert (no_program.level, no_program.exit_code) == ("stop", 31)
    assert "/no/dbt" in no_program.text


def test_a_run_at_work_on_the_destination_is_named(plan):
    with closing(psycopg2.connect(**{**plan.destination.parameters, "application_name": "towpath: other"})) as other:
        other.cursor().execute("select pg_advisory_lock(%s)", [0x746F7770617468])
        found = answer(plan, "other runs")

    assert (found.level, found.exit_code) == ("stop", 26)
    assert "run other" in found.text


@pytest.mark.parametrize(("strict", "passes"), [(False, True), (True, False)])
def test_warnings_stop_a_run_only_when_it_is_strict(plan, strict, passes):
    run(plan.source, "select lo_create(0)")
    findings = preflight.look(dataclasses.replace(plan, dump=DumpOptions(large_objects="skip"))).findings

    assert has_passed(findings, strict=strict) is passes
    assert summarize(findings).endswith("ok, 1 warning")
    if not passes:
        with pytest.raises(WarningsFound, match=r"warnings of the preflight \(1\)"):
            ensure_passed(findings, strict=strict)


def test_all_stops_are_told_with_their_remedies_under_the_exit_code_of_the_first():
    inquiry = Inquiry()
    for topic, code in (("one", 25), ("two", 20)):
        error = PipelineError(f"{topic} is wrong", hint=f"mend {topic}")
        error.exit_code = code

        def refuse(error=error):
            raise error

        inquiry.ask(topic, refuse)
    after = inquiry.ask("three", lambda _fact: "never asked", Unknown("two is not known"))

    with pytest.raises(PipelineError) as refused:
        ensure_passed(inquiry.findings, strict=False)

    assert isinstance(after, Unknown)
    assert refused.value.exit_code == 25
    for words in ("one is wrong", "mend one", "two is wrong", "mend two"):
        assert words in str(refused.value)
    assert "never asked" not in str(refused.value)


def test_urls_for_alerts_that_apprise_cannot_read_are_a_warning_by_their_place(plan):
    nobody, readable = (
        answer(plan, "alerts"),
        notify_options("json://127.0.0.1/hook", "mailto://127.0.0.1?from=a@b.example"),
    )
    told = answer(dataclasses.replace(plan, alerts=lambda: readable), "alerts")
    doubted = answer(dataclasses.replace(plan, alerts=lambda: notify_options("json://x", "json:/hunter2")), "alerts")

    assert (nobody.level, nobody.text) == ("ok", "nobody is told how a run ends: [notify] urls is empty")
    assert (told.level, told.text) == ("ok", "json, mailto will be told of failure, lateness")
    assert (doubted.level, doubted.text) == (
        "warn",
        "[notify] urls, 2 of 2 (of no kind) is no URL that apprise can read: nothing will reach it",
    )
