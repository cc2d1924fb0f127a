"""A real browser, for what is looked at: `make test-browser`."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.worlds import destinations, first_run, keeper, published, sources, start, world

__all__ = ["browser", "destinations", "first_run", "keeper", "published", "sources", "start", "world"]

# As root there is no sandbox; and nothing is to be asked of another machine.
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1400,900",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    """Chromium without a window and without a network."""
    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium")
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(_program("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def picture(browser, tmp_path) -> Iterator[Path]:
    """Where the last thing seen is kept, for whoever looks into a failure."""
    path = tmp_path / "seen.png"
    yield path
    browser.save_screenshot(str(path))


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is not installed; on Debian and Ubuntu: apt-get install chromium chromium-driver"
    return found
