"""Chapter 6: what parts of a picture are salient for a network, and what would "salient" mean?

Each method is one function ``(net, images, target) → map``; files: ``backprop`` (three ReLU rules), ``relevance``
(maps from true derivatives), ``relevance_rules`` (LRP, excitation), ``perturbation`` (meaningful perturbation),
``metrics``, ``pointing`` and ``sanity`` (what the maps are worth).
"""

from u3lab.saliency.backprop import RULES, backprop, record
from u3lab.saliency.metrics import channel_similarity, coherence, edge_agreement, edges, flat, strongest_channels
from u3lab.saliency.perturbation import MaskSettings, elide, minimal_elision, nothing_like
from u3lab.saliency.pointing import METHODS, known_pictures, mosaics, pointing_game, positive, tile_shares
from u3lab.saliency.relevance import grad_cam, integrated_gradients, linear_approximation, smooth_grad
from u3lab.saliency.relevance_rules import excitation_backprop, lrp
from u3lab.saliency.sanity import area, deletion_curve, randomisation_check, randomise_downwards

__all__ = ["METHODS", "RULES", "MaskSettings", "area", "backprop", "channel_similarity", "coherence", "deletion_curve",
           "edge_agreement", "edges", "elide", "excitation_backprop", "flat", "grad_cam", "integrated_gradients",
           "known_pictures", "linear_approximation", "lrp", "minimal_elision", "mosaics", "nothing_like",
           "pointing_game", "positive", "randomisation_check", "randomise_downwards", "record", "smooth_grad",
           "strongest_channels", "tile_shares"]
