"""People are told how runs end, by the real luigi command, to a real mail server and a real webhook."""

import platform
import signal
import time

import pytest

from tasks.amounts import moment
from tests.conftest import PROJECT
from tests.services import MAIL_PASSWORD, TOKEN
from tests.worlds import run_to_the_end, wait_until

# Fails at once, and leaves a report.
FAILING = ("DumpSource", "--run-id=second", '--source-schemas=["nowhere"]')
# Loopback needs no proxy.
DIRECT = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@pytest.fixture
def told(postbox, webhook) -> dict[str, str]:
    """An environment in which both are told."""
    return {"NOTIFY_URLS": f"{postbox.url}\n{webhook.url}", **DIRECT}


@pytest.fixture
def broken(published):
    """A model that cannot be built, after the run `first` was published; calling it mends the model."""
    model = next(published.project.glob("models/**/*.sql"))
    whole = model.read_text(encoding="utf-8")
    model.write_text("select film_id from public.nowhere", encoding="utf-8")
    return lambda: model.write_text(whole, encoding="utf-8")


def test_a_failure_and_the_first_success_after_it_are_told(published, broken, told, postbox, webhook):
    failed = published.run("FullPipeline", "--run-id=second", **told)
    since = published.checkpoint("second", "report")["failing_since"]
    failed_again = published.run("FullPipeline", "--run-id=second", **told)
    since_then = published.checkpoint("second", "report")["failing_since"]
    broken()
    mended = published.run("FullPipeline", "--run-id=second", **told)

    assert [run.returncode for run in (failed, failed_again, mended)] == [27, 27, 0], mended.stderr
    assert since == since_then == published.checkpoint("second", "report")["after_failure"]["failing_since"]
    first, again, recovery = webhook.posted
    assert (first["type"], recovery["type"]) == ("failure", "success")
    assert first["title"].startswith("Towpath: run second failed (code 27): dbt: 1 model or test failed: model ")
    folder = published.artifacts / "second"
    for words in (
        "RunDbt failed: dbt: 1 model",
        'relation "public.nowhere" does not exist',
        "What to do: mend the model",
        "luigi --module tasks FullPipeline --run-id=second",
        "Readers see load 1 of run first, as of 20",
        f"From {published.source} to {published.destination}, on {platform.node()}",
        f"Log: {folder / 'run.log'}",
        f"Report: {folder / 'report.html'}",
    ):
        assert words in first["message"]
    assert f"failing since {moment(since)}" in again["message"]
    assert recovery["title"] == "Towpath: recovered: run second is published"
    assert "5 tables, 191 rows (0), 2 models, 2 tests passed" in recovery["message"]
    assert f"It had failed since {moment(since)}, last" in recovery["message"]
    assert "in run second: RunDbt (code 27): dbt: 1 model" in recovery["message"]
    assert "Readers see load 2 of run second" in recovery["message"]
    mail = postbox.mails[0]
    assert (mail["From"], mail["To"], mail["Subject"]) == ("towpath@example.com", "data@example.com", first["title"])
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().split() == first["message"].split()
    assert len(postbox.mails) == 3


def test_a_success_is_told_to_whoever_asks_for_it_only(published, told, webhook):
    quiet = published.run("FullPipeline", "--run-id=second", **told)
    asked = published.run("FullPipeline", "--run-id=third", '--notify-on=["success"]', **told)

    assert (quiet.returncode, asked.returncode) == (0, 0), asked.stderr
    (success,) = webhook.posted
    assert success["type"] == "success"
    assert success["title"].startswith("Towpath: run third is published: 5 tables, 191 rows (0), 2 models, 2 tests")
    assert "Readers see load 3 of run third" in success["message"]


def test_servers_that_do_not_answer_are_told_both(world, told, webhook):
    away = ["--source-uri=host=/nowhere dbname=shop", "--destination-uri=host=/nowhere dbname=warehouse"]
    command = [word for word in world.command("FullPipeline", "--run-id=x") if "-uri=" not in word]
    failed = run_to_the_end([*command, *away, "--readiness-timeout-seconds=1"], **told)

    assert failed.returncode == 11
    last = webhook.posted[-1]["message"]
    assert "DatabaseReady failed: shop on /nowhere" in last
    assert "DatabaseReady failed: warehouse on /nowhere" in last
    assert "What readers see could not be asked: warehouse on /nowhere" in last


def test_sending_is_tried_again(published, told, webhook):
    webhook.answers = [500, 503]

    failed = published.run(*FAILING, **told)

    assert failed.returncode == 17, failed.stderr
    assert len(webhook.posted) == 3
    assert "the alert of failure reached 2 of 2" in failed.stderr


