"""Sounds: how finely they and their films are sampled, and the spectrogram that a network sees."""

from __future__ import annotations

import torch
from torch import Tensor

from u3lab.checks import tensors
from u3lab.errors import U3Error

RATE, FPS = 8000, 16  # samples of a sound, frames of a film, a second
WINDOW, HOP = 256, 128  # samples: 32 ms, every 16 ms
FLOOR = 1e-3  # what is fainter than that counts as silence


def spectrogram(sounds: Tensor) -> Tensor:
    """log₁₀(|X| + 10⁻³) of the short-time Fourier transform X, of sounds (N,S) at RATE: (N,F,T).

    F = 129 pitches, from 0 to 4000 Hz in steps of 31.25; T = S // 128 + 1 windows (Hann's) of 32 ms, one every 16 ms,
    the first in the middle of the first sample and the sound mirrored at both ends. A tone of strength 1 is near 0.

    Raises
    ------
    U3Error
        No such tensor, or sounds of less than 256 samples.
    """
    tensors(sounds=(sounds, "NS"))
    if not sounds.is_floating_point():
        raise U3Error(f"sounds are of {sounds.dtype}; give floats, such as those of clips.bouncing(…)")
    if sounds.shape[1] < WINDOW:
        raise U3Error(f"the sounds have {sounds.shape[1]} samples; a spectrogram needs {WINDOW} or more")
    window = torch.hann_window(WINDOW, dtype=sounds.dtype, device=sounds.device)
    found = torch.stft(sounds, WINDOW, HOP, window=window / window.sum() * 2, return_complex=True)
    return (found.abs() + FLOOR).log10()
