"""A class on one server: a student logs in, works in copies of the chapters, and a neighbour's files stay closed."""

import asyncio
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.desk import RUN_SECONDS, Desk, until
from tests.browser.hub import TEACHER, Hub, jupyterhub, logged_in, need_hub
from tests.browser.jupyter import NOTEBOOKS, Lab
from tests.browser.test_day_two import trap, trapped
from tests.u3server.load.school import WARM_UP, token_of

ADA, BEN, CLEO = "ada", "ben", "cleo"
CHAPTER, LATER = "00_start_here.ipynb", "06c_equivariance.ipynb"
OTHERS = stat.S_IRWXG | stat.S_IRWXO  # the rights of the group and of all


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    need_hub()
    with jupyterhub(tmp_path_factory.mktemp("hub"), (ADA, BEN, CLEO)) as started:
        yield started


@pytest.fixture(scope="module")
def ada(browser: Browser, hub: Hub) -> Iterator[Desk]:
    """Ada's first chapter, as the hub opens it after she has logged in."""
    context = logged_in(browser, hub, ADA)
    page = context.pages[0]
    page.goto(f"{hub.url}hub/spawn")
    folder = hub.homes / ADA / "u3lab-notebooks"
    page.wait_for_url(f"{hub.server(ADA)}lab/tree/{CHAPTER}")
    page.locator("#jp-main-statusbar", has_text="| Idle").first.wait_for()
    yield Desk(page, Lab(hub.server(ADA), "", folder, 0), folder / CHAPTER)
    context.close()


@pytest.fixture(scope="module")
def ben(browser: Browser, hub: Hub) -> Iterator[BrowserContext]:
    context = logged_in(browser, hub, BEN)
    yield context
    context.close()


def first_live_cell() -> tuple[int, int]:
    """The second cell that makes a figure with sliders, and the next one in view: all above that are run."""
    code = [cell for cell in nbformat.read(NOTEBOOKS / CHAPTER, as_version=4).cells if cell.cell_type == "code"]
    number = next(number for number, cell in enumerate(code) if number and "live.explore(" in cell.source)
    return number, next(later for later, cell in enumerate(code) if later > number
                        and not cell.metadata.get("jupyter", {}).get("source_hidden"))


def test_a_student_moves_a_slider_in_a_chapter(ada: Desk):
    number, below = first_live_cell()
    ada.cell(below).locator(".cm-content").click()
    ada.menu("Run", "Run All Above Selected Cell")
    figure = ada.figure(number)
    figure.image.wait_for(timeout=RUN_SECONDS * 1000)  # until then there is the picture that came with the notebook
    before = figure.bytes()
    figure.box.locator(".noUi-handle").first.focus()
    ada.page.keyboard.press("End")
    until(lambda: figure.bytes() != before, "the slider was moved, and the picture stayed")


def test_a_student_works_in_copies_that_nobody_else_can_read(ada: Desk):
    assert {file.name for file in ada.lab.folder.glob("*.ipynb")} == {file.name for file in NOTEBOOKS.glob("*.ipynb")}
    assert not [path for path in (ada.lab.folder, *ada.lab.folder.rglob("*")) if path.stat().st_mode & OTHERS]


def test_the_settings_of_the_folder_reach_a_student_s_server(ada: Desk):
    """Those of deploy/. JupyterLab itself would ask each student whether to fetch news, and has a debugger."""
    plugin = ada.page.request.get(f"{ada.lab.url}lab/api/settings/@jupyterlab/apputils-extension:notification").json()
    assert plugin["schema"]["properties"]["fetchNews"]["default"] == "false"
    told = ada.page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent)")
    assert "@jupyterlab/debugger-extension" in told["disabledExtensions"]


@pytest.mark.parametrize("path", [f"lab/tree/{CHAPTER}", f"files/{CHAPTER}", f"api/contents/{CHAPTER}", "api/kernels",
                                  "api/terminals"])
