"""Things on a turntable: chairs, cars and teapots of two dozen shapes each, drawn by a program, with their true pose.

    made = turntable.draw("chair", 8, seed=0)
    made.images, made.rotations              # (8,3,64,64), (8,3,3)
    made.rotations[1] @ made.rotations[0].T  # g: the pictures 0 and 1 are of one chair
    turntable.draw("chair", 600, things=300) # who wants more than two dozen

Each kind has a front, so that its pose can be told from every side. Files: ``seats``, ``cars``, ``pots`` (the shapes),
``solids`` (what they are built of), ``raytracing`` (how they are seen), ``made``.
"""

from u3course.worlds.turntable.made import INSTANCES, KINDS, POINTS, Turntable, draw, rotation, views
