"""What the tables of names that nobody has given share: whose faces taught, chose and judge, and the words for it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from evidence import _landmarked
from evidence._faces import people
from evidence._plan import Plan
from u3course.lessons.landmarks import trials

FRESH = "fresh"  # the role of the people who judge
TURNS, STILLS, RANDOM = "turning heads", "warps of stills", "random weights"
FACES = "300 drawn faces, turned by up to 35 degrees; these people were used neither to learn nor to choose."
CHOSEN = ("γ, the greatest length of a code and the pairs of turning heads: by the landmarks of 300 other faces, out "
          "of some twenty attempts (the table labellers). Nothing was chosen by these.")


def told(plan: Plan, *, fit: Sequence[Tensor] = (), choose: Sequence[Tensor] = ()) -> None:
    """Tell the plan who taught the labellers, who chose their design and who judges; with more who fit and choose."""
    stock = [people("train", 100 + part, trials.PART, each=2) for part in range(trials.STOCK // trials.PART)]
    plan.fit(people=torch.cat([*fit, *stock]))
    plan.choose(people=torch.cat([*choose, people("test", trials.TESTED["choose"], _landmarked.TEST)]))
    plan.judge(people=people("test", trials.TESTED[FRESH], _landmarked.TEST))
