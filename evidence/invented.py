"""What the deep image prior draws in chapter 4 where a lesion was, and where vessels were: three seeds, and six.

    python -m evidence invented            # results/invented-brain1.png, -brain2, -lung2 and -retina
    python -m evidence invented retina     # one of them; all take ten minutes
"""

import torch
from torch import Tensor

from evidence._plan import Plan
from u3course.lessons.prior.restoring import PATIENTS, RETINA, SEEDS, patient, retina
from u3lab import pixels, prior
from u3lab.descent import last

MAKES = (*PATIENTS, RETINA)
STEPS = 1000


def make(plan: Plan) -> None:
    """Draw, and write a row of pictures for each patient and for the retina."""
    for name in plan.few(plan.names):
        row = torch.cat([drawn(name, seed, plan.steps(STEPS)) for seed in range(SEEDS[name])], 3)
        plan.write("results", f"invented-{name}.png", content=pixels.png(row))


def drawn(name: str, seed: int, steps: int = STEPS) -> Tensor:
    """What the prior makes of the retina without the square, (1,3,H,W), or of a patient's slice, in grey, (1,1,H,W)."""
    x, m = retina() if name == RETINA else patient(name)[::2]
    settings = prior.PriorSettings(steps=steps, lr=0.02, average=0.9, seed=seed)
    run = prior.fit(prior.generator(size=x.shape[2:], seed=seed), x * m, task=prior.inpaint(m), settings=settings)
    made = last(run, total=steps + 1, title=f"{name}, seed {seed}").value
    return made if name == RETINA else made.mean(1, keepdim=True)
