"""Tasks from sound: balanced pairs, a switch that reaches log p(x,y)/p(x)p(y), a map, and what cannot be heard."""

import math

import numpy as np
import pytest
import scipy.signal
import torch
from sklearn.metrics import r2_score
from torch import Tensor

from tests.helpers import refuses, seeded
from u3lab.descent import last
from u3lab.selfsup import PretextSettings, encoder, head_of, pretrain, solve, sounding

JOINT = torch.tensor([[0.30, 0.05, 0.02], [0.03, 0.20, 0.05], [0.05, 0.10, 0.20]], dtype=torch.float64)
SAMPLES = 512


def grey(x: Tensor) -> Tensor:
    """Pictures of one grey for each x."""
    return (0.2 + 0.3 * x.float()).view(-1, 1, 1, 1).expand(-1, 3, 16, 16)


def tones(y: Tensor) -> Tensor:
    """A tone for each y."""
    return torch.sin(2 * torch.pi * 0.03 * (1 + 3 * y.float()[:, None]) * torch.arange(SAMPLES))


def loud(sounds: Tensor) -> Tensor:
    """Sounds as they are heard."""
    return sounding.audible((grey(torch.zeros(len(sounds))), sounds))[1]


def drawn(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Films from the joint."""
    both = torch.multinomial(JOINT.flatten(), count, replacement=True, generator=generator)
    return grey(both // 3), tones(both % 3)


def told(posed: sounding.Posed) -> tuple[Tensor, Tensor]:
    """The x and y of each question."""
    x = ((posed.views.mean((1, 2, 3, 4)) - 0.2) / 0.3).round().long()
    y = torch.cdist(posed.more[0], loud(tones(torch.arange(3)))).argmin(1)
    return x, y


@pytest.mark.oracle("a known joint distribution, counted", selfsup=["correspondence"])
def test_the_switch_is_learnt():
    """The logit, learnt by a network, is near log p(x,y)/p(x)p(y)."""
    task, net = sounding.CORRESPONDENCE, encoder(2, seed=0)
    switch = head_of(net, task)
    settings = PretextSettings(steps=90, batch_size=64, lr=0.01)
    for step in pretrain(net, drawn, task, head=switch, settings=settings):
        settings.lr = 0.01 * (1 - step.iteration / 91) + 1e-5
    x, y = torch.arange(9) // 3, torch.arange(9) % 3
    with torch.no_grad():
        output = switch(net.module(net.normalise(grey(x)))[:, None], loud(tones(y)))
        logits = sounding.pair_logits(output).diagonal().double()
    pmi = (JOINT / (JOINT.sum(0) * JOINT.sum(1, keepdim=True))).log().flatten()
    weights = (JOINT + JOINT.sum(0) * JOINT.sum(1, keepdim=True)).flatten() / 2  # how often each is asked
    off = ((logits - pmi).square() * weights).sum().sqrt()
    assert off < 0.35 < ((pmi - (pmi * weights).sum()).square() * weights).sum().sqrt()


def test_the_map_points_at_what_is_heard():
    """Two pitches, two colours, a patch somewhere: the highest place is at the patch (an eighth of the places)."""
    def films(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        kind = torch.randint(2, (count,), generator=generator)
        places = torch.randint(1, 7, (count, 2), generator=generator)
        pictures = torch.full((count, 3, 64, 64), 0.5)
        for picture, k, (row, column) in zip(pictures, kind.tolist(), places.tolist(), strict=True):
            patch = picture[:, 8 * row - 4 : 8 * row + 12, 8 * column - 4 : 8 * column + 12]
            patch[:] = torch.tensor([[1.0, 0, 0], [0, 0, 1.0]])[k].view(3, 1, 1)
        films.places = places
        return pictures, tones(kind)

    net = encoder(4, seed=0)
    head = head_of(net, "correspondence")
    last(pretrain(net, films, "correspondence", head=head,
                  settings=PretextSettings(steps=70, batch_size=32, lr=0.01)))
    pictures, sounds = films(60, seeded(9))
    maps = sounding.sound_map(net, head, pictures, sounds)
    assert maps.shape == (60, 8, 8) and maps.abs().max() <= 1 + 1e-6
    top = maps.flatten(1).argmax(1)
    near = (torch.stack([top // 8, top % 8], 1) - films.places).abs().amax(1) <= 1  # 9 places of 64
    assert near.double().mean() > 0.6
    output, posed = solve(net, head, (pictures, sounds), "correspondence")
    assert sounding.switched(output, posed.target) > 0.65  # ¾ is the most: half of the strangers sound alike


def test_the_logits_are_those_of_the_formula_for_every_pair():
    net = encoder(2)
    head = head_of(net, "correspondence")
    maps, sounds = torch.randn(3, 1, 8, 4, 5, generator=seeded()), torch.randn(3, SAMPLES, generator=seeded(1))
    with torch.no_grad():
        logits = sounding.pair_logits(head(maps, sounds))
        seen, heard = head.see(maps[:, 0]), head.hear(sounds)
        for n in range(3):
            for m in range(3):
                places = [head.a * torch.cosine_similarity(seen[n, :, i, j], heard[m], dim=0)
                          for i in range(4) for j in range(5)]
                soft = 0.5 * (sum((2 * one).exp() for one in places) / 20).log()
                assert torch.allclose(logits[n, m], soft + head.b, atol=1e-5)


def test_all_pairs_weigh_as_drawn_pairs_do():
    """Over all pairs, loss and score are the expectation of those of balanced draws of one pair each."""
    output = torch.randn(5, 3, 2, 2, generator=seeded()), torch.randn(5, 3, generator=seeded(1))
    logits = sounding.pair_logits(output)
    own, other = logits.diagonal().tolist(), logits[~torch.eye(5, dtype=torch.bool)].tolist()
    sure = sum(math.log1p(math.exp(-one)) for one in own) / 5, sum(math.log1p(math.exp(one)) for one in other) / 20
    right = sum(one > 0 for one in own) / 5, sum(one <= 0 for one in other) / 20
    assert sum(sounding.switch(output, torch.arange(5)).values()).item() == pytest.approx(sum(sure) / 2)
    assert sounding.switched(output, torch.arange(5)).item() == pytest.approx(sum(right) / 2)


def test_a_louder_sound_is_the_same_sound():
    pictures, sounds = torch.rand(6, 3, 16, 16, generator=seeded()), torch.randn(6, SAMPLES, generator=seeded())
    for pose in (sounding.pose_all, sounding.pose_sound):
        quiet, loud = pose((pictures, sounds), seeded()), pose((pictures, 50 * sounds), seeded())
        for one, two in zip((quiet.target, *quiet.more), (loud.target, *loud.more), strict=True):
            assert torch.allclose(one.float(), two.float(), atol=1e-5)


@pytest.mark.oracle("tones, whose bands are known", selfsup=["sound"])
def test_a_summary_has_the_band_of_a_tone():
    """16 bands up to half the rate: a tone at 0.11 of it is in band ⌊0.11 · 32⌋, and has a spread there if it ends."""
    steady = torch.sin(2 * torch.pi * 0.11 * torch.arange(4096))
    ending = steady * (torch.arange(4096) < 2048)
    found = sounding.summary(torch.stack([steady, ending]))
    assert found.shape == (2, 32) and found[0, :16].argmax() == 3
    assert found[1, 16:].argmax() == 3 and found[1, 19] > 3 * found[0, 19]


@pytest.mark.oracle("scikit-learn", selfsup=["sound"])
def test_explained_is_scikit_learns_r2():
    found, target = torch.randn(2, 9, 4, generator=seeded())
    expected = r2_score(target, found, multioutput="variance_weighted")
    assert sounding.explained(found, target).item() == pytest.approx(expected, abs=1e-6)


def test_what_cannot_be_heard_is_refused():
    pictures, sounds = torch.rand(4, 3, 16, 16, generator=seeded()), torch.randn(4, SAMPLES, generator=seeded())
    for bad, said in ((sounds * torch.tensor([1.0, 0, 1, 0])[:, None], "sound 1 is silent.*films 1, 3"),
                      (sounds[:3], "with B = 4"), (sounds.long(), "give floats"), (sounds * float("nan"), "NaN"),
                      (sounds[:, :100], "at least 256 samples")):
        for pose in (sounding.pose_all, sounding.pose_sound):
            refuses(pose, (pictures, bad), seeded(), says=said)
    refuses(sounding.pose_all, (pictures[:1], sounds[:1]), seeded(), says="one film alone")
    assert len(sounding.pose_sound((pictures[:1], sounds[:1]), seeded()).target) == 1


def test_spectrogram_is_scipys():
    sound = torch.randn(2, 2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = sounding.spectrogram(sound)
    padded = np.pad(sound.numpy(), ((0, 0), (128, 128)), mode="reflect")
    _, _, wanted = scipy.signal.stft(padded, window="hann", nperseg=256, noverlap=128, boundary=None, padded=False)
    np.testing.assert_allclose(found, np.log10(2 * np.abs(wanted) + 1e-3), atol=1e-10)
    assert found.shape == (2, 129, 2000 // 128 + 1)
