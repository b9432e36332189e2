"""A chapter's pictures as a deck of slides: ``make slides CHAPTER=06``, or ``python tools/slides.py [CHAPTER …]``.

Each cell of a notebook that has the tag ``demo`` or ``slide`` becomes a slide: the heading of its section, the picture
that was committed with it, and the box to take away if one follows before the next picture or section. No code is
shown. Decks are written into slides/, with reveal.js beside them, and need no network.
"""

import argparse
import html
import importlib.util
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import latex2mathml.converter
import nbformat
from nbconvert import SlidesExporter
from traitlets.config import Config

from u3lab._system import paths
from u3lab.errors import U3Error
from u3server import demo

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "slides"
SHOWN = (demo.SHOWN, "slide")
KINDS = ("image/png", "image/jpeg")
BOX = re.compile(r"(?:^> .*\n?)+", re.MULTILINE)
FORMULA = re.compile(r"\$(\S(?:[^$]*\S)?)\$")


def deck(notebook: nbformat.NotebookNode, chapter: str) -> nbformat.NotebookNode:
    """The notebook of the slides.

    Raises:
        U3Error: A tagged cell has no picture.
    """
    name, question = demo.title(notebook)
    slides, heading, after_picture = [_text(f"# {name}\n\n{question}", "slide")], demo.TOUCH, False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for part in re.split(r"(?=^## )", cell.source, flags=re.MULTILINE):
                if found := re.match(r"## (.*)", part):
                    heading, after_picture = found[1], False
                boxes = [box for box in BOX.findall(part) if "ake away" in box]
                if after_picture and boxes:
                    slides.append(_text(boxes[0], "-"))
                    after_picture = False
        elif set(SHOWN) & set(demo.tags(cell)):
            slides += [_text(f"## {heading}", "slide"), _picture(cell, heading)]
            if demo.SHOWN in demo.tags(cell):
                slides.append(_text(f"Live: `u3lab demo {chapter}`", "-"))
            after_picture = True
    return nbformat.v4.new_notebook(cells=slides, metadata={"title": name})


def _text(words: str, kind: str) -> nbformat.NotebookNode:
    """A cell of text, its formulas as MathML; it begins a slide, or goes on with one (kind "-")."""
    written = FORMULA.sub(lambda found: latex2mathml.converter.convert(found[1]), words)
    return nbformat.v4.new_markdown_cell(written, metadata={"slideshow": {"slide_type": kind}})


def _picture(cell: nbformat.NotebookNode, heading: str) -> nbformat.NotebookNode:
    """The pictures that a cell has made, with their alt text, which nbconvert would drop; no code and no words."""
    found = [f'<img src="data:{kind};base64,{"".join(output.data[kind].split())}" '
             f'alt="{html.escape(output.metadata.get(kind, {}).get("alt", ""))}">'
             for output in cell.outputs for kind in KINDS if kind in output.get("data", {})]
    if not found:
        raise U3Error(f"the tagged cell {cell.id} of section “{heading}” has no picture; run its notebook: "
                      "`make notebooks`")
    shown = [nbformat.v4.new_output("display_data", {"text/html": picture}) for picture in found]
    return nbformat.v4.new_code_cell(outputs=shown, metadata={"slideshow": {"slide_type": "-"}})


def page(slides: nbformat.NotebookNode) -> str:
    """The deck as HTML; it looks for reveal.js in the folder of that name beside it."""
    settings = Config({"SlidesExporter": {
        "template_name": "deck", "extra_template_basedirs": [str(HERE)], "reveal_url_prefix": "reveal.js",
        "reveal_theme": "white",  # of the others, some ask another server for their fonts
        "exclude_input": True, "exclude_output_prompt": True}})
    return SlidesExporter(config=settings).from_notebook_node(slides)[0]


def reveal() -> Path:
    """The folder with reveal.js, as the package sphinx-revealjs brings it."""
    package = importlib.util.find_spec("sphinx_revealjs")
    if package is None:
        raise U3Error("reveal.js is not installed; run `make slides` where there is a network, once")
    return Path(package.submodule_search_locations[0]) / "_static" / "revealjs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the decks of the chapters that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 06; all if none is named")
    try:
        for chapter in parser.parse_args(arguments).chapters or demo.chapters(*SHOWN):
            file = demo.find(chapter, *SHOWN)
            made = page(deck(nbformat.read(file, as_version=4), chapter))
            shutil.copytree(reveal(), FOLDER / "reveal.js", dirs_exist_ok=True)
            paths.write_atomically(FOLDER / f"{file.stem}.html", made.encode())
            print(FOLDER / f"{file.stem}.html")
    except U3Error as error:
        print(f"slides: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
