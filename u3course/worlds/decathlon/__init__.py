"""The pocket decathlon: ten small domains of 64×64 pixels that differ as those of the Visual Decathlon do.

    decathlon.names()                              # ["digits", "house numbers", …]
    train = decathlon.load("traffic signs")        # .images (1500,3,64,64) in [0,1], .labels, .classes
    test = decathlon.load("traffic signs", "test") # of other photos and typefaces
    decathlon.sample()["traffic signs"]            # 36 of the test pictures, which ship and need not be made

Rebuffi, Bilen & Vedaldi, Learning multiple visual domains with residual adapters, NIPS 2017, have the benchmark, at 72
pixels and with a million pictures. These are made from what ships, in a minute, without a network. ``loading`` keeps
them; ``signs``, ``objects`` and ``patients`` say how each is made, with the tools of ``canvas``.
"""

from u3course.worlds.decathlon.loading import DOMAINS, SAMPLE, Domain, load, names, sample, sampled
