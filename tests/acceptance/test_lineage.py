"""What a lineage catalogue is told of a run: OpenLineage events, to a file and to a server."""

import base64
import datetime
import json
from pathlib import Path
from uuid import UUID

import pytest
from openlineage.client.naming.dataset import Postgres

from tasks import lineage
from tasks.checkpoints import Json
from tasks.errors import SettingInvalid
from tasks.lineage_events import Events
from tasks.run_folder import RunFolder
from tests.receivers import Receiver

KEY = "Wq8YkeySecret"


class Story:
    """The events that were told, by job: its START and its end."""

    def __init__(self, lines: list[str]) -> None:
        self.events = [json.loads(line) for line in lines]
        self.by_job: dict[str, list[Json]] = {}
        for event in self.events:
            self.by_job.setdefault(event["job"]["name"], []).append(event)

    def ends(self) -> dict[str, str]:
        """How each job ended."""
        return {name: events[-1]["eventType"] for name, events in self.by_job.items()}

    def end(self, job: str) -> Json:
        return self.by_job[job][-1]


def read(path) -> Story:
    return Story(path.read_text(encoding="utf-8").splitlines())


def named(datasets: list[Json]) -> list[str]:
    return [dataset["name"] for dataset in datasets]


@pytest.fixture
def told(published, tmp_path):
    """The events of the run `second`, which was published and then failed of a model, and those that a server got."""
    path, model = tmp_path / "events.jsonl", published.project / "models" / "ratings.sql"
    with Receiver() as server:
        flags = [f"--lineage-file={path}", f"--lineage-url=http://{server.place}", f"--lineage-api-key={KEY}"]
        good = published.run("FullPipeline", "--run-id=second", *flags)
        success = read(path)
        path.unlink()
        model.write_text("select film_id from public.nowhere", encoding="utf-8")
        bad = published.run("FullPipeline", "--run-id=second", *flags)
        failure = read(path)
    assert (good.returncode, bad.returncode) == (0, 27), good.stderr + bad.stderr
    assert "WARNING" not in good.stderr
    assert KEY not in good.stdout + good.stderr + bad.stdout + bad.stderr
    return published, success, failure, server.requests


def test_a_run_its_copies_and_models_are_told_with_what_they_read_and_made(told):
    world, success, failure, requests = told

    ensure_published(success, world)
    ensure_failed(failure)
    ensure_protocol(success)
    ensure_protocol(failure)
    assert {(request.method, request.path) for request in requests} == {("POST", "/api/v1/lineage")}
    assert {request.authorization for request in requests} == {f"Bearer {KEY}"}
    assert [json.loads(request.body) for request in requests] == success.events + failure.events


def ensure_published(story: Story, world) -> None:
    tables = ["actors", "film_actors", "film_category", "films", "users"]
    copies = [f"FullPipeline.copy.public.{table}" for table in tables]
    models = ["FullPipeline.model.analytics.ratings", "FullPipeline.model.analytics.titles"]
    assert story.ends() == dict.fromkeys(["FullPipeline", *copies, *models, "FullPipeline.tests"], "COMPLETE")
    copy = story.end("FullPipeline.copy.public.films")
    host, port = world.source.known("host"), world.source.known("port") or "5432"
    by_client = Postgres(host=host, port=port, database="shop", schema="public", table="films")
    (source,), (landing,) = copy["inputs"], copy["outputs"]
    assert source["name"] == by_client.get_name()
    assert source["namespace"].replace("%2F", "/") == by_client.get_namespace()
    assert landing["name"] == "warehouse.public.films"
    assert landing["namespace"] != source["namespace"]
    assert landing["outputFacets"]["outputStatistics"]["rowCount"] == 20
    assert {"name": "title", "type": "text"}.items() <= source["facets"]["schema"]["fields"][1].items()
    ratings, titles = (story.end(model) for model in models)
    assert (named(ratings["inputs"]), named(ratings["outputs"])) == (
        ["warehouse.public.films"],
        ["warehouse.analytics.ratings"],
    )
    assert named(titles["inputs"]) == named(ratings["outputs"])
    assert ratings["inputs"][0]["namespace"] == landing["namespace"]
    (tested,) = story.end("FullPipeline.tests")["inputs"]
    assertions = tested["inputFacets"]["dataQualityAssertions"]["assertions"]
    found = {(each["assertion"], each["column"], each["success"]) for each in assertions}
    assert found == {("not_null", "film_id", True), ("unique", "film_id", True)}
    report = world.folder("second").checkpoint("report").read()
    assert report["outcome"] == "failed"


def ensure_failed(story: Story) -> None:
    ends = story.ends()
    assert (ends["FullPipeline"], ends["FullPipeline.model.analytics.ratings"]) == ("FAIL", "FAIL")
    assert ends["FullPipeline.copy.public.films"] == "COMPLETE"
    # What was skipped has not run.
    assert "FullPipeline.model.analytics.titles" not in ends
    for job in ("FullPipeline", "FullPipeline.model.analytics.ratings"):
        assert "public.nowhere" in story.end(job)["run"]["facets"]["errorMessage"]["message"]


