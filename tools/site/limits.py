"""What each method cannot do, in words, as its line in its registry declares it; contract tests hold it to that.

An entry for each class of line. What it says of all of them, without asking, is known of the class as a whole. Some of
that a contract test shows for each line; the rest, such as how long a search takes, is what the chapters say.
"""

from collections.abc import Callable
from typing import Any

from tools.site import lists
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

CANNOT: dict[type, Callable[[Any], dict[str, bool]]] = {  # what may be said of a line, and whether it holds
    Saliency: lambda m: {
        **{f"takes no {part}": part not in m.takes for part in ("class", "neuron", "layer")},
        "for networks of ReLUs only": m.relus, "no finer than a layer's cells": m.grid,
        "searches: seconds a picture": m.optimises,
        "says what a small change would do, not what the picture contributes": m.slope},
    lists.Attack: lambda m: {
        "one picture at a time": True, "has no bound ε: looks for the smallest change": "eps" not in m.takes},
    lists.Patch: lambda m: {
        f"is plainly seen: covers {m.share:.0%} of its square": True, "searches: seconds to minutes a class": True},
    Way: lambda m: {
        "serves one domain: what it trains in place is lost for others": m.own != "nothing",
        "forgets the source: all weights start at random": m.fresh,
        f"changes nothing but {'batch norms and the head' if m.norms else 'the head'}":
            m.adapter is None and m.own == "nothing",
        f"makes of filters of k×k pixels nothing but {m.reach}": m.reach is not None},
    lists.Centre: lambda m: {
        "λ has to be chosen on pictures with labels": True, "leads away from the source": not m.home},
    lists.Predictor: lambda m: {
        "for parallel adapters only": True, "knows no domain but those it was trained on": not m.unseen},
    Kind: lambda m: {"wants labels of pixels" if m.dense else "has one answer for a whole picture": True},
    Task: lambda m: {f"needs {m.raw}": True},
    lists.Clustering: lambda m: {
        "asks for evenly used classes": True, "small batches flatter its loss": True,
        "content with a fixed pattern that has nothing to do with the picture": m.patterns,
        "wants pictures with their sounds": m.sounds},
    Nuisance: lambda m: {
        f"does not see {m.unseen}": True, "even a random prediction looks better than it is": True,
        "takes N things of D numbers each": m.things,
        "costs no more than the best constant, whatever is predicted": m.sizes},
    lists.Transfer: lambda m: {
        "the number of clusters has to be chosen": True,
        "the student learns what the teacher sorts by, right or wrong": True,
        "does not see how large the teacher's channels are": m.scales},
    LearnedWay: lambda m: {
        "for two layers of SqueezeNet, which it was trained for, and 128×128 pixels": True,
        "blurred: the mean of all pictures with the code" if m.mean else "in part invented": True,
        f"asks the network {m.looks} times what it has drawn" if m.looks else
        "does not look at what it has drawn": True},
    Loss: lambda m: {
        "where things hardly move, their place in the picture will do": True,
        "content with codes that are the same everywhere: training leads there": m.constant,
        "wants the points of all cells": m.cells},
    Distance: lambda m: {
        "does not come to rest: its pull stays the same up to the answer": not m.smooth,
        "hardly pulls at what is wrong by half a turn": not m.far},
    lists.Learner: lambda m: {
        "wants the turn from one picture to the other": m.turns,
        "what looks alike after half a turn cannot be learnt": m.turns,
        f"{m.numbers} numbers of a picture are all that goes through": True},
    Filler: lambda m: {
        f"sides that are multiples of {m.step}": m.step > 1,
        "has learnt from photos" if m.photos else "has seen no other picture": True,
        "searches: seconds a picture": m.searches},
    lists.Map: lambda m: {
        f"each output looks at {'all' if m.inputs is None else m.inputs} channels of "
        f"{m.neighbourhood}×{m.neighbourhood} sites": True, "layers with a grid only": True},
    lists.Stitch: lambda m: {
        "layers of nearly the same resolution only": True, "searches: seconds": m.searches,
        "knows nothing of which channel belongs to which: a floor": m.floor},
    lists.Similarity: lambda m: {
        "few samples make everything look alike": True, "does not see a rotation of the channels": m.rotations,
        "does not see a scale of each channel": m.scales},
    Finder: lambda m: {
        {None: "looks at all units", 0: "looks at nothing", 1: "looks at one unit"}.get(
            m.units, f"looks at {m.units} units"): True,
        "only in pictures that show the concept": True, "searches: seconds a concept": m.searches}}


def limits(method: Any) -> list[str]:
    """What a line of a registry cannot do; a prior of an inversion, which is a class of settings, says it itself."""
    if type(method) not in CANNOT:
        return [method.cannot]
    return [words for words, holds in CANNOT[type(method)](method).items() if holds]
