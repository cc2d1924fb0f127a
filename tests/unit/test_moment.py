from dataclasses import replace

import pytest

from tasks.moment import Moment

THEN = Moment(started_at="2026-11-23 00:00:00+00", timeline=1, lsn="0/FF000000", xmin=1000, xmax=1010)
NOW = replace(THEN, lsn="1/0", xmin=2000, xmax=2000)


def test_a_moment_leads_to_a_later_one_of_the_same_server_and_to_itself():
    assert THEN.leads_to(NOW)
    assert THEN.leads_to(THEN)


@pytest.mark.parametrize(
    "other",
    [
        {"started_at": "2026-11-23 01:00:00+00"},
        {"timeline": 2},
        {"lsn": "0/FE000000"},
        {"xmin": 999},
        {"xmax": 1000 + (1 << 31)},
    ],
    ids=["restarted", "another timeline", "its log is behind", "its transactions are behind", "its numbers come round"],
)
def test_it_does_not_lead_to_one_of_another_history(other):
    assert not THEN.leads_to(replace(NOW, **other))


@pytest.mark.parametrize(("xmin", "shown"), [(1000, "1000"), ((5 << 32) + 1000, "1000"), (5 << 32, "3"), (2, "3")])
def test_the_oldest_transaction_that_may_be_unseen_is_told_as_rows_show_it(xmin, shown):
    assert replace(THEN, xmin=xmin).oldest_unseen == shown
