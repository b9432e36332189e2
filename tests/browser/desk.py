"""A notebook that is open in a page, and what a student does there."""

import json
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Locator, Page

from tests.browser.jupyter import Lab

RUN_SECONDS, SECONDS = 900, 60  # generous: the machine may be busy, and nothing here is a measurement
# The prompt of a cell is [ ]: before it runs, [*]: while it waits or runs, [7]: afterwards. An error empties those that
# still wait. A folded cell's prompt is not on the page: the program itself has it. A dialogue says, for example, that
# the kernel has died.
PROMPTS = """() => window.jupyterapp.shell.currentWidget.content.widgets.filter(cell => cell.model.type === "code")
    .map(cell => cell.inputArea.promptNode.textContent)"""
OVER = f"""() => {{
    const prompts = ({PROMPTS})();
    const over = prompts.some(text => /\\d/.test(text)) && !prompts.some(text => text.includes("*"));
    return over || document.querySelector(".jp-Dialog") !== null;
}}"""
BYTES = """async image => Array.from(new Uint8Array(await (await fetch(image.src)).arrayBuffer()))"""


@dataclass(frozen=True)
class Desk:
    """A notebook in JupyterLab: the page that shows it and the file behind it."""

    page: Page
    lab: Lab
    file: Path
    complaints: list[str] = field(default_factory=list)  # what the page's scripts threw

    @classmethod
    def open(cls, browser: Browser, lab: Lab, name: str) -> "Desk":
        """Open a notebook of the lab's folder, and wait for its kernel."""
        desk = cls(browser.new_page(viewport={"width": 1280, "height": 1000}), lab, lab.folder / name)
        desk.page.set_default_timeout(SECONDS * 1000)
        desk.page.on("pageerror", lambda error: desk.complaints.append(str(error)))
        desk.page.goto(lab.address(name))
        desk.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        # Before the kernel is there, Run All does nothing. A dialogue comes if the notebook names no kernel.
        dialogue = desk.page.locator(".jp-Dialog")
        desk.page.locator("#jp-main-statusbar", has_text="| Idle").or_(dialogue).first.wait_for()
        assert dialogue.all_inner_texts() == []
        return desk

    def close(self) -> None:
        """Close the page and end the kernel, so that it takes no more memory."""
        self.page.close()
        kernel = self.kernel()
        if kernel:
            urllib.request.urlopen(urllib.request.Request(
                f"{self.lab.url}api/kernels/{kernel}?token={self.lab.token}", method="DELETE"), timeout=30).close()

    def kernel(self) -> str:
        """The id of this notebook's kernel; "" if it has none."""
        sessions = self.lab.get("api/sessions")
        return next((one["kernel"]["id"] for one in sessions if one["path"] == self.file.name), "")

    def process(self) -> psutil.Process:
        """The process of this notebook's kernel, a child of the server."""
        kernel = self.kernel()
        return next(child for child in psutil.Process(self.lab.pid).children(recursive=True)
                    if any(kernel in word for word in child.cmdline()))

    def menu(self, name: str, entry: str) -> None:
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        self.page.locator(".lm-Menu-itemLabel").get_by_text(entry, exact=True).click()

    def run_all(self) -> None:
        """Run All Cells, and wait until every cell has run or one has failed."""
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(OVER, polling=300, timeout=RUN_SECONDS * 1000)

    def cell(self, number: int) -> Locator:
        """A code cell; -1 is the last."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def start(self, number: int, source: str | None = None) -> Locator:
        """Run one cell with the keyboard, after typing ``source`` over what is there, without a wait; the cell."""
        cell = self.cell(number)
        cell.locator(".cm-content").click()
        if source is not None:
            self.page.keyboard.press("ControlOrMeta+a")
            self.page.keyboard.insert_text(source)
        self.page.keyboard.press("ControlOrMeta+Enter")
        return cell

    def run(self, number: int, source: str | None = None) -> Locator:
        """The same; its output once it is over."""
        prompt = self.cell(number).locator(".jp-InputPrompt")
        before = prompt.inner_text()
        cell = self.start(number, source)
        until(lambda: any(c.isdigit() for c in prompt.inner_text()) and prompt.inner_text() != before,
              f"cell {number} did not finish")
        return cell.locator(".jp-Cell-outputArea")

    def words(self) -> list[str]:
        """Those of each live picture, for who does not see it."""
        return self.page.locator("img.widget-image").evaluate_all("all => all.map(image => image.alt)")

    def ask(self, expression: str) -> Any:
        """The value of an expression in the kernel, as JSON; asked through the last cell, as a student would."""
        output = self.run(-1, f"import json; print(json.dumps({expression}))").locator("pre").last
        return json.loads(output.inner_text())

    def figure(self, number: int) -> "Figure":
        return Figure(self.page, self.cell(number).locator(".jp-Cell-outputArea"))


@dataclass(frozen=True)
class Figure:
    """A live figure on a page: the picture, its controls and the line of text below."""

    page: Page
    box: Locator

    @property
    def image(self) -> Locator:
        return self.box.locator("img.widget-image").first

    def handle(self, name: str) -> Locator:
        label = self.page.get_by_text(name, exact=True)
        return self.box.locator(".widget-slider", has=label).locator(".noUi-handle")

    def button(self, name: str) -> Locator:
        """The button with this label; an icon before it counts as a letter."""
        return self.box.get_by_role("button", name=re.compile(rf"(^|\W){re.escape(name)}$"))

    def press(self, name: str, key: str) -> None:
        self.handle(name).focus()
        self.page.keyboard.press(key)

    def bytes(self) -> list[int]:
        """The file that the picture shows now."""
        return self.image.evaluate(BYTES)

    def number(self) -> int:
        """The number of the frame that is on the page; 0 before the first."""
        return int(self.image.get_attribute("data-frame") or 0)

    def says(self, words: str) -> None:
        self.box.locator(".widget-html", has_text=words).first.wait_for()

    def newer(self, than: int) -> int:
        until(lambda: self.number() > than, f"no frame came after number {than}")
        return self.number()


def until(condition: Callable[[], bool], complaint: str, seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, complaint
        time.sleep(0.05)
