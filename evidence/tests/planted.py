"""Networks of which an experiment's table is known by hand: a swapped row, column, judge or rival shows."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from evidence import _running, _table
from u3lab import nets, results


class Seen(nn.Module):
    """Scores that are linear in the mean colour of some squares of the picture."""

    def __init__(self, squares: Sequence[tuple[slice, slice]], weights: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.squares, self.weights, self.bias = squares, nn.Parameter(weights), bias  # weights (K, squares·3)

    def forward(self, x: Tensor) -> Tensor:
        """(B,3,H,W) → (B,K)."""
        seen = torch.cat([x[..., rows, columns].mean((2, 3)) for rows, columns in self.squares], 1)
        return seen @ self.weights.T + self.bias


def network(name: str, classes: Sequence[str], squares: Sequence[tuple[slice, slice]], weights: list, bias: list,
            size: int) -> nets.Classifier:
    """A network that sees these squares alone."""
    module = Seen(squares, torch.tensor(weights, dtype=torch.float32), torch.tensor(bias, dtype=torch.float32))
    return nets.Classifier(module.eval(), classes=classes, name=name, size=size)


def tables(module: ModuleType, folder: Path, *options: str) -> dict[str, dict[tuple, tuple]]:
    """Name → rows of the tables that an experiment writes; not its short form, so that it is as it is run."""
    _running.run(module, ["--out", str(folder), *options])
    return {file.stem: results.rows(_table.read(file)) for file in (folder / "results").glob("*.json")}


def table(module: ModuleType, folder: Path, *options: str) -> dict[tuple, tuple]:
    return tables(module, folder, *options)[module.TABLE.name]
