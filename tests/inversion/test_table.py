"""The big table: the recipe on a small scale, and what ships: complete, and true of the pictures that ship."""

from __future__ import annotations

import pytest
import torch

from u3lab import images, inversion, nets
from u3lab.lessons.inversion import table


@pytest.mark.parametrize("name", nets.NAMES)
def test_what_ships_is_complete_and_says_what_the_figure_shows(name):
    net, (rows, facts) = nets.load(name, device="cpu"), table.shipped(name)
    assert facts["layers"] == [*net.layers, "logits"] and list(rows) == list(table.ROWS)
    assert all(len(row) == len(facts["layers"]) for row in rows.values())
    photo = images.load(facts["photo"], size=facts["side"])
    # The JPEG keeps half of the colours' resolution, so noise in colour is smaller in what ships than in the numbers.
    for prior, row in rows.items():
        for layer, x in zip(facts["layers"], row, strict=True):
            assert x.shape == photo.shape
            wanted = facts["pixels"][prior][facts["layers"].index(layer)]
            assert 0.15 * wanted - 0.002 < float((x - photo).square().mean()) < wanted + 0.002


def test_code_errors_by_layer_and_prior(capsys):
    """The table of code errors, for the log; and what the notebook says of it."""
    facts = table.shipped("squeezenet1_1")[1]
    code = {prior: dict(zip(facts["layers"], errors, strict=True)) for prior, errors in facts["code"].items()}
    seconds = {prior: dict(zip(facts["layers"], spent, strict=True)) for prior, spent in facts["seconds"].items()}
    with capsys.disabled():
        print("\ncode error, SqueezeNet   " + "".join(f"{layer:>9s}" for layer in facts["layers"]))
        for prior, errors in code.items():
            print(f"{prior:25s}" + "".join(f"{error:9.4f}" for error in errors.values()))
    assert code["total variation"]["conv1"] < 0.02
    assert code["deep image prior"]["fire9"] < code["total variation"]["fire9"]
    assert seconds["deep image prior"]["fire9"] <= seconds["total variation"]["fire9"]


def test_a_photo_is_its_own_perfect_inversion_and_a_moved_one_is_not():
    net, photo = nets.load("squeezenet1_1", device="cpu"), images.load("coffee", size=64)
    itself, moved = (table.judge(net, "fire3", x, photo) for x in (photo, photo.roll(3, 3)))
    assert (itself.code, itself.moved, itself.pixels) == (0, 0, 0)
    with torch.no_grad():
        codes = [inversion.code(net, "fire3", x) for x in (photo.roll(3, 3), photo)]
    assert moved.code == pytest.approx(float(inversion.code_error(*codes))) and moved.pixels > 0
