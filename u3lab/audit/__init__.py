"""An audit of a network on cases: five numbers, each with its interval and its floor, and what they do not say.

Files: ``cases`` (what is audited, and the one score), ``lesion`` (filled in), ``transplant`` (the best fixed place),
``looking`` (outside the body, on the lesion), ``flips`` (harmless changes), ``accuracy`` (by patient).
"""

from u3lab.audit.accuracy import accuracy
from u3lab.audit.cases import Cases, score
from u3lab.audit.flips import flips
from u3lab.audit.lesion import lesion_removed
from u3lab.audit.looking import where_it_looks
from u3lab.audit.transplant import fixed_place
