"""Calls of the data sets that are made, a small draw of each, and of the readers of those that ship."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from tools.golden.comparing import sealed
from tools.golden.kept import call, draw, photo, squeezenet, uniform
from u3course.lessons import patients
from u3course.lessons.saliency import things
from u3course.worlds import (
    clips,
    composing,
    concepts,
    decathlon,
    faces,
    lights,
    mosaics,
    patterns,
    rendered,
    scenery,
    turntable,
)
from u3lab import pixels
from u3lab.datasets import (
    clips as films,
)
from u3lab.datasets import (
    cutouts,
    handwritten,
    outlines,
    photos,
    scans,
    taxonomy,
)
from u3lab.datasets.labelled import LabelledPictures, batches
from u3lab.selfsup import sounding

# Made

for kind in ("person", "cat"):
    @call(f"made faces: {kind}")
    def _faces(kind: str = kind) -> object:
        made = faces.draw(3, kind=kind, seed=1, size=48, each=2)
        apart = faces.layers(2, kind=kind, split="test", seed=2, size=32, each=1, margin=4, yaw=40.0)
        return [sealed([made, apart]), faces.hard_examples(made, kind=kind),
                sealed(faces.fronts(apart, each=1, size=32, margin=4, kind=kind, yaw=40.0))]

call("made faces: names of points and attributes")(lambda: [
    faces.POINTS, faces.CAT_POINTS, faces.ATTRIBUTES, faces.CAT_ATTRIBUTES])

call("turntable: chair")(lambda: sealed([
    turntable.draw("chair", 2, size=32, seed=1), turntable.draw("chair", 1, size=32, split="test", things=30),
    turntable.views("chair", 23, torch.tensor([10.0, 200.0]), torch.tensor([20.0, 45.0]), size=32)]))
call("turntable: angles")(lambda: [turntable.rotation(360 * uniform(3), 90 * uniform(3, seed=1)), turntable.INSTANCES])

call("clips: gliding things")(lambda: sealed(clips.moving(2, 4, size=48, seed=1)))
call("clips: bouncing things")(lambda: sealed([clips.bouncing(2, length=6, size=32, seed=1), clips.bouncing(
    1, length=4, size=32, split="test", colours="glass")]))
call("clips: what is heard")(lambda: [sounding.spectrogram(uniform(2, 600)), clips.MATERIALS])
call("clips: a street")(lambda: sealed([films.street("test", length=3, count=2, size=32, seed=1),
                                        films.street_frames("test"), films.street_masks()]))
call("clips: the rabbit's film")(lambda: [sealed(films.rabbit()), films.MARKS])

for name in decathlon.names():
    call(f"decathlon: {name}")(lambda name=name: sealed(decathlon.load(name, "val", each=3)))
call("decathlon: its domains")(lambda: list(decathlon.DOMAINS))

call("mosaics")(lambda: sealed([mosaics.textures(2, 32, seed=1), mosaics.satellite(2, 32, seed=1)]))
call("rendered scenes")(lambda: sealed([rendered.scenes(2, size=32, seed=1), rendered.scenes(
    1, size=32, split="val", seed=2)]))
call("lights, and scenes under them")(lambda: [lights.light(3), sealed([
    lights.scenes(2, lights.light(3), seed=1), lights.scenes(2, split="val", close=True, seed=2)])])
call("painted patterns")(lambda: [sealed(patterns.paint(name, 32, draw(n)))
                                  for n, name in enumerate(patterns.PATTERNS)])
call("composed pictures with concepts")(lambda: [sealed(composing.compose(96, split, draw(seed)))
                                                 for split in ("train", "validation") for seed in range(3)])
call("crops of scenery")(lambda: sealed([scenery.crop(32, split, draw()) for split in ("train", "test")]))


@call("labelled pictures in batches")
def _labelled() -> object:
    masks, known = uniform(5, 2, 4, 4) > 0.5, uniform(5, 2) > 0.3
    data = LabelledPictures(("one", "two"), uniform(5, 3, 8, 8), masks, known)
    made = concepts.load("train", count=4, seed=2, least=1)
    return [list(batches(data, batch_size=2)), list(batches(data, which=[3, 0])), data[[4]], made.names,
            made.categories, sealed(made[[1, 2]]), [made.showing(name, least=1) for name in made.names[:3]],
            made.only(made.names[:2]).names]


# What ships


@call("photos")
def _photos() -> object:
    names = [photos.names(group, split=split) for group in ("animal", "place", "nature") for split in ("train", "test")]
    return [names, [photos.about(name) for name in photos.names()],
            sealed([photos.load("stream", size=48), photos.load("calf")])]


@call("cut-outs")
def _cutouts() -> object:
    names = cutouts.names()
    pasted = cutouts.paste("zebra", photo("dog", 48), size=0.6, x=0.3, mirror=True)
    return [names, cutouts.names("animal", split="test"), cutouts.names("bird", known=True), cutouts.KINDS,
            [cutouts.about(name) for name in names], sealed([cutouts.load("zebra", size=40), pasted])]


@call("scans")
def _scans() -> object:
    return [(name, sealed(scan), scan.largest) for name in scans.names() for scan in [scans.load(name)]] + [
        sealed(scans.load("lung1", window="soft"))]


call("digits by hand")(lambda: sealed(handwritten.load(5)))
call("outlines")(lambda: [sealed(outlines.drawn()), sealed(outlines.outlines("motorcycle")), [
    (one.labels, sealed(one.mask)) for one in outlines.outlines("chelsea")]])
call("sources of concepts")(lambda: [concepts.sources(split) for split in ("train", "validation")])
call("the is-a tree of all concepts")(lambda: [[(name, taxonomy.ancestors(name)) for name in
                                                concepts.CATEGORIES["object"]],
                                               sealed(taxonomy.tree_similarity(concepts.CATEGORIES["object"]))])
call("patients for a room")(lambda: [sealed(value) for name, value in sorted(vars(patients).items())
                                     if name.isupper() and isinstance(value, (tuple, dict, str))])


@call("things with a class")
def _things() -> object:
    pasted, outlined = things.pasted(96), things.outlined(96)
    return [sealed([pasted, outlined]), things.probability(squeezenet(), pasted[0].image, pasted[0].label)]


# What a student brings


def folder(read: Callable[[Path], object], files: dict[str, bytes]) -> object:
    """What is read of a folder with these files."""
    with tempfile.TemporaryDirectory() as made:
        for name, content in files.items():
            (Path(made) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(made) / name).write_bytes(content)
        return sealed(read(Path(made)))


BRODEN = {"index.csv": b"image,split,ih,iw,sh,sw,object\na.png,train,8,8,8,8,1\n",
          "label.csv": b"number,name,category\n1,cat,object(1)\n2,dog,object(1)\n",
          "images/a.png": pixels.png(uniform(1, 3, 8, 8))}


def read_broden(path: Path) -> object:
    data = concepts.broden(path, size=16)
    return [data.names, data.categories, data[[0]]]


call("a folder of Broden")(lambda: folder(read_broden, BRODEN))
