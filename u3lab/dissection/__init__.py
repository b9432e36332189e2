"""Chapter 7: dissection. What does a single unit stand for?"""

from u3lab.dissection.dissecting import Dissection, Labelled, dissect, quantiles

__all__ = ["Dissection", "Labelled", "dissect", "quantiles"]
