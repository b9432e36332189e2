"""Chapter 6: what parts of a picture are salient for a network, and what would "salient" mean?

Each method is one function ``(net, images, target) → map``; files: ``backprop`` (three ReLU rules), ``relevance``
(maps from true derivatives), ``relevance_rules`` (LRP, excitation), ``elision`` (meaningful perturbation),
``findings``, ``pointing`` and ``sanity`` (what the maps are worth).

Chapter 6b: ``adversaries`` (FGSM, PGD), ``minimal_norm`` (DeepFool), ``levels`` (honest to eight bits), ``transfer``
(does it fool the other network?), ``sticker`` and ``pasting``, ``detection`` and ``detection_trial``.
"""

from u3lab.saliency.adversaries import AttackSettings, fgsm, pgd
from u3lab.saliency.backprop import RULES, backprop, record
from u3lab.saliency.detection import Detector, evade, fit_detector, strengths
from u3lab.saliency.elision import MaskSettings, elide, minimal_elision, nothing_like
from u3lab.saliency.findings import channel_similarity, coherence, edge_agreement, edges, flat, strongest_channels
from u3lab.saliency.levels import fools, to_bytes, to_bytes_near
from u3lab.saliency.minimal_norm import MinimalSettings, minimal_norm
from u3lab.saliency.pasting import cut_out, paste
from u3lab.saliency.relevance import grad_cam, integrated_gradients, linear_approximation, smooth_grad
from u3lab.saliency.relevance_rules import excitation_backprop, lrp
from u3lab.saliency.sanity import area, deletion_curve, randomisation_check, randomise_downwards
from u3lab.saliency.sticker import StickerSettings, shipped_sticker, sticker, success_rate
from u3lab.saliency.transfer import fooling_table

# The recipe is run as `python -m u3lab.saliency.pointing`, which wants not to find itself imported already.
_LATER = ("METHODS", "known_pictures", "mosaics", "pointing_game", "positive", "tile_shares")

__all__ = [
    "RULES", "AttackSettings", "Detector", "MaskSettings", "MinimalSettings", "StickerSettings", "area", "backprop",
    "channel_similarity", "coherence", "cut_out", "deletion_curve", "edge_agreement", "edges", "elide", "evade",
    "excitation_backprop", "fgsm", "fit_detector", "flat", "fooling_table", "fools", "grad_cam",
    "integrated_gradients", "linear_approximation", "lrp", "minimal_elision", "minimal_norm", "nothing_like",
    "paste", "pgd", "randomisation_check", "randomise_downwards", "record", "shipped_sticker", "smooth_grad",
    "sticker", "strengths", "strongest_channels", "success_rate", "to_bytes", "to_bytes_near", *_LATER,
]


def __getattr__(name: str):
    if name in _LATER:
        from u3lab.saliency import pointing

        return getattr(pointing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
