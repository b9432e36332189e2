"""A notebook on the disk is the old one or the new one, also while the server writes, and when it cannot.

And a page gets it as JupyterLab would make it.
"""

import asyncio
import errno
import os

import nbformat
import pytest
from ipykernel.ipkernel import IPythonKernel
from tornado.web import HTTPError

from tests.u3server.test_copies_on_a_bad_day import refuse
from u3server.contents import Contents


@pytest.fixture
def manager(tmp_path):
    """Jupyter's files in a folder with one notebook, that says "old"."""
    (tmp_path / "a.ipynb").write_text("old")
    return Contents(root_dir=str(tmp_path))


def test_until_the_new_one_is_whole_the_old_one_is_there(manager, tmp_path):
    file = tmp_path / "a.ipynb"
    with manager.atomic_writing(str(file)) as new:
        new.write("é\n" * 100_000)
        new.flush()
        assert file.read_text() == "old"
    assert file.read_bytes() == "é\n".encode() * 100_000 and os.listdir(tmp_path) == ["a.ipynb"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("text", [True, False])
def test_a_full_disk_leaves_the_old_one(manager, tmp_path, monkeypatch, call, text):
    monkeypatch.setattr(os, call, refuse(errno.ENOSPC))
    with pytest.raises(OSError, match="No space left"), \
            manager.atomic_writing(str(tmp_path / "a.ipynb"), text=text) as new:
        new.write("new" if text else b"new")
    assert (tmp_path / "a.ipynb").read_text() == "old" and os.listdir(tmp_path) == ["a.ipynb"]


def test_a_folder_that_may_not_be_written_is_a_refusal(manager, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", refuse(errno.EACCES))
    with pytest.raises(HTTPError, match="Permission denied: a.ipynb"), \
            manager.atomic_writing(str(tmp_path / "a.ipynb")) as new:
        new.write("new")
    assert (tmp_path / "a.ipynb").read_text() == "old"


def test_notebooks_and_uploads_come_back_as_they_were_saved(manager, tmp_path):
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("größer ∇")])
    asyncio.run(manager.save({"type": "notebook", "content": page}, "a.ipynb"))
    asyncio.run(manager.save({"type": "file", "format": "base64", "content": "AAEC\n"}, "photo.png"))
    assert nbformat.read(tmp_path / "a.ipynb", 4).cells[0].source == "größer ∇"
    assert (tmp_path / "photo.png").read_bytes() == b"\0\1\2"


@pytest.mark.parametrize("metadata", [{}, {"language_info": {"name": "python", "pygments_lexer": "ipython3"}}])
def test_a_page_gets_what_the_kernel_will_say_of_itself(manager, tmp_path, metadata):
    """Else JupyterLab writes it in, and an untouched notebook seems to have unsaved work."""
    nbformat.write(nbformat.v4.new_notebook(metadata=metadata), tmp_path / "a.ipynb")
    before = (tmp_path / "a.ipynb").read_bytes()
    model = asyncio.run(manager.get("a.ipynb"))
    assert model["content"]["metadata"]["language_info"] == IPythonKernel.language_info
    assert (tmp_path / "a.ipynb").read_bytes() == before


@pytest.mark.parametrize("cells, signed", [
    ([nbformat.v4.new_code_cell("1")], False), ([nbformat.v4.new_code_cell("1")], True), ([], False),
    ([nbformat.v4.new_code_cell("1", metadata={"trusted": True})], False)])  # whoever wrote it may say so
def test_the_state_of_widgets_that_somebody_else_saved_reaches_no_page(manager, tmp_path, cells, signed):
    """It holds JavaScript, which ipywidgets runs as soon as the notebook is open."""
    page = nbformat.v4.new_notebook(cells=cells, metadata={"widgets": {"of a": "stranger"}})
    nbformat.write(page, tmp_path / "a.ipynb")
    if signed:
        manager.notary.sign(nbformat.read(tmp_path / "a.ipynb", 4))
    got = asyncio.run(manager.get("a.ipynb"))["content"]["metadata"]
    assert ("widgets" in got) == signed and "widgets" in nbformat.read(tmp_path / "a.ipynb", 4).metadata


def test_notebooks_in_other_languages_and_mere_questions_are_left_alone(manager, tmp_path):
    nbformat.write(nbformat.v4.new_notebook(metadata={"language_info": {"name": "R"}}), tmp_path / "a.ipynb")
    assert asyncio.run(manager.get("a.ipynb"))["content"]["metadata"]["language_info"] == {"name": "R"}
    assert asyncio.run(manager.get("a.ipynb", content=False))["content"] is None
    assert [one["name"] for one in asyncio.run(manager.get(""))["content"]] == ["a.ipynb"]
