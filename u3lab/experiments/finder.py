"""The network of notebook 03b that judges drawn faces: it was taught the landmarks of 8,000 made faces.

    python -m u3lab.experiments finder   # data/weights/finder.safetensors
"""

from __future__ import annotations

import argparse

import torch

from u3lab.experiments import _writing
from u3lab.lessons.landmarks import parts
from u3lab.lessons.landmarks.parts import FINDER


def main(arguments: list[str] | None = None) -> None:
    """Teach it and write the weights of its encoder."""
    chosen = _writing.options(argparse.ArgumentParser(description=main.__doc__), arguments, "weights")
    count, steps = (20, 2) if chosen.short else (FINDER["faces"], FINDER["steps"])
    model = parts.taught_by_labels(count, steps, chosen.seed)
    _writing.weights(chosen.out / "finder.safetensors", model.pose_encoder, faces=count, steps=steps,
                     torch=torch.__version__, recipe="python -m u3lab.experiments finder")
