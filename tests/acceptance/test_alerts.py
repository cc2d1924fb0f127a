"""People are told how runs end, by the real luigi command, to a real mail server and a real webhook."""

import pytest


@pytest.fixture
def told(postbox, webhook) -> dict[str, str]:
    """An environment in which both are told; loopback needs no proxy."""
    return {"NOTIFY_URLS": f"{postbox.url}\n{webhook.url}", "NO_PROXY": "127.0.0.1"}


@pytest.fixture
def broken(published):
    """A model that cannot be built, after the run `first` was published; calling it mends the model."""
    model = next(published.project.glob("models/**/*.sql"))
    whole = model.read_text(encoding="utf-8")
    model.write_text("select film_id from public.nowhere", encoding="utf-8")
    return lambda: model.write_text(whole, encoding="utf-8")


def test_a_failure_is_told_with_what_to_do_and_what_readers_see(published, broken, told, postbox, webhook):
    failed = published.run("FullPipeline", "--run-id=second", **told)

    assert failed.returncode == 27, failed.stderr
    print(webhook.posted[0]["title"])
    print(webhook.posted[0]["message"])
    print(failed.stderr)
    broken()
    mended = published.run("FullPipeline", "--run-id=second", **told)
    print(webhook.posted[1]["title"])
    print(webhook.posted[1]["message"])
    print(mended.stderr)
    mended = published.run("FullPipeline", "--run-id=third", "--notify-on", '["success"]', **told)
    print(webhook.posted[2]["title"])
    print(webhook.posted[2]["message"])
    print(mended.stderr)
    for every in ("26h", "1s", "0"):
        late = published.run("CheckFreshness", "--notify-expected-every", every, **told)
        print(late.returncode, late.stdout, late.stderr)
    print(webhook.posted[3]["title"])
    print(webhook.posted[3]["message"])
    print(postbox.mails[0].as_string())
    assert 0
