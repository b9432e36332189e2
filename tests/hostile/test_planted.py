"""What somebody has planted: HTML in texts, links, pipes and huge files in folders, paths that lead out."""

import json
import os
import pickle
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
import torch

from tests.helpers import refuses
from tests.hostile.test_files import Trap, patience
from tests.u3lab.images.test_dicom import made, refusal
from tests.u3lab.live.toys import Toy, upload
from tests.u3server.test_copies import FIRST, NEWER, SIX, course, mine, start  # noqa: F401
from tests.u3server.test_start import clone  # noqa: F401
from u3course import course as lessons
from u3course.course import page, state
from u3lab import figures, images, live
from u3lab.__main__ import main
from u3lab.descent import Step
from u3server import classes, copies

SCRIPT = "<script>alert(1)</script>"
IMAGE = "\"'><img src=x onerror=alert(1)>"
HTML = SCRIPT + IMAGE
DONE = {"exercises": ["6-guided"], "questions": [], state.FIRST: ["5-deep/0=1"]}
links = pytest.mark.skipif(os.name == "nt", reason="links need a right of their own on Windows")


class Seen(HTMLParser):
    """The elements of a page, and what handlers they have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.found |= {tag, *(name for name, _ in attributes)}


def harmless(text: str) -> bool:
    """Whether a page shows planted HTML as text."""
    return not {name for name in Seen(text).found if name in ("script", "img", "src") or name.startswith("on")}


def widgets(root: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield root
    for child in getattr(root, "children", ()):
        yield from widgets(child)


def is_text(box: ipywidgets.Widget) -> bool:
    """Whether all that a live figure says is text: its HTML is harmless, its descriptions are not taken for HTML."""
    return all(harmless(one.value) if isinstance(one, ipywidgets.HTML) else
               not getattr(one, "description_allow_html", False) for one in widgets(box))


# ---- HTML where words are expected

def test_a_live_figure_shows_html_as_text():
    def drawn(n: int, **_: object) -> tuple[torch.Tensor, str]:
        if n == 2:
            raise ValueError(HTML)
        return torch.zeros(1, 3, 9, 9), HTML

    figure = live.explore(drawn, n=(0, 2), **{HTML: [HTML, "b"]})
    for figure.controls["n"].value in (1, 2, 0):
        assert "alert(1)" in figure.line.value and is_text(figure.box)
    assert figure.picture.alt == HTML and "text/html" not in figure._repr_mimebundle_()[0]


def test_a_player_shows_html_as_text():
    def steps(settings: Toy, **_: object) -> Iterator[tuple[Step, torch.Tensor, str]]:
        yield Step(0, 1.0, torch.zeros(1, 3, 9, 9), {HTML: 1.0}), torch.zeros(1, 3, 9, 9), HTML
        raise ValueError(HTML)

    player = live.play(steps, Toy(), **{HTML: [HTML, "b"]})
    for _ in range(2):
        assert "alert(1)" in player.line.value + player.curve.value and is_text(player.box)
        player.advance()


@pytest.mark.parametrize("write", [page.words, page.verbatim, page.python,
                                   lambda text: page.words(f"`{text}` *{text}*")])
def test_the_words_of_the_course_are_text(write):
    assert harmless(write(HTML)) and "alert(1)" in write(HTML)


def test_a_figure_is_a_picture_and_its_words_are_no_page():
    x = torch.zeros(1, 3, 9, 9)
    for figure in (figures.grid([x], titles=[SCRIPT], alt=HTML, width=400), figures.bars({SCRIPT: 1.0}, "y", alt=HTML),
                   figures.curves({SCRIPT: [1, 2]}, SCRIPT, "y", title=SCRIPT, alt=HTML),
                   figures.classes([SCRIPT, "b"], torch.tensor([[1.0, 0.0]]), top=2),
                   figures.table([[1.0]], [SCRIPT], ["b"], alt=HTML)):
        data, _ = figure._repr_mimebundle_()
        assert SCRIPT in data["text/plain"] and set(data) - {"text/plain"} <= {"image/png", "image/jpeg"}


# ---- DICOM

@pytest.mark.parametrize("planted", [{"kind": HTML[:16]}, {"VOILUTFunction": "<SCRIPT>"}, {"PatientName": HTML},
                                     {"RescaleSlope": "1e308"}, {"BitsStored": 0}, {"WindowWidth": "1e-300"}])
def test_a_header_with_other_things_than_a_header(planted, tmp_path):
    box = live.PictureBox(["dog", "coffee"])
    with patience(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's own, while it writes
        upload(box, f"{IMAGE}.dcm", made(np.arange(16, dtype=np.uint16).reshape(4, 4), **planted))
    assert is_text(box) and box.line.value.count("alert(1)") <= 1
    if not box.line.value:
        x = images.load(box.value)
        assert x.shape == (1, 3, 4, 4) and torch.isfinite(x).all() and 0 <= x.min() and x.max() <= 1


@pytest.mark.parametrize("more", [b"\x28\x00\x00\x30SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 20_000,
                                  b"\xe0\x7f\x10\x00OW\0\0\xf0\xff\xff\xff", b"\x28\x00\x10\x00US\xff\xff"])
def test_a_body_that_nests_or_claims_without_end(more):
    whole = made(np.zeros((4, 4), np.uint16))
    with patience():
        assert refusal(whole[:144 + int.from_bytes(whole[140:144], "little")] + more)


# ---- progress files

@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("U3LAB_STATE", str(tmp_path / IMAGE.replace("/", "")))
    state._told.clear()
    state._waiting.clear()
    state.file().parent.mkdir()
    return state.file()


def test_ones_own_file_that_was_planted(own_state, tmp_path):
    """In a folder whose name is HTML: huge, a pickle, of wrong types, with HTML in every place."""
    huge = json.dumps({**DONE, "questions": ["x" * state.LARGEST]}).encode()
    for content in (huge, pickle.dumps(Trap(tmp_path / "sprung")),
                    json.dumps({**DONE, "exercises": {HTML: 1}}).encode(),
                    json.dumps({HTML: HTML, "exercises": [HTML, "../../x"], "questions": [HTML]}).encode(),
                    b'{"exercises": [], "questions": [], "n": ' + b"9" * 9999 + b"}"):
        own_state.write_bytes(content)
        shown = lessons.progress()._repr_mimebundle_()
        assert harmless(shown["text/html"]) and "0 of" in shown["text/plain"]
        assert set(lessons.first_answers("5-deep")) == {(0, 0)}
        assert (own_state.read_bytes() if content is huge else content) == content
    assert not (tmp_path / "sprung").exists()


@links
def test_a_class_in_which_one_has_planted_something(tmp_path, capsys):
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("ada", SCRIPT.replace("/", "")):
        (folder / f"{name}.json").write_text(json.dumps(DONE))
    (tmp_path / "secret.json").write_text(json.dumps(DONE))
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    os.mkfifo(folder / "pipe.json")
    (folder / "huge.json").write_text(json.dumps({**DONE, "x": "x" * state.LARGEST}))
    (folder / "pickle.json").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    with patience():
        assert lessons.first_answers("5-deep", folder)[0][1] == 2
        assert main(["report", str(folder)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("passed over: ") for line in said) == 4 and not (tmp_path / "sprung").exists()
    (folder / "table.csv").symlink_to(tmp_path / "secret.json")
    refuses(classes.report, folder, folder / "table.csv", says=("table.csv", "is a link"))
    assert json.loads((tmp_path / "secret.json").read_text()) == DONE


# ---- u3lab start

def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@links
def test_a_record_of_copies_that_is_a_link_is_not_written_through(course, mine, tmp_path):  # noqa: F811
    (tmp_path / "precious").write_text("mine")
    (mine / copies.RECORD).unlink()
    (mine / copies.RECORD).symlink_to(tmp_path / "precious")
    (course / SIX).write_bytes(NEWER)
    refuses(start, course, mine, says=("is a link", copies.RECORD))
    assert (tmp_path / "precious").read_text() == "mine" and (mine / SIX).read_bytes() == FIRST


@pytest.mark.parametrize("content", [json.dumps({"../../x": "a", SIX: "../y", HTML: HTML}), "[" * 10**5, '{"a": [1]}'])
def test_a_planted_record_touches_no_other_file(course, mine, content):  # noqa: F811
    (mine / copies.RECORD).write_text(content)
    before = everything(course.parent)
    (course / SIX).write_bytes(NEWER)
    start(course, mine)
    after = everything(course.parent)
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert changed <= {SIX, copies.RECORD, "06_saliency-new-2026-12-01.ipynb"} and (mine / SIX).read_bytes() == FIRST


@pytest.mark.parametrize("arguments", [["clone/notebooks/../notebooks/deeper"], ["my", "--fresh", "../x"],
                                       ["my", "--fresh", ""], ["my", "--fresh", "06_saliency.ipynb"], ["nul\0byte"],
                                       ["two\nlines"], ["a" * 5000], ["/dev/null"]])
def test_a_start_that_leads_where_nothing_may_be_put(clone, capsys, arguments):  # noqa: F811
    before = sorted(clone.parent.rglob("*"))
    assert main(["start", "--copy-only", *arguments]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("u3lab: ") and said.err.count("\n") == 1
    assert sorted(clone.parent.rglob("*")) == before


@pytest.mark.parametrize("folder", ["..", "../..", "b/../..", "größe 概念 🐈‍⬛", SCRIPT])
def test_a_folder_of_whatever_name_gets_the_copies_and_nothing_else_changes(clone, capsys, monkeypatch, folder):  # noqa: F811
    (clone / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(clone / "a" / "b")
    (clone / SIX).write_bytes(b"my own")
    before = everything(clone.parent)
    assert main(["start", "--copy-only", folder]) == 0
    assert capsys.readouterr().out.startswith(f"copied to {(Path.cwd() / folder).resolve()}: ")
    assert before.items() <= everything(clone.parent).items()
