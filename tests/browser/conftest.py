"""A JupyterLab of its own and the system's Chromium, for tests that do what a student does with mouse and keyboard."""

import os
from collections.abc import Callable, Iterator

import nbformat
import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.desk import Desk
from tests.browser.jupyter import (
    FLAGS,
    NOTEBOOKS,
    OURS,
    Lab,
    find_chromium,
    jupyterlab,
    without_outputs,
    write_notebook,
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless browser with a new, empty profile."""
    program = find_chromium()
    if program is None:
        missing = "no Chromium, Chrome or Edge was found; install one to test the notebooks in a browser"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab on a copy of the notebooks without their outputs, so that what is seen was made by this run."""
    home, folder = tmp_path_factory.mktemp("jupyter"), tmp_path_factory.mktemp("notebooks")
    for path in NOTEBOOKS.glob("*.ipynb"):
        nbformat.write(without_outputs(path), folder / path.name)
    with jupyterlab(home, folder, {**os.environ, **OURS}) as started:
        yield started


@pytest.fixture(scope="module")
def open_notebook(browser: Browser, lab: Lab) -> Iterator[Callable[..., Desk]]:
    """``open_notebook(name, cells)``: write a notebook of these cells, open it and run all; closed after the module."""
    opened: list[Desk] = []

    def open_one(name: str, cells: tuple[str, ...] = ()) -> Desk:
        if cells:
            write_notebook(lab.folder / name, cells)
        desk = Desk.open(browser, lab, name)
        opened.append(desk)
        desk.run_all()
        return desk

    yield open_one
    for desk in opened:
        desk.close()
