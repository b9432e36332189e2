"""The three networks of notebook 08: an honest one, one that reads a letter in the corner, one that reads calipers.

    python -m evidence audit_networks        # weights/audit-honest, -corner and -calipers, a minute
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence._plan import Plan
from u3course.worlds import cheats

LEARNT, BATCH, RATE = 4000, 32, 5e-3  # pictures to learn from, those of one step, and the rate at its highest
STEPS = {"honest": 500, "corner": 200, "calipers": 800}
MAKES = tuple(cheats.NETWORKS)


def make(plan: Plan) -> None:
    """Teach and write those that are asked for."""
    for name in plan.names:
        cue, steps = cheats.NETWORKS[name], plan.steps(STEPS[name])
        pictures = cheats.cases(cue, len(plan.few(range(LEARNT), BATCH)), seed=plan.seed)
        net = taught(cheats.fresh(plan.seed), pictures, steps, plan.seed)
        plan.weights(f"audit-{name}", net, cue=cue, steps=steps, pictures=LEARNT, patients=", ".join(cheats.PATIENTS))


def named(scores: Tensor, pictures: cheats.Made, some: Tensor) -> Tensor:
    """The cross-entropy with the classes of some pictures."""
    return F.cross_entropy(scores, pictures.positive[some].long())


def taught(net: nn.Module, pictures: cheats.Made, steps: int, seed: int, batch: int = BATCH,
           loss: Callable[[Tensor, cheats.Made, Tensor], Tensor] = named) -> nn.Module:
    """The network, after so many steps of AdamW; its rate rises, and falls again."""
    form = torch.channels_last if pictures.images.ndim == 4 else torch.channels_last_3d
    net = net.to(memory_format=form).train()
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    draw = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        some = torch.randint(len(pictures.images), (batch,), generator=draw)
        x = pictures.images[some].contiguous(memory_format=form)
        wrong = loss(net(x), pictures, some)
        optimiser.zero_grad()
        wrong.backward()
        optimiser.step()
        rate.step()
    return net.eval()
