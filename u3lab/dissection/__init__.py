"""Chapter 7: dissection. What does a single unit stand for?

Files: ``quantiles`` (thresholds), ``overlap`` (IoU), ``dissecting`` (both, for all units, and counts of detectors),
``baselines`` (turned axes), ``concept_vectors`` (Net2Vec, concepts compared, and found by one unit or by many),
``peaks`` (top patches), ``ablation`` (units silenced).
"""

from u3lab.dissection.ablation import ablate, ablation_curve, accuracy_drop
from u3lab.dissection.baselines import Rotated, rotation
from u3lab.dissection.concept_vectors import (
    FINDERS,
    Net2VecSettings,
    best_filter,
    binarise,
    chance_similarity,
    concept_kernel,
    direction,
    filter_curve,
    iou_set,
    kernel_similarity,
    net2vec,
    segment,
)
from u3lab.dissection.dissecting import (
    Dissection,
    by_category,
    concepts_per_unit,
    dissect,
    dissect_layers,
    interval,
    unique_detectors,
    units_per_concept,
)
from u3lab.dissection.peaks import Peaks, patches, peaks, pooled
from u3lab.measures import Interval, Probe, balanced_accuracy, probe
