"""What is seen and what is heard at the same time belong together: each is a label of the other.

"correspondence"  Picture and sound: of one film, or of two? A switch, with a unique answer.
                  Arandjelović & Zisserman, Look, listen and learn, ICCV 2017 ; Objects that sound,
                  ECCV 2018 (:class:`Located`: codes whose likeness answers for all pairs of a batch at once, and shows
                  where in the picture the sound comes from).
"sound"           How does this picture sound? Owens, Wu, McDermott, Freeman & Torralba, Ambient sound provides
                  supervision for visual learning, ECCV 2016.

Loudness tells little about a thing and much about a microphone, so that every sound is heard at the same loudness.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from u3lab.checks import shown, tensors
from u3lab.errors import U3Error
from u3lab.nets.checkpoints import conv_block
from u3lab.nets.gate import eval_mode, ready
from u3lab.selfsup.views import mirrored_some
from u3lab.training import learning
from u3lab.training.tasks import Joined, Posed, Task, Terms

WINDOW, HOP = 256, 128  # samples: 32 ms of a sound of 8000 samples a second, every 16 ms
FLOOR = 1e-3  # what is fainter than that counts as silence in a spectrogram
PITCHES = 128  # of the spectrogram, without the constant
BANDS = 16  # of equal width, in which a sound is summed up
CODE = 64  # numbers of a code, of a place or of a sound
SOFT = 0.5  # τ, of the soft maximum of logits over places
SILENT = 1e-5  # root mean square below which there is nothing to hear


def spectrogram(sounds: Tensor) -> Tensor:
    """log₁₀(|X| + 10⁻³) of the short-time Fourier transform X, of floats (N,S): (N,F,T).

    F = 129 pitches, at 8000 samples a second from 0 to 4000 Hz in steps of 31.25; T = S // 128 + 1 windows (Hann's) of
    256 samples, one every 128, the first in the middle of the first sample and the sound mirrored at both ends. A tone
    of strength 1 is near 0.
    """
    window = torch.hann_window(WINDOW, dtype=sounds.dtype, device=sounds.device)
    found = torch.stft(sounds, WINDOW, HOP, window=window / window.sum() * 2, return_complex=True)
    return (found.abs() + FLOOR).log10()


def summary(sounds: Tensor) -> Tensor:
    """The statistics of sounds (B,S): mean and spread over time of each band of the spectrogram, (B,2·BANDS)."""
    bands = spectrogram(sounds)[:, 1:].unflatten(1, (BANDS, -1)).mean(2)
    return torch.cat([bands.mean(2), bands.std(2)], 1)


def pose_all(films: tuple[Tensor, Tensor], generator: torch.Generator) -> Posed:
    """All pairs of a batch are asked; the target is each film's number, and pairs of one number belong together."""
    pictures, sounds = audible(films)
    if len(pictures) < 2:
        raise U3Error("there is one film alone; a sound from another film needs two or more")
    views = mirrored_some(pictures, generator)[:, None]  # a mirrored room sounds the same
    return Posed(views, torch.arange(len(pictures), device=pictures.device), (sounds,))


def pose_sound(films: tuple[Tensor, Tensor], generator: torch.Generator) -> Posed:
    """Pictures; target: the sound's :func:`summary`."""
    pictures, sounds = audible(films)
    return Posed(mirrored_some(pictures, generator)[:, None], summary(sounds))


class Hearing(nn.Module):
    """The tower for sounds: a spectrogram goes through three convolutions; the mean over time keeps the pitch."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(conv_block(1, 8, 3, 2), conv_block(8, 16, 3, 2), conv_block(16, 32, 3, 2))
        self.out = nn.Linear(32 * PITCHES // 8, CODE)

    def forward(self, sounds: Tensor) -> Tensor:
        """Sounds (B,S) → (B,D)."""
        return self.out(self.layers(spectrogram(sounds)[:, None, 1:]).mean(3).flatten(1))


class Located(nn.Module):
    """The switch of Objects that sound: does any place of the picture look as this sounds?

        logit_ij = a · max_u ⟨φ_iu, ψ_j⟩ + b    with ‖φ_iu‖ = ‖ψ_j‖ = 1, picture i at place u, sound j

    The maximum is a soft one, τ log mean_u exp(· / τ): at the start no place is right, and all can learn.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.hear, self.see = Hearing(), nn.Conv2d(channels, CODE, 1)
        self.a, self.b = nn.Parameter(torch.tensor(5.0)), nn.Parameter(torch.tensor(0.0))

    def forward(self, maps: Tensor, sounds: Tensor) -> tuple[Tensor, Tensor]:
        """Maps (B,1,C,h,w) and sounds (B,S) → φ and 1 (B,D+1,h,w), aψ and b (B,D+1): their product is the logit."""
        seen, heard = self.codes(maps, sounds)
        return (torch.cat([seen, torch.ones_like(seen[:, :1])], 1),
                torch.cat([self.a * heard, self.b.expand(len(heard), 1)], 1))

    def codes(self, maps: Tensor, sounds: Tensor) -> tuple[Tensor, Tensor]:
        """φ (B,D,h,w) and ψ (B,D), of length 1."""
        return F.normalize(self.see(maps[:, 0]), dim=1), F.normalize(self.hear(sounds), dim=1)


