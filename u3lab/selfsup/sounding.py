"""What is seen and what is heard at the same time belong together: each is a label of the other.

"correspondence"  Picture and sound: of one film, or of two? A switch, with a unique answer.
                  Arandjelović & Zisserman, Look, listen and learn, ICCV 2017 (:class:`Fused`); Objects that sound,
                  ECCV 2018 (:class:`Located`, which also shows where in the picture the sound comes from).
"sound"           How does this picture sound? Owens, Wu, McDermott, Freeman & Torralba, Ambient sound provides
                  supervision for visual learning, ECCV 2016.

Loudness tells little about a thing and much about a microphone, so that every sound is heard at the same loudness.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import is_a, one_of, shown, tensors, whole
from u3lab.datasets.clips import spectrogram
from u3lab.errors import U3Error
from u3lab.nets.gate import ready
from u3lab.selfsup.tasks import Joined, Posed, Task, Terms

PITCHES = 128  # of the spectrogram, without the constant
BANDS = 16  # of equal width, in which a sound is summed up
LEAST = 256  # samples, of which a spectrogram can be made
SILENT = 1e-5  # root mean square below which there is nothing to hear

Films = tuple[Tensor, Tensor]


def heard(sounds: Tensor) -> Tensor:
    """What networks hear of sounds (B,S): their log-spectrogram, (B,PITCHES,T), low pitches first."""
    return spectrogram(sounds)[:, 1:]


def summary(sounds: Tensor) -> Tensor:
    """The statistics of sounds (B,S): mean and spread over time of each band of the spectrogram, (B,2·BANDS)."""
    bands = heard(sounds).unflatten(1, (BANDS, -1)).mean(2)
    return torch.cat([bands.mean(2), bands.std(2)], 1)


def pose_correspondence(films: Films, generator: torch.Generator) -> Posed:
    """Half of the pictures with the sound of their own film (target 1), half with that of another of the batch (0)."""
    pictures, sounds = _films(films, 2)
    count = len(pictures)
    own = torch.randperm(count, generator=generator) % 2
    further = torch.randint(1, count, (count,), generator=generator)  # by how many films
    which = (torch.arange(count) + torch.where(own == 1, 0, further)) % count
    return Posed(pictures[:, None], own.to(pictures.device), (sounds[which.to(sounds.device)],))


def pose_sound(films: Films, generator: torch.Generator, *, centres: Tensor | None = None) -> Posed:
    """Pictures, one half of them mirrored; target: the sound's :func:`summary`, or which of the ``centres`` is nearest.

    A mirrored room sounds the same.
    """
    pictures, sounds = _films(films, 1)
    mirrored = torch.rand(len(pictures), generator=generator).to(pictures.device) < 1 / 2
    views = torch.where(mirrored[:, None, None, None], pictures.flip(3), pictures)[:, None]
    target = summary(sounds)
    return Posed(views, target if centres is None else torch.cdist(target, centres.to(target)).argmin(1))


class Hearing(nn.Module):
    """The tower for sounds: a spectrogram goes through three convolutions; the mean over time keeps the pitch."""

    def __init__(self, width: int, dimensions: int) -> None:
        super().__init__()
        blocks, before = [], 1
        for after in (width, 2 * width, 4 * width):
            blocks += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            before = after
        self.layers = nn.Sequential(*blocks)
        self.out = nn.Linear(before * PITCHES // 8, dimensions)

    def forward(self, sounds: Tensor) -> Tensor:
        """Sounds (B,S) → (B,D)."""
        return self.out(self.layers(heard(sounds)[:, None]).mean(3).flatten(1))


class Fused(nn.Module):
    """The switch of Look, listen and learn: picture and sound, each a vector, go into one classifier.

    The logit can be any function of both, and so reach log p(x,y) / p(x)p(y), which is the best one for balanced pairs.
    """

    def __init__(self, channels: int, *, width: int = 16, dimensions: int = 64) -> None:
        super().__init__()
        self.hear, self.see = Hearing(width, dimensions), nn.Linear(channels, dimensions)
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(2 * dimensions, dimensions), nn.ReLU(), nn.Linear(dimensions, 1))

    def forward(self, maps: Tensor, sounds: Tensor) -> Tensor:
        """Maps (B,1,C,h,w) and sounds (B,S) → logits (B)."""
        return self.out(torch.cat([self.see(maps[:, 0].mean((2, 3))), self.hear(sounds)], 1))[:, 0]


class Located(nn.Module):
    """The switch of Objects that sound: does any place of the picture look as this sounds?

        logit = a · max_u ⟨φ_u, ψ⟩ + b    with ‖φ_u‖ = ‖ψ‖ = 1, φ_u from the picture at place u, ψ from the sound
    """

    def __init__(self, channels: int, *, width: int = 16, dimensions: int = 64) -> None:
        super().__init__()
        self.hear, self.see = Hearing(width, dimensions), nn.Conv2d(channels, dimensions, 1)
        self.out = nn.Linear(1, 1)
        nn.init.constant_(self.out.weight, 5.0)  # a cosine alone would be a timid logit
        nn.init.constant_(self.out.bias, -2.0)

    def forward(self, maps: Tensor, sounds: Tensor) -> Tensor:
        """Maps (B,1,C,h,w) and sounds (B,S) → logits (B)."""
        return self.out(self.map(maps, sounds).flatten(1).amax(1, keepdim=True))[:, 0]

    def map(self, maps: Tensor, sounds: Tensor) -> Tensor:
        """⟨φ_u, ψ⟩ at every place: (B,h,w) in [−1,1]."""
        seen, heard = F.normalize(self.see(maps[:, 0]), dim=1), F.normalize(self.hear(sounds), dim=1)
        return torch.einsum("bdhw,bd->bhw", seen, heard)


@torch.no_grad()
def sound_map(net: nn.Module, head: nn.Module, pictures: Tensor, sounds: Tensor) -> Tensor:
    """Where in pictures (B,3,H,W) sounds (B,S) come from: how alike each place is to the sound, (B,H/8,W/8) in [−1,1].

    ``net`` and ``head`` were trained on "correspondence" together.

    Raises
    ------
    U3Error
        A head that has no places, a silent sound, or another slip in pictures and sounds.
    """
    net = ready(net, pictures)
    is_a("head", head, Located, "make one with selfsup.head_of(net, 'correspondence')")
    pictures, sounds = _films((pictures, sounds), 1)
    return head.map(net.module(net.normalise(pictures))[:, None], sounds.to(net.device))


def binary(logits: Tensor, target: Tensor) -> Terms:
    """−log σ(±logit), the mean of the batch: + for target 1, − for target 0."""
    return {"binary cross-entropy": F.binary_cross_entropy_with_logits(logits, target.to(logits))}


def binary_right(logits: Tensor, target: Tensor) -> Tensor:
    """The share of the batch whose logit is above 0 where the target is 1, and not above where it is 0."""
    return ((logits > 0) == (target == 1)).double().mean()


def squares(found: Tensor, target: Tensor) -> Terms:
    """‖found − target‖², the mean over the batch and the numbers of each."""
    return {"squares": F.mse_loss(found, target)}


def explained(found: Tensor, target: Tensor) -> Tensor:
    """R²: how much of the target's variance in the batch is told; 0 for who answers the batch's mean."""
    left = (found - target).double().square().sum()
    return 1 - left / (target - target.mean(0)).double().square().sum().clamp_min(1e-12)


def correspondence(head: str = "located") -> Task:
    """The task "correspondence" with the head "located", which has a map, or "fused"."""
    heads = {"located": Located, "fused": Fused}
    return Task(pose_correspondence, heads[one_of("head", head, heads)], binary, binary_right, "films", 1 / 2)


def clustered(sounds: Tensor, clusters: int = 8, *, seed: int = 0) -> Task:
    """The task "sound" as Owens et al. pose it: to which of some clusters does the picture's sound belong?

    Parameters
    ----------
    sounds
        Sounds (N,S) whose summaries are clustered, by k-means.
    clusters
        Their number K, at most N.

    Raises
    ------
    U3Error
        Sounds that are none or silent, or fewer of them than clusters.
    """
    from sklearn.cluster import KMeans

    found = summary(_loud(sounds))
    clusters = whole("clusters", clusters, 2, len(found))
    fitted = KMeans(clusters, n_init=4, random_state=whole("seed", seed, 0)).fit(found.cpu().numpy())
    largest = torch.from_numpy(fitted.labels_).bincount().max().item() / len(found)
    centres = torch.from_numpy(fitted.cluster_centers_).to(found)
    return Task(partial(pose_sound, centres=centres), partial(Joined, views=1, classes=clusters), raw="films",
                chance=largest)


CORRESPONDENCE = correspondence()
SOUND = Task(pose_sound, partial(Joined, views=1, classes=2 * BANDS), squares, explained, "films", 0.0)


def _films(films: object, least: int) -> Films:
    """Pictures and sounds as they are heard, if they fit each other and are so many."""
    if not isinstance(films, tuple) or len(films) != 2:
        raise U3Error(f"films is {shown(films)}; give a tuple of pictures (B,3,H,W) and sounds (B,S)")
    tensors(pictures=(films[0], "B3HW"), sounds=(films[1], "BS"))
    if len(films[0]) < least:
        raise U3Error("there is one film alone; a sound from another film needs two or more")
    return films[0], _loud(films[1])


def _loud(sounds: Tensor) -> Tensor:
    """Sounds (B,S) at loudness 1: the root mean square. Silence has none."""
    tensors(sounds=(sounds, "NS"))
    if not sounds.is_floating_point() or sounds.shape[1] < LEAST:
        raise U3Error(f"sounds is {shown(sounds)} of {sounds.dtype}; give floats, at least {LEAST} samples of each")
    loudness = sounds.square().mean(1, keepdim=True).sqrt()
    if (silent := (loudness < SILENT).nonzero()[:, 0].tolist()):
        raise U3Error(f"sound {silent[0]} is silent, so that nothing can be learnt from it; leave out the films "
                      f"{', '.join(map(str, silent[:8]))}{' …' if len(silent) > 8 else ''}")
    return sounds / loudness
