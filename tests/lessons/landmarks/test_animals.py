"""Notebook 03, species: which animals are learnt from, and how they lie on their canvas."""

from __future__ import annotations

from u3lab.lessons.landmarks import animals


def test_other_species_are_held_out() -> None:
    learnt, tested = (set(animals.names(split)) for split in ("train", "test"))
    assert len(learnt) > 25 and len(tested) >= 6 and not learnt & tested


def test_an_animal_lies_in_the_middle_of_its_canvas() -> None:
    made = animals.layer("horse")
    assert made.shape == (1, 4, 112, 112) and (made[:, :3] <= made[:, 3:] + 1e-5).all()
    rows, columns = (made[0, 3].amax(axis).nonzero()[[0, -1], 0] for axis in (1, 0))
    assert max(int(rows[1] - rows[0]), int(columns[1] - columns[0])) <= animals.LONG
    assert animals.pictures(4).shape == (4, 3, 64, 64)
    assert abs(float(columns.double().mean()) - 55.5) < 2 and abs(float(rows.double().mean()) - 55.5) < 2
