"""``make slides``: a deck has the tagged pictures, no code, and nothing from elsewhere."""

import html
import re

import nbformat
import pytest

from tests.helpers import refuses
from tools import slides
from u3lab._system import paths
from u3server import copies, demo


def read(chapter: str) -> nbformat.NotebookNode:
    return nbformat.read(demo.find(chapter, *slides.SHOWN), as_version=4)


def test_every_notebook_has_a_deck():
    assert list(demo.chapters(*slides.SHOWN)) == [copies.chapter(file.name) for file in
                                                  sorted(paths.notebooks().glob("*.ipynb"))]


def pictures(notebook: nbformat.NotebookNode, tags: set[str]) -> list[str]:
    """The pictures of the cells that have one of these tags."""
    return ["".join(output.data[kind].split()) for cell in notebook.cells if tags & set(demo.tags(cell))
            for output in cell.outputs for kind in slides.KINDS if kind in output.get("data", {})]


@pytest.mark.parametrize("chapter", demo.chapters(*slides.SHOWN))
def test_a_deck_has_a_slide_for_each_tagged_cell(chapter: str):
    notebook = read(chapter)
    deck = slides.deck(notebook, chapter)
    tagged = [cell for cell in notebook.cells if {"demo", "slide"} & set(demo.tags(cell))]
    kinds = [cell.metadata.slideshow.slide_type for cell in deck.cells]
    assert kinds.count("slide") == 1 + len(tagged) >= 8  # the title comes first
    assert not [cell.source for cell in deck.cells if cell.cell_type == "code" and cell.source]
    assert not [cell.source for cell in deck.cells if cell.source == "## "]
    assert pictures(notebook, {"demo", "slide"})


def test_the_page_shows_them_and_no_code_and_asks_nobody():
    notebook = read("06")
    page = slides.page(slides.deck(notebook, "06"))
    shown = re.findall(r'<img alt="([^"]{9,})" src="data:image/\w+;base64,([^"]+)"', page)
    assert [picture for _, picture in shown] == pictures(notebook, {"demo", "slide"})
    assert page.count("<img") == len(shown) and "No description" not in page
    lines = {line.strip() for cell in notebook.cells if cell.cell_type == "code" for line in cell.source.splitlines()}
    assert not [line for line in lines if len(line) > 25 and (line in page or html.escape(line) in page)]
    assert set(re.findall(r"""<(?:script|link)[^>]*(?:src|href)=["']([^"']+)""", page)) == {
        f"reveal.js/dist/{name}" for name in ("reveal.css", "theme/white.css", "reveal.js")}
    assert (slides.reveal() / "dist" / "reveal.js").is_file()


def test_a_box_to_take_away_follows_its_picture_and_formulas_are_mathml():
    texts = [cell.source for cell in slides.deck(read("05b"), "05b").cells]
    box = next(n for n, text in enumerate(texts) if text.startswith("> **Take away.** A network can be certain of"))
    assert texts[box - 2] == "## 1 · Ten lines"
    assert slides._text("a $x_0$ is", "-").source.startswith("a <math")


def test_what_is_missing_is_said(capsys):
    notebook = read("06")
    cell = next(cell for cell in notebook.cells if "slide" in demo.tags(cell))
    cell.outputs = []
    refuses(slides.deck, notebook, "06", says=f"cell {cell.id} of section “Build it.*run its notebook")
    assert slides.main(["99"]) == 1 and "choose one of" in capsys.readouterr().err
