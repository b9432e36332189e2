"""A deck that ``make slides`` has written, opened from its folder as from a stick."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.desk import until
from tools import slides


def test_a_deck_opens_and_goes_on_by_the_keyboard_and_asks_nobody(
        browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(slides, "FOLDER", tmp_path / "slides")
    assert slides.main(["06"]) == 0
    deck = tmp_path / "slides" / "06_saliency.html"
    assert capsys.readouterr().out == f"{deck}\n"
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(deck.as_uri())
    shown = page.locator(".reveal .slides section.present:not(.stack)")
    until(lambda: shown.count() == 1 and "6 · Saliency" in shown.inner_text(), "the title is not shown")
    seen = [shown.inner_text()]
    for _ in range(2):
        page.keyboard.press("ArrowRight")
        until(lambda: shown.count() == 1 and shown.inner_text() not in seen, "the next slide is not shown")
        seen.append(shown.inner_text())
        picture = shown.locator("img").first
        assert picture.is_visible() and picture.evaluate("one => one.naturalWidth") > 100
    assert not [url for url in asked if not url.startswith((f"{deck.parent.as_uri()}/", "data:", "blob:"))]
    assert complaints == []
    page.close()
