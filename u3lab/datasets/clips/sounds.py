"""Sounds: the tone of an impact, and the spectrogram that a network sees."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from u3lab.checks import tensors
from u3lab.errors import U3Error

RATE = 8000  # samples a second
WINDOW, HOP = 256, 128  # samples: 32 ms, every 16 ms
FLOOR = 1e-3  # what is fainter than that counts as silence
RISE = 0.002  # seconds that an impact takes to be loudest


def tone(time: Tensor, pitch: float, decay: float, partials: tuple[tuple[float, float], ...]) -> Tensor:
    """What is heard of an impact at time 0: Σᵢ aᵢ sin(2π rᵢ f t) · exp(−rᵢ t/τ), at times in seconds.

    Parameters
    ----------
    pitch, decay
        f in hertz, τ in seconds.
    partials
        Pairs (rᵢ, aᵢ): each partial's pitch as a multiple of f, and its strength. High ones die sooner. What is above
        nine tenths of the highest pitch that RATE can tell is left out.
    """
    since = time.clamp_min(0)
    found = torch.zeros_like(since)
    for ratio, strength in partials:
        if ratio * pitch < 0.45 * RATE:
            found += strength * torch.sin(2 * math.pi * ratio * pitch * since) * torch.exp(-ratio * since / decay)
    return found * (since / RISE).clamp_max(1)


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
