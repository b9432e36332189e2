"""Methods that no menu, figure or table of the course goes through, by name: for docs/methods.md and for *How we know*.

The library has them as functions. What a line declares (what it takes, what it does not see) is what those pages say
of it, and contract tests hold it to that; a new line wants an oracle as those of the library's registries do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from math import pi

import torch
from torch import Tensor, nn

from u3lab.adversarial import PatchSettings, adversarial_patch
from u3lab.adversarial.attacks import AttackSettings, fgsm, pgd
from u3lab.adversarial.deepfool import DeepFoolSettings, deepfool
from u3lab.checks import whole
from u3lab.descent import Step, last
from u3lab.equivariance import Equivariance, cka, distil, fit_equivariance, identity_stitch, shuffled_stitch, stitch
from u3lab.equivariance.transforms import Transform
from u3lab.landmarks import AutoencodeSettings, KeypointAutoencoder, PoseSettings, autoencode, learn_pose, pose_encoder
from u3lab.nets import Classifier
from u3lab.selfsup import (
    SegmentSettings,
    audiovisual_clustering,
    clustering,
    iic_loss,
    segmentation_loss,
    segmenting,
    transfer_knowledge,
)
from u3lab.training.tasks import Task
from u3lab.universal import describe, learnet
from u3lab.universal.domain import Domain, shrinkage
from u3lab.universal.dynamic import Learnet

DOMAINS = 10  # rows of a table of adapters: as many as the course's decathlon has


# ---- chapter 1b ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Centre:
    """‖w − w₀‖² of a domain, a scalar. ``home``: whether w₀ are the source's weights, so that it is free to be it."""

    price: Callable[[Domain], Tensor]
    home: bool


@dataclass(frozen=True)
class Predictor:
    """What predicts the adapters of a domain.

    ``make(net, name)`` gives a fresh learnet; ``told(net, images, number)`` what it is told of a domain, z (U);
    ``unseen`` says whether it has an answer for a domain that it was not trained on.
    """

    make: Callable[[nn.Module, str], Learnet]
    told: Callable[[nn.Module, Tensor, int], Tensor]
    unseen: bool


def counted(net: nn.Module, images: Tensor, number: int) -> Tensor:
    """The domain's number as one-hot: what is predicted is a row of a table."""
    row = whole("number", number, 0, DOMAINS - 1)
    return torch.eye(DOMAINS, dtype=images.dtype, device=images.device)[row]


CENTRES = {"shrinkage": Centre(shrinkage, home=True),
           "weight decay": Centre(partial(shrinkage, centre="zero"), home=False)}
PREDICTORS = {"learnet": Predictor(learnet, lambda net, images, number: describe(net, images), unseen=True),
              "table": Predictor(partial(learnet, inputs=DOMAINS), counted, unseen=False)}


# ---- chapter 2c ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Clustering:
    """A way to sort without labels that mutual information gives.

    Attributes:
        task: k classes → the pretext task.
        loss: (z, z′), shares of two views → a scalar.
        places: Whether it sorts the places of a picture, of shares (n,k,h,w); if not, whole pictures, of shares (n,k).
        symmetric: Whether both shares are of one network, so that they may change places.
        patterns: Whether a fixed pattern that has nothing to do with the picture is among its best answers.
        sounds: Whether it learns from pictures with their sounds, a pair; if not, from pictures.
    """

    task: Callable[[int], Task]
    loss: Callable[[Tensor, Tensor], Tensor]
    places: bool = False
    symmetric: bool = True
    patterns: bool = False
    sounds: bool = False


@dataclass(frozen=True)
class Transfer:
    """A way to hand on what was learnt: (teacher, layer, student, images, k, settings=) → steps. ``scales``: whether a
    scale of its own for each of the teacher's channels changes nothing."""

    learn: Callable[..., Iterator[Step]]
    scales: bool = False


CLUSTERINGS = {
    "IIC": Clustering(clustering, iic_loss),
    "IIC of picture and sound": Clustering(audiovisual_clustering, partial(iic_loss, symmetric=False), symmetric=False,
                                           sounds=True),
    "IIC of places, pooled": Clustering(segmenting, segmentation_loss, places=True),
    "IIC of places, mean": Clustering(partial(segmenting, settings=SegmentSettings(pooled=False)),
                                      partial(segmentation_loss, pooled=False), places=True, patterns=True)}
TRANSFERS = {"knowledge transfer": Transfer(transfer_knowledge, scales=True)}


# ---- chapter 3b ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Learner:
    """What learns from pairs of pictures.

    ``fresh(seed=)`` gives a network, ``learn(network, pairs, settings=)`` its steps. ``turns``: whether it is told the
    turn from the first picture of a pair to the second; ``numbers``: of a picture, all that can go through.
    """

    fresh: Callable[..., nn.Module]
    learn: Callable[..., Iterator[Step]]
    settings: type
    turns: bool
    numbers: int