def ensure_protocol(story: Story) -> None:
    """Each run begins, then ends, under one id, which is the parent's of all that it did."""
    (run,) = {event["run"]["runId"] for event in story.by_job["FullPipeline"]}
    for job, (start, end) in story.by_job.items():
        assert (start["eventType"], start["run"]["runId"]) == ("START", end["run"]["runId"])
        began, ended = (datetime.datetime.fromisoformat(event["eventTime"]) for event in (start, end))
        assert began <= ended
        assert began.tzinfo is not None
        UUID(end["run"]["runId"])
        parent = end["run"]["facets"].get("parent")
        assert (parent and parent["run"]["runId"]) == (None if job == "FullPipeline" else run)
        assert all("__next" not in name for name in named(end["inputs"] + end["outputs"]))
        assert "sourceCodeLocation" not in end["job"]["facets"]
        assert end["producer"].startswith("urn:towpath:")


def test_a_server_that_refuses_is_told_of_once_and_the_file_is_written_all_the_same(published, tmp_path):
    model = published.project / "models" / "ratings.sql"
    model.write_text("select film_id from public.nowhere", encoding="utf-8")

    with Receiver(403, 403, 403) as server:
        path = f"http://me:{KEY}@{server.place}/own/path?key={KEY}"
        flags = [f"--lineage-file={tmp_path}/events.jsonl", f"--lineage-url={path}"]
        failed = published.run("FullPipeline", "--run-id=second", *flags)

    assert failed.returncode == 27, failed.stderr
    assert [request.path for request in server.requests] == [f"/own/path?key={KEY}"]
    assert server.requests[0].authorization == "Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()
    (warning,) = [line for line in failed.stderr.splitlines() if "lineage of run" in line]
    assert f"http://{server.place} did not take all of" in warning
    assert "events: HTTP status 403" in warning
    assert KEY not in failed.stdout + failed.stderr
    assert read(tmp_path / "events.jsonl").ends()["FullPipeline"] == "FAIL"


def test_where_the_extra_is_not_installed_the_run_says_how_to_install_it(published, tmp_path):
    shadow = tmp_path / "path" / "openlineage"
    shadow.mkdir(parents=True)
    (shadow / "__init__.py").touch()

    done = published.run(
        "FullPipeline",
        "--run-id=second",
        f"--lineage-file={tmp_path}/events.jsonl",
        PYTHONPATH=str(shadow.parent),
    )

    assert done.returncode == 0, done.stderr
    assert "openlineage-python is not installed" in done.stderr
    assert "-m pip install 'openlineage-python" in done.stderr
    assert "Traceback" not in done.stderr
    assert published.checkpoint("second", "report")["outcome"] == "published"


@pytest.fixture
def report(first_run):
    """The report of a run that was published."""
    content: Json = json.loads((first_run[0] / "first" / "report.json").read_text(encoding="utf-8"))
    return content


def ends(report: Json, destination) -> dict[str, str]:
    """How each job of a report ended."""
    told = Events(report, namespace="x", database=lambda _: destination, columns={}).all()
    return {event.job.name: event.eventType.value for event in told if event.eventType is not None}


def test_a_restore_that_failed_has_copied_no_table(report, destination):
    steps = [step for step in report["steps"] if step["step"] in ("Preflight", "DumpSource")]
    failed = {**report["steps"][2], "outcome": "failed"}
    failure = {"task": "RestoreDestination", "message": "the rows differ", "started_at": failed["started_at"]}
    found = {**report, "outcome": "failed", "failures": [failure], "built": []}

    told = ends({**found, "steps": [*steps, failed]}, destination)

    assert len(told) == 6
    assert set(told.values()) == {"FAIL"}
    # Before the restore began, there was nothing to copy to.
    assert set(ends({**found, "steps": steps}, destination)) == {"FullPipeline"}


def test_a_model_that_cannot_be_compiled_has_failed_when_dbt_began(report, destination):
    uncompiled = {"status": "error", "started_at": None, "message": None, "seconds": 0.0}
    built = [{**each, **uncompiled} if each["materialized"] else each for each in report["built"]]

    told = ends({**report, "built": built}, destination)

    assert told["FullPipeline.model.analytics.ratings"] == "FAIL"


def test_what_is_told_twice_has_the_same_ids(report, destination):
    def ids() -> list[str]:
        told = Events(report, namespace="x", database=lambda _: destination, columns={}).all()
        return [event.run.runId for event in told]

    assert ids() == ids()
    assert len(set(ids())) == len(ids()) / 2


@pytest.mark.parametrize("key", [f"{KEY}\nX: y", f"{KEY}☃"])
def test_a_key_that_no_header_can_have_is_not_shown(report, destination, key):
    options = lineage.LineageOptions(
        file="", url="http://h", api_key=key, namespace="x", timeout_seconds=1, database=lambda _: destination
    )

    with pytest.raises(SettingInvalid, match="api_key") as refused:
        lineage.send_events(report, RunFolder(Path("/nowhere/first")), options)

    assert KEY not in f"{refused.value} {options!r}"
