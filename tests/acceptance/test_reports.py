"""A run that has ended has a report, published or failed: report.json, from which all else is told."""

import pytest

from tests.worlds import ask, run_to_the_end


@pytest.fixture
def broken(published):
    """A run `second` that failed of a model that cannot be built, after the run `first` was published."""
    model = next(published.project.glob("models/**/*.sql"))
    whole = model.read_text(encoding="utf-8")
    model.write_text("select film_id from public.nowhere", encoding="utf-8")
    failed = published.run("FullPipeline", "--run-id=second")
    assert failed.returncode == 27, failed.stderr
    return published, model, whole


def test_a_failed_run_has_a_report_of_what_failed_and_of_what_readers_see(broken):
    world, _, _ = broken

    report = world.checkpoint("second", "report")

    assert report["outcome"] == "failed"
    (failure,) = report["failures"]
    assert (failure["task"], failure["exit_code"]) == ("RunDbt", 27)
    assert "public.nowhere" in failure["message"]
    assert "run again" in failure["remedy"]
    outcomes = [(step["step"], step["outcome"]) for step in report["steps"]]
    assert outcomes[-2:] == [("RestoreDestination", "done"), ("RunDbt", "failed")]
    assert report["readers"]["run"] == "first"
    assert {"error"} <= {result["status"] for result in report["built"]}
    assert report["rows"] == 191
    assert all(table["rows_before"] == table["rows"] for table in report["tables"])


def test_another_destinations_failure_in_the_same_folder_is_not_recovered_from(published):
    words = [word for word in published.command("FullPipeline", "--run-id=other") if "--destination-uri=" not in word]
    away = ["--destination-uri=host=/nowhere dbname=lake", "--readiness-timeout-seconds=1"]
    assert run_to_the_end([*words, *away]).returncode == 11
    assert published.checkpoint("other", "report")["outcome"] == "failed"

    done = published.run("FullPipeline", "--run-id=second")

    report = published.checkpoint("second", "report")
    assert done.returncode == 0, done.stderr
    assert (report["after_failure"], report["before"]["run"]) == (None, "first")


def test_the_first_success_after_a_failure_knows_of_it(broken):
    world, model, whole = broken
    model.write_text(whole, encoding="utf-8")

    mended = world.run("FullPipeline", "--run-id=second")

    report = world.checkpoint("second", "report")
    assert mended.returncode == 0, mended.stderr
    assert (report["outcome"], report["failures"], report["readers"]["run"]) == ("published", [], "second")
    assert report["after_failure"]["run"] == "second"
    assert "public.nowhere" in report["after_failure"]["failures"][0]["message"]
    assert report["before"]["run"] == "first"


def test_every_run_has_a_page_and_all_runs_have_a_list_of_them(broken):
    world, model, whole = broken

    failed = world.folder("second").page.read_text(encoding="utf-8")
    listed = world.folder("second").index.read_text(encoding="utf-8")
    model.write_text(whole, encoding="utf-8")
    mended = world.run("FullPipeline", "--run-id=second")

    assert "RunDbt failed" in failed
    assert "public.nowhere" in failed
    assert 'href="first/report.html"' in listed
    assert 'href="second/report.html"' in listed
    assert "failed" in listed
    assert str(world.folder("second").page) in mended.stdout
    assert "published" in world.folder("second").page.read_text(encoding="utf-8")
    assert "✗" not in world.folder("second").index.read_text(encoding="utf-8")
    assert world.litter() == []


def test_a_page_that_cannot_be_written_is_a_warning_and_the_run_is_published(published):
    in_the_way = published.folder("second").page
    in_the_way.mkdir(parents=True)

    done = published.run("FullPipeline", "--run-id=second")

    assert done.returncode == 0, done.stderr
    assert "report.html of run second" in done.stderr
    assert published.checkpoint("second", "report")["outcome"] == "published"
    assert "second" in published.folder("second").index.read_text(encoding="utf-8")


def test_a_run_keeps_what_it_says_at_every_try_in_its_log(broken):
    world, model, whole = broken
    model.write_text(whole, encoding="utf-8")
    world.run("FullPipeline", "--run-id=second")

    said = world.folder("second").log.read_text(encoding="utf-8")

    assert "public.nowhere" in said
    assert "published load 2" in said
    assert str(world.folder("second").log) == world.checkpoint("second", "report")["log"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_servers_that_do_not_answer_are_all_in_the_report_of_the_run(world, workers):
    away = ["--source-uri=host=/nowhere dbname=shop", "--destination-uri=host=/nowhere dbname=warehouse"]
    command = [word for word in world.command("FullPipeline", "--run-id=x") if "-uri=" not in word]
    failed = run_to_the_end([*command, *away, "--readiness-timeout-seconds=1", f"--workers={workers}"])

    report = world.checkpoint("x", "report")

    assert failed.returncode == 11, failed.stderr
    assert [failure["task"] for failure in report["failures"]] == ["DatabaseReady", "DatabaseReady"]
    assert {"shop", "warehouse"} == {failure["message"].split()[0] for failure in report["failures"]}
    assert "warehouse" in report["readers"]["unknown"]


def test_what_stops_a_run_beforehand_is_in_its_report_with_all_that_was_found(world):
    ask(world.source, "select lo_create(0)")

    stopped = world.run("FullPipeline", "--run-id=x")

    report = world.checkpoint("x", "report")
    assert stopped.returncode == 37, stopped.stderr
    assert [failure["task"] for failure in report["failures"]] == ["Preflight"]
    assert {"ok", "stop"} == {finding["level"] for finding in report["preflight"]}
    assert report["source"]["database"].startswith("shop on ")
    assert report["readers"] is None


def test_whoever_only_looks_leaves_no_report(world):
    ask(world.source, "select lo_create(0)")

    looked = world.run("Preflight", "--run-id=x")

    assert looked.returncode == 37
    assert world.folder("x").checkpoint("report").read() is None


def test_a_run_that_an_earlier_towpath_looked_at_beforehand_is_reported_without_the_times_of_that(published):
    looked = published.folder("first").checkpoint("preflight")
    content = looked.read()
    looked.write(content.pop("fingerprint"), {"findings": content["findings"]})
    published.folder("first").checkpoint("report").remove()

    done = published.run("FullPipeline", "--run-id=first")

    assert done.returncode == 0, done.stderr
    assert published.checkpoint("first", "report")["steps"][0]["step"] == "DumpSource"
