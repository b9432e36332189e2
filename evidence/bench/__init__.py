"""Ours against captum, TorchRay and zennit on the same work, in one run: ``make bench``.

``scene`` holds what is explained, ``peers`` how each library is asked, ``rows`` what is compared with what,
``measure`` the clock and the memory, ``table`` the report.
``drawing`` and ``dissection`` are races against published programs, ``dissection_lite`` is one of these.
``latency`` is about the live figures: from a key to changed pixels, in a browser.
"""
