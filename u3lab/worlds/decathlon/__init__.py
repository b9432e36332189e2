"""The pocket decathlon: ten small domains of 64×64 pixels that differ as those of the Visual Decathlon do.

    decathlon.names()                              # ["digits", "house numbers", …]
    train = decathlon.load("traffic signs")        # .images (1500,3,64,64) in [0,1], .labels, .classes
    test = decathlon.load("traffic signs", "test") # of other photos and typefaces

Rebuffi, Bilen & Vedaldi, Learning multiple visual domains with residual adapters, NIPS 2017, have the benchmark, at 72
pixels and with a million pictures. These are made from what ships, in a minute, without a network. ``loading`` keeps
them; ``signs``, ``objects`` and ``patients`` say how each is made, with the tools of ``canvas``. The
benchmark itself is read by :mod:`u3lab.datasets.visual_decathlon`.
"""

from u3lab.worlds.decathlon.loading import DOMAINS, Domain, load, names, table, version
