"""Clustering by mutual information: a network on two views of each picture, whose answers have to agree (IIC).

    net = digit_encoder(seed=0)
    head = sub_heads(net, 10)
    last(cluster(net, digits, 10, head=head))                              # an iterator of Step, whose value is P
    z = cluster_probabilities(net, head, digits)[best_head(net, head, digits)]  # (N,10), of the sub-head of lowest loss

It is a pretext task as any other, :func:`clustering`, without an answer to compare with: the loss is −I of both views.
Ji, Henriques & Vedaldi, Invariant information clustering for unsupervised image classification and segmentation, ICCV
2019.

Or of two networks, one that sees and one that hears, :func:`audiovisual_clustering`: what can be heard decides what is
told apart in what is seen, and the other way round. De Sa, Learning classification with unlabeled data, NIPS 1994, had
each network teach the other; here the loss is −I, of a joint that is not made symmetric, since an eye is no ear.
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import function, is_a, shown, whole
from u3lab.descent import Step
from u3lab.errors import U3Error
from u3lab.images import check
from u3lab.nets.gate import eval_mode, ready
from u3lab.selfsup.information import iic_loss, joint
from u3lab.selfsup.views import digit_views
from u3lab.settings import or_default, setting, settings
from u3lab.training import loop
from u3lab.training.learning import head_of, learn, maps
from u3lab.training.tasks import Posed, Task, Terms

Views = Callable[[Tensor, torch.Generator], Tensor]  # pictures (B,3,H,W) and a generator → each moved by chance
VIEWS = "give a function of pictures and a generator, such as selfsup.digit_views"
GRID = 4  # an encoder's maps are pooled to so many places a side before a head
AT_ONCE = 500  # pictures
SAMPLES = 256  # of a sound's spectrum
BANDS = SAMPLES // 2 + 1


@settings
class ClusterSettings:
    """Settings of :func:`cluster`."""

    lam: float = setting(1.0, 0.0, 4.0, symbol="λ", help="weight of even use of the classes; with 1, the information")
    lr: float = loop.rate(0.002, falls=True)
    steps: int = loop.steps(1000)
    batch_size: int = loop.batch_size(250, 2000, "pairs at each step, which P is the mean of", symbol="n")
    heads: int = setting(5, 1, 20, once=True, help="sub-heads; the one with the lowest loss is chosen")
    over: int = setting(0, 0, 100, once=True, help="clusters of further heads that only help to learn; 0 for none")
    seed: int = loop.seed("the views, their order, and the heads' weights")


class SubHeads(nn.Module):
    """Several linear classifiers of the same maps, each with k classes, and as many with ``over`` classes beside them.

    They begin with different weights and end in different optima; the loss tells which is best, without a label.
    """

    def __init__(self, channels: int, k: int, heads: int = 5, over: int = 0) -> None:
        super().__init__()
        self.k, self.heads, self.parts = k, heads, [k, over] if over else [k]
        self.layer = nn.Linear(channels * GRID * GRID, heads * (k + over))

    def forward(self, maps: Tensor) -> tuple[Tensor, ...]:
        """Maps (B,V,C,h,w) → probabilities (B,V,heads,k), and with ``over`` also (B,V,heads,over)."""
        pooled = F.adaptive_avg_pool2d(maps.flatten(0, 1), GRID).flatten(1)
        scores = self.layer(pooled).view(*maps.shape[:2], self.heads, -1)
        return tuple(one.softmax(-1) for one in scores.split(self.parts, -1))


def clustering(k: int = 10, *, views: Views = digit_views, settings: ClusterSettings | None = None) -> Task:
    """Clustering as a pretext task: two views of each picture, sub-heads, and −I of what they say, their mean."""
    settings, k = or_default(settings, ClusterSettings), whole("k", k, 2, 1000)
    function("views", views, 2, VIEWS)

    def pose(raw: Tensor, generator: torch.Generator) -> Posed:
        both = torch.stack([viewed("views", views, raw, generator) for _ in range(2)], 1)
        return Posed(both, torch.zeros(len(raw)))  # nobody knows an answer

    return Task(pose, lambda channels: SubHeads(channels, k, settings.heads, settings.over),
                lambda z, _: terms(z, lambda one, moved: iic_loss(one, moved, lam=settings.lam)),
                lambda z, _: joint(*z[0][:, :, 0].unbind(1)))


def terms(z: tuple[Tensor, ...], loss: Callable[[Tensor, Tensor], Tensor]) -> Terms:
    """What sub-heads say of two views, (B,2,heads,k,…), and the further ones beside them → the mean loss of each."""
    return {name: torch.stack([loss(*views.unbind(1)) for views in one.unbind(2)]).mean()
            for name, one in zip(("−I", "−I of the further heads"), z, strict=False)}


def viewed(name: str, views: Views, images: Tensor, generator: torch.Generator) -> Tensor:
    """What a function makes of pictures (B,3,H,W), if that is as many pictures of the same size."""
    made = views(images, generator)
    if not isinstance(made, Tensor) or made.shape != images.shape:
        raise U3Error(f"{name} made {shown(made)} of pictures {tuple(images.shape)}; give back as many, of "
                      "the same size")
    return check(made)


def sub_heads(net: nn.Module, k: int = 10, *, settings: ClusterSettings | None = None) -> nn.Module:
    """Fresh sub-heads for an encoder, as :func:`cluster` takes them."""
    settings = or_default(settings, ClusterSettings)
    return head_of(net, clustering(k, settings=settings), seed=settings.seed)


def cluster(net: nn.Module, images: Tensor, k: int = 10, *, head: nn.Module | None = None, views: Views = digit_views,
            settings: ClusterSettings | None = None) -> Iterator[Step]:
    """Learn to sort pictures into k clusters without labels: minimise −I(Φ(gx), Φ(g′x)), g and g′ drawn anew each time.

    Args:
        net: From :func:`digit_encoder` or :func:`~u3lab.selfsup.encoder`; changed in place.
        images: (N,3,H,W) in [0,1].
        head: From :func:`sub_heads`; changed in place. Give one to ask it afterwards, with
            :func:`cluster_probabilities`.
        views: What makes the two views. Whatever they leave as it is the clusters may be of, so they decide what is
            learnt.
        settings: ``lam`` and ``lr`` are read at every step.

    Yields:
        Step: ``value`` is the joint P (k,k) of the batch, of the first sub-head.
    """
    settings = or_default(settings, ClusterSettings)
    ready(net, images)
    task = clustering(k, views=views, settings=settings)
    head = sub_heads(net, k, settings=settings) if head is None else check_sub_heads(head, k, SubHeads)
    return learn(net, images, task, head=head, rate=loop.annealed(settings), settings=settings)


def check_sub_heads(head: object, k: int, kind: type[nn.Module]) -> nn.Module:
    """The sub-heads, if they are of that kind and for k classes."""
    is_a("head", head, kind, f"make one with selfsup.{'sub' if kind is SubHeads else 'dense'}_heads(net, {k})")
    if head.k != k:
        raise U3Error(f"the head has {head.k} classes and k = {k}; make one for as many, or leave it out")
    return head


@torch.no_grad()
def cluster_probabilities(net: nn.Module, head: nn.Module, images: Tensor) -> Tensor:
    """The probability of each cluster, by each sub-head, for pictures (N,3,H,W) as they are: (heads,N,k)."""
    net = ready(net, images)
    eval_mode("head", head, SubHeads, "make one with selfsup.sub_heads(net, k)")
    found = [head(maps(net, part)[:, None])[0][:, 0] for part in images.split(AT_ONCE)]
    return torch.cat(found).transpose(0, 1)


def best_head(net: nn.Module, head: nn.Module, images: Tensor, *, views: Views = digit_views, seed: int = 0) -> int:
    """The number of the sub-head with the lowest loss over all pictures, two views of each. No label is used."""
    generator = torch.Generator().manual_seed(whole("seed", seed, 0))
    ready(net, images)
    function("views", views, 2, VIEWS)
    both = [cluster_probabilities(net, head, viewed("views", views, images, generator)) for _ in range(2)]
    return int(torch.stack([iic_loss(z, moved) for z, moved in zip(*both, strict=True)]).argmin())


class SoundEncoder(nn.Sequential):
    """A small network of sounds (B,S) of 256 samples or more: each band's loudness, its mean and spread in time."""

    def __init__(self, outputs: int, width: int = 64) -> None:
        super().__init__(nn.BatchNorm1d(2 * BANDS), nn.Linear(2 * BANDS, width), nn.ReLU(), nn.Linear(width, outputs))

    def forward(self, sound: Tensor) -> Tensor:
        """(B,S) → (B,outputs)."""
        if sound.shape[1] < SAMPLES:
            raise U3Error(f"a sound of {sound.shape[1]} samples has no spectrum; give {SAMPLES} samples or more")
        window = torch.hann_window(SAMPLES, device=sound.device, dtype=sound.dtype)
        bands = torch.stft(sound, SAMPLES, window=window, return_complex=True).abs()
        loud = bands.square().add(1e-6).log()
        return super().forward(torch.cat([loud.mean(2), loud.std(2)], 1))


