"""The score of the Visual Decathlon.

    S = Σ_d α_d max(0, E_max,d − E_d)^γ,   γ = 2,   E_max,d = 2 × the error of a fully fine-tuned network

with α_d = 1000 E_max,d^(−γ), so that no error at all is worth 1000 points in each domain, and the fine-tuned network
250 (Rebuffi, Bilen & Vedaldi, NIPS 2017, section on the Visual Decathlon Challenge). Many small gains near E_max count
little; the last per cents count most.
"""

from collections.abc import Mapping

from u3lab.checks import is_a, number, shown, whole
from u3lab.errors import U3Error

GAMMA, POINTS = 2, 1000.0
LEAST = 0.02  # E_max is not taken smaller, or one picture of a small test set would decide


def decathlon_score(errors: Mapping[str, float], baseline: Mapping[str, float]) -> float:
    """S of a set of domains: 250 points a domain for the baseline, 1000 for no error.

    Args:
        errors: Domain → share of test pictures that are wrong, in [0,1] (no per cent).
        baseline: The same of the fully fine-tuned network. Where it has less than one per cent, one per cent is taken.

    Raises:
        U3Error: Other domains in one than in the other, or a share that is none.

    Examples:
        >>> universal.decathlon_score({"digits": 0.1, "signs": 0.0}, {"digits": 0.1, "signs": 0.2})
        1250.0
    """
    ours, theirs = _shares("errors", errors), _shares("baseline", baseline)
    if ours.keys() != theirs.keys():
        odd = sorted(ours.keys() ^ theirs.keys())[0]
        raise U3Error(f"{odd!r} has no {'baseline' if odd in ours else 'error'}; give both for the same domains")
    most = {name: max(2 * share, LEAST) for name, share in theirs.items()}
    return sum(POINTS * most[name]**-GAMMA * max(0.0, most[name] - error) ** GAMMA for name, error in ours.items())


def networks(shared: int, added: int, domains: int) -> float:
    """All parameters for several domains as a multiple of the one network: (shared + domains · added) / shared."""
    whole("shared", shared), whole("added", added, 0), whole("domains", domains)
    return 1 + domains * added / shared


def _shares(what: str, given: object) -> dict[str, float]:
    is_a(what, given, Mapping, "give a dict of domains, such as {'digits': 0.05}")
    if not given or not all(isinstance(name, str) for name in given):
        raise U3Error(f"{what} = {shown(given)}; give a dict of one domain or more, such as {{'digits': 0.05}}")
    return {name: number(f"{what}[{name!r}]", share, 0, 1) for name, share in given.items()}
