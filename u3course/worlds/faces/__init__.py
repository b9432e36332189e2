"""Made faces: drawn by a program, of nobody. With them come attributes, landmarks, identities and poses that are true.

    made = faces.draw(8, seed=0)
    made.images, made.points             # (8,3,64,64), (8,8,2)
    made.attributes[:, 0]                # who wears glasses: faces.ATTRIBUTES[0]

    cats = faces.draw(8, kind="cat")     # faces.CAT_POINTS: ears instead of brows, else the same
    faces.fronts(made, each=4)           # (8,1024,3): where places on a head are seen, however it turns
    faces.hard_examples(made)            # (8,): turned by more than 25°, with glasses or a beard

Files: ``people`` and ``cats`` (who, how they look this time, and their shapes), ``drawn`` (what both have in common),
``head`` (the geometry), ``made``.
"""

from u3course.worlds.faces.cats import CAT_POINTS
from u3course.worlds.faces.made import ATTRIBUTES, CAT_ATTRIBUTES, Faces, Layers, draw, fronts, hard_examples, layers
from u3course.worlds.faces.people import POINTS
