import pytest

from tasks import luigid
from tasks.task import DatabaseReady
from tests.worlds import wait_until

Said = list[tuple[str, int]]


@pytest.fixture
def task(tmp_path) -> DatabaseReady:
    # Luigi makes each task once, and gives the same one to whoever asks again.
    return DatabaseReady(role="source", run_name=tmp_path.name)


@pytest.fixture
def said(task) -> Said:
    """What luigid is told of the task."""
    texts: list[str] = []
    heard: Said = []
    task.set_status_message = texts.append
    task.set_progress_percentage = lambda percentage: heard.append((texts[-1], percentage))
    return heard


def test_luigid_hears_once_a_second_what_was_told_last_and_nothing_is_lost(task, said):
    for number in range(50):
        task.tell(number, f"table {number}")
    assert said == [("table 0", 0)]

    wait_until(lambda: len(said) > 1)
    task._later.join()

    assert said == [("table 0", 0), ("table 49", 49)]


def test_the_end_is_told_at_once(task, said):
    task.tell(0, "begun")
    task.tell(100, "done")

    assert said == [("begun", 0), ("done", 100)]


def test_a_name_with_html_in_it_stays_a_name(task, said):
    task.tell(0, "dumping: table 1 of 1, public.<img src=x>")

    assert said == [("dumping: table 1 of 1, public.\u2039img src=x\u203a", 0)]


def test_no_two_tasks_of_one_process_differ_in_their_invocation(task):
    given = DatabaseReady(role="source", run_name=task.run_name, invocation="2020-01-01 00:00:00.000")

    assert given.task_id == task.task_id


def test_a_failure_is_broken_into_lines_that_the_page_has_room_for():
    page = luigid.page_of("a " * 100 + "\n    what to do: " + "b " * 100)

    assert max(map(len, page.splitlines())) <= 64
    assert "\nwhat to do: b" in page


def test_a_task_that_ends_while_luigid_answers_the_first_of_two_messages_ends_in_peace(task):
    def answer(_text: str) -> None:
        # As Luigi does when a task has ended; the second message may be on its way from a timer's thread.
        task.set_status_message = task.set_progress_percentage = None

    heard: list[int] = []
    task.set_status_message, task.set_progress_percentage = answer, heard.append

    task.tell(100, "done")

    assert heard == [100]
