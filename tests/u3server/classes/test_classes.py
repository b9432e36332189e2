"""A class's progress files as a table: who passed what, whatever lies in the folder."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.helpers import raising, slip
from u3course import course
from u3course.course import state
from u3lab.__main__ import main
from u3server import classes

ADA = {"exercises": ["6-guided", "6-hits", "7b-gone"], "questions": ["6/drawing", "6/disc", "old/7"],
       "first": ["5-deep/0=1"]}
BEN = {"exercises": ["0-match"], "questions": []}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ada has handed in a file, Ben a folder with one from each of his two machines."""
    where = tmp_path / "class"
    (where / "ben" / "laptop").mkdir(parents=True)
    (where / "ada.json").write_text(json.dumps(ADA))
    (where / "ben" / "progress.json").write_text(json.dumps(BEN))
    (where / "ben" / "laptop" / "progress.json").write_text(json.dumps({**BEN, "exercises": ["0-match", "6-guided"]}))
    return where


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if ":" not in line}


def test_the_table_says_who_passed_what(folder, capsys):
    assert main(["report", str(folder)]) == 0
    found = rows(capsys.readouterr().out)
    assert list(found) == ["chapter", "of", "ada", "ben"]
    six = found["chapter"].index("6")
    assert [found[name][six] for name in ("of", "ada", "ben")] == ["3", "2", "1"]
    assert found["ada"][-3] == "2" and found["ada"][-1] == "2" and found["ben"][-3:][0] == "2"
    assert int(found["of"][-3]) == sum(map(int, found["of"][:-3])) > 30
    assert {len(row) for row in found.values()} == {len(found["chapter"])}


def test_it_agrees_with_what_the_student_sees(folder, own_state):
    own_state.mkdir()
    shutil.copy(folder / "ada.json", state.file())
    seen = next(line for line in str(course.progress()).splitlines() if line.startswith("chapter 6 "))
    points = seen.split()[5]
    assert "2 of 3" in seen and rows(classes.report(folder))["ada"][-2] == points


def test_the_sheet_has_a_column_for_each_exercise(folder, tmp_path, capsys):
    (folder / "=1+1.json").write_text(json.dumps(BEN))
    (folder / "Ådne 'O, \"x\".json").write_text(json.dumps(BEN))
    file = tmp_path / "table.csv"
    assert main(["report", str(folder), "--csv", str(file)]) == 0
    with file.open(encoding="utf-8-sig", newline="") as opened:
        found = {row["student"]: row for row in csv.DictReader(opened)}
    assert set(found) == {"ada", "ben", "'=1+1", "Ådne 'O, \"x\""}, "a name must not become a formula"
    assert found["ada"]["6-guided"] == "2" and found["ada"]["0-match"] == "0" and found["ben"]["6-guided"] == "2"
    assert found["ada"]["exercises"] == "2" and "7b-gone" not in found["ada"]
    assert {path.name for path in tmp_path.iterdir()} == {"class", "table.csv"}


SPOILT = {"empty": b"", "half": b'{"exercises": ["6-gui', "a list": b"[]", "no text": b"\xff\xfe\x00",
          "deep": b"[" * 10**5, "numbers": b'{"exercises": [1], "questions": []}', "huge": b" " * (state.LARGEST + 1)}


@pytest.mark.parametrize("content", SPOILT.values(), ids=SPOILT)
def test_a_damaged_file_is_named_and_the_others_count(folder, content):
    (folder / "ben" / "progress.json").write_bytes(content)
    (folder / "eve.json").write_bytes(content)
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    said = classes.report(folder)
    why = "too large for a progress file" if len(content) > state.LARGEST else "damaged, or no progress file"
    assert said.splitlines()[-2:] == [f"passed over: ben/progress.json ({why})", f"passed over: eve.json ({why})"]
    assert list(rows(said)) == ["chapter", "of", "ada", "ben"] and rows(said)["ben"][-3] == "2"
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before, "reading changes nothing"


def test_who_handed_in_nothing_is_named_and_other_files_are_left_alone(folder):
    (folder / "eve").mkdir()
    (folder / "eve" / "06_saliency.ipynb").write_text("{}")
    (folder / ".hidden").mkdir()
    (folder / "notes.txt").write_text("x")
    (folder / "ben" / ".ipynb_checkpoints").mkdir()
    (folder / "ben" / ".ipynb_checkpoints" / "x.json").write_text("{}")
    (folder / "ben" / ".u3lab-copies.json").write_text("{}")
    said = classes.report(folder)
    assert said.splitlines()[-1] == "nothing handed in: eve" and "passed over" not in said
    assert list(rows(said)) == ["chapter", "of", "ada", "ben"]


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own on Windows")
def test_a_link_does_not_lead_out_of_the_folder(folder, tmp_path):
    (tmp_path / "secret.json").write_text(json.dumps({**BEN, "exercises": ["6-guided"]}))
    (tmp_path / "outside").mkdir()
    shutil.copy(tmp_path / "secret.json", tmp_path / "outside")
    (folder / "eve.json").symlink_to(tmp_path / "secret.json")
    (folder / "mal").symlink_to(tmp_path / "outside")
    (folder / "ben" / "more").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pip.json")
    said = classes.report(folder)
    assert list(rows(said)) == ["chapter", "of", "ada", "ben"] and said.count("no ordinary file") == 2
    assert said.splitlines()[-2] == "nothing handed in: mal"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_does_not_steer_the_terminal(folder):
    (folder / "e\x1b[31m\nve.json").write_text(json.dumps(BEN))
    (folder / "mal\n.json").write_text("{")
    said = classes.report(folder)
    assert "e?[31m?ve" in said and "passed over: mal?.json" in said and "\x1b" not in said


def test_what_is_wrong_is_one_sentence(folder, tmp_path, capsys, monkeypatch):
    (tmp_path / "nothing").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "eve.json").write_text("{")
    for given, words in ((["nowhere"], "there is no folder 'nowhere'"),
                         ([str(tmp_path / "nothing")], "ada/progress.json"),
                         ([str(tmp_path / "bad")], "passed over: eve.json"),
                         ([str(folder), "--csv", str(folder / "ada.json")], "ends in .csv"),
                         ([str(folder), "--csv", str(folder / "ada.json" / "x.csv")], "cannot be written")):
        assert main(["report", *given]) == 1
        said = capsys.readouterr()
        assert said.out == "" and words in said.err and said.err.count("\n") == 1
    monkeypatch.setattr(classes.paths, "write_atomically", raising(OSError(28, "No space left on device")))
    with slip("table.csv", "No space left on device", "name another file"):
        classes.report(folder, tmp_path / "table.csv")
    assert json.loads((folder / "ada.json").read_text()) == ADA and not (tmp_path / "table.csv").exists()
