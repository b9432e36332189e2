"""A chapter's live figures in large type, for the projector: the page that ``u3lab demo 06`` opens.

The page is made of the chapter's own notebook, as it came. Cells with the tag ``demo`` are shown, each under the
heading of its section; those with the tag ``demo-setup`` run before them and show nothing; the others are left out.
"""

import re
from pathlib import Path

import nbformat

from u3lab._system import paths
from u3lab.errors import U3Error
from u3server import copies

SHOWN, SETUP = "demo", "demo-setup"
TOUCH = "Touch it"
TEMPLATES = Path(__file__).resolve().parent / "stage"  # for Voilà


def chapters(*shown: str) -> dict[str, Path]:
    """The notebooks with a cell that has one of these tags, or "demo" if none is named: "06" → its file."""
    folder = paths.notebooks()
    read = {folder / name: (folder / name).read_text(encoding="utf-8") for name in copies.names(folder)}
    return {copies.chapter(file.name): file for file, text in read.items()
            if any(f'"{tag}"' in text for tag in shown or (SHOWN,))}


def find(chapter: str, *shown: str) -> Path:
    """The notebook of a chapter; U3Error if it has no cell with one of these tags, "demo" if none is named."""
    there = chapters(*shown)
    if chapter not in there:
        raise U3Error(f"chapter {chapter[:80]!r} has nothing to show; choose one of {', '.join(there)}")
    return there[chapter]


def listed() -> list[str]:
    """A line for each chapter: its title, and below it the sections that its figures are from."""
    lines = []
    for number, file in chapters().items():
        notebook = nbformat.read(file, as_version=4)
        headings = dict.fromkeys(heading for heading, _ in figures(notebook))  # a section may have two figures
        lines += [f"  {number}  {title(notebook)[0]}", *(f"        {heading}" for heading in headings)]
    return lines


def title(notebook: nbformat.NotebookNode) -> tuple[str, str]:
    """What a chapter is called, such as "6 · Saliency", and its question."""
    first = notebook.cells[0].source
    return re.search(r"^# (.*)$", first, re.MULTILINE)[1], re.search(r"^\*\*(.*)\*\*$", first, re.MULTILINE)[1]


def figures(notebook: nbformat.NotebookNode) -> list[tuple[str, nbformat.NotebookNode]]:
    """The cells to show, each with the heading of its section; what stands before the first is there to be touched."""
    found, heading = [], TOUCH
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = (re.findall(r"^## (.*)$", cell.source, re.MULTILINE) or [heading])[-1]
        elif SHOWN in tags(cell):
            found.append((heading, cell))
    return found


def tags(cell: nbformat.NotebookNode) -> list[str]:
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def page(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook of the page: title and question, then the cells to show under their headings, and their setup."""
    name, question = title(notebook)
    headings = {cell.id: heading for heading, cell in figures(notebook)}
    cells = [nbformat.v4.new_markdown_cell(f"# {name}\n\n{question}")]
    for cell in notebook.cells:
        if SETUP in tags(cell):
            cells.append(nbformat.v4.new_code_cell(f"%%capture\n{cell.source}"))
        elif cell.id in headings:
            cells += [nbformat.v4.new_markdown_cell(f"## {headings[cell.id]}"), nbformat.v4.new_code_cell(cell.source)]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": notebook.metadata.kernelspec, "title": name})
