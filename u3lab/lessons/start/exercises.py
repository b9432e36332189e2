"""The exercises of chapter 0: a picture turned, a slider read, a template matched, a reach counted."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from numbers import Real
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, by_number, not_contiguous

STEP = 0.5  # of the slider σ in section 2


def upside_down(x: Tensor) -> Tensor:
    """The pictures (B,3,H,W) with their rows in reverse order."""
    return x.flip(2)


def _pictures(g: torch.Generator) -> Iterator[tuple]:
    yield (torch.tensor([[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[7.0, 8.0], [9.0, 0.0], [1.0, 3.0]],
                          [[4.0, 1.0], [2.0, 8.0], [6.0, 5.0]]]]) / 10,)
    yield (torch.rand(2, 3, 4, 4, generator=g),)
    yield (torch.rand(1, 3, 6, 5, generator=g).transpose(2, 3),)
    yield (torch.rand(3, 3, 2, 5, generator=g, dtype=torch.float64),)


UPSIDE_DOWN = Exercise(
    id="0-upside-down", title="Upside down", minutes=2, difficulty="easy", points=1,
    goal="Turn pictures upside down: the last row comes first.",
    signature="def upside_down(x):   # (B,3,H,W) → (B,3,H,W)",
    hints=(
        "The axes of a picture are batch, colour, row, column, counted from 0.",
        "`x.flip(axis)` reverses one axis. Rows are axis 2."),
    reference=upside_down, judge=by_cases(upside_down, _pictures, (
        Mistake(lambda x: x.flip(3), "that is the mirror image: axis 3 holds the columns; reverse the rows, axis 2"),
        Mistake(lambda x: x.flip(1), "axis 1 holds the colours: red and blue are swapped; reverse the rows, axis 2"),
        Mistake(lambda x: x.flip(0), "axis 0 counts the pictures, you changed their order; reverse the rows, axis 2"),
        Mistake(lambda x: x.transpose(2, 3), "rows and columns are swapped, as if the picture lay on its side; "
                "reverse the rows with `flip`"),
        Mistake(lambda x: x.roll(1, 2), "the rows are shifted by one; all of them have to be in reverse order"),
    )))


@functools.cache
def koala_sigma() -> float:
    """The smallest σ on the slider's grid at which the network no longer gives its first answer for the koala."""
    from u3lab import images, nets

    net = nets.load("squeezenet1_1")
    koala = images.load("koala", size=net.size)

    def answer(sigma: float) -> int:
        with torch.no_grad():
            return int(net(images.blur(koala, sigma)).argmax())

    return next(STEP * n for n in range(1, 100) if answer(STEP * n) != answer(0))


def _judge_sigma(answer: Any) -> str:
    if isinstance(answer, Tensor) and answer.numel() == 1:
        answer = answer.item()
    if isinstance(answer, bool) or not isinstance(answer, Real):
        return f"give the σ of the slider as a number, such as 1.5; this is a {type(answer).__name__}"
    if answer < 0 or answer % STEP:
        return f"the slider goes from 0 in steps of {STEP}; {answer:g} is not on it"
    if answer < koala_sigma():
        return f"at σ = {answer:g} the answer is still the first one: go further"
    if answer > koala_sigma():
        return f"before σ = {answer:g} it has flipped already: go back"
    return ""


KOALA = Exercise(
    id="0-koala-sigma", title="The koala", minutes=3, difficulty="easy", points=1,
    goal="At which σ does the answer for the koala flip? Find the smallest such σ with the slider of section 2.",
    signature="my_sigma = ...   # a number on the slider's grid: 0, 0.5, 1, …",
    hints=(
        "Choose the koala in the menu, then move σ with the arrow keys, one step at a time. The line below the "
        "picture says whether the answer is still the same.",
        "The first σ with \"no longer\" in that line is what is asked for."),
    reference=koala_sigma, judge=_judge_sigma)


def match(x: Tensor, w: Tensor) -> Tensor:
    """The map of ⟨w, patch⟩: how well a template (C,k,l) fits each place of pictures (B,C,H,W), (B,H−k+1,W−l+1)."""
    return F.conv2d(x, w[None])[:, 0]


def _templates(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]]]]), torch.tensor([[[1.0, -1.0]]])
    yield torch.rand(2, 3, 6, 6, generator=g), torch.randn(3, 2, 2, generator=g)
    yield not_contiguous(torch.rand(1, 3, 7, 5, generator=g)), torch.randn(3, 3, 2, generator=g)
    yield torch.rand(2, 2, 5, 5, generator=g, dtype=torch.float64), torch.randn(2, 3, 3, generator=g).double()
    yield torch.rand(1, 4, 3, 3, generator=g), torch.randn(4, 3, 3, generator=g)


