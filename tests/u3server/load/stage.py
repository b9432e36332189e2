"""Seconds to the first picture of a page for the stage: ``python -m tests.u3server.load.stage [CHAPTER …]``, or of all.

Each chapter is opened as an instructor does: ``u3lab demo CHAPTER``, with the second kernel, and headless Chromium.
*Cold* are the seconds from the command to the first picture. Then the page is closed, the kernel that waits comes to
rest, and the page is opened again: *warm* are the seconds from there to the first picture. Nothing here is a test: the
numbers belong to the machine.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.jupyter import FLAGS, find_chromium, stage
from u3server import demo

SECONDS = 600  # before it is given up
REST = 3  # seconds without computing
PICTURE = "() => [...document.querySelectorAll('img.widget-image')].some(one => one.naturalWidth)"


def main(arguments: list[str] | None = None) -> int:
    """Open the pages one after the other, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 06")
    program = find_chromium()
    if program is None:
        print("no Chromium, Chrome or Edge was found", file=sys.stderr)
        return 1
    print("| page | first picture, cold (s) | warm (s) |\n|---|---|---|")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        for chapter in parser.parse_args(arguments).chapters or demo.chapters():
            cold, warm = measured(browser, chapter)
            print(f"| {chapter} | {cold:.1f} | {warm:.1f} |", flush=True)
        browser.close()
    return 0


def measured(browser: Browser, chapter: str) -> tuple[float, float]:
    """Seconds to the first picture of a chapter's page, cold and warm."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as home, stage(Path(home), chapter, preheated=True) as url:
        first = visit(browser, url)
        cold = time.monotonic() - begun
        another(Path(home), first, SECONDS)
        begun = time.monotonic()
        visit(browser, url)
        return cold, time.monotonic() - begun


def visit(browser: Browser, url: str) -> str:
    """Open the page, wait for its first picture, and close it; the id of its kernel."""
    page: Page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.goto(url, timeout=SECONDS * 1000)
    page.wait_for_function(PICTURE, polling=50, timeout=SECONDS * 1000)
    kernel = kernel_of(page)
    page.close()
    return kernel


def kernel_of(page: Page) -> str:
    return page.evaluate("() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")


def another(home: Path, first: str, seconds: float) -> str:
    """Wait until a server has a kernel beside the first page's, and all of them have come to rest; the other's id."""
    end = time.monotonic() + seconds
    before: dict[str, float] = {}
    while time.monotonic() < end:
        now = spent(home)
        others = now.keys() - {first}
        if others and before.keys() == now.keys() and all(1 < now[name] < before[name] + 0.1 for name in now):
            return others.pop()
        before = now
        time.sleep(REST)
    raise TimeoutError("no second kernel comes to rest")


def spent(home: Path) -> dict[str, float]:
    """Seconds of a core that each kernel of a server has computed, by the kernel's id; ``home`` is the server's."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended in between
            if child.environ().get("JUPYTER_RUNTIME_DIR") == str(home / "runtime"):
                found |= {Path(word).stem.removeprefix("kernel-"): sum(child.cpu_times()[:2])
                          for word in child.cmdline() if Path(word).name.startswith("kernel-")}
    return found


if __name__ == "__main__":
    sys.exit(main())
