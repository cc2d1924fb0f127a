"""The catalogue of what readers see: one file, of what was published, and never in the way."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PROJECT, luigi_command, uri_of
from tests.worlds import World, ask, run_to_the_end

# A model that dbt builds, and whose documentation it fails to make.
UNDESCRIBED = """
{% if flags.WHICH == 'generate' %}{{ exceptions.raise_compiler_error('no words for it') }}{% endif %}
select 1 as one
"""


@pytest.fixture(scope="module")
def described(sources, destinations, tmp_path_factory):
    """The sample, published and described; read only."""
    artifacts = tmp_path_factory.mktemp("described") / "artifacts"
    source = sources.create("described_source", template="films_template")
    destination = destinations.create("described_destination")
    command = luigi_command(source, destination, artifacts, "FullPipeline", "--run-id=first", "--dbt-docs=true")
    done = run_to_the_end(command)
    assert done.returncode == 0, done.stderr
    yield World(source, destination, artifacts, PROJECT / "dbt_models")
    sources.drop("described_source")
    destinations.drop("described_destination")


def page_of(world: World, run: str) -> Path:
    return world.artifacts / run / "catalogue.html"


def data_of(page: Path, name: str) -> Any:
    """What dbt has put into the page as its manifest or its catalog."""
    text = page.read_text(encoding="utf-8")
    return json.JSONDecoder().raw_decode(text, text.index(f'{name}:{{"metadata"') + len(name) + 1)[0]


def test_the_catalogue_has_every_relation_that_readers_see_and_the_landing_it_is_made_from(described):
    catalog = data_of(page_of(described, "first"), "catalog")

    found = {f"{n['metadata']['schema']}.{n['metadata']['name']}" for n in catalog["nodes"].values()}
    landed = {f"{n['metadata']['schema']}.{n['metadata']['name']}" for n in catalog["sources"].values()}

    report = described.checkpoint("first", "report")
    assert found == set(report["models"])
    assert landed == {table["table"] for table in report["tables"]}


def test_every_table_model_and_column_of_the_sample_is_described(described):
    catalog, manifest = (data_of(page_of(described, "first"), name) for name in ("catalog", "manifest"))
    nodes = {**manifest["nodes"], **manifest["sources"]}

    in_database = {**catalog["nodes"], **catalog["sources"]}
    undescribed = [name for name in in_database if not nodes[name]["description"]]
    undescribed += [
        f"{name}.{column}"
        for name, node in in_database.items()
        for column in node["columns"]
        if not nodes[name]["columns"].get(column, {}).get("description")
    ]

    assert len(in_database) == 15
    assert undescribed == []


def test_the_report_tells_where_the_catalogue_is_and_how_large(described):
    docs = described.checkpoint("first", "report")["docs"]

    assert docs["file"] == "catalogue.html"
    assert docs["bytes"] == page_of(described, "first").stat().st_size


def test_what_dbt_left_of_the_build_is_still_of_the_build_and_nothing_else_is_left(described):
    manifest = json.loads((described.artifacts / "first" / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    results = json.loads((described.artifacts / "first" / "dbt" / "run_results.json").read_text(encoding="utf-8"))

    assert manifest["nodes"]["model.towpath.film_ratings"]["schema"] == "gold__next"
    assert results["args"]["which"] == "build"
    assert described.litter() == []


def test_a_run_whose_catalogue_cannot_be_made_is_published_all_the_same_and_says_so(published):
    page_of(published, "first").write_text("of an earlier version", encoding="utf-8")
    (published.project / "models" / "undescribed.sql").write_text(UNDESCRIBED, encoding="utf-8")

    done = published.run("FullPipeline", "--run-id=first", "--dbt-docs=true")

    assert done.returncode == 0, done.stderr
    assert ask(published.destination, "select one from analytics.undescribed") == [(1,)]
    assert "no words for it" in published.checkpoint("first", "report")["docs"]["error"]
    assert "its catalogue was not made: dbt ended with status 2" in done.stderr
    assert not page_of(published, "first").exists()
    assert published.litter() == []


def test_a_version_that_is_not_described_is_not_left_with_the_catalogue_of_the_one_before(published):
    page_of(published, "first").write_text("of an earlier version", encoding="utf-8")
    (published.project / "models" / "another.sql").write_text("select 1 as one", encoding="utf-8")

    done = published.run("FullPipeline", "--run-id=first")

    assert done.returncode == 0, done.stderr
    assert published.checkpoint("first", "report")["docs"] is None
    assert not page_of(published, "first").exists()


def test_by_hand_the_catalogue_is_made_where_there_is_none_and_opened_in_the_browser(published, tmp_path):
    opened, settings = tmp_path / "opened", tmp_path / "by_hand.cfg"
    settings.write_text(
        f"[dbt]\nproject_dir = {published.project}\n[artifacts]\nroot = {published.artifacts}\n", encoding="utf-8"
    )
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    environment = {
        "SOURCE_URI": uri_of(published.source),
        "DESTINATION_URI": uri_of(published.destination),
        "LUIGI_CONFIG_PATH": str(settings),
        "BROWSER": f"{browser} %s",
    }
    page = page_of(published, "first")

    first = run_to_the_end([sys.executable, "-m", "tasks", "docs"], **environment)
    made = page.stat().st_mtime_ns
    second = run_to_the_end([sys.executable, "-m", "tasks", "docs"], **environment)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout == second.stdout == f"{page}\n"
    assert opened.read_text(encoding="utf-8") == f"{page.as_uri()}\n" * 2
    assert page.stat().st_mtime_ns == made
    assert "analytics" in page.read_text(encoding="utf-8")


def test_by_hand_there_is_no_catalogue_of_nothing(world):
    databases = {"SOURCE_URI": uri_of(world.source), "DESTINATION_URI": uri_of(world.destination)}

    asked = run_to_the_end([sys.executable, "-m", "tasks", "docs"], **databases)

    assert asked.returncode == 25
    assert asked.stderr.startswith("nothing is published in warehouse on ")
