"""``u3lab demo``: what a page is made of, and how Voilà is opened."""

import importlib.util
import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from u3lab.__main__ import main
from u3lab._system import paths
from u3server import copies, demo

LIVE = ("live.explore(", "live.play(")


def tagged(source: str, *tags: str) -> nbformat.NotebookNode:
    return new_code_cell(source, metadata={"tags": list(tags)})


@pytest.fixture
def chapter() -> nbformat.NotebookNode:
    cells = [new_markdown_cell("# 9 · Nine\n\n**Why nine?**\n\nMuch more."), tagged("import u3lab", "demo-setup"),
             new_code_cell("secret = 1"), new_markdown_cell("The end of a section.\n\n## 1 · One\n\nWords."),
             tagged("show(1)", "demo", "nbval-skip"), tagged("show(2)", "demo")]
    return new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


def test_a_page_has_the_tagged_cells_under_their_headings(chapter):
    page = demo.page(chapter)
    nbformat.validate(page)
    assert [cell.source for cell in page.cells] == [
        "# 9 · Nine\n\nWhy nine?", "%%capture\nimport u3lab", "## 1 · One", "show(1)", "## 1 · One", "show(2)"]
    assert page.metadata.kernelspec == chapter.metadata.kernelspec


def test_what_stands_before_the_first_section_is_there_to_be_touched(chapter):
    chapter.cells.insert(1, tagged("import u3lab\nshow(0)", "demo"))
    assert [cell.source for cell in demo.page(chapter).cells][1:3] == ["## Touch it", "import u3lab\nshow(0)"]
    assert [heading for heading, _ in demo.figures(chapter)] == ["Touch it", "1 · One", "1 · One"]


def live(notebook: nbformat.NotebookNode) -> list[str]:
    """The cells that make a live figure."""
    return [cell.id for cell in notebook.cells
            if cell.cell_type == "code" and any(word in cell.source for word in LIVE)]


def test_every_notebook_with_live_figures_has_a_page_with_its_imports_and_two_or_three_of_them():
    files = sorted(paths.notebooks().glob("*.ipynb"))
    read = {copies.chapter(file.name): nbformat.read(file, as_version=4) for file in files}
    assert all(map(live, read.values()))
    assert list(demo.chapters()) == list(read)
    for chapter in demo.chapters():
        notebook = read[chapter]
        figures = demo.figures(notebook)
        assert min(2, len(live(notebook))) <= len(figures) <= 3 and all(heading for heading, _ in figures)
        assert {cell.id for _, cell in figures} <= set(live(notebook))
        first = next(cell for cell in demo.page(notebook).cells if cell.cell_type == "code")
        assert first.source.removeprefix("%%capture\n").startswith("import u3lab")


@pytest.mark.parametrize("chapter", demo.chapters())
def test_a_page_has_all_names_that_its_figures_need(chapter: str):
    """A cell that is left out takes its names along: the figure then stays empty, and says so to nobody."""
    cells = demo.page(nbformat.read(demo.find(chapter), as_version=4)).cells
    code = "\n\n".join(re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE) for cell in cells
                       if cell.cell_type == "code")
    found = subprocess.run([sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "-"], input=code,
                           capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_without_a_chapter_all_are_listed(capsys):
    assert main(["demo"]) == 0
    said = capsys.readouterr().out
    assert "  06  6 · Saliency maps\n" in said and "        Build it\n" in said


def test_what_there_is_not(capsys, monkeypatch):
    assert main(["demo", "99"]) == 1
    assert "choose one of 00, 01, 01b," in capsys.readouterr().err
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["demo", "06"]) == 1
    assert "`pip install voila`" in capsys.readouterr().err


@pytest.fixture
def opened(monkeypatch) -> list[list[str]]:
    """The arguments with which Voilà would have been opened."""
    from u3server import visitors

    found: list[list[str]] = []
    for name in ("JUPYTER_PATH", "U3LAB_SHARED", "U3LAB_THREADS"):
        monkeypatch.setenv(name, "other")
    monkeypatch.setattr(visitors.Pages, "launch_instance", found.append)
    return found


def test_voila_is_opened_with_the_options_that_were_given(opened):
    assert main(["demo", "06", "--", "--theme=dark", "--preheat_kernel=False"]) == 0
    (notebook, *options), = opened
    assert notebook.endswith("06_saliency.ipynb")
    assert options[-2:] == ["--theme=dark", "--preheat_kernel=False"] and "--preheat_kernel=True" not in options
    assert "--template=u3lab" in options
    assert (demo.TEMPLATES / "voila" / "templates" / "u3lab" / "index.html.j2").is_file()


def test_visitors_get_a_chapters_page_or_a_whole_notebook(opened, capsys, tmp_path):
    file = tmp_path / "mine.ipynb"
    file.write_text("{}")
    assert main(["serve", "06", "--address", "0.0.0.0", "--port", "80", "--visitors", "3", "--", "--token=t"]) == 0
    assert main(["serve", str(file)]) == 0
    (page, *first), (whole, *second) = opened
    assert page.endswith("06_saliency.ipynb") and whole == str(file.resolve())
    assert {"--Voila.ip=0.0.0.0", "--Voila.port=80", "--Voila.port_retries=0", "--Kernels.most=3"} <= {*first}
    assert first[-1] == "--token=t"
    assert {"--Voila.ip=127.0.0.1", "--Kernels.most=10"} <= {*second} and "--preheat_kernel=True" not in second
    assert "for visitors, 3 at a time: they move its controls and run no code" in capsys.readouterr().out


def test_slips_of_a_host_are_told(opened, capsys):
    assert main(["serve"]) == 0 and "  06  6 · Saliency maps\n" in capsys.readouterr().out
    for words, said in ((["99"], "choose one of 00"), (["no.ipynb"], "there is no notebook 'no.ipynb'"),
                        (["06", "--visitors", "0"], "give --visitors 1 or more")):
        assert main(["serve", *words]) == 1 and said in capsys.readouterr().err
    assert not opened


def test_an_address_of_another_machine_is_told(monkeypatch):
    from u3lab import U3Error
    from u3server.visitors import Pages, Voila

    def refused(pages: Voila) -> None:
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(Voila, "listen", refused)
    with pytest.raises(U3Error, match="give --address an address of this machine"):
        Pages().listen()
