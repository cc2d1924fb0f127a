"""One command, from a source to published models, as a person types it."""

import datetime
import json
import sys
import urllib.parse
import urllib.request
from typing import Any

import pytest

from tasks.checkpoints import sizes_in
from tests.conftest import PROJECT, luigi_command, uri_of
from tests.luigid import Luigid
from tests.worlds import World, ask, contents, run_to_the_end

TITLES = ("DumpSource", "RestoreDestination", "RunDbt", "PublishModels")


@pytest.fixture(scope="module")
def sample(sources, destinations, tmp_path_factory):
    """The sample with its own models, run once; then read only."""
    artifacts = tmp_path_factory.mktemp("sample") / "artifacts"
    source = sources.create("sample_source", template="films_template")
    destination = destinations.create("sample_destination")
    done = run_to_the_end(luigi_command(source, destination, artifacts, "FullPipeline"))
    yield World(source, destination, artifacts, PROJECT / "dbt_models"), done
    sources.drop("sample_source")
    destinations.drop("sample_destination")


def run_folder(world):
    """The one run's."""
    (folder,) = (path for path in world.artifacts.iterdir() if path.is_dir())
    return folder


def test_the_sample_is_published_and_the_command_ends_with_0(sample):
    world, done = sample

    assert done.returncode == 0, done.stderr
    counts = {name: len(rows) for name, rows in contents(world.destination).items()}
    assert counts == {
        "public.actors": 56,
        "public.film_actors": 62,
        "public.film_category": 39,
        "public.films": 20,
        "public.users": 14,
        "silver.actors": 56,
        "silver.film_actors": 62,
        "silver.film_categories": 39,
        "silver.films": 20,
        "silver.users": 14,
        "gold.actor_filmography": 56,
        "gold.category_summary": 12,
        "gold.film_classification": 20,
        "gold.film_ratings": 20,
        "gold.specific_movie": 1,
    }


def test_every_film_is_rated_in_the_category_of_its_own_rating(sample):
    world, _ = sample
    facts = ask(world.source, "select film_id, title, user_rating::float from public.films order by film_id")

    rated = ask(
        world.destination,
        "select film_id, title, user_rating::float, rating_category from gold.film_ratings order by film_id",
    )

    # The lowest rating of the sample is 4.2.
    assert len(facts) == 20
    assert rated == [(i, title, stars, "Excellent" if stars >= 4.5 else "Good") for i, title, stars in facts]


def test_the_cast_of_a_film_is_one_text_sorted_by_name(sample):
    world, _ = sample

    casts = ask(world.destination, "select title, actors from gold.film_ratings where film_id in (1, 3) order by 1")

    assert casts == [
        ("Inception", "Elliot Page, Joseph Gordon-Levitt, Leonardo DiCaprio"),
        ("The Godfather", "Al Pacino, James Caan, Marlon Brando"),
    ]


def test_gold_answers_for_one_film_one_actor_and_one_category(sample):
    world, _ = sample

    film = ask(world.destination, "select film_id, title, user_rating from gold.specific_movie")
    actor = ask(
        world.destination,
        "select film_count, first_year, last_year from gold.actor_filmography where actor_name = 'Tom Hanks'",
    )
    drama = ask(
        world.destination, "select film_count, mean_price from gold.category_summary where category_name = 'Drama'"
    )

    assert [(i, title, float(stars)) for i, title, stars in film] == [(14, "Dunkirk", 4.5)]
    assert actor == ask(
        world.source,
        "select count(*), min(extract(year from release_date))::int, max(extract(year from release_date))::int"
        " from public.films join public.film_actors using (film_id) join public.actors using (actor_id)"
        " where actor_name = 'Tom Hanks'",
    )
    assert drama == ask(
        world.source,
        "select count(*), round(avg(price), 2) from public.films join public.film_category using (film_id)"
        " where category_name = 'Drama'",
    )


def test_without_a_run_id_the_run_is_named_after_the_day(sample):
    world, _ = sample
    today = datetime.datetime.now().astimezone().date()

    # Midnight may have passed since.
    assert run_folder(world).name in (str(today), str(today - datetime.timedelta(days=1)))
    assert (world.artifacts / "index.html").is_file()


def test_the_report_tells_steps_tables_models_tests_and_versions(sample):
    world, _ = sample
    run = run_folder(world)

    report = json.loads((run / "report.json").read_text(encoding="utf-8"))

    assert [(step["step"], step["outcome"]) for step in report["steps"]] == [
        (t, "done") for t in ("Preflight", *TITLES)
    ]
    began = [datetime.datetime.fromisoformat(step["started_at"]) for step in report["steps"]]
    assert began == sorted(began)
    assert all(moment.tzinfo is not None for moment in began)
    assert all(0 < step["seconds"] < 60 for step in report["steps"])
    rows = {table["table"]: table["rows"] for table in report["tables"]}
    assert rows == {
        "public.actors": 56,
        "public.film_actors": 62,
        "public.film_category": 39,
        "public.films": 20,
        "public.users": 14,
    }
    assert report["rows"] == 191
    assert all(table["bytes"] > 0 for table in report["tables"])
    assert report["dump_bytes"] == sum(sizes_in(run / "dump").values())
    assert report["run"] == run.name
    assert report["schemas"] == ["gold", "silver"]
    assert report["tests_passed"] == 82
    assert report["test_warnings"] == []
    assert {"luigi", "python", "dbt", "pg_dump", "pg_restore", "destination_server"} <= report["versions"].keys()
    assert all(version[0].isdigit() for version in report["versions"].values())


