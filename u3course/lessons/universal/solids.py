"""Notebook 01b: the tasks for one network on rendered solids, labels that are missing, and their pictures.

``python -m evidence tasks`` makes the table "tasks".
"""

import torch
from torch import Tensor

from u3course.worlds import rendered
from u3lab.universal import Task

SEEN = 240  # scenes to learn from
TASKS = {"segments": Task("segments", len(rendered.KINDS)), "boundaries": Task("boundaries", 1),
         "normals": Task("normals", 3), "label": Task("label", len(rendered.SOLIDS))}


def present(missing: float, seed: int) -> dict[str, Tensor]:
    """Task → (240) bool, whether a scene has the label; a share is missing by chance, for each task on its own."""
    draw = torch.Generator().manual_seed(seed)
    return {name: torch.rand(SEEN, generator=draw) >= missing for name in TASKS}


COLOURS = ((0.85, 0.85, 0.85), (0.55, 0.5, 0.45), (0.0, 0.45, 0.7), (0.9, 0.6, 0.0), (0.0, 0.6, 0.5), (0.8, 0.4, 0.7))


def painted(name: str, values: Tensor) -> Tensor:
    """Labels or answers of one picture for a dense task as a picture (3,H,W): a colour for each surface, boundaries
    black, and directions n, each of whose three numbers is between −1 and 1, as the colour (n + 1) / 2."""
    if name == "segments":
        return torch.tensor(COLOURS)[values].permute(2, 0, 1)
    return 1 - values.expand(3, -1, -1) if name == "boundaries" else (values + 1) / 2