def test_a_service_that_hangs_or_is_gone_keeps_neither_the_others_nor_the_end_of_the_run(published, told, webhook):
    webhook.hangs.set()
    urls = f"json://127.0.0.1:9/gone {told['NOTIFY_URLS']} nonsense://x"
    before = time.monotonic()

    failed = published.run(*FAILING, "--notify-timeout-seconds=6", **{**told, "NOTIFY_URLS": urls})

    assert failed.returncode == 17, failed.stderr
    assert time.monotonic() - before < 30
    for words in (
        "did not reach [notify] urls, 1 of 4 (json): A Connection error",
        "did not reach [notify] urls, 3 of 4 (json): it did not answer in time",
        "did not reach [notify] urls, 4 of 4 (nonsense): apprise cannot read its URL",
        "the alert of failure reached 1 of 4",
    ):
        assert words in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_run_that_is_told_to_end_does_so_in_the_midst_of_an_alert(published, told, webhook, start):
    webhook.hangs.set()
    job = start(published.command(*FAILING), **{**told, "NOTIFY_URLS": webhook.url})
    wait_until(lambda: webhook.asked, seconds=60)
    before = time.monotonic()

    job.end(signal.SIGTERM)

    assert time.monotonic() - before < 10
    assert job.process.returncode == -signal.SIGTERM
    assert "interrupted; what is complete is kept" in job.said
    assert "Traceback" not in job.said


def test_a_run_that_is_killed_while_it_tells_has_a_report_and_tells_when_it_is_started_again(
    published, broken, told, webhook, start
):
    published.run("FullPipeline", "--run-id=second")
    broken()
    webhook.hangs.set()
    job = start(published.command("FullPipeline", "--run-id=second"), **{**told, "NOTIFY_URLS": webhook.url})
    wait_until(lambda: webhook.asked, seconds=120)
    job.end(signal.SIGKILL)
    webhook.hangs.clear()
    left = published.checkpoint("second", "report")

    again = published.run("FullPipeline", "--run-id=second", **told)

    assert left["outcome"] == "published"
    assert again.returncode == 0, again.stderr
    assert [posted["title"] for posted in webhook.posted] == ["Towpath: recovered: run second is published"]
    assert published.run("FullPipeline", "--run-id=second", **told).stdout == ""
    assert len(webhook.posted) == 1


def test_the_secrets_of_a_url_are_in_nothing_that_a_run_leaves(published, told, postbox, webhook, tmp_path):
    debugging = tmp_path / "debug.cfg"
    text = (PROJECT / "logging.cfg").read_text(encoding="utf-8")
    debugging.write_text(text.replace("level = INFO", "level = DEBUG").replace("WARNING", "DEBUG"), encoding="utf-8")
    unread = "nonsense://of:Jv3YunreadSecret@example.com"
    urls = f'["{postbox.url}", "{webhook.url}", "json://u:Gx5VgoneSecret@127.0.0.1:9/Bz6Kpath", "{unread}"]'
    webhook.answers = [403] * 3

    words = [*FAILING, f"--logging-conf-file={debugging}", "--notify-timeout-seconds=10"]
    failed = published.run(*words, **{**told, "NOTIFY_URLS": urls})
    asked = published.run("Preflight", f"--logging-conf-file={debugging}", **{**told, "NOTIFY_URLS": urls})

    assert failed.returncode == 17, failed.stderr
    assert "2 of 4 (json): Failed to send JSON" in failed.stderr
    assert "error=403" in failed.stderr
    assert "[notify] urls, 4 of 4 (nonsense) is no URL that apprise can read" in " ".join(asked.stdout.split())
    left = {"stderr": failed.stderr + asked.stderr, "stdout": failed.stdout + asked.stdout}
    left |= {str(path): path.read_text(errors="replace") for path in published.artifacts.rglob("*") if path.is_file()}
    assert "DEBUG" in left[str(published.artifacts / "second" / "run.log")]
    for secret in (MAIL_PASSWORD, TOKEN, "Jv3Yunread", "Gx5Vgone", "Bz6Kpath"):
        assert [place for place, content in left.items() if secret in content] == []


def test_whoever_is_told_of_nothing_does_not_wait_for_apprise(published, told, webhook):
    quiet = published.run(*FAILING, PYTHONPROFILEIMPORTTIME="1")
    asked = published.run(*FAILING, PYTHONPROFILEIMPORTTIME="1", **told)

    assert (quiet.returncode, asked.returncode) == (17, 17)
    assert "| apprise" not in quiet.stderr.replace("  ", "")
    assert "| apprise" in asked.stderr.replace("  ", "")
    assert len(webhook.posted) == 1
