"""What a figure shows is kept as text, and a slip shows."""

import re

import pytest

from tests.notebooks.digest import KEPT, alike, differences, marked, written
from tests.notebooks.test_controls import SETUP, run

ROWS = '3 bars.values = {"gain": [0.162, 0.066, 0.213], "floor": 0.25}'
CHART = 'from u3lab import figures\nfigures.bars({"gain": %s, "floor": 0.25}, "share", alt="Two bars.")'


@pytest.mark.parametrize("other", [
    ROWS.replace("0.162", "-0.162"), ROWS.replace("gain", "loss"), ROWS.replace("0.162", "0.21"),
    '3 bars.values = {"floor": [0.162, 0.066, 0.213], "gain": 0.25}', "nothing at all"])
def test_a_sign_a_name_and_a_number_show(other):
    assert differences([other], [ROWS]) == [f"cell 3: it shows {other!r}, kept is {ROWS!r}"]
    assert len(differences([ROWS], [])) == 1


@pytest.mark.parametrize("line, kept", [
    (ROWS.replace("0.162", "0.17"), ROWS), ("1 grid.picture = 9×9×3 ~I189", "1 grid.picture = 9×9×3 ~H189"),
    ('2 play.line = "E = −0.990 · after 3.2 s"', '2 play.line = "E = −1.006 · after 11 s"')])
def test_another_machine_may_differ_a_little(line, kept):
    assert alike(line, kept) and not alike(f"{line} more", kept)


def test_two_panels_exchanged_and_a_patch_elsewhere_show():
    kept = "1 grid.picture = 9×9×3 ~" + "4EI" * 12
    assert not alike(kept.replace("4EI", "E4I"), kept)
    assert not alike(kept.replace("4EI", "4EW", 1), kept)


def test_of_a_marked_line_the_words_and_the_size_of_numbers_are_compared():
    line, kept = '2 play.line = "E = 0.156 · 65% right"', '2 play.line = "E = 0.377 · 67% right"'
    (marks,) = marked([line], [kept])
    assert differences([line], [kept]) and not differences([line], [marks])
    assert written([line], [marks]) == ["? " + line]
    assert differences([line.replace("right", "wrong")], [marks]) and differences([line.replace("65", "6.5")], [marks])
    assert marked([kept], [kept]) == [kept]


def test_no_digest_holds_a_time():
    held = [line for file in KEPT.glob("*.txt") for line in file.read_text("utf-8").splitlines()
            if re.search(r"\d ?(?:[mµn]?s|seconds)\b", line)]
    assert held == []


def test_no_digest_is_lost():
    names = {file.stem for file in KEPT.glob("*.txt")}
    assert names == {file.stem for file in (KEPT.parents[2] / "notebooks").glob("*.ipynb")}
    assert all(file.stat().st_size <= 38_000 for file in KEPT.glob("*.txt"))


TIMES = """from u3lab import figures
figures.bars({"folded": 3.14, "two adapters": 41.0}, "milliseconds, the shortest of three", alt="Two bars.")"""

LIVE = """from u3lab import figures
print("gain", %s)
live.explore(lambda n: figures.bars({"gain": %s * n, "floor": 0.25}, "share", alt="Two bars."), n=(1, 4))"""

KEPT_LINES = """1 bars.values = {"gain": 0.162, "floor": 0.25}
1 bars.xlabel = "share"
1 bars.alt = "Two bars."
2 print.text = "gain 0.1"
2 explore.fn = function
2 explore.controls = {"n": [1, 4]}
2 bars.values = {"gain": 0.2, "floor": 0.25}
2 bars.xlabel = "share"
2 bars.alt = "Two bars."
2 explore.line = ""
2 explore.picture = 154×792×3 ~URRRWYNHHHSYPKKKKTRMMMMUYYYYYYYYYXYY
3 bars.values = {"folded": #, "two adapters": #}
3 bars.xlabel = "milliseconds, the shortest of three"
3 bars.alt = "Two bars."
"""


@pytest.mark.parametrize("gains, code, words", [
    ((0.162, 0.1, 0.1), 0, "5 passed"), ((-0.162, 0.1, 0.1), 1, '{"gain": -0.162'), ((0.162, 0.2, 0.1), 1, "gain 0.2"),
    ((0.162, 0.1, -0.1), 1, '{"gain": -0.2')])
def test_what_a_cell_shows_is_compared(gains, code, words, tmp_path, monkeypatch):
    """In a chart, in a printed line, and in a chart that a live figure draws; of times, the words."""
    monkeypatch.setenv("U3LAB_DIGEST_FOLDER", str(tmp_path))
    (tmp_path / "small.txt").write_text(KEPT_LINES)
    answer = run([SETUP, CHART % gains[0], LIVE % gains[1:], TIMES], tmp_path, "tests.notebooks.digest")
    assert answer.returncode == code and words in answer.stdout, answer.stdout
