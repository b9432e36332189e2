"""Good calls: data, warps, landmarks, figures and live forms."""

from dataclasses import replace
from functools import cache, partial

import ipywidgets
import torch
from torch import Tensor, nn

from tests.calls.learning import WIDTH
from tests.calls.making import COUNT, SEVERAL, USUAL, bottleneck, draw, good, method, scenes, x
from tests.calls.understanding import DATA
from tests.hostile.wrong import (
    Values,
    flag,
    free,
    function,
    layers,
    masks,
    net,
    network,
    number,
    only,
    options,
    ours,
    pictures,
    points,
    positive,
    returns,
    some,
    target,
    tensor,
    text,
    texts,
    whole,
    wholes,
    word,
)
from u3course.worlds import clips, concepts, faces
from u3lab import audit, descent, figures, landmarks, live, nets, saliency, warps
from u3lab.datasets import cutouts

# Data

WHICH, SPLIT, SIZE, KIND = wholes([0, 3], 0), word("test"), whole(16, 16), word("cat")
AZIMUTH, ELEVATION = tensor(360 * draw(2), 0), tensor(90 * draw(2), 0)
few = cache(lambda: concepts.load("train", count=4, least=1))
good("handwritten.load", each=whole(2, 1, 500))
good("mosaics.textures mosaics.satellite", count=COUNT, size=whole(16, 8, 160))
good("concepts.load", split=word("train"), count=whole(4), least=whole(1))
method("masks showing only", few, concepts.Concepts, name=word(lambda: few().names[0]), which=WHICH, least=whole(1),
       names=texts(lambda: few().names[:2]))
good("Concepts[]", lambda which: few()[which], which=WHICH)
good("LabelledPictures[]", lambda which: scenes()[which], which=WHICH)
good("labelled.batches", data=DATA, batch_size=whole(4), which=WHICH)
good("labelled.LabelledPictures", names=texts(("one", "two")), images=pictures(x(4)),
     masks=masks(draw(4, 2, 8, 8) > 0.5, 0, 1), labelled=masks(draw(4, 2) > 0.5, 0, 1))
good("photos.names cutouts.names", group=word("nature"), kind=word("bird"), split=word("train"))
good("photos.load photos.about", name=word("stream"), size=whole(32, 1, 4096))
good("cutouts.load cutouts.about", name=word("zebra"), size=whole(32, 1, 4096))
good("cutouts.paste", thing=word("zebra"), background=SEVERAL, size=positive(0.8, high=4), x=number(0.5, 0, 1),
     y=number(0.5, 0, 1))
good("cutouts.paste, a pair", lambda thing: cutouts.paste(thing, x()),
     thing=ours(lambda: cutouts.load("zebra", size=20)))
good("scans.load", name=word("lung1"), window=word("soft"))
good("decathlon.load", name=word("people"), split=word("val"), each=whole(2, 1, 30))
good("lights.light")
good("lights.scenes rendered.scenes", count=whole(1), split=word("val"), size=SIZE, colour=tensor(draw(3), 0))
good("faces.draw faces.layers", count=whole(1), split=SPLIT, size=SIZE, each=whole(1), margin=whole(1, 0, 2048),
     kind=KIND, yaw=number(30.0, 0, 45))
good("faces.hard_examples faces.fronts", made=ours(lambda: faces.draw(1, size=16)), kind=word("person"),
     each=whole(1), size=whole(16, 16, 2048), margin=whole(1, 0, 2048), yaw=number(30.0, 0, 45))
good("turntable.draw", kind=word("chair"), count=whole(1), size=SIZE, split=SPLIT, each=whole(1),
     things=whole(30, 1, 4000))
good("turntable.views turntable.rotation", kind=word("chair"), instance=whole(23, 0, 9999), azimuth=AZIMUTH,
     elevation=ELEVATION, size=SIZE)
CLIPS = {"count": whole(1), "length": whole(2, 2), "size": SIZE, "split": SPLIT,
         "colours": word("glass")}
for name in ("moving", "bouncing"):
    good(f"clips.{name}", getattr(clips, name), **CLIPS | ({"length": whole(2)} if name == "bouncing" else {}))
good("clips.street clips.street_frames", split=SPLIT, length=whole(2, 2, 103), count=whole(1),
     size=whole(16, 16, 192), least=number(0.01, 0, 1))
good("taxonomy.ancestors taxonomy.tree_similarity", name=word("cat"), names=some(("cat", "dog")))

# Figures and live forms: their words, and numbers in a dict