def test_the_report_names_models_as_readers_know_them(sample):
    world, _ = sample
    run = run_folder(world)

    report = json.loads((run / "report.json").read_text(encoding="utf-8"))

    assert len(report["models"]) == 10
    assert {"gold.film_ratings", "silver.films"} <= set(report["models"])


def test_the_summary_says_what_was_done_where_it_is_and_what_to_type_next(sample):
    world, done = sample

    assert "5 with 191 rows" in done.stdout
    assert "public.films 20" in done.stdout
    assert "10 in gold, silver" in done.stdout
    assert "82 passed" in done.stdout
    assert all(f"{title} " in done.stdout for title in TITLES)
    assert str(run_folder(world)) in done.stdout
    assert "table gold.film_ratings" in done.stdout
    assert "| Inception " in done.stdout
    assert "Traceback" not in done.stderr


def test_dbt_by_hand_works_on_the_published_models_and_does_not_break_the_next_run(published, tmp_path):
    databases = {"SOURCE_URI": uri_of(published.source), "DESTINATION_URI": uri_of(published.destination)}
    settings = tmp_path / "by_hand.cfg"
    settings.write_text(f"[dbt]\nproject_dir = {published.project}\n", encoding="utf-8")
    scratch = [f"--target-path={tmp_path / 'target'}", f"--log-path={tmp_path / 'logs'}", "--profile=towpath"]

    by_hand = run_to_the_end(
        [sys.executable, "-m", "tasks", "dbt", "build", *scratch], LUIGI_CONFIG_PATH=str(settings), **databases
    )
    again = published.run("FullPipeline", "--run-id=first")
    after = published.run("FullPipeline", "--run-id=second")

    assert by_hand.returncode == 0, by_hand.stdout + by_hand.stderr
    assert "PASS=4" in by_hand.stdout
    assert again.returncode == 0, again.stderr
    assert after.returncode == 0, after.stderr
    assert ask(published.destination, "select count(*) from analytics.titles") == [(20,)]


def test_source_and_destination_are_taken_from_the_environment_where_no_flag_is_given(world):
    command = [word for word in world.command("RestoreDestination", "--run-id=x") if "-uri=" not in word]

    done = run_to_the_end(command, SOURCE_URI=uri_of(world.source), DESTINATION_URI=uri_of(world.destination))

    assert done.returncode == 0, done.stderr
    assert ask(world.destination, "select count(*) from public.films") == [(20,)]


def test_a_project_with_dbts_own_schema_naming_is_published_under_its_target_schema(published):
    schemas = ask(published.destination, "select distinct schemaname from pg_tables where tablename = 'ratings'")
    titles = ask(published.destination, "select title from analytics.titles order by 1 limit 2")

    assert schemas == [("analytics",)]
    assert titles == [("Avatar",), ("Blade Runner 2049",)]
    assert published.checkpoint("first", "report")["schemas"] == ["analytics"]


def test_luigid_shows_every_task_as_done_and_what_dbt_says(published, tmp_path):
    with Luigid(tmp_path) as url:
        settings = {"LUIGI_CONFIG_PATH": str(PROJECT / "luigid.cfg")}
        done = published.run("FullPipeline", "--run-id=second", f"--scheduler-url={url}", **settings)

        tasks = _ask_luigid(url, "task_list", {"status": "DONE", "upstream_status": ""})
        others = [_ask_luigid(url, "task_list", {"status": s, "upstream_status": ""}) for s in ("FAILED", "PENDING")]

    assert done.returncode == 0, done.stderr
    names = sorted(task["name"] for task in tasks.values())
    assert names == sorted([*TITLES, "FullPipeline", "Preflight", "DatabaseReady", "DatabaseReady"])
    assert others == [{}, {}]
    told = {task["name"]: task["status_message"] for task in tasks.values()}
    # One line a second at most, so any of dbt's may be the last.
    assert told["RunDbt"]


def _ask_luigid(url: str, method: str, values: dict[str, str]) -> Any:
    query = urllib.parse.urlencode({"data": json.dumps(values)})
    with urllib.request.urlopen(f"{url}/api/{method}?{query}", timeout=10) as answer:  # noqa: S310  loopback
        return json.load(answer)["response"]
