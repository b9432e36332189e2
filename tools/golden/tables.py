"""Calls of all that ships in data/results, as it is read, and of the trained networks of the lessons."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tools.golden.comparing import sealed
from tools.golden.kept import call, photo, squeezenet, uniform
from u3course.lessons.dissection import kinds
from u3course.lessons.inversion import coded_lesions, icon_table
from u3course.lessons.inversion import table as inversions
from u3course.lessons.landmarks import frames, parts
from u3course.lessons.landmarks import trials as labellers
from u3course.lessons.prior import resisting, restoring
from u3course.lessons.selfsup import colouring
from u3course.lessons.universal import lighting, trials
from u3lab import adversarial, results
from u3lab._system import paths

WHICH = ("person", "cat", "person-warps", "rabbit-1", "rabbit-6", "rabbit-25", "brain")

for file in sorted(paths.data("results").glob("*.json")):
    @call(f"rows of {file.stem}")
    def _table(name: str = file.stem) -> object:
        return [results.table(name), results.facts(name)["evidence"]["summary"]]

call("table: units counted beforehand")(lambda: {layer: sealed(one) for layer, one in kinds.shipped().items()})

PICTURES: dict[str, Callable[[], object]] = {
    "inversions": lambda: [inversions.pictures(network, photo) for network in inversions.NETWORKS
                           for photo in ("dog", "palace")],
    "deep codes": inversions.deep_pictures, "coded lesions": coded_lesions.pictures,
    "five priors": inversions.prior_pictures, "icons": icon_table.pictures,
    "icons of the quiz": icon_table.quiz_pictures, "resisting": resisting.pictures,
    "restoring": lambda: [restoring.pictures(task) for task in restoring.PHOTOS],
    "restoring, large": restoring.large_pictures, "invented": restoring.shipped, "patch": adversarial.shipped_patch}
for title, read in PICTURES.items():
    call(f"shipped pictures: {title}")(lambda read=read: sealed(read()))


# Trained networks


@call("shipped networks: labellers")
def _labellers() -> object:
    x = torch.cat([photo("dog", 64), photo("hens", 64)])
    return [(which, sealed(net), sealed(net(x))) for which in WHICH for net in [labellers.taught(which)]]


@call("shipped networks: poses")
def _poses() -> object:
    return [(kind, sealed(net), net(photo("dog", 64))) for kind in ("chair",) for net in [frames.shipped(kind)]]


@call("shipped networks: keypoints")
def _keypoints() -> object:
    return [sealed(parts.shipped()), parts.shipped().keypoints(photo("dog", 96)), parts.finder()(photo("dog", 96))]


@call("shipped networks: colours")
def _colours() -> object:
    net, heads = colouring.shipped()
    found = colouring.guess(net, heads, photo("dog", 64))
    return [sealed([net, heads]), sealed(found), sealed(colouring.true_colours(photo("dog", 64))),
            sealed(colouring.painted(photo("dog", 64), uniform(1, 2, 8, 8)))]


@call("shipped networks: a learnet of lights")
def _lights() -> object:
    net, predictor = lighting.shipped(squeezenet())
    few, _ = lighting.shots(uniform(3), 0, count=2)
    return [sealed(predictor), sealed(net.domain_parameters(net.used[0])),
            sealed(lighting.predict(net, predictor, few)(few))]


call("shipped domains")(lambda: [(path.name, sealed(path.read_bytes())) for path in trials.domain_files()])
