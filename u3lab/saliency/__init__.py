"""Chapter 6: what parts of a picture are salient for a network, and what would "salient" mean?

Each method is one function ``(net, images, target) → map``; files: ``backprop`` (three ReLU rules), ``relevance``
(maps from true derivatives), ``relevance_rules`` (LRP, excitation), ``elision`` (meaningful perturbation),
``findings``, ``pointing`` and ``sanity`` (what the maps are worth).
"""

from u3lab.saliency.backprop import RULES, backprop, record
from u3lab.saliency.elision import MaskSettings, elide, minimal_elision, nothing_like
from u3lab.saliency.findings import channel_similarity, coherence, edge_agreement, edges, flat, strongest_channels
from u3lab.saliency.relevance import grad_cam, integrated_gradients, linear_approximation, smooth_grad
from u3lab.saliency.relevance_rules import excitation_backprop, lrp
from u3lab.saliency.sanity import area, deletion_curve, randomisation_check, randomise_downwards

# The recipe is run as `python -m u3lab.saliency.pointing`, which wants not to find itself imported already.
_LATER = ("METHODS", "known_pictures", "mosaics", "pointing_game", "positive", "tile_shares")

__all__ = [
    "RULES", "MaskSettings", "area", "backprop", "channel_similarity", "coherence", "deletion_curve", "edge_agreement",
    "edges", "elide", "excitation_backprop", "flat", "grad_cam", "integrated_gradients", "linear_approximation", "lrp",
    "minimal_elision", "nothing_like", "randomisation_check", "randomise_downwards", "record", "smooth_grad",
    "strongest_channels", *_LATER,
]


def __getattr__(name: str):
    if name in _LATER:
        from u3lab.saliency import pointing

        return getattr(pointing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
