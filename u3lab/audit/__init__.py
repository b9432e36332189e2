"""An audit of a network on cases: five numbers, each with its interval and its floor, and what they do not say.

    cases = audit.read("scans", "labels.csv", masks="masks")
    audit.write(audit.run(net, cases, out="report"), "report")      # report/report.html

``u3lab audit`` does the same from the command line. Files: ``cases`` (what is audited, and the one score), ``lesion``
(filled in), ``transplant`` (the best fixed place), ``looking`` (outside the body, on the lesion), ``flips`` (harmless
changes), ``accuracy`` (by patient), ``segments`` (what a network for segmentation is asked in place of the last three);
``parts`` and ``segment_parts`` (all five of a ``kinds``), ``behind``, ``methods``, ``pooled``, ``markers`` and
``keeping`` (what stands behind them), ``running`` (kept as they are done); ``reading`` (a folder), ``volumes`` (NIfTI,
DICOM series), ``grids`` (where a scan lies, and a map over it), ``own`` (a user's module), ``windows`` (what is too
large for it); ``drawing``, ``wording``, ``claims`` and ``page`` (the report).
"""

from u3lab.audit.accuracy import accuracy
from u3lab.audit.cases import Cases, score
from u3lab.audit.flips import changes, flips
from u3lab.audit.lesion import lesion_removed
from u3lab.audit.looking import where_it_looks
from u3lab.audit.page import write
from u3lab.audit.reading import read
from u3lab.audit.running import run
from u3lab.audit.segments import dice_by_patient, outside_region, steadiness
from u3lab.audit.transplant import fixed_place
from u3lab.audit.windows import sliding