WORDS = {"title": text("a title"), "alt": text("What it shows."), "xlabel": text("x"), "ylabel": text("y"),
         "xscale": word("linear"), "yscale": word("linear"), "columns": COUNT, "width": whole(200)}
VALUES = tensor(draw(2, 2), 0, 1, lists=True)
NO_BAR = {"NaN": float("nan"), "two": (1, 2), "turned round": (1.0, 2.0, 0.0), "endless": 10**400}
NO_POINT = {"NaN": (1, float("nan"), 0, 0), "two": (1, 2), "turned round": (1.0, 1.0, 2.0, 0.0), "a word": "x"}
good("figures.grid figures.answered", **WORDS | {"width": replace(whole(200), none=True)},
     pictures=some([x()[0], x()[0]]), titles=texts(["a", "b"]),
     rows=texts(["one row"]), words=texts(["a", "b"]), right=some((True, False)))
good("figures.curves", **WORDS, lines=ours({"a": [1.0, 2.0, 3.0]}))
good("figures.curves, y", lambda y: figures.curves({"a": y}, "x", "y", alt="One."),
     y=tensor(draw(5), thin=False, lists=True, finite=False))  # one NaN is a gap
good("figures.curves, parts", lambda parts: figures.curves({"a": parts}, "x", "y", alt="One."), parts=only(
    ([1, 2], [3, 4]), {"all NaN": draw(5) * float("nan"), "infinite": draw(5) / 0, "three": ([1], [2], [3]),
                       "other lengths": ([1, 2], [1, 2, 3])}))
good("figures.bars", **WORDS, values=ours({"a": 0.3}), chance=number(0.2))
good("figures.bars, a value", lambda value: figures.bars({"a": value}, "x", alt="One."), value=only(0.3, NO_BAR))
good("figures.points", **WORDS | {"xscale": word("log")}, values=ours({"a": (1.0, 0.3, 0.2, 0.4)}))
good("figures.points, a point", lambda value: figures.points({"a": value}, "x", "y", alt="One."),
     value=only((1.0, 0.3, 0.2, 0.4), NO_POINT))
good("figures.classes", names=texts(tuple("abcd")), logits=tensor(draw(4), 0, thin=False, lists=True),
     top=whole(2, 1, 4))
good("figures.table figures.heatmap", values=VALUES, names=texts(["a", "b"]),
     **WORDS | {"rows": texts(["a", "b"]), "columns": texts(["c", "d"])})
good("figures.frame_bars figures.scale_bar", shares=ours({"a": 0.3}), height=whole(120), width=whole(80),
     scale=positive(0.3))
good("figures.frame_bars, a share", lambda share: figures.frame_bars({"a": share}, 60), share=number(0.3, 0, 1))
good("figures.frame_bars, a name", lambda name: figures.frame_bars({name: 0.5}, 60), name=only("a", {}))
STEP = descent.Step(0, 1.0, x(), {"far": 1.0})
CONTROL = only((0.0, 1.0), {"turned round": (1.0, 0.0), "no choices": [], "a button": ipywidgets.Button()})
good("live.PictureBox", names=some(("coffee",)))
good("live.Click", x=number(0.5, 0, 1), y=number(0.5, 0, 1), panels=whole(1))
good("live.explore", fn=function(lambda a: x()), a=CONTROL)
good("live.play", lambda solver, first, at: live.play(solver, saliency.MaskSettings(), first=first, at=at),
     solver=function(lambda settings, at: iter([STEP])), first=whole(0, 0), at=CONTROL)
good("live.controls", lambda kind, name: live.controls(kind, name), name=word("lam"),
     kind=only(partial(saliency.MaskSettings), {"the class": saliency.MaskSettings, "no settings": STEP}))

# Warps

RANDOM = USUAL["generator"].make
BOTH = cache(lambda: warps.thin_plate_spline(2, RANDOM()).after(warps.affine(2, RANDOM())))
MAPS = tensor(draw(2, 2, 12, 9), 0)  # pictures, masks or features
SIX = only(6, {"0": 0, "half": 2.5, "three": (1, 2, 3), "endless": 10**9, "no height": (0, 4)})
WARPED = {"points": tensor(draw(2, 5, 2), 0, 2), "w": ours(BOTH)}
good("warps.thin_plate_spline warps.affine", count=whole(2, 1, 4096), strength=number(0.1, 0, 0.5),
     points=whole(4, 2, 12), shift=number(0.1, 0, 1), scale=number(1.1, 1, 4), turn=number(10, 0, 180))
