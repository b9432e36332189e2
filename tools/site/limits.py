"""What each method cannot do, in words, as its line in its registry declares it; contract tests hold it to that.

A function for each class of line. What it says of all of them, without asking, is known of the class as a whole. Some
of that a contract test shows for each line; the rest, such as how long a search takes, is what the chapters say.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from tools.site.attacks import Attack
from tools.site.lists import Centre, Clustering, Learner, Map, Patch, Predictor, Similarity, Stitch, Transfer
from u3lab.dissection.concept_vectors import Finder
from u3lab.inversion.inverters import LearnedWay
from u3lab.landmarks.factorising import Distance
from u3lab.landmarks.training import Loss
from u3lab.prior.fillers import Filler
from u3lab.saliency import Method as Saliency
from u3lab.selfsup.marginal import Nuisance
from u3lab.training.tasks import Task
from u3lab.universal import Method as Way
from u3lab.universal.multitask import Kind


@singledispatch
def limits(method: Any) -> list[str]:
    """Of a prior of an inversion, which is a class of settings."""
    return [method.cannot]


@limits.register
def _of_map(method: Saliency) -> list[str]:
    takes = [f"takes no {part}" for part in ("class", "neuron", "layer") if part not in method.takes]
    return [*takes, *["for networks of ReLUs only"] * method.relus, *["no finer than a layer's cells"] * method.grid,
            *["searches: seconds a picture"] * method.optimises,
            *["says what a small change would do, not what the picture contributes"] * method.slope]


@limits.register
def _of_attack(method: Attack) -> list[str]:
    return ["one picture at a time", *["has no bound ε: looks for the smallest change"] * ("eps" not in method.takes)]


@limits.register
def _of_patch(method: Patch) -> list[str]:
    return [f"is plainly seen: covers {method.share:.0%} of its square", "searches: seconds to minutes a class"]


@limits.register
def _of_way(method: Way) -> list[str]:
    alone = method.adapter is None and method.own == "nothing"
    return [*["serves one domain: what it trains in place is lost for others"] * (method.own != "nothing"),
            *["forgets the source: all weights start at random"] * method.fresh,
            *["changes nothing but batch norms and the head"] * (alone and method.norms),
            *["changes nothing but the head"] * (alone and not method.norms),
            *[f"makes of filters of k×k pixels nothing but {method.reach}"] * (method.reach is not None)]


@limits.register
def _of_centre(method: Centre) -> list[str]:
    return ["λ has to be chosen on pictures with labels", *["leads away from the source"] * (not method.home)]


@limits.register
def _of_predictor(method: Predictor) -> list[str]:
    return ["for parallel adapters only", *["knows no domain but those it was trained on"] * (not method.unseen)]


@limits.register
def _of_kind(method: Kind) -> list[str]:
    return ["wants labels of pixels" if method.dense else "has one answer for a whole picture"]


@limits.register
def _of_task(method: Task) -> list[str]:
    return [f"needs {method.raw}"]


@limits.register
def _of_clustering(method: Clustering) -> list[str]:
    return ["asks for evenly used classes", "small batches flatter its loss",
            *["content with a fixed pattern that has nothing to do with the picture"] * method.patterns,
            *["wants pictures with their sounds"] * method.sounds]


@limits.register
def _of_nuisance(method: Nuisance) -> list[str]:
    return [f"does not see {method.unseen}", "even a random prediction looks better than it is",
            *["takes N things of D numbers each"] * method.things,
            *["costs no more than the best constant, whatever is predicted"] * method.sizes]


@limits.register
def _of_transfer(method: Transfer) -> list[str]:
    return ["the number of clusters has to be chosen", "the student learns what the teacher sorts by, right or wrong",
            *["does not see how large the teacher's channels are"] * method.scales]


@limits.register
def _of_learned_way(method: LearnedWay) -> list[str]:
    return ["for two layers of SqueezeNet, which it was trained for, and 128×128 pixels",
            "blurred: the mean of all pictures with the code" if method.mean else "in part invented",
            f"asks the network {method.looks} times what it has drawn" if method.looks else
            "does not look at what it has drawn"]


@limits.register
def _of_loss(method: Loss) -> list[str]:
    return ["where things hardly move, their place in the picture will do",
            *["content with codes that are the same everywhere: training leads there"] * method.constant,
            *["wants the points of all cells"] * method.cells]


@limits.register
def _of_distance(method: Distance) -> list[str]:
    return [*["does not come to rest: its pull stays the same up to the answer"] * (not method.smooth),
            *["hardly pulls at what is wrong by half a turn"] * (not method.far)]


@limits.register
def _of_learner(method: Learner) -> list[str]:
    told = ["wants the turn from one picture to the other", "what looks alike after half a turn cannot be learnt"]
    return [*told * method.turns, f"{method.numbers} numbers of a picture are all that goes through"]


@limits.register
def _of_filler(method: Filler) -> list[str]:
    return [*[f"sides that are multiples of {method.step}"] * (method.step > 1),
            "has learnt from photos" if method.photos else "has seen no other picture",
            *["searches: seconds a picture"] * method.searches]


@limits.register
def _of_transport(method: Map) -> list[str]:
    used = "all channels" if method.inputs is None else f"{method.inputs} channels"
    return [f"each output looks at {used} of {method.neighbourhood}×{method.neighbourhood} sites",
            "layers with a grid only"]


@limits.register
def _of_stitch(method: Stitch) -> list[str]:
    return ["layers of nearly the same resolution only", *["searches: seconds"] * method.searches,
            *["knows nothing of which channel belongs to which: a floor"] * method.floor]


@limits.register
def _of_similarity(method: Similarity) -> list[str]:
    return ["few samples make everything look alike", *["does not see a rotation of the channels"] * method.rotations,
            *["does not see a scale of each channel"] * method.scales]


@limits.register
def _of_finder(method: Finder) -> list[str]:
    looks = {None: "looks at all units", 0: "looks at nothing", 1: "looks at one unit"}
    return [looks.get(method.units, f"looks at {method.units} units"), "only in pictures that show the concept",
            *["searches: seconds a concept"] * method.searches]
