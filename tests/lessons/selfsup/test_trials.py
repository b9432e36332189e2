"""The comparison of chapter 2: which layer is read, and what a task gains."""

from __future__ import annotations

import pytest

from u3lab.experiments.pretexts import Run
from u3lab.lessons.selfsup import pretexts
from u3lab.selfsup import LAYERS


def test_a_layer_is_chosen_by_validation_and_seeds_are_paired():
    def row(task: str, layer: str, seed: int, val: float, test: float) -> dict:
        return {Run("faces", task, 20, layer, seed): (val, test)}
    rows = {}
    for seed in (1, 0):
        for task, up in ((pretexts.FLOOR, 0.0), ("upright", 0.2)):
            for k, layer in enumerate(LAYERS):
                rows |= row(task, layer, seed, 0.5 + 0.01 * k * (1 if up else -1), 0.5 + up + 0.1 * seed)
    assert pretexts.best_layer(rows, "faces", "upright", 20) == LAYERS[-1]
    assert pretexts.best_layer(rows, "faces", pretexts.FLOOR, 20) == LAYERS[0]
    assert pretexts.reached(rows, "faces", "upright", 20) == [0.7, pytest.approx(0.8)]
    assert pretexts.gains(rows, "faces", "upright", 20) == [pytest.approx(0.2)] * 2
