"""Who is told: lists of apprise URLs, and what is shown of them."""

import re

import pytest

from tasks import notify, settings
from tasks.errors import SettingInvalid
from tasks.notify import NotifyOptions

MAIL = "mailtos://u:p@example.com?from=a@example.com&to=b@example.com,c@example.com"
CHAT = "slack://T1/B2/C3"


@pytest.mark.parametrize("between", [",", ", ", " ", "\n  ", " ,\n"])
def test_urls_are_listed_one_after_another(between):
    assert settings._listed(f"{MAIL}{between}{CHAT}") == [MAIL, CHAT]
    assert settings._listed(f"{MAIL}{between}{CHAT},") == [MAIL, CHAT]


def test_urls_are_listed_as_json():
    assert settings._listed(f'["{MAIL}", "{CHAT}"]') == [MAIL, CHAT]


def test_nothing_given_is_nobody():
    assert settings._listed("") == settings._listed("[]") == []


def test_a_broken_list_is_refused_without_showing_it():
    with pytest.raises(SettingInvalid, match=r"no JSON list: .* at character \d+\n") as refused:
        settings._listed(f'["{MAIL}", {CHAT}]')

    assert "example.com" not in str(refused.value)
    assert "T1" not in str(refused.value)


def options(*urls: str) -> NotifyOptions:
    return NotifyOptions(urls=urls, on=["failure"], tries=1, timeout_seconds=1)


def test_what_apprise_can_read_is_told_by_its_kind():
    assert notify.consider(options(MAIL, CHAT)) == "mailtos, slack will be told of failure"
    assert notify.consider(options()) == "nobody is told how a run ends: [notify] urls is empty"


@pytest.mark.parametrize(
    "url",
    ["hunter2", "mailto://u:hunter2@[::1", "gnome://[hunter2", "http://hunter2/x", "json://", "nonsense://hunter2"],
)
def test_what_apprise_cannot_read_is_doubted_by_its_place_without_showing_it(url):
    doubts = notify.consider(options(MAIL, url))

    assert not isinstance(doubts, str)
    (doubt,) = doubts
    assert re.match(r"\[notify\] urls, 2 of 2 \([\w ]+\) is no URL that apprise can read", doubt.message)
    assert "hunter2" not in doubt.message + doubt.hint


def test_urls_are_not_in_what_python_shows_of_the_options():
    assert "example.com" not in repr(options(MAIL))


def test_the_pieces_of_a_url_are_left_out_of_a_reason_however_they_are_spelled():
    url = "json://user:se%20cret@example.com/T0KEN?to=x"

    told = notify._without_secrets("no answer from example.com: user, se cret, se%20cret, T0KEN", url)

    assert told == "no answer from …: …, …, …, …"
