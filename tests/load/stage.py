"""Seconds to the first picture of a page for the stage: ``python -m tests.load.stage [CHAPTER …]``; without one, all.

Each chapter is opened as an instructor does: ``u3lab demo CHAPTER``, with the second kernel, and headless Chromium.
*Cold* are the seconds from the command to the first picture. Then the page is closed, the kernel that waits comes to
rest, and the page is opened again: *warm* are the seconds from there to the first picture. Nothing here is a test: the
numbers belong to the machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.jupyter import FLAGS, find_chromium, stage
from u3lab import demo

SECONDS = 600  # before it is given up
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
        visit(browser, url)
        cold = time.monotonic() - begun
        while len(kernels()) < 2 or not at_rest():
            if time.monotonic() - begun > SECONDS:
                raise TimeoutError(f"the second kernel of {chapter} does not come to rest")
        begun = time.monotonic()
        visit(browser, url)
        return cold, time.monotonic() - begun


def visit(browser: Browser, url: str) -> None:
    """Open the page, wait for its first picture, and close it."""
    page: Page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.goto(url, timeout=SECONDS * 1000)
    page.wait_for_function(PICTURE, polling=50, timeout=SECONDS * 1000)
    page.close()


def kernels() -> dict[str, psutil.Process]:
    """The kernels that this program has started, by their id."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        try:
            words = child.cmdline()
        except psutil.NoSuchProcess:  # it ended in between
            continue
        found |= {Path(word).stem.removeprefix("kernel-"): child for word in words
                  if Path(word).name.startswith("kernel-") and word.endswith(".json")}
    return found


def at_rest(seconds: float = 3.0) -> bool:
    """Whether no kernel computes for so long, each having begun to."""
    def spent() -> dict[str, float]:
        return {name: sum(one.cpu_times()[:2]) for name, one in kernels().items()}
    before = spent()
    time.sleep(seconds)
    after = spent()
    return before.keys() == after.keys() and all(1 < after[name] < before[name] + 0.1 for name in after)


if __name__ == "__main__":
    sys.exit(main())
