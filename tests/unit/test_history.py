"""What the runs before this one say to it, and to whoever asks why nothing has been published."""

import json
from pathlib import Path
from typing import Any

from tasks import history
from tasks.checkpoints import FORMAT
from tests import gallery

HERE, ELSEWHERE = "warehouse on localhost:5432", "lake on localhost:5432"


def write_report(root: Path, folder: str, /, **content: Any) -> None:
    (root / folder).mkdir()
    (root / folder / "report.json").write_text(json.dumps({"format": FORMAT, **content}), encoding="utf-8")


def test_each_destination_has_its_own_history_and_what_was_wrongly_set_is_in_both(tmp_path):
    for run, place in (("ours", HERE), ("theirs", ELSEWHERE), ("neither", "a destination that is not rightly set")):
        write_report(tmp_path, run, **{**gallery.first(), "run": run, "destination": place})
    write_report(tmp_path, "older", run="older", outcome="failed", ended_at="2026-11-23")

    found = {
        place: {told["run"] for told in history.reports(tmp_path, destination=place)} for place in (HERE, ELSEWHERE)
    }

    assert found == {HERE: {"ours", "neither"}, ELSEWHERE: {"theirs", "neither"}}
    assert len(history.reports(tmp_path)) == 4


def test_what_does_not_say_which_run_it_is_of_and_how_that_ended_is_passed_over(tmp_path):
    write_report(tmp_path, "first", **gallery.first())
    write_report(tmp_path, "odd", ended_at="2026-11-23")

    assert [told["run"] for told in history.reports(tmp_path)] == ["first"]


def test_where_the_last_run_has_left_no_log_its_folder_is_named():
    failed = gallery.nobody_answers()

    _, without = history.last_to_end([failed])
    _, withal = history.last_to_end([{**failed, "log": "/artifacts/second/run.log"}])

    assert without.endswith(f"; its folder: {failed['folder']}")
    assert withal.endswith("; its log: /artifacts/second/run.log")
