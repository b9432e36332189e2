"""The finished site: no warning, no dead link, and axe-core finds no violation of WCAG 2.2 AA, light or dark."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from tools.site import links
from tools.site.__main__ import SITE, build

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# All that a theme changes, and what of a page is measured by it.
COLOURS = {"color-contrast": "[data-look], [data-look] *",
           "link-in-text-block": "a[href][data-look], [data-look] a[href]"}
WIDE, NARROW = 1280, 400  # pixels: a laptop's window, and a telephone
# A page of each kind.
KINDS = ["index", "notebooks/06c_equivariance", "docs/methods", "docs/teaching/06", "api/prior", "evidence",
         "evidence/06", "bench"]
SECONDS = 120  # generous: the machine may be busy
READY = "() => window.MathJax?.startup ? MathJax.startup.promise.then(() => true) : true"
# Contrast is a matter of colours, size and weight: of all texts on a page that look alike, the first is measured.
LOOKS = """(theme) => {
    document.documentElement.dataset.theme = document.documentElement.dataset.mode = theme;
    const seen = new Set(), known = new Map([[null, ""]]);
    const behind = one => {
        if (!known.has(one)) {
            const style = getComputedStyle(one);
            known.set(one, style.backgroundColor + style.opacity + behind(one.parentElement));
        }
        return known.get(one);
    };
    for (const one of document.body.querySelectorAll("*")) {
        one.removeAttribute("data-look");
        const words = [...one.childNodes].some(part => part.nodeType === 3 && part.data.trim());
        if (!words || !one.checkVisibility()) continue;
        const style = getComputedStyle(one), parent = getComputedStyle(one.parentElement);
        const look = [style.color, style.fontSize, style.fontWeight, parent.color, behind(one)].join();
        if (!seen.has(look)) one.setAttribute("data-look", "");
        seen.add(look);
    }
}"""
CONFIGURE = "chosen => axe.configure({rules: Object.entries(chosen).map(([id, selector]) => ({id, selector}))})"
RUN = """async options => {
    const found = await axe.run("html", {resultTypes: ["violations"], preload: false, ...options});
    return found.violations.flatMap(one => one.nodes.map(node =>
        [one.id, node.target.flat().join(" "), node.html.slice(0, 150), node.failureSummary].join(" | ")));
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Path:
    """The finished pages, built without a network as all tests run; what has not changed is kept from before."""
    assert build() == 0, "Sphinx has warned: its words are above"
    return SITE / "html"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """One tab for all pages; whatever it asks of another address is refused, and noted."""
    opened = browser.new_page(bypass_csp=True, reduced_motion="reduce")
    opened.set_default_timeout(SECONDS * 1000)
    opened.abroad = []

    def refuse(route) -> None:
        opened.abroad.append(route.request.url)
        route.abort()

    opened.route(lambda url: not url.startswith((address, "data:", "blob:")), refuse)
    yield opened
    opened.close()


def violations(page: Page, url: str, width: int = WIDE) -> list[str]:
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(url)
    page.wait_for_function(READY)
    page.evaluate(AXE_SCRIPT)
    page.evaluate(CONFIGURE, COLOURS)
    found = []
    for theme, rules in (("light", TAGS), ("dark", {"type": "rule", "values": list(COLOURS)})):
        page.evaluate(LOOKS, theme)
        found += page.evaluate(RUN, {"runOnly": rules})
    return found


def test_every_link_leads_somewhere(site: Path):
    assert len(links.pages(site)) > 60
    assert not links.broken(site)


def test_every_picture_has_words(site: Path):
    assert not links.silent(site)


def test_what_shuts_somebody_out_is_seen(page: Page, address: str, site: Path):
    bad = '<p>black</p><p style="color:#bbb">pale</p><p style="color:#bbb">as pale</p><img src="a.png"></body>'
    (site / "bad.htm").write_text((site / "search.html").read_text(encoding="utf-8").replace("</body>", bad))
    found = violations(page, address + "bad.htm")
    (site / "bad.htm").unlink()
    assert [one.split(" | ")[0] for one in found] == ["color-contrast", "image-alt"]
    assert "pale" in found[0]


def test_no_page_shuts_anybody_out(page: Page, address: str, site: Path):
    found = [f"{file.relative_to(site)}: {one}" for file in links.pages(site)
             for one in violations(page, address + file.relative_to(site).as_posix())]
    assert not found, "\n".join(found)
    assert not page.abroad, "a page asks for something that is not on this machine"


def test_no_kind_of_page_shuts_out_a_telephone(page: Page, address: str):
    found = [f"{name}: {one}" for name in KINDS for one in violations(page, f"{address}{name}.html", NARROW)]
    assert not found, "\n".join(found)
