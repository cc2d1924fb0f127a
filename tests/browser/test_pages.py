"""The pages of a run in a real browser, on a phone and on a desk, by day and by night."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver import Chrome

from tasks import pages
from tests import gallery

WIDTHS, THEMES = (375, 1280), ("light", "dark")

# What a person sees: sizes, what sticks out of the page on either side, and what lies over something else in it.
_SEEN = """
const inside = [...document.querySelectorAll('header *, main *, footer *')].filter(e => !e.closest('defs'));
const box = e => e.getBoundingClientRect();
const told = e => e.tagName + ' ' + e.textContent.trim().slice(0, 60);
const texts = [...document.querySelectorAll('svg')].flatMap(svg => {
    const all = [...svg.querySelectorAll('text')];
    return all.flatMap((a, n) => all.slice(n + 1).map(b => [a, b]));
});
return {
    width: document.documentElement.scrollWidth,
    outside: inside.filter(e => box(e).right > arguments[0] + 1 || box(e).left < -1).map(told),
    overlapping: texts.filter(([a, b]) => box(a).right > box(b).left && box(b).right > box(a).left
        && box(a).bottom > box(b).top + 2 && box(b).bottom > box(a).top + 2).map(pair => pair.map(told)),
    fetched: performance.getEntriesByType('resource').map(entry => entry.name),
    ground: getComputedStyle(document.body).backgroundColor,
};
"""

# The contrast of every text with what is behind it, by the formula of WCAG 2.
_CONTRASTS = """
const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
const linear = c => c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => [r, g, b].map(linear).reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
const behind = e => {
    const ground = numbers(getComputedStyle(e).backgroundColor);
    return ground.length === 4 && ground[3] === 0 ? behind(e.parentElement) : ground;
};
return [...document.querySelectorAll('body *')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .filter(e => !e.closest('title')).map(e => {
        const style = getComputedStyle(e);
        const [a, b] = [light(numbers(e.closest('svg') ? style.fill : style.color)), light(behind(e))];
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName + '.' + e.getAttribute('class')];
    }).filter(([ratio]) => ratio < 4.5);
"""


@pytest.fixture
def look(browser: Chrome, tmp_path) -> Iterator[Callable[..., Chrome]]:
    """Open a page at a width, in a theme, with everything unfolded or not."""

    def opened(source: str, width: int, theme: str, *, is_unfolded: bool) -> Chrome:
        page = tmp_path / "page.html"
        page.write_text(source, encoding="utf-8")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(page.as_uri())
        browser.execute_script(
            f"document.querySelectorAll('details').forEach(e => e.open = {str(is_unfolded).lower()})"
        )
        return browser

    # What the pages of other tests have said.
    browser.get_log("browser")
    yield opened
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.fixture(params=[*gallery.KINDS, "index"])
def source(request) -> str:
    if request.param == "index":
        return pages.index_page(gallery.month(), untold=gallery.HOSTILE)
    return pages.report_page(gallery.KINDS[request.param]())


def test_a_page_fits_a_phone_and_a_desk_by_day_and_by_night_and_asks_for_nothing(source, look):
    grounds = set()
    for width, theme, is_unfolded in itertools.product(WIDTHS, THEMES, (False, True)):
        browser = look(source, width, theme, is_unfolded=is_unfolded)

        seen = browser.execute_script(_SEEN, width)

        assert seen["width"] <= width
        assert seen["outside"] == []
        assert seen["overlapping"] == []
        assert seen["fetched"] == []
        assert browser.get_log("browser") == []
        grounds.add((theme, seen["ground"]))
    assert len(grounds) == len({ground for _, ground in grounds}) == len(THEMES)


def test_whatever_is_written_on_a_page_can_be_read(source, look):
    for theme in THEMES:
        assert look(source, 375, theme, is_unfolded=True).execute_script(_CONTRASTS) == []


def test_nothing_that_others_have_named_is_run(look):
    browser = look(pages.report_page(gallery.hostile()), 375, "light", is_unfolded=True)

    assert browser.execute_script("return document.scripts.length") == 0
    assert browser.execute_script("return document.querySelectorAll('main')[0].textContent").count("<script>") > 10
