"""What the runs before this one say to it, and to whoever asks why nothing has been published."""

import json

from tasks import history
from tasks.checkpoints import FORMAT
from tests import gallery

HERE, ELSEWHERE = "warehouse on localhost:5432", "lake on localhost:5432"


def test_each_destination_has_its_own_history():
    ours, theirs = ({**gallery.first(), "destination": place} for place in (HERE, ELSEWHERE))

    assert history.of([theirs, ours], HERE) == [ours]
    assert history.of([{"run": "of a version that said less"}], HERE) == []


def test_what_does_not_say_which_run_it_is_of_and_how_that_ended_is_passed_over(tmp_path):
    whole = {**gallery.first(), "format": FORMAT}
    for name, content in (("first", whole), ("odd", {"format": FORMAT, "ended_at": "2026-11-23"})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(content), encoding="utf-8")

    assert history.reports(tmp_path) == [whole]


def test_where_the_last_run_has_left_no_log_its_folder_is_named():
    failed = gallery.nobody_answers()

    _, without = history.last_to_end([failed])
    _, withal = history.last_to_end([{**failed, "log": "/artifacts/second/run.log"}])

    assert without.endswith(f"; its folder: {failed['folder']}")
    assert withal.endswith("; its log: /artifacts/second/run.log")
