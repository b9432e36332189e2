"""Chapter 7: dissection. What does a single unit stand for?

Files: ``quantiles`` (thresholds), ``overlap`` (IoU), ``dissecting`` (both, for all units), ``counting`` (detectors),
``baselines`` (turned axes), ``concept_vectors`` (Net2Vec), ``kernel`` (concepts compared), ``peaks`` (top patches),
``ablation`` (units silenced), ``finding`` (concepts found by one unit or by many).
"""

from u3lab.dissection.ablation import ablate, ablation_curve, accuracy_drop
from u3lab.dissection.baselines import Rotated, rotation
from u3lab.dissection.concept_vectors import (
    Net2VecSettings,
    best_filter,
    binarise,
    direction,
    filter_curve,
    iou_set,
    net2vec,
    segment,
)
from u3lab.dissection.counting import by_category, concepts_per_unit, interval, unique_detectors, units_per_concept
from u3lab.dissection.dissecting import Dissection, dissect, dissect_layers
from u3lab.dissection.finding import FINDERS
from u3lab.dissection.kernel import chance_similarity, concept_kernel, kernel_similarity
from u3lab.dissection.peaks import Peaks, patches, peaks, pooled
from u3lab.measures import Interval, Probe, balanced_accuracy, probe