MATCH = Exercise(
    id="0-match", title="Slide a template", minutes=10, difficulty="medium", points=2,
    goal="Return the map of ⟨w, patch⟩ without b and without ReLU: at each place the template w lies fully on the "
         "picture, and all its products with what is below it, of all colours, are added up. It moves by one pixel.",
    signature="def my_match(x, w):   # (B,C,H,W), (C,k,l) → (B,H−k+1,W−l+1)",
    hints=(
        "Begin with two loops over rows i and columns j, as in the cell above; the patch is `x[:, :, i:i+k, j:j+l]`, "
        "of the shape (B,C,k,l).",
        "`(w * patch).sum((1, 2, 3))` is one number for each picture. The template fits at H − k + 1 rows and at "
        "W − l + 1 columns.",
        "Gather the numbers with torch.stack, first those of a row, then the rows; or let torch slide: "
        "`F.conv2d(x, w[None])` is (B,1,H−k+1,W−l+1), after `import torch.nn.functional as F`."),
    reference=match, judge=by_cases(match, _templates, (
        Mistake("w[None] → w.flip(1, 2)[None]", "the template is turned by half a turn before it is laid on, as in a "
                "convolution of mathematics; the layers of networks do not turn it"),
        Mistake("return F → return F.conv2d(x * x, torch.ones_like(w)[None])[:, 0] + w.square().sum() - 2 * F",
                "that is the squared distance of template and patch, which is small where they are alike; multiply, "
                "do not subtract"),
        Mistake("[:, 0] → [:, 0] / (F.conv2d(x * x, torch.ones_like(w)[None])[:, 0].sqrt() * w.norm()).clamp(min=1e-9)",
                "each product is divided by the lengths of template and patch; the layer does not do so: a brighter "
                "patch may give more"),
        Mistake("w[None]) → w[None], stride=2)", "the template moves by two pixels, as that of conv1; here it moves by "
                "one"),
        Mistake("(x, w → (F.pad(x, (0, w.shape[2] - 1, 0, w.shape[1] - 1)), w", "the map is as large as the picture: "
                "at its border the template hangs over; keep the places where it lies fully on the picture"),
    )))


def reach(layers: list[tuple[int, int]]) -> int:
    """Side of the square of pixels that one place of the last layer sees; each layer is (k, s), its side and stride."""
    side = step = 1
    for k, s in layers:
        side += (k - 1) * step
        step *= s
    return side


def _stacks(g: torch.Generator) -> Iterator[tuple]:
    yield ([(3, 2), (3, 1)],)
    yield ([(3, 1)],)
    yield ([(5, 1), (1, 1), (3, 1)],)
    yield ([(3, 2), (3, 2), (3, 1), (3, 2), (3, 1)],)
    yield ([(7, 4), (2, 3), (1, 2), (5, 1)],)


REACH = Exercise(
    id="0-reach", title="How far a unit sees", minutes=10, difficulty="medium", points=2,
    goal="The layers are given from the picture upwards, each as (k, s): the template has k×k places and moves by s. "
         "Return the side, in pixels, of the square that one place of the last layer sees.",
    signature="def my_reach(layers):   # a list such as [(3, 2), (3, 1)] → a number of pixels",
    hints=(
        "Draw it in one dimension. A place of the first layer sees k pixels. Its neighbour sees k pixels as well, but "
        "s further on.",
        "Keep two numbers while you go up: `side`, what a place sees, and `step`, the pixels between two neighbours. "
        "Both begin with 1.",
        "Each layer adds k − 1 neighbours, that is (k − 1)·step pixels, to the side; then step becomes step·s."),
    reference=reach, judge=by_number(reach, _stacks, (
        Mistake("step *= s → step = 1", "the strides are left out: above a layer that moves by s, neighbours are s "
                "times as far apart"),
        Mistake("(k - 1) * step → k * step", "each layer adds k − 1 steps, not k: of its k places, one was there "
                "already"),
        Mistake("(k - 1) * step → (k - 1) * step * s", "a layer's own stride parts *its* places; what they see depends "
                "on the strides below"),
        Mistake("step *= s → step = s", "only the stride of the layer just below is used; strides multiply all the way "
                "up"),
        Mistake("side += (k - 1) * step → side *= k", "sides do not multiply: neighbours overlap"),
    )))

EXERCISES = {"0": (UPSIDE_DOWN, KOALA, MATCH, REACH)}
