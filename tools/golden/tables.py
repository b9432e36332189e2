"""Calls of all that ships in data/results, as its readers give it, and of the trained networks of the lessons."""

from __future__ import annotations

from collections.abc import Callable

import torch
from u3lab.lessons.results import results, table

from tools.golden.comparing import sealed
from tools.golden.kept import call, photo, squeezenet, uniform
from u3lab import adversarial
from u3lab.lessons.dissection import kinds, layers
from u3lab.lessons.inversion import coded_lesions, deep, five_priors, icon_table, icons, readout
from u3lab.lessons.inversion import table as inversions
from u3lab.lessons.landmarks import frames, marked, parts
from u3lab.lessons.landmarks import trials as labellers
from u3lab.lessons.prior import resisting, restoring
from u3lab.lessons.selfsup import clusters, colouring, naturals, tissues
from u3lab.lessons.selfsup import pretexts as pretexts
from u3lab.lessons.start import probing, seeing
from u3lab.lessons.universal import lighting, trials

NETWORKS = ("squeezenet1_1", "efficientnet_lite0", "resnet26_half", "resnet26_plain", "resnet26_serial")
TABLES: dict[str, Callable[[], object]] = {
    **{f"adapters of {name}": lambda name=name: trials.shipped(name) for name in NETWORKS},
    "sensitivity to lesions": trials.shipped,
    "shrinkage": trials.shipped,
    "pretext tasks": pretexts.shipped,
    "clusters of digits": clusters.shipped,
    "segments of mosaics": clusters.shipped,
    "classes of photos": naturals.shipped,
    "tissues under fields": tissues.shipped,
    "labellers": labellers.shipped,
    "landmarks carried between patients": marked.shipped,
    "points followed in a film": marked.shipped,
    "keypoints": lambda: table("keypoints", parts.Drawn),
    "poses": lambda: table("poses", frames.Pose),
    "what a generator resists": resisting.shipped,
    "when to stop": resisting.shipped_long,
    "restoring": restoring.shipped,
    "inversions": inversions.shipped,
    "five priors": five_priors.shipped,
    "deep codes": deep.shipped,
    "coded lesions": coded_lesions.shipped,
    "read off codes": readout.shipped,
    "icons judged": icon_table.shipped,
    "channels and their icons": icon_table.shipped,
    "layers and their concepts": layers.shipped,
    "units counted beforehand": lambda: {layer: sealed(one) for layer, one in kinds.shipped().items()},
    "hidden squares": seeing.shipped,
    "grounds": seeing.shipped,
    "probes of the start": probing.shipped,
}
for title, read in TABLES.items():
    call(f"table: {title}")(read)

WHICH = ("person", "cat", "person-warps", "rabbit-1", "rabbit-6", "rabbit-25", "brain", "animals")
NUMBERS = ("carried", "channels", "domains", "icons", "impedance", "learnet-squeezenet1_1", "rabbits", "readouts",
           "start", "tasks-squeezenet1_1")


def numbers(name: str) -> dict[str, object]:
    """All of a file but the command that made it and its rows, which are above."""
    return {key: value for key, value in results(name).items() if key not in ("recipe", "rows")}


for name in NUMBERS:
    call(f"numbers: {name.replace('_', ' ')}")(lambda name=name: numbers(name))

PICTURES: dict[str, Callable[[], object]] = {
    "inversions": lambda: [inversions.pictures(network, photo) for network in inversions.NETWORKS
                           for photo in ("dog", "palace")],
    "deep codes": deep.pictures, "coded lesions": coded_lesions.pictures, "five priors": five_priors.pictures,
    "icons": icon_table.pictures, "icons of the quiz": icons.shipped, "resisting": resisting.pictures,
    "restoring": lambda: [restoring.pictures(task) for task in restoring.TASKS],
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
    models = [parts.shipped(thing) for thing in parts.THINGS] + [parts.shipped("chair")]
    return [(sealed(model), model.keypoints(photo("dog", 64))) for model in models] + [
        parts.finder()(photo("dog", 64))]


@call("shipped networks: colours")
def _colours() -> object:
    net, heads = colouring.shipped()
    found = colouring.guess(net, heads, photo("dog", 64))
    return [sealed([net, heads]), sealed(found), sealed(colouring.true_colours(photo("dog", 64))),
            sealed([colouring.painted(photo("dog", 64), uniform(1, 2, 8, 8)), colouring.axes(colouring.plane(
                found[0][0, :, 0, 0].softmax(0)))])]


@call("shipped networks: a learnet of lights")
def _lights() -> object:
    net, predictor = lighting.shipped(squeezenet())
    few, _ = lighting.shots(uniform(3), 0, count=2)
    return [sealed(predictor), sealed(net.domain_parameters(net.used[0])),
            sealed(lighting.predict(net, predictor, few)(few))]


call("shipped domains")(lambda: [(path.name, sealed(path.read_bytes())) for path in trials.domain_files()])
