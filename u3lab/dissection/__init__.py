"""Chapter 7: dissection. What does a single unit stand for?"""

from u3lab.dissection.ablation import ablate, ablation_curve, balanced_accuracy, damage
from u3lab.dissection.dissecting import Dissection, Labelled, dissect, quantiles
from u3lab.dissection.kernel import chance_similarity, concept_kernel, kernel_similarity
from u3lab.dissection.probing import Probe, probe

__all__ = ["Dissection", "Labelled", "Probe", "ablate", "ablation_curve", "balanced_accuracy", "chance_similarity",
           "concept_kernel", "damage", "dissect", "kernel_similarity", "probe", "quantiles"]
