"""luigid's page in a real browser, beside a real job: what a run is at, what it waits for, why it failed."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tasks.postgres import open_session
from tests.conftest import PROJECT
from tests.luigid import Luigid
from tests.worlds import Job, World, ask, wait_until

HELD_MODEL = """{{ config(materialized='table') }}

select rating, pause.* from {{ ref('ratings') }}
cross join (select pg_advisory_xact_lock(7)::text as held) as pause
"""
BUILDING = "dbt: 5 of 6 models and tests done, now analytics.held"
CHAIN = ["DatabaseReady", "Preflight", "DumpSource", "RestoreDestination", "RunDbt", "PublishModels", "FullPipeline"]


class Page:
    """luigid's page, as a person uses it."""

    def __init__(self, browser: Chrome, url: str, pictures: Path) -> None:
        self._browser = browser
        self._url = f"{url}/static/visualiser/index.html"
        self._pictures = pictures

    def open(self, place: str) -> None:
        """Open a tab of the page anew: it shows what was so when it was loaded."""
        self._browser.get("about:blank")
        self._browser.get(f"{self._url}#{place}")

    def all(self, selector: str) -> list[WebElement]:
        return self._browser.find_elements(By.CSS_SELECTOR, selector)

    def await_one(self, selector: str, text: str = "") -> WebElement:
        """Wait until something is seen that has a text in it; a picture is kept of what was seen."""

        def found() -> list[WebElement]:
            return [each for each in self.all(selector) if each.is_displayed() and text in each.text]

        try:
            wait_until(found)
        finally:
            self._browser.save_screenshot(str(self._pictures / f"{selector.strip('#.').replace(' ', '-')}.png"))
        return found()[0]

    def rows(self) -> dict[str, str]:
        """Each task in the list: its parameters by its name."""
        wait_until(lambda: self.all("#taskTable tbody tr td:nth-child(3)"))
        cells = [
            [cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in self.all("#taskTable tbody tr")
        ]
        return {name: parameters for _, name, parameters, *_ in cells}

    def status(self, task: str) -> str:
        """What the list says of a task."""
        rows = [row.text for row in self.all("#taskTable tbody tr") if f" {task} " in row.text.replace("\n", " ")]
        return rows[0].split()[0] if rows else ""

    def press(self, task: str, button: str) -> None:
        """Press one of the buttons beside a task in the list."""
        row = next(row for row in self.all("#taskTable tbody tr") if task in row.text)
        row.find_element(By.CSS_SELECTOR, button).click()


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
