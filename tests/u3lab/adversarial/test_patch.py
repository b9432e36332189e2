"""The patch: pasting against loops over pixels, training against an optimum that is known."""

import math

import pytest
import torch
from torch import Tensor, nn

from evidence.adversarial_patch import shuffled
from tests.helpers import refuses, uniform
from tests.u3lab.adversarial.attacked import small
from tools.site.lists import PATCHES
from u3lab import nets
from u3lab.adversarial.patch import PatchSettings, adversarial_patch, apply_patch, cut_out, placements, success_rate
from u3lab.descent import last


@pytest.mark.parametrize("shape", ["round", "square"])
@pytest.mark.parametrize("cx", [0.45, 0.0])
def test_by_loops(shape: str, cx: float):
    """Every pixel looks where it lies on the turned patch, and mixes the four colours about that point.

    Over the border the patch is cut off.
    """
    x, patch, (cy, scale, angle) = uniform(1, 3, 11, 14), uniform(1, 3, 5, 5, seed=1), (0.6, 0.62, 33.0)
    radius, turn, expected = 0.62 * 11 / 2, math.radians(angle), x.clone()
    for row in range(11):
        for column in range(14):
            right, down = column + 0.5 - cx * 14, row + 0.5 - cy * 11
            u = (right * math.cos(turn) - down * math.sin(turn)) / radius
            v = (right * math.sin(turn) + down * math.cos(turn)) / radius
            edge = math.hypot(u, v) if shape == "round" else max(abs(u), abs(v))
            cover = min(max((1 - edge) * radius + 0.5, 0), 1)
            i, j = (v + 1) * 2.5 - 0.5, (u + 1) * 2.5 - 0.5  # in pixels of the patch
            colour = torch.zeros(3, dtype=torch.float64)
            for a in (math.floor(i), math.floor(i) + 1):
                for b in (math.floor(j), math.floor(j) + 1):
                    share = (1 - abs(i - a)) * (1 - abs(j - b))
                    colour += share * patch[0, :, min(max(a, 0), 4), min(max(b, 0), 4)]
            expected[0, :, row, column] = (1 - cover) * x[0, :, row, column] + cover * colour
    found = apply_patch(x, patch, cx, cy, scale, angle=angle, shape=shape)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=0)


def test_a_batch_is_its_pictures():
    x, patch = uniform(3, 3, 12, 12), uniform(1, 3, 6, 6, seed=1)
    where = {"x": (0.2, 0.5, 0.9), "y": (0.4, 0.5, 0.6), "scale": (0.3, 0.5, 1.5), "angle": (0.0, 20.0, -70.0)}
    where = {name: torch.tensor(values) for name, values in where.items()}
    single = [apply_patch(x[i : i + 1], patch, **{k: float(v[i]) for k, v in where.items()}) for i in range(3)]
    torch.testing.assert_close(apply_patch(x, patch, **where), torch.cat(single), atol=1e-6, rtol=0)


def test_gradients_reach_the_patch():
    x, patch = uniform(1, 3, 8, 8), uniform(1, 3, 4, 4, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda p: apply_patch(x, p, 0.4, 0.5, 0.7, angle=25.0), [patch])


@pytest.mark.parametrize("seed", range(3))
def test_placements(seed: int):
    """The whole patch lies on the picture, sizes and angles are in their ranges and fill them."""
    place = placements(500, 0.2, 0.6, 30.0, torch.Generator().manual_seed(seed))
    for centre in (place.x, place.y):
        assert (centre - place.scale / 2).min() >= 0 and (centre + place.scale / 2).max() <= 1
    assert 0.2 <= place.scale.min() < 0.22 and 0.58 < place.scale.max() <= 0.6
    assert -30 <= place.angle.min() < -28 and 28 < place.angle.max() <= 30


class Red(nn.Module):
    """Class 1 by redness less greenness, anywhere or more so in the upper half; blue does not matter."""

    def __init__(self, above: bool = False) -> None:
        super().__init__()
        self.above = above

    def forward(self, x: Tensor) -> Tensor:
        redness = (x[:, 0] - x[:, 1]).mean(2)
        upper, lower = redness.chunk(2, 1)
        score = 20 * (upper - lower if self.above else redness).mean(1) - (0 if self.above else 2)
        return torch.stack([torch.zeros_like(score), score], 1)


def red(above: bool = False) -> nets.Classifier:
    return nets.Classifier(Red(above).eval(), classes=("other", "red"))


