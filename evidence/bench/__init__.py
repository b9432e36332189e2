"""Ours against captum, TorchRay and zennit on the same work, in one run: ``make bench``.

``scene`` holds what is explained, ``peers`` how each library is asked, ``rows`` what is compared with what,
``measure`` the clock and the memory, ``table`` the report and ``threads`` the effect of OpenMP's waiting policy.
``drawing`` and ``dissection`` are races against published programs, ``dissection_lite`` is one of these.
``plain`` are races against plain versions, a file each for chapters 1 to 3, 4 to 6b, and 6c and 7; ``peerless`` says
why some methods have no row. ``latency`` is about the live figures: from a key to changed pixels, in a browser.
"""
