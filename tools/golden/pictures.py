"""Calls of pictures, colours, figures and networks."""

from __future__ import annotations

import torch

from tools.golden.kept import call, draw, lite, photo, squeezenet
from u3lab import figures, images, nets, pixels
from u3lab.images import cropping

# Pictures, drawing and small tools

call("load, resize, blur")(lambda: [photo(), images.resize(photo(), 77), images.blur(photo(), 2.5)])
call("names, caption, label")(lambda: [images.names("everyday"), images.caption("dog"), images.label("dog")])
call("crops")(lambda: cropping.crops(["dog", "hens"], 48, count=2))
call("total variation")(lambda: [images.total_variation(photo(), beta) for beta in (1.0, 2.0, 3.0)])
call("shift and zoom")(lambda: [images.shift(photo(), 5, draw()), images.zoom(photo(), 0.2, draw())])
call("heat map colours")(lambda: [pixels.heat(photo()[0, 0]), pixels.heat(photo()[0, 0] - 0.5, signed=True)])
call("overlay and relief")(lambda: [pixels.overlay(photo(), photo()[0, 0]), pixels.signed_rgb(photo() - 0.5)])
call("png and jpeg")(lambda: [pixels.png(photo()), pixels.jpeg(photo(), quality=80)])
call("a grid of pictures")(lambda: figures.grid([photo(), photo("dog")], titles=["a", "b"], alt="Two.").data)
call("curves")(lambda: figures.curves({"a": [1, 2, 3], "b": [3, 2, 5]}, "x", "y", alt="Two.").data)
call("bars")(lambda: figures.bars({"a": 0.3, "b": (0.5, 0.4, 0.7)}, "x", alt="Two.", chance=0.2).data)
call("classes")(lambda: figures.classes(squeezenet().classes, squeezenet()(photo())).data)
call("table")(lambda: figures.table([[1.0, 0.2], [0.2, 1.0]], ["a", "b"], ["a", "b"], alt="Two.").data)
call("matrix of named things")(lambda: figures.heatmap(
    torch.eye(3) + 0.1, ["a", "b", "c"], groups=["x", "x", "y"], alt="3.").data)
call("bars in a frame")(lambda: figures.frame_bars({"hen": 0.7, "cock": 0.3}, 120))

# Networks

call("scores of both networks")(lambda: [squeezenet()(photo()), lite()(photo())])
call("features")(lambda: [squeezenet().features(photo(), layer) for layer in ("conv1", "fire5", "fire9")])
call("several layers at once")(lambda: nets.extract_features(lite(), ("stage3", "stage7"), photo()))
call("an untrained copy")(lambda: nets.untrained(squeezenet())(photo()))
