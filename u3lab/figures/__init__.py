"""Figures that carry their own description: picture grids, curves, points, bars, tables and heat maps, with alt text.

    figures.grid([image, pixels.overlay(image, map)], titles=["picture", "Grad-CAM"], alt="A cat; its face is lit up.")
    figures.curves({"gradient": y, "mask": (x, y, low, high)}, "pixels removed (%)", "score", alt="…")
    figures.bars({"gradient": 0.61, "Grad-CAM": (0.72, 0.68, 0.76)}, "share in the right tile", chance=0.25, alt="…")
    figures.table([[1, 0.2], [0.2, 1]], ["cat", "dog"], ["cat", "dog"], alt="…")

A figure is an opaque near-white card, so that it reads the same on a dark page. It is drawn without pyplot: nothing is
shown twice and nothing is left behind. Colours are from the set of Okabe & Ito (2008), which colour-blind people can
tell apart; a method that recurs (``canvas.METHODS``) has the same one in every chart.
"""

from u3lab.figures.canvas import COLOURS
from u3lab.figures.charts import Figure, answered, bars, classes, curves, grid, points
from u3lab.figures.frames import frame_bars, scale_bar
from u3lab.figures.matrices import heatmap, table
