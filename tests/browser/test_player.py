"""A running optimisation in JupyterLab: steered while it runs, and stopped by whatever should stop it."""

import re
import time

import psutil
import pytest
from playwright.sync_api import Browser

from tests.browser.desk import Desk, Figure, until

SETUP = """
import u3lab, torch
from u3lab import descent, images, live, nets, pixels, saliency
from u3lab.descent import Step
"""
ELIDING = """
net = nets.load("squeezenet1_1")
x = images.load("coffee", size=net.size)

def perturbing(settings):
    for step in saliency.meaningful_perturbation(net, x, "espresso", settings=settings):
        yield step, pixels.overlay(x, step.value, scale=1.0), f"mask covers {float(step.value.mean()):.0%}"

def left_alone(steps):
    settings = saliency.MaskSettings(steps=steps)
    return float(descent.last(saliency.meaningful_perturbation(net, x, "espresso", settings=settings)).value.mean())

perturbing_player = live.play(perturbing, saliency.MaskSettings(steps=1000), "lam")
perturbing_player
"""
# Two players that cost next to nothing, so that what is tested is who runs and who does not.
TWO = """
def growing(settings):
    for n in range(100_000):
        yield Step(n, 1 / (n + 1), torch.full((1, 3, 8, 8), n % 200 / 200), {})

def still(settings):
    for n in range(150):
        yield Step(n, 1.0, torch.full((1, 3, 8, 8), 0.5), {})

one, two = (live.play(growing, saliency.MaskSettings(steps=1000), "lam") for _ in range(2))
"""
SCREENS = """sum(isinstance(w, live.Screen) for w in __import__("ipywidgets").widgets.widget._instances.values())"""
ELIDING_CELL, TWO_CELL, ONE_CELL, OTHER_CELL, STILL_CELL = 1, 2, 3, 4, 5


@pytest.fixture(scope="module")
def desk(open_notebook) -> Desk:
    return open_notebook("players.ipynb", (SETUP, ELIDING, TWO, "one", "two",
                                           "live.play(still, saliency.MaskSettings(), 'lam')", "pass"))


def step_of(figure: Figure) -> int:
    found = re.match(r"step (\d+)", figure.image.get_attribute("alt") or "")
    return int(found[1]) if found else -1


def play(figure: Figure) -> None:
    before = figure.number()
    figure.button("play").click()
    figure.newer(before + 3)


def stopped(figure: Figure) -> bool:
    """Whether the figure says that it stands still, and does."""
    figure.button("play").wait_for()
    time.sleep(0.5)  # the frame that was on its way
    before = figure.number()
    time.sleep(1)
    return figure.number() == before


def test_a_higher_price_turned_up_during_the_run_shrinks_the_mask(desk: Desk):
    figure = desk.figure(ELIDING_CELL)
    assert step_of(figure) == 0
    play(figure)
    figure.press("λ", "PageUp")  # the key of a large step
    desk.page.keyboard.press("End")
    pressed = step_of(figure)
    until(lambda: step_of(figure) > pressed + 40, "the run did not go on")
    assert figure.button("pause").is_visible()  # it ran all the while
    figure.button("pause").click()
    assert stopped(figure)
    steps, area, price = desk.ask("[perturbing_player.step.iteration, float(perturbing_player.step.value.mean()), "
                                  "perturbing_player.settings.lam]")
    assert price == 5 and 3 <= pressed < steps == step_of(figure)
    alone = desk.ask(f"left_alone({steps})")
    assert area < 0.7 * alone, f"after {steps} steps the mask covers {area:.2f}, left alone {alone:.2f}"


def test_running_another_cell_pauses(desk: Desk):
    one = desk.figure(ONE_CELL)
    if not one.button("pause").is_visible():
        play(one)
    assert desk.ask("2 + 2") == 4
    assert stopped(one)
    play(one)  # and it can go on


def test_interrupting_the_kernel_pauses_and_play_goes_on(desk: Desk):
    one = desk.figure(ONE_CELL)
    if not one.button("pause").is_visible():
        play(one)
    desk.menu("Kernel", "Interrupt Kernel")
    assert stopped(one)
    before = step_of(one)
    play(one)
    assert step_of(one) > before  # the run is the same
    one.button("pause").click()
    assert stopped(one)


def test_pictures_that_do_not_change_are_no_reason_to_stop(desk: Desk):
    figure = desk.figure(STILL_CELL)
    play(figure)
    until(lambda: step_of(figure) == 149, "the run stopped before its end")
    figure.button("play").wait_for()  # at its end


def test_a_cell_that_is_run_again_closes_what_it_made_before(desk: Desk):
    before = desk.ask(SCREENS)
    play(desk.figure(STILL_CELL))
    for _ in range(3):
        desk.run(STILL_CELL)
    assert desk.ask(SCREENS) == before
    play(desk.figure(STILL_CELL))  # the new one works
    desk.run(TWO_CELL)
    assert desk.ask(SCREENS) == before  # the two that were shown by other cells are gone too


def test_every_live_picture_has_words(desk: Desk):
    words = desk.words()
    assert words and all(words) and "no picture yet" not in words
    assert desk.complaints == []


def test_a_page_that_is_closed_leaves_no_player_behind(desk: Desk, browser: Browser):
    """The last test of this page."""
    desk.run(ONE_CELL)
    play(desk.figure(ONE_CELL))
    kernel = desk.process()
    assert load(kernel) > 0.02  # it works
    desk.page.close()
    until(lambda: load(kernel) < 0.02, "the kernel still computes, and nobody looks")
    again = Desk.open(browser, desk.lab, desk.file.name)  # the kernel is the same
    assert "no page shows this picture" in again.ask("one.line.value")
    before = again.ask("one.step.iteration")
    again.run(ONE_CELL)
    play(again.figure(ONE_CELL))
    assert step_of(again.figure(ONE_CELL)) > before
    again.page.close()


def load(kernel: psutil.Process, seconds: float = 3.0) -> float:
    before = sum(kernel.cpu_times()[:2])
    time.sleep(seconds)
    return (sum(kernel.cpu_times()[:2]) - before) / seconds
