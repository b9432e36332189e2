"""The network of chapter 1's papers at half their width, which EfficientNet-Lite0 teaches on pictures that ship.

    python -m evidence resnet26        # weights/resnet26_half.safetensors, an hour on one processor that
                                                # knows bfloat16

It is taught twice: 1600 steps with one seed, and from the weights that these have written 5000 with another.

The pupil φ sees each picture at SIDES pixels and the teacher Φ at TEACHER pixels. With W, a linear map that is thrown
away, and the teacher's last features Φ' brought to mean 0 and spread 1, it minimises

    T² KL( softmax(Φ/T) ‖ softmax(φ/T) )  +  F · mean (W φ' − Φ')²  +  P · mean over 4×4 places of the same

Hinton, Vinyals & Dean, Distilling the knowledge in a neural network, 2015; Romero et al., FitNets, ICLR 2015.
"""

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence import _crops
from evidence._plan import Plan
from u3lab import nets
from u3lab.descent import Step, train
from u3lab.measures import agreement
from u3lab.nets import Classifier, checkpoints
from u3lab.nets.resnet26 import ResNet26
from u3lab.training.loop import cosine

NAME, WIDTH, CLASSES = "resnet26_half", 32, 1000
TEACHER, SIDES = 128, (64, 96)  # pixels; the pupil has the larger ones for the last steps
LAST = 0.4  # their share of the steps
BATCH, STEPS, RATE = 32, (1600, 5000), 2e-3  # the steps of one seed after the other
TEMPERATURE, FEATURES, PLACES = 2.0, 3.0, 3.0  # T, F and P
GRID = 4  # places to a side: the teacher's last layer has no more
KEPT = 200  # steps from one writing of the file to the next


def teach(net: ResNet26, teacher: Classifier, batches: Iterator[Tensor], steps: int,
          weights: Iterable[nn.Parameter], *, half: bool = True) -> Iterator[Step]:
    """Distil the teacher into these weights of a network in training mode, step by step; in bfloat16 if ``half``."""
    linear = nn.Conv2d(4 * WIDTH, teacher.features(next(batches)[:1], "head").shape[1], 1)
    mean, spread = moments(teacher, batches)

    def energy(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        x = next(batches)
        there, wanted = answers(teacher, x)
        there = (there - mean) / spread
        x = smaller(x, step, steps)
        with torch.autocast("cpu", torch.bfloat16, half):  # half the time of float32 where it is known
            maps = net.maps(teacher.normalise(x))
        maps = maps.float()
        scores = net.classifier(maps.mean((2, 3)))
        found = linear(F.adaptive_avg_pool2d(maps, GRID))
        pooled = (found - there).mean((2, 3))
        log, target = (F.log_softmax(one / TEMPERATURE, 1) for one in (scores, wanted))
        return (scores.argmax(1) == wanted.argmax(1)).float().mean(), {
            "classes": TEMPERATURE**2 * F.kl_div(log, target, reduction="batchmean", log_target=True),
            "features": FEATURES * pooled.square().mean(),
            "places": PLACES * (found - there).square().mean()}

    return train([*weights, *linear.parameters()], energy, steps=steps,
                 rate=lambda step: cosine(RATE, step + 1, steps))  # of the next step: what ships was trained so


def smaller(x: Tensor, step: int, steps: int) -> Tensor:
    """What the pupil sees of pictures at a step: every second batch at the larger side shows no more than the small."""
    sides = SIDES[:1]
    if step >= (1 - LAST) * steps:
        sides = SIDES if step % 2 else SIDES[1:]
    for side in sides:
        x = F.interpolate(x, size=(side, side), mode="bilinear", antialias=True, align_corners=False)
    return x


@torch.no_grad()
def answers(teacher: Classifier, x: Tensor) -> tuple[Tensor, Tensor]:
    """The teacher's last layer of features at GRID×GRID places (B,U,g,g), and its scores (B,K)."""
    features = nets.extract_features(teacher, ("head",), x)["head"]
    return F.adaptive_avg_pool2d(features, GRID), nets.forward_from(teacher, "head", features)


def moments(teacher: Classifier, batches: Iterator[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and spread of the teacher's pooled features, (1,U,1,1) each; both are from a few batches."""
    pooled = torch.cat([answers(teacher, next(batches))[0].mean((2, 3)) for _ in range(8)])
    mean, spread = pooled.mean(0), pooled.std(0).clamp(min=1e-3)
    return mean.view(1, -1, 1, 1), spread.view(1, -1, 1, 1)


@torch.no_grad()
def judged(net: ResNet26, teacher: Classifier, x: Tensor) -> tuple[float, float]:
    """How often the pupil's first class, and one of its first five, is the teacher's on pictures at TEACHER pixels."""
    net.eval()
    small = F.interpolate(x, size=(SIDES[1],) * 2, mode="bilinear", antialias=True, align_corners=False)
    found = [torch.cat([one(part) for part in parts.split(50)]) for one, parts in (
        (lambda part: net(teacher.normalise(part)), small), (teacher, x))]
    return agreement(*found)


def make(plan: Plan) -> None:
    """Teach the network, write its weights, and say how often it agrees with its teacher on unseen pictures."""
    for seed, steps in enumerate((2,) if plan.short else STEPS, plan.seed):
        torch.manual_seed(seed)
        teacher = nets.load("efficientnet_lite0", device="cpu")
        net = ResNet26(WIDTH, CLASSES).to(memory_format=torch.channels_last)
        if seed > plan.seed:  # from the first weights as they were written, in eight bits
            net.load_state_dict(checkpoints.read(plan.file("weights", f"{NAME}.safetensors")))
        unseen = _crops.held_out(TEACHER, 1 if plan.short else 5, seed)
        given = _crops.stock(4 if plan.short else _crops.SCENES, seed)
        batches = _crops.batches(given, TEACHER, 4 if plan.short else BATCH, seed=seed)
        for step in teach(net.train(), teacher, batches, steps, net.parameters(), half=not plan.short):
            if step.iteration % KEPT == 0 or step.iteration == steps:
                first, five = judged(net, teacher, unseen)
                print(step.iteration, {name: round(value, 3) for name, value in step.terms.items()}, flush=True)
                plan.weights(NAME, net, eight_bits=True, step=step.iteration, **{
                    "agreement with EfficientNet-Lite0": f"{first:.3f} first, {five:.3f} among five"})
                net.train()