def test_a_neighbour_and_a_stranger_are_refused(ada: Desk, ben: BrowserContext, hub: Hub, browser: Browser, path: str):
    asked = hub.server(ADA) + path
    assert ada.page.request.get(asked).status == 200
    assert ben.request.get(asked).status == 403
    stranger = browser.new_context()
    answer = stranger.request.get(asked)
    assert answer.status == 403 or answer.url.startswith(f"{hub.url}hub/login?")
    stranger.close()


def test_a_notebook_that_was_handed_in_runs_nothing_when_it_is_opened(ada: Desk):
    assert "widget-state" in trap(ada.lab.folder / "handed-in.ipynb").read_text()
    page = ada.page.context.new_page()
    page.goto(f"{ada.lab.url}lab/workspaces/other/tree/handed-in.ipynb")
    assert not trapped(page)
    page.close()


def test_a_server_shows_nothing_outside_its_folder(ada: Desk, hub: Hub):
    for folder in (ada.lab.folder, hub.homes / BEN):
        (folder / "diary.txt").write_text("a quiet day")
    assert ada.page.request.get(f"{hub.server(ADA)}files/diary.txt").status == 200
    assert ada.page.request.get(f"{hub.server(ADA)}files/..%2F..%2F{BEN}%2Fdiary.txt").status in (403, 404)


def token(hub: Hub, name: str) -> str:
    """A token of somebody's, in a thread, since Playwright's loop runs in this one."""
    with ThreadPoolExecutor() as elsewhere:
        return elsewhere.submit(asyncio.run, token_of(hub, name)).result()


def warmed_up(hub: Hub, *arguments: str, by: str = "") -> subprocess.CompletedProcess:
    """What deploy/warm_up.py says, with its own token or another."""
    return subprocess.run([sys.executable, str(WARM_UP), *arguments, "--hub", hub.own, "--token-file", "-"],
                          input=by or hub.token.read_text(), capture_output=True, text=True, timeout=RUN_SECONDS)


def test_before_a_lesson_a_kernel_with_torch_waits_and_the_page_takes_it(hub: Hub, browser: Browser):
    said = warmed_up(hub, "06c", CLEO)
    assert (said.returncode, said.stderr) == (0, "") and said.stdout.startswith(f"{CLEO}: ready after ")
    said = warmed_up(hub, "00", CLEO)
    assert (said.returncode, said.stderr, said.stdout) == (0, "", f"{CLEO}: was there\n")
    context = logged_in(browser, hub, CLEO)
    page, folder = context.pages[0], hub.homes / CLEO / "u3lab-notebooks"
    page.goto(f"{hub.server(CLEO)}lab/tree/{LATER}")
    page.locator("#jp-main-statusbar", has_text="| Idle").first.wait_for()
    desk = Desk(page, Lab(hub.server(CLEO), "", folder, 0), folder / LATER)
    cell = desk.start(1, "import sys; print('torch' in sys.modules, 'torch' in globals())")
    cell.locator("pre", has_text="True True").wait_for()
    assert cell.locator(".jp-InputPrompt").inner_text() == "[1]:"  # what has run before does not count
    context.close()


def test_who_cannot_be_warmed_up_is_said(hub: Hub):
    said = warmed_up(hub, "06c", CLEO, "nobody/else", TEACHER)
    assert said.returncode == 1 and all(f"{name}: HTTP 404" in said.stdout for name in ("nobody/else", TEACHER))
    assert f"{CLEO}: " in said.stdout
    said = warmed_up(hub, "99")
    assert said.returncode == 1 and said.stderr.startswith("there is no chapter '99'; choose one of 00, 01, 01b, ")
    for wrong in ("wrong", token(hub, BEN)):
        said = warmed_up(hub, "06c", by=wrong)
        assert said.returncode == 1 and said.stderr.startswith("the hub refused (HTTP 403"), said
