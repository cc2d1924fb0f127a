"""CheckFreshness finds what nobody else tells of: that no run has published anything."""

import pytest

from tests.conftest import PROJECT
from tests.luigid import Luigid
from tests.worlds import ask, run_to_the_end

DAILY = ("CheckFreshness", "--notify-expected-every=26h")


@pytest.fixture
def told(webhook) -> dict[str, str]:
    return {"NOTIFY_URLS": webhook.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def test_in_time_it_says_what_readers_see_and_tells_nobody(published, told, webhook):
    asked = published.run(*DAILY, **told)

    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.startswith("readers see load 1 of run first as of 20")
    assert asked.stdout.endswith("in time: a version is expected every 1 d 2 h\n")
    assert asked.stderr == ""
    assert webhook.posted == []


def test_the_time_between_runs_may_be_in_the_environment_and_a_flag_is_stronger(published):
    in_time = published.run("CheckFreshness", EXPECTED_EVERY="26h")
    late = published.run("CheckFreshness", "--notify-expected-every=1s", EXPECTED_EVERY="26h")

    assert in_time.returncode == 0, in_time.stderr
    assert late.returncode == 40


def test_old_data_is_late_however_newly_it_was_published_and_told_each_time(published, told, webhook):
    ask(published.destination, "update towpath.loads set snapshot_at = now() - interval '76 hours'")

    late = [published.run(*DAILY, **told) for _ in range(2)]

    assert [run.returncode for run in late] == [40, 40], late[0].stderr
    message, again = webhook.posted
    assert message["type"] == "warning"
    assert message["title"].startswith("Towpath: late (code 40): what readers see is 3 d 4 h old, and a version is")
    for words in (
        "expected every 1 d 2 h: load 1 of run first as of 20",
        f"in {published.destination}; the last run to end, first, was published 20",
        "What to do: find out why no run has ended since",
    ):
        assert words in message["message"]
        assert words.replace("What", "what") in late[0].stderr
    assert again["title"] == message["title"]


def test_what_the_last_run_failed_of_is_told_along(published, told, webhook):
    assert published.run("DumpSource", "--run-id=second", '--source-schemas=["nowhere"]').returncode == 17

    late = published.run("CheckFreshness", "--notify-expected-every=1s", **told)

    assert late.returncode == 40
    (message,) = webhook.posted
    assert "the last run to end, second, failed 20" in message["message"]
    assert "(code 17): " in message["message"]
    assert f"its log: {published.folder('second').log}" in message["message"]


def test_a_destination_without_a_version_is_late(world, told, webhook):
    late = world.run(*DAILY, **told)

    assert late.returncode == 40
    assert f"readers of {world.destination} see nothing yet" in webhook.posted[0]["message"]
    assert "no run has left a report here" in webhook.posted[0]["message"]


def test_that_it_cannot_be_asked_is_told_as_well(world, told, webhook):
    command = [word for word in world.command(*DAILY) if "-uri=" not in word]
    away = ["--destination-uri=host=/nowhere dbname=warehouse", "--readiness-timeout-seconds=1"]

    asked = run_to_the_end([*command, *away], **told)

    assert asked.returncode == 11, asked.stderr
    assert webhook.posted[0]["title"].startswith("Towpath: is it late? Not known (code 11): warehouse on /nowhere")


def test_without_a_time_to_expect_a_version_in_it_says_so(world):
    asked = world.run("CheckFreshness")

    assert asked.returncode == 32
    assert "neither [notify] expected_every nor $EXPECTED_EVERY is set" in asked.stderr


def test_with_luigid_it_asks_anew_each_time(published, tmp_path):
    with Luigid(tmp_path) as url:
        for _ in range(2):
            environment = {"LUIGI_CONFIG_PATH": str(PROJECT / "luigid.cfg")}
            asked = published.run(*DAILY, f"--scheduler-url={url}", **environment)

            assert asked.returncode == 0, asked.stderr
            assert "in time" in asked.stdout
