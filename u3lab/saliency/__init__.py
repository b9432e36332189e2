"""Chapter 6: what parts of a picture are salient for a network, and what would "salient" mean?

Each method is one function ``(net, images, target) → map``; files: ``backprop`` (three ReLU rules), ``relevance``
(maps from derivatives), ``relevance_rules`` (LRP, excitation), ``perturbation`` (meaningful perturbation, occlusion),
``registry`` (all of these by name, and for which networks), ``metrics`` and ``pointing`` (what the maps are worth).
"""

from u3lab.measures import auc
from u3lab.saliency.backprop import RULES, backprop, forward_pass
from u3lab.saliency.metrics import (
    channel_similarity,
    deletion_curve,
    edges,
    max_abs,
    positive,
    randomise_downwards,
    strongest_channels,
)
from u3lab.saliency.perturbation import (
    MaskSettings,
    baseline_like,
    meaningful_perturbation,
    occlusion,
    perturb,
    pooled_mask,
)
from u3lab.saliency.pointing import known_pictures, mosaics, pointing_game, tile_shares
from u3lab.saliency.registry import METHODS, Method, defined
from u3lab.saliency.relevance import (
    grad_cam,
    guided_grad_cam,
    integrated_gradients,
    modulated_gradient,
    smooth_grad,
)
from u3lab.saliency.relevance_rules import excitation_backprop, lrp
