"""Chapter 6: what parts of a picture are salient for a network, and what would "salient" mean?"""

from u3lab.saliency.backprop import RULES, backprop, record
from u3lab.saliency.relevance import grad_cam, integrated_gradients, linear_approximation, smooth_grad
from u3lab.saliency.relevance_rules import excitation_backprop, lrp

__all__ = ["RULES", "backprop", "excitation_backprop", "grad_cam", "integrated_gradients", "linear_approximation", "lrp",
           "record", "smooth_grad"]
