"""What people and cats have in common: how chance and a pen draw them, how a head is held, and colours."""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[float, float, float]  # 0 … 255
YAW, PITCH, ROLL = 25.0, 14.0, 9.0  # degrees, at most
FINE = 4  # times the picture's size
DARK, WHITE = (38, 26, 28), (250, 248, 244)


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


class Held:
    """What changes from picture to picture: how a head is held, and how it is lit; degrees, and shares of a picture."""

    def __init__(self, draw: Draw, yaw: float) -> None:
        self.yaw, self.pitch, self.roll = (float(most * draw.numbers.uniform(-1, 1)) for most in (yaw, PITCH, ROLL))

    def place(self, draw: Draw, most: float) -> None:
        """Where the eyes look, and where in the picture and how the head is lit; moved by at most ``most`` of it."""
        self.gaze, self.scale = draw.point(1), draw.between(0.9, 1.08)
        self.shift, self.light = draw.point(most), draw.point(0.16)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Colour a with a share of b."""
    return tuple(x + share * (y - x) for x, y in zip(a, b, strict=True))


def far(a: Colour, b: Colour) -> float:
    """How different two colours are, by Euclid."""
    return float(np.linalg.norm(np.subtract(a, b)))


class Sheet:
    """Paper to lay shapes on: four bands, colour and opacity. Pillow takes them for CMYK; RGBA it would divide by A."""

    def __init__(self, side: int) -> None:
        self.image = Image.new("CMYK", (side * FINE, side * FINE), (0, 0, 0, 0))
        self.pen = ImageDraw.Draw(self.image)

    def fill(self, shape: np.ndarray, colour: Colour) -> None:
        self.pen.polygon((FINE * shape - 0.5).ravel().tolist(), fill=(*map(round, colour), 255))

    def line(self, shape: np.ndarray, colour: Colour, width: float, closed: bool = False) -> None:
        places = FINE * (np.concatenate([shape, shape[:2]]) if closed else shape) - 0.5
        self.pen.line(places.ravel().tolist(), fill=(*map(round, colour), 255), width=max(1, round(FINE * width)),
                      joint="curve")

    def shrunk(self) -> np.ndarray:
        """(side,side,4) in [0,1]: colours times opacity, and opacity."""
        return np.asarray(self.image.reduce(FINE), np.float32) / 255
