"""Each foreseen failure ends with its own exit code and words, harms no reader, and once mended, the run goes on."""

import re
from pathlib import Path

import pytest

from tasks import errors
from tests.conftest import PROJECT, uri_of
from tests.worlds import (
    ENCODED_PASSWORD,
    PASSWORD,
    Completed,
    Contents,
    World,
    ask,
    contents,
    locked,
    passing_schemas,
    run_to_the_end,
    url_of,
)

SECOND = ("RestoreDestination", "--run-id=second")
FULL_SECOND = ("FullPipeline", "--run-id=second")


def shown(world: World) -> Contents:
    """What readers of the models see."""
    return {name: rows for name, rows in contents(world.destination).items() if name.startswith("analytics.")}


def with_source(world: World, uri: str) -> list[str]:
    """The command for the second run with another source in it."""
    return [f"--source-uri={uri}" if "--source-uri=" in word else word for word in world.command(*SECOND)]


def test_a_wrong_password_is_refused_at_once_and_never_shown(published, keeper):
    before = shown(published)

    failed = run_to_the_end(with_source(published, url_of(published.source, keeper, "wr%20ong")))
    after = shown(published)
    mended = run_to_the_end(with_source(published, url_of(published.source, keeper, ENCODED_PASSWORD)))

    assert failed.returncode == 12
    assert "password authentication failed" in failed.stderr
    assert "shop on " in failed.stderr
    for secret in ("wr ong", "wr%20ong"):
        assert secret not in failed.stderr + failed.stdout
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
    assert PASSWORD not in mended.stderr


def test_a_missing_database_is_named(published, sources):
    before = shown(published)
    command = with_source(published, uri_of(published.source.named("shop_of_tomorrow")))

    failed = run_to_the_end(command)
    after = shown(published)
    sources.create("shop_of_tomorrow", template="films_template")
    mended = run_to_the_end(command)
    sources.drop("shop_of_tomorrow")

    assert failed.returncode == 13
    assert "shop_of_tomorrow" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr


def test_a_missing_destination_is_named_before_the_source_is_dumped(world, destinations):
    destinations.drop("warehouse")

    failed = world.run(*SECOND)
    destinations.create("warehouse")
    mended = world.run(*SECOND)

    assert failed.returncode == 13
    assert "warehouse" in failed.stderr
    assert "INFO dumped" not in failed.stderr
    assert "Traceback" not in failed.stderr
    assert mended.returncode == 0, mended.stderr


def test_an_empty_source_is_refused_before_the_destination_is_touched(published, sources):
    before = contents(published.destination)
    sources.drop("shop")
    sources.create("shop")

    failed = published.run(*SECOND)
    after = contents(published.destination)
    ask(published.source, "create table public.films as select 1 as film_id")
    mended = published.run(*SECOND)

    assert failed.returncode == 15
    assert "shop on " in failed.stderr
    assert "has no table to copy" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert published.litter() == []
    assert mended.returncode == 0, mended.stderr


@pytest.fixture
def clerk(published):
    """A role of the source that may read all of the sample but two tables."""
    ask(published.source, "create role clerk login")
    ask(published.source, "grant usage on schema public to clerk")
    ask(published.source, "grant select on public.films, public.film_actors, public.film_category to clerk")
    yield "clerk"
    ask(published.source, "drop owned by clerk")
    ask(published.source, "drop role clerk")


def test_tables_that_the_role_may_not_read_are_all_named(published, clerk):
    before = contents(published.destination)
    command = with_source(published, f"{uri_of(published.source)} user={clerk}")

    failed = run_to_the_end(command)
    after = contents(published.destination)
    ask(published.source, "grant select on all tables in schema public to clerk")
    mended = run_to_the_end(command)

    assert failed.returncode == 14
    assert "public.actors, public.users" in failed.stderr
    assert "public.films" not in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert published.litter() == []
    assert mended.returncode == 0, mended.stderr


def test_a_table_of_the_users_own_under_a_landing_name_stops_the_restore_and_stays(published):
    ask(published.source, "create table public.invoices as select 1 as invoice_id")
    ask(published.destination, "create table public.invoices as select 'mine' as owner")
    before = contents(published.destination)

    failed = published.run(*SECOND)
    after = contents(published.destination)
    dumped = published.times("second")
    ask(published.destination, "alter table public.invoices rename to my_invoices")
    mended = published.run(*SECOND)

    assert failed.returncode == 20
    assert "table public.invoices" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
    assert ask(published.destination, "select * from public.my_invoices") == [("mine",)]
    assert ask(published.destination, "select * from public.invoices") == [(1,)]
    assert dumped == {}


