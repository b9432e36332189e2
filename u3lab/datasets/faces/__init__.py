"""Made faces: drawn by a program, of nobody. With them come attributes, landmarks, identities and poses that are true.

    made = faces.draw(8, seed=0)
    made.images, made.points             # (8,3,64,64), (8,8,2)
    made.attributes[:, 0]                # who wears glasses: faces.ATTRIBUTES[0]

Files: ``people`` (who, and how they look this time), ``head`` (the geometry), ``drawing`` (the shapes), ``made``.
"""

from u3lab.datasets.faces.drawing import POINTS
from u3lab.datasets.faces.made import ATTRIBUTES, Faces, Layers, draw, layers

__all__ = ["ATTRIBUTES", "POINTS", "Faces", "Layers", "draw", "layers"]
