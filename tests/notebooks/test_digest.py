"""What a figure shows is kept as text, and a slip shows."""

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


def test_no_digest_is_lost():
    names = {file.stem for file in KEPT.glob("*.txt")}
    assert names == {file.stem for file in (KEPT.parents[2] / "notebooks").glob("*.ipynb")}
    assert all(file.stat().st_size <= 27_000 for file in KEPT.glob("*.txt"))


@pytest.mark.parametrize("gain, code, words", [(0.162, 0, "3 passed"), (-0.162, 1, '{"gain": -0.162')])
def test_what_a_cell_shows_is_compared(gain, code, words, tmp_path, monkeypatch):
    kept = ["1 bars.values = " + ROWS.partition(" = ")[2].replace("[0.162, 0.066, 0.213]", "0.162"),
            '1 bars.xlabel = "share"', '1 bars.alt = "Two bars."']
    monkeypatch.setenv("U3LAB_DIGEST_FOLDER", str(tmp_path))
    (tmp_path / "small.txt").write_text("\n".join(kept))
    answer = run([SETUP, CHART % gain], tmp_path, "tests.notebooks.digest")
    assert answer.returncode == code and words in answer.stdout, answer.stdout
