"""The report of an audit in a browser: axe-core finds nothing, light or dark, folded or open; it prints on paper."""

from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

import u3audit
from tests.u3audit.test_behind import small
from u3audit.behind import HEADINGS
from u3lab import audit

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async tags => (await axe.run("html", {runOnly: tags, resultTypes: ["violations"]})).violations.flatMap(
    one => one.nodes.map(node => [one.id, node.html.slice(0, 150), node.failureSummary].join(" | ")))"""


@pytest.fixture(scope="module", params=["classifier", "segmentation"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    net, cases = small(maps=request.param == "segmentation")
    named = audit.Cases(cases.images, cases.positive, cases.outlines, [f"p{n % 5}" for n in range(len(cases))])
    return u3audit.write(u3audit.run(net, named, out=out, trained=["p1"], behind=True), out)


def opened(browser: Browser, report: Path, look: str, width: int) -> Page:
    page = browser.new_page(bypass_csp=True, color_scheme=look, viewport={"width": width, "height": 900})
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(report.as_uri())
    return page


@pytest.mark.parametrize("look, width", [("light", 1280), ("dark", 1280), ("light", 400)])
def test_nobody_is_shut_out_and_nothing_is_asked_for(browser: Browser, report: Path, look: str, width: int):
    page = opened(browser, report, look, width)
    page.locator("summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("details[open] h3").count() == len(HEADINGS)
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(RUN, TAGS) == []
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(one => +one.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:], strict=False))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not [url for url in page.asked if not url.startswith((report.as_uri(), "data:"))]
    page.close()


def test_axe_sees_what_is_wrong_with_a_page(browser: Browser, report: Path):
    page = opened(browser, report, "light", 1280)
    page.evaluate("""() => { document.querySelector('img').removeAttribute('alt');
        document.querySelector('dd').style.color = '#bbb'; }""")
    page.evaluate(AXE_SCRIPT)
    assert {one.split(" | ")[0] for one in page.evaluate(RUN, TAGS)} == {"image-alt", "color-contrast"}
    page.close()


def test_it_prints_on_paper(browser: Browser, report: Path):
    page = opened(browser, report, "dark", 1280)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.set_viewport_size({"width": 700, "height": 900})  # A4 between its margins
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.close()
