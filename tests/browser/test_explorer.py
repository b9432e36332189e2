"""Sliders, clicks and the student's own pictures in JupyterLab: the picture follows."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.browser.desk import Desk, Figure, until
from tests.browser.small import EXPLORER
from tests.u3lab.images.files import dicom
from u3lab import pixels

SETUP = """
import u3lab, torch
from u3lab import images, live
"""
CLICKED = """
def cross(place):
    x, y = place
    picture = torch.zeros(1, 3, 104, 104)
    picture[:, :, int(103 * y), :] = picture[:, :, :, int(103 * x)] = 1
    return torch.cat([picture, picture], -1), f"x = {x:.2f}, y = {y:.2f}"

clicked = live.explore(cross, place=live.Click(0.5, 0.5, panels=2))
clicked
"""
OWN = """
def own(picture):
    x = images.load(picture, size=64)
    return x, f"mean {float(x.mean()):.2f}"

box = live.PictureBox(["dog", "coffee"])
mine = live.explore(own, picture=box)
mine
"""
FOLLOWED = """
live.explore(cross, place=live.Click(0.5, 0.5, panels=2, follow=True))
"""
SLIDER_CELL, CLICKED_CELL, OWN_CELL, FOLLOWED_CELL = 1, 2, 3, 4
ICONS = """() => {
    window.icons = [];
    new MutationObserver(seen => window.icons.push(...seen.map(one => one.target.outerHTML)))
        .observe(document.head, { attributes: true, childList: true, subtree: true });
}"""


@pytest.fixture(scope="module")
def desk(open_notebook) -> Desk:
    return open_notebook("explorers.ipynb", (SETUP, EXPLORER, CLICKED, OWN, FOLLOWED, "pass"))


def test_many_moves_end_at_the_last(desk: Desk):
    figure = desk.figure(SLIDER_CELL)
    figure.press("level", "Home")
    figure.says("level 0")
    for _ in range(8):
        desk.page.keyboard.press("ArrowRight")
    figure.says("level 8")
    until(lambda: figure.image.get_attribute("alt") == "level 8", "the last value was lost")


def test_no_move_changes_the_icon_of_the_tab(desk: Desk):
    """Each change costs the server a request, while it has the move to pass on."""
    figure = desk.figure(SLIDER_CELL)
    figure.press("level", "Home")
    figure.says("level 0")
    desk.page.evaluate(ICONS)
    figure.press("level", "End")
    figure.says("level 8")
    desk.page.locator("#jp-main-statusbar", has_text="| Idle").wait_for()
    assert not [one for one in desk.page.evaluate("window.icons") if "icon" in one]


def test_a_move_while_a_cell_runs_is_answered_afterwards(desk: Desk):
    figure = desk.figure(SLIDER_CELL)
    figure.press("level", "Home")
    figure.says("level 0")
    cell = desk.start(-1, "import time; time.sleep(3)")
    cell.locator(".jp-InputPrompt", has_text="*").wait_for()
    figure.press("level", "End")
    figure.says("level 8")


@pytest.mark.parametrize("panel", [0, 1])
def test_a_click_counts_within_its_panel_and_the_arrow_keys_go_on_from_there(desk: Desk, panel: int):
    figure = desk.figure(CLICKED_CELL)
    figure.image.scroll_into_view_if_needed()
    box = figure.image.bounding_box()
    desk.page.mouse.click(box["x"] + (panel + 0.25) * box["width"] / 2, box["y"] + 0.75 * box["height"])
    until(lambda: near(place(figure), (0.25, 0.75), 0.02), f"the click in panel {panel} was not understood")
    start = place(figure)
    desk.page.keyboard.press("ArrowDown")
    until(lambda: near(place(figure), (start[0], start[1] + 1 / 14), 0.011), "ArrowDown did not move the place")
    desk.page.keyboard.press("ArrowRight")
    until(lambda: near(place(figure), (start[0] + 1 / 14, start[1] + 1 / 14), 0.011), "ArrowRight did nothing")
    rings = figure.box.locator(".u3lab-ring").evaluate_all(
        "all => all.map(ring => [ring.offsetLeft + 8, ring.offsetTop + 8])")
    x, y = place(figure)
    assert len(rings) == 1  # in the first panel: in the others it would hide what is there
    assert near(rings[0], (x * box["width"] / 2, y * box["height"]), 2)


def test_a_drag_moves_the_place_along(desk: Desk):
    figure = desk.figure(CLICKED_CELL)
    box = figure.image.bounding_box()
    desk.page.mouse.move(box["x"] + 10, box["y"] + 10)
    desk.page.mouse.down()
    desk.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=5)
    desk.page.mouse.up()
    until(lambda: near(place(figure), (0.5, 0.5), 0.02), "the place did not follow the drag")


def test_the_place_follows_the_pointer_over_the_first_panel_if_it_shall(desk: Desk):
    figure = desk.figure(FOLLOWED_CELL)
    figure.image.scroll_into_view_if_needed()
    box = figure.image.bounding_box()
    desk.page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.3 * box["height"], steps=5)
    until(lambda: near(place(figure), (0.2, 0.3), 0.02), "the place did not follow the pointer")
    figure.says("x = 0.2")
    desk.page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.3 * box["height"])  # from one panel to the other
    desk.page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.9 * box["height"], steps=5)
    assert near(place(figure), (0.2, 0.3), 0.02)

    figure = desk.figure(CLICKED_CELL)
    before, box = place(figure), figure.image.bounding_box()
    desk.page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"], steps=5)
    assert place(figure) == before


def test_the_students_own_picture_and_a_file_that_is_none(desk: Desk, tmp_path: Path):
    figure = desk.figure(OWN_CELL)
    dog = figure.bytes()
    (tmp_path / "white.png").write_bytes(pixels.png(torch.ones(1, 3, 70, 80)))
    upload(desk, tmp_path / "white.png")
    figure.says("mean 1.00")
    white = figure.bytes()
    assert white != dog

    (tmp_path / "letter.png").write_text("dear network")
    upload(desk, tmp_path / "letter.png")
    figure.says("letter.png")
    assert figure.bytes() == white
    assert len(figure.box.locator("[role=alert]").inner_text().splitlines()) == 1

    figure.box.locator("select").select_option("coffee")
    until(lambda: figure.bytes() != white, "the menu brings no other picture")
    assert figure.box.locator("[role=alert]").count() == 0


def test_a_dicom_file_is_a_picture_too(desk: Desk, tmp_path: Path):
    pytest.importorskip("pydicom")
    ramp = np.linspace(0, 4095, 64 * 96).astype(np.uint16).reshape(64, 96)  # of 12 bits
    (tmp_path / "slice.dcm").write_bytes(dicom(ramp, bits=12))
    figure = desk.figure(OWN_CELL)
    frame = figure.number()
    upload(desk, tmp_path / "slice.dcm")
    figure.newer(frame)
    chosen = figure.box.locator("select").evaluate("menu => menu.selectedOptions[0].label")
    assert chosen.split() == ["your", "own:", "slice.dcm"]
    assert figure.box.locator("[role=alert]").count() == 0


def test_every_live_picture_has_words(desk: Desk):
    words = desk.words()
    assert len(words) == 4 and all(words) and "no picture yet" not in words
    assert desk.complaints == []


def place(figure: Figure) -> tuple[float, float]:
    x, y = figure.box.locator(".widget-html").last.inner_text().split(", ")
    return float(x.removeprefix("x = ")), float(y.removeprefix("y = "))


def near(a: tuple[float, float], b: tuple[float, float], distance: float) -> bool:
    return all(abs(one - other) <= distance for one, other in zip(a, b, strict=True))


def upload(desk: Desk, file: Path) -> None:
    with desk.page.expect_file_chooser() as chooser:
        desk.figure(OWN_CELL).box.locator(".widget-upload").click()
    chooser.value.set_files(file)