class AudiovisualHeads(nn.Module):
    """Sub-heads on the encoder's maps of a picture, and as many on what a network makes of its sound."""

    def __init__(self, channels: int, k: int, heads: int, sound_encoder: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.k, self.see, self.hear = k, SubHeads(channels, k, heads), sound_encoder(heads * k)

    def forward(self, maps: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B,1,C,h,w), sounds (B,S) → probabilities of both, (B,heads,k) each."""
        return self.see(maps)[0][:, 0], self.hear(sound).unflatten(1, (-1, self.k)).softmax(-1)


def audiovisual_clustering(k: int, *, sound_encoder: Callable[[int], nn.Module] = SoundEncoder,
                           settings: ClusterSettings | None = None) -> Task:
    """Clustering of pictures with their sounds as a pretext task, for :func:`~u3lab.selfsup.pretrain`.

    Args:
        k: Classes of both networks.
        sound_encoder: A number of outputs → a fresh network from sounds (B,S) to so many.
        settings: ``lam`` and ``heads`` count here.
    """
    settings, k = or_default(settings, ClusterSettings), whole("k", k, 2, 1000)
    function("sound_encoder", sound_encoder, 1, "give a function that makes a network with so many outputs, such as "
             "selfsup.SoundEncoder")

    return Task(lambda film, generator: Posed(film[0][:, None], torch.zeros(len(film[0])), (film[1],)),
                lambda channels: AudiovisualHeads(channels, k, settings.heads, sound_encoder),
                lambda z, _: terms((torch.stack(z, 1),), lambda seen, heard: iic_loss(
                    seen, heard, lam=settings.lam, symmetric=False)),
                lambda z, _: joint(*(one[:, 0] for one in z), symmetric=False), raw="films")