def pair_logits(output: tuple[Tensor, Tensor]) -> Tensor:
    """Of what :class:`Located` gives for B films: the logits (B,B) of each picture (row) with each sound (column)."""
    seen, heard = output
    places = torch.einsum("idhw,jd->ijhw", seen, heard).flatten(2)
    return SOFT * ((places / SOFT).logsumexp(2) - math.log(places.shape[2]))


@torch.no_grad()
def sound_map(net: nn.Module, head: nn.Module, pictures: Tensor, sounds: Tensor) -> Tensor:
    """Where in pictures (B,3,H,W) sounds (B,S) come from: how alike each place is to the sound, (B,H/8,W/8) in [−1,1].

    ``net`` and ``head`` were trained on "correspondence" together.

    Raises:
        U3Error: A head that has no places, a silent sound, or another slip in pictures and sounds.
    """
    net = ready(net, pictures)
    eval_mode("head", head, Located, "make one with selfsup.head_of(net, 'correspondence')")
    pictures, sounds = audible((pictures, sounds))
    return torch.einsum("idhw,id->ihw", *head.codes(learning.maps(net, pictures)[:, None], sounds.to(net.mean)))


def switch(output: tuple[Tensor, Tensor], target: Tensor) -> Terms:
    """−½ mean log σ(logit) of pairs of one film, −½ mean log σ(−logit) of those of two: both kinds weigh the same.

    The pairs are all of a batch of films, ``target`` their numbers (B).
    """
    logits, own = pair_logits(output), target[:, None] == target
    return {"of one film": F.softplus(-logits[own]).mean() / 2, "of two films": F.softplus(logits[~own]).mean() / 2}


def switched(output: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
    """The share of pairs that are told rightly by the sign of their logits, of those of one film and of two alike."""
    logits, own = pair_logits(output), target[:, None] == target
    return ((logits[own] > 0).double().mean() + (logits[~own] <= 0).double().mean()) / 2


def explained(found: Tensor, target: Tensor) -> Tensor:
    """R²: how much of the target's variance in the batch is told; 0 for who answers the batch's mean."""
    left = (found - target).double().square().sum()
    return 1 - left / (target - target.mean(0)).double().square().sum().clamp_min(1e-12)


CORRESPONDENCE = Task(pose_all, Located, switch, switched, "films", 1 / 2)
SOUND = Task(pose_sound, lambda channels: Joined(channels, 1, 2 * BANDS),
             lambda found, target: {"squares": F.mse_loss(found, target)}, explained, "films", 0.0)


def audible(films: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Pictures (B,3,H,W), and sounds (B,S) brought to loudness 1, their root mean square. Silence has none."""
    pictures, sounds = films
    tensors(pictures=(pictures, "B3HW"), sounds=(sounds, "BS"))
    if not sounds.is_floating_point() or sounds.shape[1] < WINDOW:
        raise U3Error(f"sounds is {shown(sounds)} of {sounds.dtype}; give floats, at least {WINDOW} samples of each")
    loudness = sounds.square().mean(1, keepdim=True).sqrt()
    if (silent := (loudness < SILENT).nonzero()[:, 0].tolist()):
        raise U3Error(f"sound {silent[0]} is silent, so that nothing can be learnt from it; leave out the films "
                      f"{', '.join(map(str, silent[:8]))}{' …' if len(silent) > 8 else ''}")
    return pictures, sounds / loudness
