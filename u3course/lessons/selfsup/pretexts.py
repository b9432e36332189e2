"""The comparison of all pretext tasks: which layer is read, and what a task gains over random weights.

``python -m evidence pretexts`` makes the table that is read here.
"""

from __future__ import annotations

from u3lab.selfsup import LAYERS

LABELS = (5, 20, 100)  # of each class
FLOOR, CEILING = "random weights", "supervised"
PROBLEMS = ("textures", "faces")
Rows = dict[tuple, tuple]  # problem, task, labels of each class, layer, seed → accuracy on val and on test


def best_layer(rows: Rows, problem: str, task: str, labels: int) -> str:
    """The layer whose probe is best on the validation pictures, on average over the seeds."""
    return max(LAYERS, key=lambda layer: sum(val for run, (val, _) in rows.items()
                                             if run[:4] == (problem, task, labels, layer)))


def reached(rows: Rows, problem: str, task: str, labels: int, layer: str | None = None) -> list[float]:
    """Test accuracy of each seed; without ``layer`` at the :func:`best_layer`."""
    return list(_of_seeds(rows, problem, task, labels, layer).values())


def gains(rows: Rows, problem: str, task: str, labels: int, layer: str | None = None) -> list[float]:
    """Test accuracy less that of random weights with the same labels, seed by seed; each at its own best layer."""
    floor = _of_seeds(rows, problem, FLOOR, labels, layer)
    return [mine - floor[seed] for seed, mine in _of_seeds(rows, problem, task, labels, layer).items()
            if seed in floor]


def _of_seeds(rows: Rows, problem: str, task: str, labels: int, layer: str | None) -> dict[int, float]:
    layer = layer or best_layer(rows, problem, task, labels)
    return {run.seed: test for run, (_, test) in sorted(rows.items()) if run[:4] == (problem, task, labels, layer)}
