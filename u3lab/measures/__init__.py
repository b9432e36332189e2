"""One number with its interval, the area under a curve, and the linear probe: what every chapter measures with.

Nothing here knows a network; scores, features and curves come as tensors.
Files: ``intervals`` (the bootstrap, means, ROC), ``curves`` (correlations, areas), ``probing`` (accuracies, the probe).
"""

from u3lab.measures.curves import auc, correlation, rank_correlation
from u3lab.measures.intervals import Interval, bootstrap, mean, roc_auc
from u3lab.measures.probing import Probe, agreement, balanced_accuracy, classes, of_class, probe
