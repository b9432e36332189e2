"""A copy that is open in JupyterLab while `u3lab start` replaces it: no words are lost, and what is saved is whole."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser

from tests.browser.desk import Desk, until
from tests.browser.jupyter import Lab, write_notebook
from u3server import copies

NAME = "06_open.ipynb"


@pytest.fixture
def open_copy(browser: Browser, lab: Lab, tmp_path: Path) -> Iterator[Desk]:
    """A copy of an original in tmp_path, opened and not yet touched."""
    write_notebook(tmp_path / NAME, ["1 + 1"])
    copies.refresh(tmp_path, lab.folder)
    desk = Desk.open(browser, lab, NAME)
    yield desk
    desk.close()


def test_jupyterlab_asks_before_it_saves_over_a_newer_version(open_copy, tmp_path):
    page, file = open_copy.page, open_copy.file
    open_copy.cell(0).locator(".cm-content").click()
    page.keyboard.insert_text("my own words  # ")
    write_notebook(tmp_path / NAME, ["2 + 2"])
    assert "replaced" in copies.refresh(tmp_path, file.parent)[0] and "2 + 2" in file.read_text()
    page.wait_for_timeout(1000)  # JupyterLab takes files of the same half second for the same
    page.keyboard.press("ControlOrMeta+s")
    dialogue = page.locator(".jp-Dialog")
    dialogue.get_by_text("has changed on disk").wait_for()
    assert "2 + 2" in file.read_text() and "my own words" in open_copy.cell(0).inner_text()
    old = file.stat().st_ino
    dialogue.get_by_role("button", name="Overwrite").click()
    until(lambda: "my own words" in nbformat.read(file, as_version=4).cells[0].source,  # whole at any moment
          "what the student chose to keep was not saved")
    assert file.stat().st_ino != old, "it was written over the old file"
    write_notebook(tmp_path / NAME, ["3 + 3"])
    assert "your own stays" in copies.refresh(tmp_path, file.parent)[0] and "my own words" in file.read_text()


def test_a_tab_shows_unsaved_work_only_when_there_is_some(browser, lab):
    write_notebook(lab.folder / "only_open.ipynb", ["1 + 1"])
    desk = Desk.open(browser, lab, "only_open.ipynb")
    unsaved = desk.page.locator(".lm-TabBar-tab.jp-mod-dirty", has_text=desk.file.name)
    desk.page.wait_for_timeout(1000)  # the kernel has said what it is, since `open` waits for it
    assert unsaved.count() == 0
    desk.cell(0).locator(".cm-content").click()
    desk.page.keyboard.insert_text("my own words  # ")
    unsaved.wait_for()
    desk.close()
