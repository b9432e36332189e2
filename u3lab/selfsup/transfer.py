"""What has a pretext task taught? A linear probe tells it; and clusters of the features tell it to another network.

*The probe*, at every depth, with few labels of another task, is the protocol of the papers (Zhang, Isola & Efros, ECCV
2016; Goyal et al., ICCV 2019) in small: maps are pooled so that every layer gives about as many numbers, and only then
is a linear classifier fitted.

*Knowledge transfer* by clustering: what one network has learnt, told to another as the numbers of clusters.

    1. Φ learns some pretext task.   2. k-means of Φ(x).   3. A fresh network learns to name the cluster of x.

The second network may be of another kind, and never sees the pretext task, whose perturbed pictures and odd inputs stay
behind. Noroozi, Vinjimoor, Favaro & Pirsiavash, Boosting self-supervised learning via knowledge transfer, CVPR 2018.
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import listed, whole
from u3lab.descent import Step
from u3lab.errors import U3Error
from u3lab.measures import Probe, probe
from u3lab.nets import extract_features
from u3lab.nets.gate import ready
from u3lab.selfsup.training import PretextSettings, pretrain
from u3lab.settings import or_default
from u3lab.training.tasks import Joined, Posed, Task

NUMBERS = 512  # of each layer, about
PRICES = (0.001, 0.01, 0.1, 1.0)  # C of the probe, chosen on validation pictures
PART, AT_ONCE = 200, 250  # pictures at a time, for the probe and for the clusters


def pooled(net: nn.Module, images: Tensor, layer: str | Sequence[str]) -> dict[str, Tensor]:
    """Layer → its maps averaged over g×g parts, (N,C·g²) with C·g² near 512; pictures (N,3,H,W) in [0,1]."""
    net = ready(net, images)
    layers = [layer] if isinstance(layer, str) else listed("layer", layer, str, "names of layers")
    parts = [extract_features(net, layers, x) for x in images.split(PART)]
    return {name: torch.cat([_few(part[name]) for part in parts]) for name in layers}


def _few(maps: Tensor) -> Tensor:
    if maps.ndim != 4:
        raise U3Error(f"a layer with numbers {tuple(maps.shape)} has no maps; give a convolution's")
    grid = max(1, round((NUMBERS / maps.shape[1]) ** 0.5))
    return F.adaptive_avg_pool2d(maps, grid).flatten(1)


def best_probe(train: tuple[Tensor, Tensor], val: tuple[Tensor, Tensor]) -> Probe:
    """The linear probe whose C was best on the validation features, of the best the smallest.

    Each is a tuple of features (N,U) and labels (N).
    """
    return max((probe(*train, C=C) for C in PRICES), key=lambda one: one.accuracy(*val))


@torch.no_grad()
def pseudo_labels(net: nn.Module, layer: str, images: Tensor, k: int, *, seed: int = 0) -> Tensor:
    """The clusters (N), 0 … k − 1, that k-means finds in a layer's features of pictures (N,3,H,W), meaned over places.

    Each feature is brought to mean 0 and spread 1 first, so that none counts for being large.
    """
    from sklearn.cluster import KMeans

    net = ready(net, images)
    if (k := whole("k", k, 2)) > len(images):
        raise U3Error(f"{len(images)} pictures cannot be sorted into {k} clusters; give a smaller k")
    maps = [net.features(part, layer) for part in images.split(AT_ONCE)]
    features = torch.cat([one.flatten(2).mean(2) if one.ndim > 2 else one for one in maps]).double()
    features = (features - features.mean(0)) / features.std(0).clamp_min(1e-9)
    found = KMeans(k, n_init=4, random_state=whole("seed", seed, 0)).fit_predict(features.cpu().numpy())
    return torch.from_numpy(found).long()


def transfer_knowledge(teacher: nn.Module, layer: str, student: nn.Module, images: Tensor, k: int, *,
                       settings: PretextSettings | None = None) -> Iterator[Step]:
    """Train a fresh network on the clusters of another one's features of the same pictures.

    Args:
        teacher, layer: The network that has learnt, and the layer whose features are clustered.
        student: Any other encoder from pictures to maps; changed in place.
        images, k: Pictures (N,3,H,W) in [0,1], and how many clusters.
        settings: As for :func:`~u3lab.selfsup.pretrain`; ``lr`` is read at every step.

    Yields:
        Step: ``value`` is the share of the batch whose cluster the student names.
    """
    settings = or_default(settings, PretextSettings)
    labels = pseudo_labels(teacher, layer, images, k, seed=settings.seed)
    return taught(student, images, labels, k, settings=settings)


def taught(student: nn.Module, images: Tensor, labels: Tensor, k: int, *, settings: PretextSettings) -> Iterator[Step]:
    """Train a fresh network to name the clusters (N), 0 … k − 1, that pictures (N,3,H,W) are said to be in."""
    task = Task(lambda raw, _: Posed(raw[0][:, None], raw[1][:, 0]), lambda channels: Joined(channels, 1, k),
                raw="labelled", chance=1 / k)

    def drawn(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(images), (count,), generator=generator)
        return images[chosen], labels[chosen, None]

    return pretrain(student, drawn, task, settings=settings)