good("warps.warp", images=MAPS, w=WARPED["w"], padding=word("border"), size=SIX)
good("warps.warp, a grid", lambda images, w: warps.warp(images, w), images=MAPS, w=tensor(draw(2, 4, 4, 2), 0, 3))
good("warps.warp_points", **WARPED)
good("warps.grid", images=tensor(draw(2, 2, 12, 9)), size=SIX)
good("warps.Affine", matrix=tensor(warps.affine(2, RANDOM()).matrix, 1, 2))
good("warps.Spline", controls=tensor(draw(2, 5, 2), 0, 1, 2), weights=tensor(draw(2, 5, 2), 0, 1, 2),
     plane=tensor(draw(2, 3, 2), 0, 1, 2))
good("warps.Warp", lambda points, w: BOTH().after(w).inverse()(points), **WARPED)

# Dense labelling and sparse landmarks

CODES = {"codes": tensor(draw(2, 3, 4, 4), 0, 1), "codes_moved": tensor(draw(2, 3, 4, 5, seed=1), 0, 1),
         "gu": tensor(draw(2, 6, 2) - 0.5, 0, 1, 2), "u": tensor(draw(2, 6, 2, seed=1) - 0.5, 0, 1, 2)}
OF_MAPS = CODES | {"maps": CODES["codes"], "maps_moved": CODES["codes_moved"]}
MARKED = tensor(draw(5, 3, 2), 0, 1, 2)
EYES = only((0, 1), {"one": (0,), "the same twice": (1, 1), "no landmark": (0, 3), "halves": (0.5, 1)})


