"""Chapter 7: dissection. What does a single unit stand for?"""

from u3lab.dissection.dissecting import Dissection, Labelled, dissect, quantiles
from u3lab.dissection.kernel import chance_similarity, concept_kernel, kernel_similarity
from u3lab.dissection.probing import Probe, probe

__all__ = ["Dissection", "Labelled", "Probe", "chance_similarity", "concept_kernel", "dissect", "kernel_similarity",
           "probe", "quantiles"]
