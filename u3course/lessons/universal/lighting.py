"""Trials of the learnet: paints under lights that it has not seen, and domains that it has not seen.

``python -m evidence learnet`` makes the shipped table and the shipped learnet of them.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3course.worlds import lights
from u3lab.nets import Classifier, checkpoints
from u3lab.universal import Adapted, adapt, describe, learnet, put_adapters
from u3lab.universal.dynamic import Learnet
from u3lab.universal.training import linear_of

PAINTS, LAYER, SHOTS = "paints", "conv1", 8
FIRST = 100  # number of the first light to learn from; those below are for the test

FROZEN, ONE, GREY = "α = 0", "one α for all lights", "grey world"
RIVALS = {FROZEN: "features", ONE: "parallel", GREY: "parallel"}  # of the learnet → what each trains beside its head

Data = dict[str, tuple[Tensor, Tensor]]


def seen(count: int, light: Tensor, *, split: str = "train", close: bool = False,
         seed: int = 0) -> tuple[Tensor, Tensor]:
    """Pictures under a light and their labels; close-ups, where nothing is small, at half the size: (count,3,32,32)."""
    images, labels = lights.scenes(count, light, split=split, close=close, seed=seed)
    return (F.avg_pool2d(images, 2) if close else images), labels


def world(count: int, each: int, *, close: bool = False, seed: int = 0) -> Data:
    """``count`` lights with ``each`` pictures of its own: the number of the light → pictures and labels."""
    return {str(FIRST + k): seen(each, lights.light(FIRST + k), close=close, seed=1000 * seed + k)
            for k in range(count)}


def begin(net: Classifier, seed: int = 0) -> tuple[Adapted, Learnet]:
    """The network with a domain of paints, and a learnet for its adapters; neither is trained."""
    adapted = adapt(net, seed=seed).add_domain(PAINTS, list(lights.PAINTS)).use(PAINTS)
    return adapted, learnet(adapted, PAINTS, layer=LAYER, seed=seed)


def shots(light: Tensor, seed: int, *, close: bool = False, count: int = SHOTS) -> tuple[Tensor, Tensor]:
    """The few pictures that tell a new light, and their labels; of photos for validation."""
    return seen(count, light, split="val", close=close, seed=seed)


def predict(net: Adapted, predictor: Learnet, few: Tensor) -> Adapted:
    """The network with the adapters that the learnet predicts from a few pictures."""
    with torch.no_grad():
        return put_adapters(net, PAINTS, predictor(describe(net, few, layer=predictor.layer)))


@torch.no_grad()
def share_right(net: Classifier, images: Tensor, labels: Tensor) -> float:
    """Share of pictures that the domain in use gets right."""
    found = torch.cat([net(x.to(net.device)).argmax(1).cpu() for x in images.split(100)])
    return (found == labels).double().mean().item()


def greyed(images: Tensor, few: Tensor) -> Tensor:
    """Pictures divided by the mean colour of a few: the grey world's guess of the light."""
    mean = few.mean((0, 2, 3)).view(3, 1, 1)
    return (images / mean * mean.max()).clamp(0, 1)


def kept(net: Adapted, predictor: Learnet) -> nn.Module:
    """What is written of a trained learnet: itself, and the head that was trained with it."""
    return nn.ModuleDict({"learnet": predictor, "head": linear_of(net.domain(PAINTS))})


def shipped(net: Classifier) -> tuple[Adapted, Learnet]:
    """The network with a domain of paints, and the learnet that the recipe has trained with close-ups, seed 0."""
    adapted, predictor = begin(net)
    checkpoints.restore(kept(adapted, predictor), "learnet-lights")
    return adapted, predictor


def kept_rivals(nets: dict[str, Adapted]) -> nn.Module:
    """What is written of the learnet's rivals, in the order of ``RIVALS``: of each its adapters and its head."""
    return nn.ModuleList([nets[name].domain(PAINTS).parts for name in RIVALS])


def rivals(net: Classifier) -> dict[str, Adapted]:
    """The learnet's rivals, as the recipe has trained them with close-ups, seed 0: name → network with the domain of
    paints in use. That of the grey world gets what :func:`greyed` makes of the pictures."""
    found = {name: adapt(net, method).add_domain(PAINTS, list(lights.PAINTS)).use(PAINTS)
             for name, method in RIVALS.items()}
    checkpoints.restore(kept_rivals(found), "learnet-rivals")
    return found
