"""Chapter 7: dissection. What does a single unit stand for?"""

from u3lab.dissection.ablation import ablate, ablation_curve, balanced_accuracy, damage
from u3lab.dissection.concept_vectors import Net2VecSettings, best_filter, iou_set, net2vec, segment
from u3lab.dissection.dissecting import Dissection, dissect, quantiles
from u3lab.dissection.kernel import chance_similarity, concept_kernel, kernel_similarity
from u3lab.dissection.probing import Probe, probe

__all__ = ["Dissection", "Net2VecSettings", "Probe", "ablate", "ablation_curve", "balanced_accuracy",
           "best_filter", "chance_similarity", "concept_kernel", "damage", "dissect", "iou_set", "kernel_similarity",
           "net2vec", "probe", "quantiles", "segment"]
