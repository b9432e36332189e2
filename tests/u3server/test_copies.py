"""A student's copies of the notebooks: what is made, replaced and kept, whatever the student and the disk have done."""

import json
import os
from datetime import date
from pathlib import Path

import pytest

from tests.helpers import refuses, slip
from u3server import copies

DAY, LATER = date(2026, 11, 28), date(2026, 12, 1)
SIX, OTHER = "06_saliency.ipynb", "07b_größe_概念.ipynb"


def notebook(*sources: str, run: int = 0, **more: object) -> bytes:
    """A notebook of code cells; with ``run`` it has outputs, numbers and the state of widgets."""
    output = {"output_type": "stream", "name": "stdout", "text": [f"{run}\n"]}
    made = [{"cell_type": "code", "id": f"c{n}", "source": source.splitlines(keepends=True), "metadata": {},
             "execution_count": run or None, "outputs": [output] if run else []} for n, source in enumerate(sources)]
    if run:
        made[0]["metadata"] = {"scrolled": True, "execution": {"iopub.execute_input": "2026"}}
        more["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": more, "cells": made}).encode()


FIRST, NEWER, NEWEST = notebook("a = ...", "b"), notebook("a = ...", "b better"), notebook("a", "b", "c")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The originals: two chapters, one with a name that is not ASCII."""
    (tmp_path / "notebooks").mkdir()
    for name in (SIX, OTHER):
        (tmp_path / "notebooks" / name).write_bytes(FIRST)
    return tmp_path / "notebooks"


@pytest.fixture
def mine(course: Path) -> Path:
    """The folder of the copies, after a first start."""
    folder = course.parent / "my"
    assert copies.refresh(course, folder, today=DAY) == [f"copied to {folder}: 06, 07b"]
    return folder


def start(course: Path, mine: Path, *fresh: str, today: date = LATER, **more) -> list[str]:
    return copies.refresh(course, mine, fresh=fresh, today=today, **more)


def held(mine: Path) -> dict[str, bytes]:
    """All that a student sees of the folder, but the second chapter."""
    return {path.name: path.read_bytes() for path in mine.iterdir() if path.name[0] != "." and path.name != OTHER}


def test_copies_are_made_whole_and_a_second_start_changes_nothing(course, mine):
    assert held(mine) == {SIX: FIRST} and (mine / OTHER).read_bytes() == FIRST
    before = {path: path.stat().st_mtime_ns for path in mine.iterdir() if path.suffix != ".lock"}
    assert start(course, mine) == [f"nothing new: your notebooks are in {mine}"]
    assert {path: path.stat().st_mtime_ns for path in mine.iterdir() if path.suffix != ".lock"} == before


RUN_ONLY = [FIRST, notebook("a = ...", "b", run=3), notebook("a = ...", "b", kernelspec={"name": "other"}),
            json.dumps(json.loads(FIRST), indent=1).encode()]


@pytest.mark.parametrize("content", RUN_ONLY, ids=["untouched", "run", "another kernel", "saved"])
def test_what_was_only_run_is_replaced(course, mine, content):
    (mine / SIX).write_bytes(content)
    (course / SIX).write_bytes(NEWER)
    assert start(course, mine) == ["replaced by a newer version, since you had not worked on it: 06"]
    assert held(mine) == {SIX: NEWER}


MARKED, PASTED, MARKDOWN = json.loads(FIRST), json.loads(FIRST), json.loads(FIRST)
MARKED["cells"][0]["metadata"] = {"tags": ["mine"]}
PASTED["cells"][0]["attachments"] = {"drawing.png": {"image/png": "iVBO"}}
MARKDOWN["cells"][1]["cell_type"] = "markdown"
WORK = {"edited": notebook("a = 1", "b"), "both": notebook("a = 1", "b", run=2), "a space": notebook("a = ... ", "b"),
        "added": notebook("a = ...", "b", ""), "removed": notebook("a = ..."), "moved": notebook("b", "a = ..."),
        "marked": json.dumps(MARKED).encode(), "pasted": json.dumps(PASTED).encode(),
        "another kind": json.dumps(MARKDOWN).encode(), "half": FIRST[:70], "empty": b"", "conflict": b"<<<<<<< Updated",
        "no notebook": b"[1]", "deep": b"[" * 10**5, "cells of nothing": b'{"cells": [null]}', "bytes": b"\xff\xfe\x00"}


@pytest.mark.parametrize("content", WORK.values(), ids=WORK)
def test_work_stays_and_the_newer_version_lies_beside_it(course, mine, content):
    (mine / SIX).write_bytes(content)
    (course / SIX).write_bytes(NEWER)
    beside = "06_saliency-new-2026-12-01.ipynb"
    assert start(course, mine) == [f"{SIX}: your own stays as it is; its newer version lies beside it, {beside}"]
    assert held(mine) == {SIX: content, beside: NEWER}
    said = start(course, mine)  # once is enough
    assert held(mine) == {SIX: content, beside: NEWER}
    assert ("nothing new" in said[0]) == bool(copies.cells(content)) and len(said) == 1
    (course / SIX).write_bytes(NEWEST)
    assert "06_saliency-new-2026-12-01-2.ipynb" in start(course, mine)[0]  # on the same day
    assert len(held(mine)) == 3 and held(mine)[SIX] == content


def test_work_on_a_chapter_that_has_not_changed_is_nobodys_business(course, mine):
    (mine / SIX).write_bytes(notebook("my own"))
    assert "nothing new" in start(course, mine)[0] and held(mine) == {SIX: notebook("my own")}


def test_a_newer_version_that_was_thrown_away_does_not_come_again(course, mine):
    (mine / SIX).write_bytes(notebook("my own"))
    (course / SIX).write_bytes(NEWER)
    start(course, mine)
    (mine / "06_saliency-new-2026-12-01.ipynb").unlink()
    assert "nothing new" in start(course, mine)[0] and held(mine) == {SIX: notebook("my own")}
    os.replace(mine / SIX, mine / "06_saliency-mine.ipynb")
    (mine / SIX).write_bytes(NEWER)  # who takes the newer version is up to date again
    (course / SIX).write_bytes(NEWEST)
    assert "replaced" in start(course, mine)[0]
    assert held(mine) == {SIX: NEWEST, "06_saliency-mine.ipynb": notebook("my own")}


@pytest.mark.parametrize("name", ["deleted", "renamed"])
def test_what_is_missing_is_made_and_what_was_renamed_is_the_students(course, mine, name):
    if name == "deleted":
        (mine / SIX).unlink()
    else:
        (mine / SIX).rename(mine / "06 mine.ipynb")
    (course / SIX).write_bytes(NEWER)
    assert start(course, mine) == [f"copied to {mine}: 06"]
    assert held(mine) == {SIX: NEWER} | ({"06 mine.ipynb": FIRST} if name == "renamed" else {})


def test_a_chapter_that_left_the_course_stays_with_the_student(course, mine):
    (course / SIX).unlink()
    assert "nothing new" in start(course, mine)[0] and held(mine) == {SIX: FIRST}


RECORDS = [None, b"", b"{", b"[]", b'{"06_saliency.ipynb": 1}', b"null", b"\xff", b"[" * 10**5]


@pytest.mark.parametrize("record", RECORDS)
def test_without_its_record_every_copy_that_differs_counts_as_work(course, mine, record):
    file = mine / copies.RECORD
    file.unlink() if record is None else file.write_bytes(record)
    assert "nothing new" in start(course, mine)[0]  # and the record is there again
    (course / SIX).write_bytes(NEWER)
    file.unlink() if record is None else file.write_bytes(record)
    assert "06_saliency-new-2026-12-01.ipynb" in start(course, mine)[0] and held(mine)[SIX] == FIRST
    file.unlink()
    assert "nothing new" in start(course, mine)[0] and len(held(mine)) == 2, "it lies there already"
    assert json.loads(file.read_bytes())[SIX] == copies.cells(NEWER)


@pytest.mark.parametrize("content", [notebook("my own"), notebook("a = ...", "b", run=1), NEWER[:50]],
                         ids=["worked on", "run", "half"])
def test_to_begin_anew_keeps_the_old_one(course, mine, content):
    (mine / SIX).write_bytes(content)
    old = "06_saliency-mine-2026-12-01.ipynb"
    assert start(course, mine, "06") == [f"{SIX} begins anew; what you had is kept as {old}"]
    assert held(mine) == {SIX: FIRST, old: content}
    assert start(course, mine, "06") == [f"{SIX} is as it came already"] and len(held(mine)) == 2
    (mine / SIX).write_bytes(notebook("again"))
    assert "06_saliency-mine-2026-12-01-2.ipynb" in start(course, mine, "06")[0]
    assert held(mine)[old] == content and len(held(mine)) == 3


def test_begun_anew_it_is_untouched(course, mine):
    (mine / SIX).write_bytes(notebook("my own"))
    (course / SIX).write_bytes(NEWER)
    start(course, mine, "06")
    (course / SIX).write_bytes(NEWEST)
    assert "replaced" in start(course, mine)[0] and held(mine)[SIX] == NEWEST


@pytest.mark.parametrize("chapter", ["6", "", "saliency", "../06", "06_saliency.ipynb", "x" * 10**4])
def test_a_wrong_chapter_is_told_with_the_list_and_nothing_is_done(course, chapter):
    with slip("there is no chapter", "choose one of 06, 07b$") as told:
        start(course, course.parent / "my", chapter)
    assert not (course.parent / "my").exists() and len(str(told.value)) < 160


def test_an_original_that_holds_a_students_work_makes_copies_that_count_as_work(course):
    """Before there were copies, students worked in the originals; later `git stash` brings these back."""
    mine, work = course.parent / "my", notebook("worked in the wrong place")
    (course / SIX).write_bytes(work)
    start(course, mine, edited={SIX})
    start(course, mine, edited={SIX})
    (course / SIX).write_bytes(NEWER)
    assert "your own stays" in start(course, mine)[0] and held(mine)[SIX] == work


def test_an_edit_in_the_clone_is_not_called_a_newer_version(course, mine):
    (course / SIX).write_bytes(NEWER)
    said = start(course, mine, edited={SIX})
    assert said == [f"{SIX}: you had not worked on it, and it is now as notebooks/{SIX} is, which has been edited "
                    "since it came"]
    (mine / SIX).write_bytes(notebook("my own"))
    (course / SIX).write_bytes(NEWEST)
    said, = start(course, mine, edited={SIX})
    assert f"notebooks/{SIX} has been edited since it came" in said and "newer" not in said
    assert said.endswith("lies beside yours, 06_saliency-new-2026-12-01.ipynb")


def test_an_original_that_is_damaged_is_told_and_the_others_are_made(course, mine):
    (course / SIX).write_bytes(NEWER[:60])
    (course / OTHER).write_bytes(NEWER)
    assert [line.partition(" ")[0] for line in start(course, mine)] == ["replaced", SIX]
    assert held(mine) == {SIX: FIRST} and (mine / OTHER).read_bytes() == NEWER


def test_a_folder_that_holds_the_originals_is_refused(course):
    for folder in (course, course / "my", course / ".." / "notebooks"):
        refuses(start, course, folder, says=("holds the notebooks as they came", "u3lab start FOLDER"))
    assert {path.name for path in course.iterdir()} == {SIX, OTHER}
    refuses(start, course, course / SIX / "below", says="is no folder")


def test_odd_folders(course, monkeypatch):
    monkeypatch.chdir(course.parent)
    (course.parent / "file").write_text("not a folder")
    for folder in ("file", "file/below", "x/../file"):
        refuses(start, course, Path(os.path.realpath(folder)), says=("is no folder", "u3lab start FOLDER"))
    refuses(start, course, course.parent / ("x" * 300), says=("cannot be brought up to date", "too long"))
    copies.refresh(course, Path("new", "Übung 1 🙂"), today=DAY)
    assert held(course.parent / "new" / "Übung 1 🙂") == {SIX: FIRST}
    (course.parent / "new" / "Übung 1 🙂" / SIX).write_bytes(notebook("my own"))
    assert f"-mine-{date.today().isoformat()}" in copies.refresh(course, Path("new", "Übung 1 🙂"), fresh=["06"])[0]
