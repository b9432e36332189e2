"""Two networks, one that sees and one that hears, whose classes have to tell something of each other.

    maximise over Φ₁, Φ₂    I( Φ₁(picture), Φ₂(sound) )

What can be heard decides what is told apart in what is seen, and the other way round: nobody gives a label. De Sa,
Learning classification with unlabeled data, NIPS 1994, had each network teach the other; the loss is that of Ji,
Henriques & Vedaldi, 2019, whose joint is not made symmetric here, since an eye is no ear.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import function, whole
from u3lab.errors import U3Error
from u3lab.selfsup.clustering import ClusterSettings, SubHeads
from u3lab.selfsup.information import iic_loss, joint
from u3lab.settings import or_default
from u3lab.training.tasks import Posed, Task

SAMPLES = 256  # of a spectrum
BANDS = SAMPLES // 2 + 1


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
        return self.see(maps)[0][:, 0], F.softmax(self.hear(sound).unflatten(1, (-1, self.k)), -1)


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

    def loss(z: tuple[Tensor, Tensor], _: Tensor) -> dict[str, Tensor]:
        each = [iic_loss(seen, heard, lam=settings.lam, symmetric=False)
                for seen, heard in zip(*(one.unbind(1) for one in z), strict=True)]
        return {"−I": torch.stack(each).mean()}

    return Task(lambda film, generator: Posed(film[0][:, None], torch.zeros(len(film[0])), (film[1],)),
                lambda channels: AudiovisualHeads(channels, k, settings.heads, sound_encoder), loss,
                lambda z, _: joint(*(one[:, 0] for one in z), symmetric=False), raw="films")
