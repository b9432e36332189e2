"""All pretext tasks by name."""

from __future__ import annotations

from u3lab.selfsup.colour import COLOUR, COLOUR_L2
from u3lab.selfsup.contrast import CONTRAST
from u3lab.selfsup.cross_pixel import MOVING
from u3lab.selfsup.erasing import ERASE, ERASE_ADVERSARY
from u3lab.selfsup.ordering import ARROW, ORDER, SORTING
from u3lab.selfsup.scrambling import JIGSAW, RELATIVE_POSITION
from u3lab.selfsup.sounding import CORRESPONDENCE, SOUND
from u3lab.selfsup.upright import UPRIGHT
from u3lab.training.tasks import Task

TASKS: dict[str, Task] = {
    "colour": COLOUR,
    "colour L2": COLOUR_L2,
    "erase": ERASE,
    "erase, adversary": ERASE_ADVERSARY,
    "relative position": RELATIVE_POSITION,
    "jigsaw": JIGSAW,
    "upright": UPRIGHT,
    "order": ORDER,
    "arrow": ARROW,
    "sorting": SORTING,
    "sound": SOUND,
    "correspondence": CORRESPONDENCE,
    "moving": MOVING,
    "contrast": CONTRAST,
}
