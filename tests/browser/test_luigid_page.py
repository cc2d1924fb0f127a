"""luigid's page in a real browser, beside a real job: what a run is at, what it waits for, why it failed."""

import itertools
import json
import shlex
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tasks.postgres import open_session
from tests.conftest import PROJECT
from tests.luigid import Luigid
from tests.worlds import ENCODED_PASSWORD, PASSWORD, Job, World, ask, url_of, wait_until

HELD_MODEL = """{{ config(materialized='table') }}

select count(*) as films from {{ ref('ratings') }}
cross join (select pg_advisory_xact_lock(7)) as pause
"""
CHAIN = ["DatabaseReady", "Preflight", "DumpSource", "RestoreDestination", "RunDbt", "PublishModels", "FullPipeline"]

_numbers = itertools.count(1)


def tasks_of(luigid: str) -> dict[str, dict[str, Any]]:
    """What luigid knows of each task, by its id."""
    asked = urllib.parse.quote(json.dumps({"status": "", "upstream_status": "", "search": ""}))
    with urllib.request.urlopen(f"{luigid}/api/task_list?data={asked}") as answer:  # noqa: S310 (it is on loopback)
        found: dict[str, dict[str, Any]] = json.load(answer)["response"]
    return found


def task_id(luigid: str, name: str) -> str:
    return next(number for number, task in tasks_of(luigid).items() if task["name"] == name)


class Page:
    """luigid's page, as a person uses it."""

    def __init__(self, browser: Chrome, url: str, pictures: Path) -> None:
        self._browser = browser
        self._url = f"{url}/static/visualiser/index.html"
        self._pictures = pictures

    def open(self, place: str = "") -> None:
        """Open a place of the page anew: it shows what was so when it was loaded."""
        self._browser.get("about:blank")
        self._browser.get(f"{self._url}#{place}")

    def await_one(self, selector: str, text: str = "") -> WebElement:
        """Wait until something is seen that has a text in it; a picture of the page is kept in any case."""

        seen: list[WebElement] = []

        def is_seen() -> bool:
            # The page may draw itself anew at any moment.
            with suppress(StaleElementReferenceException):
                every = self._browser.find_elements(By.CSS_SELECTOR, selector)
                seen.extend(each for each in every if each.is_displayed() and text in each.text)
            return bool(seen)

        try:
            wait_until(is_seen)
            return seen[0]
        finally:
            time.sleep(0.5)
            self._browser.save_screenshot(str(self._pictures / f"seen-{next(_numbers)}.png"))

    def rows(self) -> list[list[str]]:
        """The list of tasks: state, name, parameters and more of each."""
        self.await_one("#taskTable tbody tr td:nth-child(3)")
        every = self._browser.find_elements(By.CSS_SELECTOR, "#taskTable tbody tr")
        return [[cell.text.strip() for cell in row.find_elements(By.TAG_NAME, "td")] for row in every]

    def press(self, task: str, button: str) -> None:
        """Press one of the buttons beside a task in the list."""
        self.await_one("#taskTable tbody tr", task).find_element(By.CSS_SELECTOR, button).click()

    def texts(self, selector: str) -> list[str]:
        return [each.text for each in self._browser.find_elements(By.CSS_SELECTOR, selector)]

    def await_drawn(self, *selectors: str) -> list[list[str]]:
        """Wait until there is something of each kind, and return the texts of all as they were at one moment."""
        every = "return arguments[0].map(s => Array.from(document.querySelectorAll(s), each => each.textContent))"
        drawn: list[list[str]] = []

        def are_there() -> bool:
            drawn[:] = self._browser.execute_script(every, selectors)
            return all(drawn)

        wait_until(are_there)
        return drawn

    @property
    def source(self) -> str:
        return str(self._browser.page_source)


@pytest.fixture
def luigid(tmp_path) -> Iterator[str]:
    with Luigid(tmp_path) as url:
        yield url


@pytest.fixture
def shown(luigid, tmp_path) -> dict[str, str]:
    text = (PROJECT / "luigid.cfg").read_text(encoding="utf-8")
    (tmp_path / "luigid.cfg").write_text(text.replace("http://127.0.0.1:8082", luigid), encoding="utf-8")
    return {"LUIGI_CONFIG_PATH": str(tmp_path / "luigid.cfg")}


