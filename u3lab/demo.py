"""``u3lab demo 06``: a chapter's live figures in large type, for the projector, as a page of Voilà.

The page is made of the chapter's own notebook, as it came. Cells with the tag ``demo`` are shown, each under the
heading of its section; those with the tag ``demo-setup`` run before them and show nothing; the others are left out.
"""

from __future__ import annotations

import importlib.util
import os
import re
import runpy
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat

from u3lab._system import copies, paths
from u3lab.errors import U3Error

SHOWN, SETUP = "demo", "demo-setup"
TOUCH = "Touch it"
TEMPLATES = Path(__file__).resolve().parent / "_system" / "stage"
VISITORS = Path(__file__).resolve().parent / "_system" / "voila"
VOILA = [
    "--template=u3lab",
    f"--Voila.config_file_paths=['{VISITORS.as_posix()}']",  # what its visitors may not do
    "--preheat_kernel=True",  # a kernel with the figures waits, so that a page that is loaded again is there at once
    "--VoilaKernelManager.fill_delay=10",  # seconds: the next one does not compute while a page is being loaded
    "--Voila.tornado_settings={'websocket_max_message_size': 104857600}",  # as in u3lab.start: a photo of one's own
    # The kernel of a page that was closed goes after two minutes: each holds up to 1.2 GiB. One that waits stays.
    "--MappingKernelManager.cull_idle_timeout=120", "--MappingKernelManager.cull_interval=30",
]


def run(chapter: str | None = None, *, options: Sequence[str] = ()) -> None:
    """Open the page of a chapter, and stay until Ctrl-C; without a chapter, say which there are.

    Parameters
    ----------
    chapter
        Such as "06".
    options
        For Voilà, such as "--port=8890" or "--theme=dark".

    Raises
    ------
    U3Error
        No such chapter or none with live figures for the stage; or Voilà is not installed.
    """
    if chapter is None:
        print("live figures for the stage; open one with `u3lab demo CHAPTER`", *listed(), sep="\n")
        return
    file = find(chapter)
    if importlib.util.find_spec("voila") is None:
        raise U3Error("the page needs Voilà, which is not installed here; `pip install voila`, then try again")
    with tempfile.TemporaryDirectory(prefix="u3lab-demo-") as folder:
        made = Path(folder) / file.name
        nbformat.write(page(nbformat.read(file, as_version=4)), made)
        _open(made, options)


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


def _open(notebook: Path, options: Sequence[str]) -> None:
    """Voilà on a notebook, in this process."""
    print(f"Voilà on {notebook.name}; end it with Ctrl-C", flush=True)
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, (str(TEMPLATES), os.environ.get("JUPYTER_PATH"))))
    given = {option.partition("=")[0] for option in options}  # Voilà takes no option twice
    ours = [option for option in VOILA if option.partition("=")[0] not in given]
    sys.argv = ["voila", str(notebook), *ours, *options]
    runpy.run_module("voila", run_name="__main__", alter_sys=True)