def moved_pairs(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return draw(count, 3, 32, 32), draw(count, 3, 32, 32, seed=1), draw(count, 6, 2), draw(count, 6, 2, seed=1)


good("landmarks.codes_at", codes=tensor(draw(2, 3, 4, 4), 0), points=tensor(draw(2, 6, 2) - 0.5, 0, 2))
good("landmarks.dense_labelling_loss landmarks.invariance_loss", **CODES, gamma=positive(0.5, high=10),
     through=CODES["codes"], queries=whole(4), at_once=whole(99))
good("landmarks.dense_labelling_loss, of all cells", landmarks.dense_labelling_loss, **CODES | {
    "gu": tensor(draw(2, 16, 2) - 0.5, 0, 1, 2), "u": free(None)}, gamma=free(0.5), generator=free(None))
good("landmarks.heat_map", code=tensor(draw(6, 3), 1), codes=tensor(draw(2, 3, 4, 4), 1))
good("landmarks.match", **CODES, points=points(draw(2, 6, 2) - 0.5, 0, 2))
good("landmarks.virtual_landmarks", codes=tensor(draw(2, 3, 4, 4), 1), filters=tensor(draw(6, 3), 1))
good("landmarks.sphere", count=whole(5, 1, 10_000), length=positive(1.0, high=1e6))
good("landmarks.exchange_descriptors", code=tensor(draw(2, 5, 3), 0, 2), through=CODES["codes"])
good("landmarks.soft_argmax landmarks.diversity_loss", maps=tensor(draw(2, 3, 4, 4)), window=whole(2, 1, 4))
good("landmarks.equivariance_loss", **OF_MAPS)
good("landmarks.landmark_error", found=MARKED, true=MARKED, eyes=EYES)
good("landmarks.labeller", width=whole(2, 2, 256), dimensions=whole(3, 1, 256), longest=positive(4.0, high=1e6))
good("landmarks.train_labeller", net=network(lambda: landmarks.labeller(2)), pairs=function(moved_pairs),
     loss=word("labelling"))

# How things are turned, and keypoints as a bottleneck


def turns(count: int = 4, seed: int = 0) -> Tensor:
    """Rotations (N,3,3)."""
    return landmarks.as_rotation(draw(count, 6, seed=seed) - 0.5)


def pairs_of_two(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return x(count), x(count)


def pairs_of_three(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    return x(count), x(count), turns(count)


def no_bottlenecks() -> Values:
    nan = landmarks.KeypointAutoencoder(3, width=2)
    for weight in nan.parameters():
        weight.data.fill_(float("nan"))
    return {"a network": net(), "NaN in it": nan}


TURNS = tensor(turns, 0, 1, 2).also({"mirrors": -turns(), "stretched": 2 * turns(),
                                     "whole numbers": torch.eye(3).long().expand(4, 3, 3)})
NO_PAIR = {"one alone": (x(2),), "one pair": (x(1), x(1)), "other counts": (x(2), x(3)), "no pictures": (x(2), 3),
           "other sides": (x(2), x(2, 36)), "of one argument": lambda count: (x(2), x(2)), "below 0": (x(2) - 1, x(2))}
NO_TURN = {"mirrored": (x(4), x(4), -turns()), "angles": (x(4), x(4), draw(4))}
POSED = options(landmarks.PoseSettings, batch_size=2)
LEARNT = options(landmarks.AutoencodeSettings, steps=1, batch_size=2)
POSER, BOTTLENECK = network(lambda: landmarks.pose_encoder(2)), ours(lambda: landmarks.KeypointAutoencoder(3, width=2))
good("landmarks.as_rotation", code=tensor(draw(3, 6), 1).also({
    "zeros": torch.zeros(3, 6), "parallel columns": draw(3, 3).repeat(1, 2), "no direction": torch.zeros(3, 2)}))
good("landmarks.factorise landmarks.align landmarks.pose_error", found=TURNS, found_moved=TURNS, g=TURNS, true=TURNS,
     distance=word("geodesic"), h=tensor(turns()[0], 0, 1))
good("landmarks.pose_encoder", width=whole(2, 1, 256), dimensions=word("2d"))
good("landmarks.poses", net=POSER)
good("landmarks.rotated landmarks.rotated_pairs", degrees=tensor(360 * draw(2), 0))
good("landmarks.pairs_of", images=pictures(x(4)), rotations=TURNS, instances=tensor(torch.tensor([0, 0, 1, 1]), 0))
good("landmarks.learn_pose", net=POSER, loss=function(landmarks.factorise), settings=POSED,
     pairs=only((x(4), x(4), turns()), NO_PAIR | NO_TURN))
good("landmarks.autoencode", lambda pairs, net, layers, half, settings: landmarks.autoencode(
    BOTTLENECK.make(), pairs, net=net, layers=layers, half=half, settings=settings), pairs=only(
    (x(2), x(2)), NO_PAIR), layers=layers("conv1"), half=flag(False), settings=LEARNT)
good("landmarks.autoencode, model", lambda model: landmarks.autoencode(model, (x(2), x(2)), settings=LEARNT.make()),
     model=BOTTLENECK.also(no_bottlenecks))
for n in range(2):
    good(f"landmarks.learn_pose, pictures {n}", landmarks.learn_pose, net=free(POSER.make), loss=free(None),
         settings=replace(POSED, spoil=None), pairs=returns(pairs_of_three, n))
    good(f"landmarks.autoencode, pictures {n}", lambda pairs: landmarks.autoencode(
        BOTTLENECK.make(), pairs, settings=LEARNT.make()), pairs=returns(pairs_of_two, n))
    good(f"landmarks.train_labeller, pictures {n}", lambda pairs: landmarks.train_labeller(
        landmarks.labeller(2), pairs, settings=landmarks.LabelSettings(steps=1, batch_size=2)),
        pairs=returns(moved_pairs, n))
good("landmarks.KeypointAutoencoder", count=whole(3, 1, 64), width=WIDTH, sigma=positive(0.1, high=2))
method("keypoints appearance reconstruct draw", bottleneck, landmarks.KeypointAutoencoder, source=SEVERAL,
       target=SEVERAL, appearance_of=SEVERAL, points=tensor(draw(2, 3, 2), 1, 2))
good("landmarks.marginal_soft_argmax", maps=tensor(draw(1, 3, 4, 5)))
good("landmarks.gaussian_maps", points=tensor(draw(2, 3, 2), 2), sigma=positive(0.1, high=2), size=only((4, 5), {
    "three": (1, 2, 3), "halves": (1.5, 2), "no cells": (0, 4), "endless": (10**9, 10**9)}))

# An audit

POSITIVE = torch.arange(8) % 2 == 1
OUTLINES = nn.functional.pad(torch.ones(8, 1, 6, 6), (8, 18, 8, 18)) > 0
CASES = cache(lambda: audit.Cases(0.4 * x(8) + 0.5 * POSITIVE[:, None, None, None], POSITIVE, outlines=OUTLINES))


@cache
def bright() -> nets.Classifier:
    """Says 1 of a bright picture."""
    inside = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    inside[2].weight.data, inside[2].bias.data = torch.tensor([[-9.0] * 3, [9.0] * 3]), torch.tensor([12.0, -12.0])
    return nets.Classifier(inside.eval().requires_grad_(False), name="bright")


good("audit.accuracy audit.flips audit.lesion_removed audit.where_it_looks audit.fixed_place", net=network(bright),
     cases=ours(CASES), positive=target(1), margin=whole(2, 0), windows=COUNT, most=COUNT, cells=COUNT, pairs=COUNT)
good("audit.score", images=free(x), positive=target(1))