@pytest.mark.parametrize("needed", ["public.films", "analytics.ratings"])
def test_a_users_view_on_what_would_be_replaced_stops_the_run_or_follows_as_it_was_set(published, needed):
    ask(published.destination, "create schema analyst")
    ask(published.destination, f"create view analyst.popular as select title from {needed} where user_rating > 4.6")
    ask(published.source, "update public.films set title = 'Renamed'")
    before = contents(published.destination)

    failed = published.run(*SECOND, "--restore-on-dependents=refuse")
    after = contents(published.destination)
    dumped = published.times("second")
    mended = published.run("FullPipeline", "--run-id=second")

    assert failed.returncode == 21
    assert "view analyst.popular" in failed.stderr
    assert needed in failed.stderr
    assert "Traceback" not in failed.stderr
    assert before["analyst.popular"]
    assert after == before
    assert dumped == {}
    assert mended.returncode == 0, mended.stderr
    assert ask(published.destination, "select distinct title from analyst.popular") == [("Renamed",)]
    assert published.checkpoint("second", "publish")["followers"] == ["analyst.popular"]


def test_a_failing_test_is_named_and_its_models_are_not_shown(published):
    ask(published.source, "update public.films set user_rating = null where film_id = 1")
    before, tests = shown(published), published.project / "models" / "models.yml"
    tests.write_text(
        f"{tests.read_text()}      - name: user_rating\n        data_tests: [not_null]\n", encoding="utf-8"
    )

    failed = published.run(*FULL_SECOND)
    after, finished = shown(published), published.times("second")
    model = published.project / "models" / "ratings.sql"
    model.write_text(f"{model.read_text()}where user_rating is not null\n", encoding="utf-8")
    mended = published.run(*FULL_SECOND)

    assert failed.returncode == 28
    assert "not_null_ratings_user_rating" in _error_of(failed)
    compiled = re.search(r"compiled in (\S+\.sql)", _error_of(failed))
    assert compiled is not None
    assert Path(compiled[1]).is_file()
    assert "Traceback" not in failed.stderr
    assert after == before
    assert list(finished) == ["dump", "restore"]
    assert mended.returncode == 0, mended.stderr
    assert {name: published.times("second")[name] for name in finished} == finished
    assert len(shown(published)["analytics.ratings"]) == 19
    assert passing_schemas(published.destination) == []


def _error_of(failed: Completed) -> str:
    """What the job itself says of its failure, without dbt's own lines."""
    return "\n".join(line for line in failed.stderr.splitlines() if "INFO dbt:" not in line)


def test_a_broken_model_is_named_with_what_the_server_said_of_it(published):
    before, model = shown(published), published.project / "models" / "ratings.sql"
    good = model.read_text(encoding="utf-8")
    model.write_text(good.replace("title,", "title_of_old,"), encoding="utf-8")

    failed = published.run(*FULL_SECOND)
    after, finished = shown(published), published.times("second")
    model.write_text(good, encoding="utf-8")
    mended = published.run(*FULL_SECOND)

    assert failed.returncode == 27
    assert "model ratings" in _error_of(failed)
    assert 'column "title_of_old" does not exist' in _error_of(failed)
    assert "Traceback" not in failed.stderr
    assert after == before
    assert list(finished) == ["dump", "restore"]
    assert mended.returncode == 0, mended.stderr
    assert {name: published.times("second")[name] for name in finished} == finished
    assert passing_schemas(published.destination) == []


def test_a_project_that_dbt_cannot_read_is_told_in_dbts_words(published):
    before, model = shown(published), published.project / "models" / "titles.sql"
    good = model.read_text(encoding="utf-8")
    model.write_text("select {{ ref('no_such_model') }}\n", encoding="utf-8")

    failed = published.run(*FULL_SECOND)
    after = shown(published)
    model.write_text(good, encoding="utf-8")
    mended = published.run("RunDbt", "--run-id=second")

    assert failed.returncode == 27
    assert str(published.project) in _error_of(failed)
    assert "no_such_model" in _error_of(failed)
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr


def test_a_folder_that_is_no_dbt_project_is_named(published, tmp_path):
    before, command = shown(published), published.command("RunDbt", "--run-id=first")

    failed = run_to_the_end([*command[:-1], f"--dbt-project-dir={tmp_path / 'nowhere'}"])
    mended = run_to_the_end(command)

    assert failed.returncode == 32
    assert str(tmp_path / "nowhere") in failed.stderr
    assert "Traceback" not in failed.stderr
    assert shown(published) == before
    assert mended.returncode == 0, mended.stderr


@pytest.mark.parametrize("run_id", ["../escape", "two words", ".hidden", "a" * 51, "ünïcode", "-dash"])
def test_a_run_id_that_cannot_name_a_folder_is_refused(world, run_id):
    failed = world.run("DumpSource", f"--run-id={run_id}")

    assert failed.returncode == 32
    assert repr(run_id) in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not world.artifacts.exists()