@pytest.mark.oracle("the best patch, which is known", adversarial=["round patch", "square patch"])
@pytest.mark.parametrize("shape", ["round", "square"])
def test_the_best_patch_is_known(shape: str):
    """All red, no green, and blue as it was; in the corners of a round one nothing changes."""
    settings = PatchSettings(shape=shape, side=16, lr=0.2, steps=30)
    found = last(adversarial_patch(red(), torch.full((2, 3, 32, 32), 0.5), "red", settings=settings)).value
    middle = found[0, :, 4:12, 4:12]
    assert middle[0].min() > 0.99 and middle[1].max() < 0.01 and torch.all(middle[2] == 0.5)
    assert (found[0, :, 0, 0] == 0.5).all() == (shape == "round")


@pytest.mark.parametrize("name", PATCHES)
def test_it_covers_what_it_says_and_fools_on_pictures_that_it_never_saw(name: str):
    patch, shape = PATCHES[name](red(), torch.full((2, 3, 32, 32), 0.5), "red", steps=30), PATCHES[name].shape
    on_black = apply_patch(torch.zeros(1, 3, 200, 200), torch.ones(1, 3, 8, 8), 0.5, 0.5, 1.0, shape=shape)
    assert on_black.mean().item() == pytest.approx(PATCHES[name].share, rel=0.01) and patch.shape == (1, 3, 64, 64)
    unseen = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert success_rate(red(), unseen, "red", patch, shape=shape, scale=0.6, trials=8) == 1
    assert success_rate(red(), unseen, "red", torch.full_like(patch, 0.5), shape=shape, scale=0.6, trials=8) == 0


def test_steps():
    net, x = small()
    settings = PatchSettings(side=8, steps=6, lr=1.0, batch_size=3)
    steps = list(adversarial_patch(net, x, "b", settings=settings))
    for step in steps:
        assert step.value.shape == (1, 3, 8, 8) and 0 <= step.value.min() and step.value.max() <= 1
        assert step.terms == {"−log p(target)": step.loss}
    assert len(steps) == 7 and torch.all(steps[0].value == 0.5)
    draw = torch.Generator().manual_seed(0)
    chosen = x[torch.randint(1, (3,), generator=draw)]
    place = placements(3, settings.smallest, settings.largest, settings.turn, draw)
    seen = apply_patch(chosen, steps[0].value, **place._asdict())
    assert steps[0].loss == pytest.approx(-float(net.probabilities(seen)[:, 1].log().mean()), rel=1e-4)
    assert all(p.grad is None for p in net.parameters())


def test_success_rate():
    """Of pictures in turn, with the patch turned by at most so many degrees each way."""
    pictures, patch = torch.full((3, 3, 32, 32), 0.5), torch.zeros(1, 3, 8, 8)
    patch[:, 0] = 1
    pictures[1, 0], pictures[1, 1] = 0, 1  # so green that no patch helps; each picture has its turn
    assert success_rate(red(), pictures, "red", patch, scale=0.5, trials=6) == pytest.approx(4 / 6)
    patch[:, 0, 4:] = 0  # red above: it stays so up to 90°
    assert success_rate(red(above=True), pictures[:1], "red", patch, scale=1.0, turn=80, trials=12) == 1
    assert 0.2 < success_rate(red(above=True), pictures[:1], "red", patch, scale=1.0, turn=180, trials=20) < 0.8


def test_cut_out():
    printed = cut_out(torch.zeros(1, 3, 16, 16), size=64)
    assert printed.shape == (1, 3, 64, 64) and printed[0, 0, 0, 0] == 1 and printed[0, 0, 32, 32] == 0
    assert torch.equal((printed * 255).round() / 255, printed)
    assert torch.equal(cut_out(torch.zeros(1, 3, 16, 16), shape="square"), torch.zeros(1, 3, 16, 16))


def test_the_experiments_control():
    patch = uniform(1, 3, 5, 5)
    control = shuffled(patch)
    assert not torch.equal(control, patch)
    assert sorted(control.flatten(2)[0].T.tolist()) == sorted(patch.flatten(2)[0].T.tolist())  # colours stay whole


def test_slips():
    three, patch, (net, x) = torch.zeros(3, 3, 8, 8), torch.zeros(1, 3, 4, 4), small()
    refuses(apply_patch, three, patch, torch.tensor([0.1, 0.2]), 0.5, 0.5, says="x has 2 values for 3 pictures")
    refuses(apply_patch, three, patch.expand(2, -1, -1, -1), 0.5, 0.5, 0.5, says="one patch at a time")
    refuses(adversarial_patch, net, x, "z", says=("class", "z"))  # before the first step
    refuses(placements, 1, 0.5, 0.4, 0.0, torch.Generator(), says=("smallest size 0.5", "largest 0.4"))