@pytest.fixture
def page(browser, luigid, tmp_path) -> Page:
    return Page(browser, luigid, tmp_path)


@pytest.fixture
def held(world: World, start, shown) -> Iterator[Job]:
    """A run whose last model is being built, for as long as the test looks."""
    (world.project / "models" / "held.sql").write_text(HELD_MODEL, encoding="utf-8")
    with closing(open_session(world.destination)) as holder:
        holder.run("select pg_advisory_lock(7)")
        job = start(world.command("FullPipeline", "--run-id=tonight"), **shown)
        waiting = "select 1 from pg_locks where locktype = 'advisory' and objid = 7 and not granted"
        wait_until(lambda: job.process.poll() is not None or ask(world.destination, waiting), seconds=100)
        assert job.process.poll() is None, job.said
        yield job


def test_the_list_names_each_task_of_the_run_and_how_it_stands(held, page):
    page.open()

    rows = page.rows()

    assert sorted(name for _, name, *_ in rows) == sorted([*CHAIN, "DatabaseReady"])
    assert [state for state, name, *_ in rows if name == "RunDbt"] == ["RUNNING"]
    assert {state for state, name, *_ in rows if name in ("PublishModels", "FullPipeline")} == {"PENDING"}
    parameters = [parameters for _, name, parameters, *_ in rows if name == "RunDbt"]
    assert len(parameters) == 1
    assert parameters[0].startswith("invocation=20")
    assert parameters[0].endswith("run_id=tonight")


def test_a_running_task_shows_how_far_it_is_and_at_what(held, page):
    page.open()
    page.press("RunDbt", ".statusMessage")

    page.await_one("#statusMessageModal pre", "dbt: 4 of 5 models and tests done, now analytics.held")
    page.await_one("#statusMessageModal .progress-bar", "76%")

    page.open("tab=workers")
    page.await_one(".worker-table tbody", "RunDbt")
    page.await_one(".taskProgressBar", "76%")


def test_the_graph_shows_what_waits_for_what(held, page, luigid):
    graph = f"tab=graph&taskId={task_id(luigid, 'FullPipeline')}"
    page.open(f"{graph}&visType=svg")
    page.await_one("#graphPlaceholder svg", "FullPipeline")
    names, lines = page.await_drawn("a.graph-node-a text", "line.link")

    page.open(f"{graph}&visType=d3")
    page.await_one("#mysvg", "RunDbt")
    boxes, arrows = page.await_drawn("#mysvg g.node", "#mysvg g.edgePath")

    assert sorted(names) == sorted([*CHAIN, "DatabaseReady"])
    assert len(boxes) == len(names)
    # Both servers before the preflight, the preflight before each step, each step before the next.
    assert len(lines) == len(arrows) == 2 + 4 + 4


def test_a_failed_task_shows_our_words_and_how_to_run_it_again(world, shown, page, luigid):
    (world.project / "models" / "broken.sql").write_text("select 1 / nothing as x", encoding="utf-8")
    failed = world.run("FullPipeline", "--run-id=tonight", **shown)

    page.open("statuses=%5B%22FAILED%22%5D")
    page.press("RunDbt", ".showError")
    page.await_one("#errorModal", "Command to re-run")
    told, command = page.texts("#errorModal pre")

    assert failed.returncode == 27, failed.stderr
    assert "model broken" in told
    assert "readers see what they saw" in " ".join(told.split())
    assert "what to do:" in told
    assert "Traceback" not in told
    assert command.startswith("luigi --module tasks RunDbt ")
    again = world.run(*shlex.split(command)[3:], **shown)
    assert again.returncode == 27, again.stderr


def test_no_password_is_in_what_luigid_knows(world, keeper, start, shown, page, luigid):
    uris = [url_of(database, keeper, ENCODED_PASSWORD) for database in (world.source, world.destination)]
    given = [f"--source-uri={uris[0]}", f"--destination-uri={uris[1]}"]
    command = [word for word in world.command("FullPipeline") if "-uri=" not in word]
    job = start([*command, *given], **shown)
    assert job.wait() == 0, job.said

    page.open()
    page.rows()

    for secret in (PASSWORD, ENCODED_PASSWORD, "postgresql://"):
        assert secret not in json.dumps(tasks_of(luigid))
        assert secret not in page.source