LEARNERS = {
    "pose in the plane": Learner(partial(pose_encoder, dimensions="2d"), learn_pose, PoseSettings, True, 2),
    "pose in space": Learner(pose_encoder, learn_pose, PoseSettings, True, 6),
    "keypoint autoencoder": Learner(KeypointAutoencoder, autoencode, AutoencodeSettings, False, 20)}


# ---- chapters 6b and 6c ----------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Attack:
    """An attack on one picture: (net, image, label, target=, and what ``takes`` names) → the finished picture.

    Attributes:
        fool: The attack itself.
        takes: Of "eps" (the greatest change of a value, which bounds the attack) and "steps". An attack without "eps"
            looks for the smallest change that fools.
    """

    fool: Callable[..., Tensor]
    takes: frozenset[str]

    def __call__(self, net: nn.Module, image: Tensor, label: int | str, *, target: int | str | None = None,
                 **options: float | None) -> Tensor:
        """The finished picture, (1,3,H,W) in [0,1]; what is left out, or None, is as in the attack's own settings."""
        given = {name: value for name, value in options.items() if value is not None}
        return self.fool(net, image, label, target=target, **given)


def one_step(net: Classifier, image: Tensor, label: int | str, *, eps: float = AttackSettings.eps,
             **target: int | str | None) -> Tensor:
    """FGSM with the ε of the attacks' settings, unless another is given."""
    return fgsm(net, image, label, eps, **target)


def many_steps(net: Classifier, image: Tensor, label: int | str, *, eps: float = AttackSettings.eps, steps: int = 10,
               **target: int | str | None) -> Tensor:
    """PGD in steps of α = 2.5 ε/steps, which lets it cross the ball and come back."""
    whole("steps", steps)
    settings = AttackSettings(eps=eps, steps=steps)
    settings.step_size = max(2.5 * eps / steps, 1e-4)
    return last(pgd(net, image, label, settings=settings, **target)).value


def nearest(net: Classifier, image: Tensor, label: int | str, *, steps: int = DeepFoolSettings.steps,
            **target: int | str | None) -> Tensor:
    """DeepFool's last picture."""
    return last(deepfool(net, image, label, settings=DeepFoolSettings(steps=steps), **target)).value


@dataclass(frozen=True)
class Patch:
    """An adversarial patch: its outline, and how much of its square it covers."""

    shape: str
    share: float

    def __call__(self, net: nn.Module, images: Tensor, target: int | str, *, steps: int) -> Tensor:
        """The trained patch, (1,3,side,side) in [0,1]."""
        settings = PatchSettings(shape=self.shape, steps=steps)
        return last(adversarial_patch(net, images, target, settings=settings)).value


@dataclass(frozen=True)
class Map:
    """A form of M_g: how many channels each output may use (None for all), of m×m sites."""

    inputs: int | None = None
    neighbourhood: int = 1

    def __call__(self, net: nn.Module, layer: str, images: Tensor, g: Transform) -> Equivariance:
        """M_g, fitted."""
        return fit_equivariance(net, layer, images, g, inputs=self.inputs, neighbourhood=self.neighbourhood)


@dataclass(frozen=True)
class Stitch:
    """A way to stitch.

    ``change`` leads from the stitch that least squares finds, and the pictures, to this one. ``floor``: whether it
    knows nothing of which channel of A belongs to which of B; ``searches``: whether it goes step by step.
    """

    change: Callable[[Classifier, Tensor], Classifier]
    floor: bool = False
    searches: bool = False

    def __call__(self, net_a: Classifier, layer_a: str, net_b: Classifier, layer_b: str,
                 images: Tensor) -> Classifier:
        """The stitched network."""
        return self.change(stitch(net_a, layer_a, net_b, layer_b, images), images)


@dataclass(frozen=True)
class Similarity:
    """One number for two sets of features, (B,C,h,w) or (n,C). ``rotations``, ``scales``: whether any rotation of the
    channels, or a scale of each, leaves it as it is."""

    between: Callable[[Tensor, Tensor], float]
    rotations: bool = False
    scales: bool = False


def distilled(stitched: Classifier, images: Tensor) -> Classifier:
    """Trained to answer as B does, on the pictures that it was fitted on."""
    last(distil(stitched, images))
    return stitched


ATTACKS = {"fgsm": Attack(one_step, frozenset({"eps"})), "pgd": Attack(many_steps, frozenset({"eps", "steps"})),
           "deepfool": Attack(nearest, frozenset({"steps"}))}
PATCHES = {"round patch": Patch("round", pi / 4), "square patch": Patch("square", 1.0)}
MAPS = {"dense map": Map(), "sparse map": Map(inputs=3), "map of neighbourhoods": Map(neighbourhood=3)}
STITCHES = {"identity": Stitch(lambda stitched, images: identity_stitch(stitched), floor=True),
            "shuffled": Stitch(lambda stitched, images: shuffled_stitch(stitched), floor=True),
            "least squares": Stitch(lambda stitched, images: stitched),
            "distilled": Stitch(distilled, searches=True)}
SIMILARITIES = {"CKA": Similarity(cka, rotations=True)}
