"""Where this Python runs: in a notebook, on a machine where a class computes, behind a page of Voilà.

Voilà by itself takes its settings from the folder in which it is started: away from there, or beside settings of
somebody else, a page has no protection, and looks as always. So a kernel looks whether it was started by one of ours,
:class:`u3server.visitors.Pages`, whose settings come with the package.
"""

import os
import sys
from typing import Any

from u3lab.errors import U3Error

SHARED = "U3LAB_SHARED"  # "1" where a class computes on one machine, as in deploy/
PROTECTED = "U3LAB_PROTECTED"  # set by visitors.Pages for its kernels, and by nothing else


def shell() -> Any:
    """IPython's shell; None in a script. IPython is not imported for that: whoever runs in it has it."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def shared() -> bool:
    """Whether a class computes here."""
    return os.environ.get(SHARED) == "1"


def visited() -> bool:
    """Whether this is the kernel of a page, also of one that waits for its visitor."""
    return "VOILA_BASE_URL" in os.environ


def refuse_unprotected() -> None:
    """Stop a page that Voilà serves by itself.

    Raises:
        U3Error: In one sentence, which is printed too: of an error, Voilà shows visitors that there was one.
    """
    if visited() and PROTECTED not in os.environ:
        said = ("nothing protects the host of this page from its visitors, since Voilà was started by itself; "
                "end it, and type `u3lab serve NOTEBOOK`, or `u3lab demo CHAPTER` for the projector")
        print(said)
        raise U3Error(said)
