"""A report on one's own network: five numbers, each with its interval and its floor, and what they do not say.

    cases = u3audit.read("scans", "labels.csv", masks="masks")
    u3audit.write(u3audit.run(net, cases, out="report"), "report")      # report/report.html

``u3lab audit`` does the same from the command line. The five numbers are those of :mod:`u3lab.audit`. Files:
``segments`` (what a network for segmentation is asked in place of the last three); ``parts`` and ``segment_parts`` (all
five of a kind of network), ``behind``, ``methods``, ``pooled``, ``markers`` and ``keeping`` (what stands behind them),
``running`` (kept as they are done); ``reading`` (a folder), ``volumes`` (NIfTI, DICOM series), ``grids`` (where a scan
lies, and a map over it), ``own`` (a user's module), ``windows`` (what is too large for it); ``drawing``, ``wording``
(with ``sentences.toml``), ``claims`` and ``page`` (the report).
"""

import u3lab  # noqa: F401  (before torch, as everywhere)
from u3audit.page import write
from u3audit.reading import read
from u3audit.running import run
from u3audit.segments import dice_by_patient, outside_region, steadiness
from u3audit.windows import sliding