def test_a_good_run_id_may_have_every_kind_of_letter_that_is_allowed(world):
    run_id = "2026-11-23T03:00+01.a_B" + "x" * 27

    done = world.run("DumpSource", f"--run-id={run_id}")

    assert done.returncode == 0, done.stderr
    assert [path.name for path in world.artifacts.iterdir()] == [run_id]


def test_an_unknown_host_is_refused_without_waiting_for_it(published):
    before = shown(published)

    failed = run_to_the_end(with_source(published, "host=no..such..host dbname=shop"))
    after = shown(published)
    mended = published.run(*SECOND)

    assert failed.returncode == 32
    assert "no..such..host" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr


def test_a_server_that_does_not_answer_is_waited_for_and_then_named(published, tmp_path):
    before = shown(published)
    command = with_source(published, f"host={tmp_path} dbname=shop")

    failed = run_to_the_end([*command, "--readiness-timeout-seconds=1"])

    assert failed.returncode == 11
    assert f"shop on {tmp_path}" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert shown(published) == before


def test_a_connection_string_that_cannot_be_read_is_not_shown(published):
    failed = run_to_the_end(with_source(published, "postgresql://me:secret@[::1/shop"))

    assert failed.returncode == 32
    assert "connection string" in failed.stderr
    assert "secret" not in failed.stderr + failed.stdout
    assert "Traceback" not in failed.stderr


def test_a_table_of_the_users_own_under_a_models_name_stops_the_publish_and_stays(published):
    ask(published.destination, "create table analytics.extra as select 'mine' as owner")
    model = published.project / "models" / "extra.sql"
    model.write_text("select count(*) as film_count from {{ ref('ratings') }}\n", encoding="utf-8")
    before = shown(published)

    failed = published.run("FullPipeline", "--run-id=first")
    after = shown(published)
    ask(published.destination, "alter table analytics.extra rename to my_extra")
    mended = published.run("FullPipeline", "--run-id=first")

    assert failed.returncode == 20
    assert "table analytics.extra" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
    assert "dbt:" not in mended.stderr
    assert ask(published.destination, "select * from analytics.extra") == [(20,)]
    assert ask(published.destination, "select * from analytics.my_extra") == [("mine",)]


def test_source_and_destination_in_one_database_are_refused(published):
    before = contents(published.destination)

    failed = run_to_the_end(with_source(published, uri_of(published.destination)))

    assert failed.returncode == 25
    assert "is the source itself" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert contents(published.destination) == before


def test_readers_who_hold_on_for_too_long_are_named(published):
    before = shown(published)
    # A table that stays is waited for by nobody.
    flags = ("--restore-unchanged=load", "--publish-readers-timeout-seconds=1")
    with_lock = published.command("RestoreDestination", "--run-id=second", *flags)

    with locked(published.destination, "public.films", "access share"):
        failed = run_to_the_end(with_lock)
    after = shown(published)
    mended = run_to_the_end(with_lock)

    assert failed.returncode == 29
    assert "idle in transaction" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr


def test_every_kind_of_failure_that_a_user_can_meet_has_an_exit_code_of_its_own_and_a_row_in_the_readme():
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PipelineError)
    ]
    # A refused lock and a table that is gone are refused statements, of which the steps make something else.
    own = [kind for kind in kinds if kind not in (errors.PipelineError, errors.LockNotGranted, errors.ObjectMissing)]
    table = set(map(int, re.findall(r"^\|\s*`?(\d+)`?\s*\|", (PROJECT / "README.md").read_text("utf-8"), re.MULTILINE)))

    codes = {kind.__name__: kind.exit_code for kind in own}

    assert len(set(codes.values())) == len(codes)
    assert min(codes.values()) > 10
    assert {name: code for name, code in codes.items() if code not in table} == {}


# Somebody's trigger that alters a row which has just arrived.
TRAP = """
    create schema trap;
    create function trap.spring() returns event_trigger language plpgsql as $$
    begin
        if exists (select from pg_catalog.pg_event_trigger_ddl_commands() where schema_name = 'public') then
            update public.films set price = price + 0.01 where film_id = 1;
        end if;
    end
    $$;
    create event trigger trap on ddl_command_end when tag in ('CREATE INDEX') execute function trap.spring()
"""


def test_a_row_that_has_changed_on_its_way_is_found_by_its_digest(published):
    before = contents(published.destination)
    ask(published.source, "create index films_by_title on public.films (title)")
    ask(published.destination, TRAP)

    failed = published.run(*SECOND, "--verify-level=checksums")
    ask(published.destination, "drop event trigger trap; drop schema trap cascade")
    after = contents(published.destination)
    mended = published.run(*SECOND, "--verify-level=checksums")

    assert failed.returncode == 23
    assert "public.films has 20 rows in the dump and in warehouse on " in failed.stderr
    assert (
        "but their contents differ; the landing is being put back as it was, readers see what they saw" in failed.stderr
    )
    assert "Traceback" not in failed.stderr
    assert after == before
    assert mended.returncode == 0, mended.stderr
