"""Pictures: load one from anywhere, check a batch, resize, blur, shift, and cut squares out of those that ship.

    x = images.load("coffee", size=227)     # a shipped picture (see names()), a path, bytes, a PIL image or an array
    images.blur(x, 2.5)

A picture is a float32 tensor (B,3,H,W), RGB, in [0,1]; float64 is taken as well, half precision is refused. One call
makes at most 50 million pixels (MAX_PIXELS), which are 600 MB.
"""

from u3lab.checks import MAX_PIXELS
from u3lab.images.blurring import blur, total_variation
from u3lab.images.cropping import crops, shift, sources, zoom
from u3lab.images.loading import check, load, resize
from u3lab.images.shipped import GROUPS, caption, label, names
