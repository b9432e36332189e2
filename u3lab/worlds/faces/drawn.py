"""What people and cats have in common: how they are drawn by chance, how a head is held, and colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Colour = tuple[float, float, float]  # 0 … 255
YAW, PITCH, ROLL = 25.0, 14.0, 9.0  # degrees, at most


@dataclass(frozen=True, kw_only=True)
class Held:
    """What changes from picture to picture: degrees, shares, pixels of a picture of side 1."""

    yaw: float
    pitch: float
    roll: float
    open_mouth: bool
    strength: float
    gaze: tuple[float, float]
    scale: float
    shift: tuple[float, float]
    light: tuple[float, float]


class Draw:
    """Random numbers that its own numbers decide, in the order in which they are asked for."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = np.random.default_rng(list(numbers))

    def between(self, low: float, high: float) -> float:
        """A number from a range, all alike."""
        return float(self.numbers.uniform(low, high))

    def yes(self, chance: float) -> bool:
        """Yes with this chance."""
        return bool(self.numbers.random() < chance)

    def of(self, choices: tuple) -> Any:
        """One of these, all alike."""
        return choices[int(self.numbers.integers(len(choices)))]

    def point(self, most: float) -> tuple[float, float]:
        """Two numbers, each from −``most`` to ``most``."""
        return tuple(self.numbers.uniform(-most, most, 2).tolist())

    def turned(self, yaw: float) -> dict[str, float]:
        """How a head is turned, by at most ``yaw``, PITCH and ROLL."""
        return {axis: float(most * self.numbers.uniform(-1, 1))
                for axis, most in (("yaw", yaw), ("pitch", PITCH), ("roll", ROLL))}

    def placed(self, most: float) -> dict[str, Any]:
        """Where the eyes look, and where in the picture and how the head is lit; moved by at most ``most`` of it."""
        return {"gaze": self.point(1), "scale": self.between(0.9, 1.08), "shift": self.point(most),
                "light": self.point(0.16)}


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Colour a with a share of b."""
    return tuple(x + share * (y - x) for x, y in zip(a, b, strict=True))


def far(a: Colour, b: Colour) -> float:
    """How different two colours are, by Euclid."""
    return float(np.linalg.norm(np.subtract(a, b)))
