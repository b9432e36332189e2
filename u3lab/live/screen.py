"""The picture of a live figure: an ipywidgets Image that has words, takes clicks, and says which frames were seen."""

import asyncio
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as w
import traitlets as t
from torch import Tensor

from u3lab import pixels
from u3lab.checks import is_a, number, whole
from u3lab.figures import Figure

Picture = Tensor | Figure
_HERE = Path(__file__).parent
NAP = 0.002  # seconds


def as_picture(value: Tensor) -> Picture:
    """The first of what is being made, (B,C,H,W), if it is a picture; else as a heat map."""
    image = value[:1]
    return image if image.shape[1] == 3 and 0 <= image.min() and image.max() <= 1 else pixels.heat(image)


class Screen(anywidget.AnyWidget, w.Image):
    """An image whose view tells the kernel which frame it shows: see :meth:`on_screen`.

    Attributes:
        value, format: The frame: PNG or JPEG bytes. Set by :meth:`show`.
        alt: What the picture shows, in words.
        caption: The words below the picture, "" if there are none.
        line_art: As for a :class:`~u3lab.figures.Figure`; a dark page shows it as light on dark.
        badge: Whose code made the picture, in words that stand below it; "" for none but the library's.
        place: (x, y), each in [0,1], where the student clicked, or () if the picture takes no clicks.
        paced: Whether the view says which frames it has shown, for whoever makes the next one only then.
        panels: How many panels of equal width stand side by side; a click counts within its own.
        follow: Whether the place follows the pointer over the first panel, without a click.
    """

    # As text: a path would be watched, and what watches it holds every screen for ever.
    _esm = (_HERE / "screen.js").read_text("utf-8")
    _css = (_HERE / "screen.css").read_text("utf-8")
    alt = t.Unicode("no picture yet").tag(sync=True)
    line_art = t.Bool(False).tag(sync=True)
    badge = t.Unicode("").tag(sync=True)
    frame = t.Int(0).tag(sync=True)
    place = t.Tuple().tag(sync=True)
    panels = t.Int(1).tag(sync=True)
    follow = t.Bool(False).tag(sync=True)
    paced = t.Bool(False).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.seen, self.caption = 0, ""
        self.on_msg(self._reported)

    def show(self, picture: Picture, alt: str = "") -> None:
        """Make this the frame: a picture (1,3,H,W) in [0,1] goes as JPEG, a Figure as it is."""
        self.caption = alt
        if not isinstance(picture, Figure):
            picture = Figure(pixels.jpeg(picture, quality=90), alt or "picture that follows its controls")
        with self.hold_sync():
            self.format, self.line_art = picture.format, picture.line_art
            self.frame += 1
            self.alt = alt or picture.alt
            self.value = picture.data

    async def on_screen(self, behind: int = 4, seconds: float = 3.0) -> bool:
        """Wait until the view is at most so many frames behind; False if it is silent, because nobody looks.

        Naps are counted, and no clock is read: one nap may last a night if the whole computer sleeps.
        """
        for _ in range(round(seconds / NAP)):
            if self.frame - self.seen <= behind:
                return True
            await asyncio.sleep(NAP)
        return self.frame - self.seen <= behind

    def _reported(self, widget: w.Widget, content: dict, buffers: list) -> None:
        self.seen = max(self.seen, content.get("seen", 0))

    def still(self) -> tuple[dict, dict]:
        """The present frame with its caption as mimebundle data and metadata, for viewers without widgets."""
        if not self.value:
            return {"text/plain": self.alt}, {}
        frame = Figure(bytes(self.value), self.alt, self.line_art)
        return (frame.captioned(self.caption) if self.caption else frame)._repr_mimebundle_()


class Click(t.HasTraits):
    """A control whose value is a place (x, y) on the picture, each in [0,1], picked by a click or with the arrow keys.

    ``panels`` is the number of pictures side by side; the place is within one of them. With ``follow`` it follows the
    pointer over the first of them as well.
    """

    value = t.Tuple(t.Float(), t.Float())

    def __init__(self, x: float = 0.5, y: float = 0.5, panels: int = 1, *, follow: bool = False) -> None:
        x, y = number("x, from the left,", x, 0, 1), number("y, from the top,", y, 0, 1)
        super().__init__(value=(x, y))
        self.panels, self.follow = whole("panels", panels), is_a("follow", follow, bool, "give True or False")

    def listen(self, screen: Screen) -> None:
        """Take the clicks of this screen."""
        screen.panels, screen.follow, screen.place = self.panels, self.follow, self.value
        t.link((screen, "place"), (self, "value"))
