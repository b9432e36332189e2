"""Live figures: sliders, a picture that follows them, an optimisation that is steered while it runs.

    live.explore(fn, sigma=(0.0, 12.0))        # for what answers at once
    live.play(solver, settings)                # for what is optimised: play, pause, step, restart, and every slider
    live.play(solver, TV(), InversionSettings(), "beta", "jitter")  # several settings objects, two sliders in view
    live.controls(settings)                    # the sliders alone, of one settings object or of several

Two more controls go into both: :class:`PictureBox` (a menu of pictures that also takes the student's own) and
:class:`Click` (a place on the picture, picked with the mouse or the arrow keys).
"""

from u3lab.live.controls import Controls as controls
from u3lab.live.explorer import Explorer, explore
from u3lab.live.picturebox import PictureBox
from u3lab.live.player import Player, play
from u3lab.live.screen import Click, Screen
