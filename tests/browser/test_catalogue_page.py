"""The catalogue in a real browser without a network: what readers see, in words."""

import sys

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.conftest import uri_of
from tests.worlds import run_to_the_end

TITLES = """
models:
  - name: titles
    description: One row per film, with its title alone.
    columns:
      - name: title
        description: What the film is called.
"""


def test_a_model_is_shown_with_what_is_said_of_it_and_of_its_columns(published, browser, tmp_path):
    (published.project / "models" / "described.yml").write_text(TITLES, encoding="utf-8")
    settings = tmp_path / "by_hand.cfg"
    settings.write_text(f"[dbt]\nproject_dir = {published.project}\n[artifacts]\nroot = {published.artifacts}\n")
    databases = {"SOURCE_URI": uri_of(published.source), "DESTINATION_URI": uri_of(published.destination)}
    made = run_to_the_end(
        [sys.executable, "-m", "tasks", "docs"], BROWSER="true", LUIGI_CONFIG_PATH=str(settings), **databases
    )
    assert made.returncode == 0, made.stderr

    browser.get((published.artifacts / "first" / "catalogue.html").as_uri() + "#!/model/model.small.titles")

    WebDriverWait(browser, 30).until(lambda page: "What the film is called." in text_of(page))
    assert "warehouse.analytics.titles" in text_of(browser)
    assert "One row per film, with its title alone." in text_of(browser)


def text_of(page):
    return page.find_element(By.TAG_NAME, "body").text
