"""What a network is judged by, beside its accuracy: five numbers, each with its interval and its floor.

    cases = audit.Cases(images, labels == 1, outlines=masks)
    audit.lesion_removed(net, cases)

``cases`` is what is audited, and the one score; ``lesion`` (filled in), ``transplant`` (the best fixed place),
``looking`` (outside the body, on the lesion), ``flips`` (harmless changes), ``accuracy`` (by patient). A report on them
is that of the house ``u3audit``.
"""

from u3lab.audit.accuracy import accuracy
from u3lab.audit.cases import Cases, score
from u3lab.audit.flips import changes, flips
from u3lab.audit.lesion import lesion_removed
from u3lab.audit.looking import where_it_looks
from u3lab.audit.transplant import fixed_place
