"""Races against plain versions: what the papers or a textbook describe, written here anew, on the same work.

Where a network of ours is trained or draws, both sides have the same one. Both take turns, and CPU time is counted, so
that a busy machine matters little. Where both have numbers to compare, their greatest difference is a part of the row.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from evidence.bench import table
from evidence.bench.rows import difference

LEAST = 40  # milliseconds that a round of ours lasts, at least: what is shorter is done several times
Run = Callable[[], list[Tensor]]


@dataclass(frozen=True)
class Race:
    """Ours against one plain version."""

    of: tuple[str, ...]  # the methods that it times, as "registry/name"
    work: str  # what is done
    on: str  # a network, or data of some size
    ours: Callable[[], Run]  # makes the closure to time; nothing of that is counted
    peer: str  # whose way the other side goes
    theirs: Callable[[], Run]
    same: bool = True  # whether both sides return numbers that can be compared
    why: str = ""  # ours takes longer, where it does


def races() -> list[Race]:
    from evidence.bench import plain_answers, plain_learning, plain_pictures, plain_units

    return [*plain_learning.RACES, *plain_answers.RACES, *plain_pictures.RACES, *plain_units.RACES]


def report(quick: bool, only: str = "") -> dict[str, Any]:
    rounds, rows = 2 if quick else 7, []
    for race in races():
        if any(only.lower() in method.lower() for method in race.of):
            rows.append(_row(race, rounds))
            table.show(rows[-1], head=len(rows) == 1)
    return {"rounds": rounds, "rows": rows}


def _row(race: Race, rounds: int) -> dict[str, Any]:
    ours, theirs = race.ours(), race.theirs()
    mine, other = ours(), theirs()  # once beforehand
    apart = difference(mine, other) if race.same else None
    times = max(1, round(LEAST / max(clock(ours), 0.1)))
    pairs = [(clock(ours, times), clock(theirs, times)) for _ in range(rounds)]
    row = table.race_as_data(f"{race.work}, CPU time", list(race.of), race.on, None, [a for a, _ in pairs],
                             (race.peer, [b for _, b in pairs]))
    row["peers"][0]["difference"], row["why"] = apart, race.why
    return row


def clock(work: Run, times: int = 1) -> float:
    """Milliseconds of CPU time of one call, the mean of so many; a busy machine matters little."""
    start = time.process_time()
    for _ in range(times):
        work()
    return 1e3 * (time.process_time() - start) / times
