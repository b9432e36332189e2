"""A small notebook that every front end must bring to life: its cells, and what a student does there."""

from playwright.sync_api import Page

from tests.browser.desk import Figure, until
from u3course.course import catalogue

SETUP = """
import u3lab, torch
from u3course import course
from u3lab import live, saliency
from u3lab.descent import Step
"""
EXPLORER = """
live.explore(lambda level: (torch.full((1, 3, 40, 60), level / 8), f"level {level}"), level=(0, 8))
"""
PLAYER = """
def growing(settings):
    for n in range(100_000):
        yield Step(n, 1 / (n + 1), torch.full((1, 3, 8, 8), n % 200 / 200), {})

live.play(growing, saliency.MaskSettings(), "lam")
"""
QUIZ = 'course.quiz("6")'


def lives(page: Page, explorer: Figure, player: Figure) -> None:
    """Move the slider, play and pause, answer a question; every picture has words."""
    before = explorer.bytes()
    explorer.press("level", "End")
    explorer.says("level 8")
    until(lambda: explorer.bytes() != before, "the slider was moved, and the picture stayed")
    player.button("play").click()
    player.newer(player.number() + 20)
    player.button("pause").click()
    question = catalogue.questions("6")[0]
    page.locator(".widget-radio-box").first.locator("input").nth(question.answer).check()
    page.locator("[role=status]", has_text=question.why[question.answer]).wait_for()
    assert all(page.locator("img.widget-image").evaluate_all("all => all.map(image => image.alt)"))
