"""The live figures in Jupyter Notebook 7: no JupyterLab around them, and they move."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, TimeoutError

from tests.browser.desk import OVER, RUN_SECONDS, SECONDS, Desk
from tests.browser.jupyter import jupyterlab, write_notebook
from tests.browser.small import EXPLORER, PLAYER, QUIZ, SETUP, lives

BEGUN = """() => [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")]
    .some(one => /[*\\d]/.test(one.innerText))"""
CLICKS = """
live.explore(lambda place: (torch.full((1, 3, 40, 60), place[0]), f"across {place[0]:.1f}"), place=live.Click(0.5, 0.5))
"""


def run_all(desk: Desk) -> None:
    """Until page and kernel are joined, Run All does nothing, though the page says idle already."""
    for _ in range(6):
        desk.menu("Run", "Run All Cells")
        with suppress(TimeoutError):
            desk.page.wait_for_function(BEGUN, timeout=SECONDS * 1000 / 6)
            return


def test_a_slider_a_click_a_player_and_a_quiz(browser: Browser, tmp_path: Path):
    file = write_notebook(tmp_path / "small.ipynb", (SETUP, EXPLORER, CLICKS, PLAYER, QUIZ))
    with jupyterlab(tmp_path / "home", tmp_path, program="notebook") as server:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{server.url}notebooks/{file.name}?token={server.token}")
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for()
        desk = Desk(page, server, file)
        run_all(desk)
        page.wait_for_function(OVER, polling=300, timeout=RUN_SECONDS * 1000)
        explorer, clicked, player = (desk.figure(number) for number in (1, 2, 3))
        clicked.image.click(position={"x": 2, "y": 2})
        clicked.says("across 0.0")
        lives(page, explorer, player)
        page.close()
