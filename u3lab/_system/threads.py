"""How many threads torch computes with: as many as U3LAB_THREADS says, else half of the cores.

A small network gains little from a second thread, and the browser and the server of a lab need a core too.
``u3lab/__init__`` calls :func:`settle`: OpenMP reads its variables once, when torch is loaded.
"""

import os
import sys
import warnings

NAME = "U3LAB_THREADS"
_READ_BY_TORCH = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # where torch comes with MKL, MKL's number wins


def cores() -> int:
    """The cores that this process may use, which in a container can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default() -> int:
    """Half of the cores: at least one thread, at most four."""
    return max(1, min(cores() // 2, 4))


def slip() -> str:
    """What is wrong with the value of U3LAB_THREADS; empty if it is unset, empty or good."""
    given, most = os.environ.get(NAME, "").strip(), cores()
    if not given or given.isdecimal() and len(given) < 6 and 1 <= int(given) <= most:
        return ""
    wanted = f"a whole number from 1 to {most}, the cores there are" if most > 1 else "1, the number of cores there are"
    return f"{NAME}={given!r} is not possible; give {wanted}, or unset it"


def settle() -> None:
    """Set the number of threads for torch, whether it is loaded already or not. It never raises: a bad value warns.

    U3LAB_THREADS counts most, then the user's own OMP_NUM_THREADS or MKL_NUM_THREADS, then :func:`default`.
    """
    given, wrong = os.environ.get(NAME, "").strip(), slip()
    if wrong:
        warnings.warn(wrong, stacklevel=3)  # names the line that imports u3lab
    if given and not wrong:
        count = int(given)
    elif any(os.environ.get(name) for name in _READ_BY_TORCH):
        return
    else:
        count = default()
    os.environ.update(dict.fromkeys(_READ_BY_TORCH, str(count)))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)


def torch_came_first() -> bool:
    """Whether torch was loaded before u3lab set OpenMP's policy. Modules are listed in the order in which they came."""
    import psutil

    modules = list(sys.modules)
    at_start = psutil.Process().environ().get("OMP_WAIT_POLICY", "").upper()
    return at_start != "PASSIVE" and modules.index("torch") < modules.index("u3lab")
