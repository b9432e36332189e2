"""All pretext tasks by name."""

from __future__ import annotations

from u3lab.selfsup.moving import MOVING
from u3lab.selfsup.ordering import ARROW, ORDER, SORTING
from u3lab.selfsup.sounding import CORRESPONDENCE, SOUND
from u3lab.selfsup.tasks import Task
from u3lab.selfsup.upright import UPRIGHT

TASKS: dict[str, Task] = {
    "upright": UPRIGHT,
    "order": ORDER,
    "arrow": ARROW,
    "sorting": SORTING,
    "correspondence": CORRESPONDENCE,
    "sound": SOUND,
    "moving": MOVING,
}
