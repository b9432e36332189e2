"""The exercises of notebook 02b: a marginal loss, and pairs without a giveaway."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake
from u3lab.course.judging import by_cases, not_contiguous


def marginal(prediction: Tensor, y: Tensor) -> Tensor:
    """min over η of ‖y − f(ŷ, η)‖², (B): pictures (B,1,H,W), f is ŷ itself or its mirror image."""
    plain = (y - prediction).square().flatten(1).sum(1)
    mirrored = (y - prediction.flip(3)).square().flatten(1).sum(1)
    return torch.minimum(plain, mirrored)


def pairs(pictures: Tensor, sounds: Tensor, shift: int) -> tuple[Tensor, Tensor, Tensor]:
    """All films (N) with their own sounds, then with those of the film ``shift`` places further; 1 for same, else 0."""
    same = torch.cat([torch.ones(len(pictures)), torch.zeros(len(pictures))])
    return torch.cat([pictures, pictures]), torch.cat([sounds, sounds.roll(-shift, 0)]), same


def _marginal_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.tensor([[[[1.0, 0.0, 0.0]]], [[[0.0, 0.0, 2.0]]]]), torch.tensor([[[[0.0, 1.0, 2.0]]],
                                                                                [[[0.0, 1.0, 3.0]]]])
    for batch, size, dtype in ((3, (4, 5), torch.float32), (1, (6, 4), torch.float64), (5, (3, 3), torch.float32)):
        yield tuple(not_contiguous(torch.randn(batch, 1, *size, generator=g, dtype=dtype)) for _ in range(2))


def _squares(prediction: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The squared differences for both η, pixel by pixel."""
    return (y - prediction).square(), (y - prediction.flip(3)).square()


def _sum(x: Tensor) -> Tensor:
    return x.flatten(1).sum(1)


def _both(prediction: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    plain, mirrored = _squares(prediction, y)
    return _sum(plain), _sum(mirrored)


def _one_for_all(prediction: Tensor, y: Tensor) -> Tensor:
    plain, mirrored = _both(prediction, y)
    return plain if plain.sum() <= mirrored.sum() else mirrored


MARGINAL = Exercise(
    id="2-marginal", title="A marginal loss", minutes=10, difficulty="medium", points=4,
    goal="The truth y may be the prediction ŷ or its mirror image, left to right; which, nobody can know. Return "
         "min over η of ‖y − f(ŷ, η)‖² for each picture of the batch, where f(ŷ, η) is ŷ or ŷ mirrored.",
    signature="def my_marginal_loss(prediction, y):   # (B,1,H,W), (B,1,H,W) → (B,)",
    hints=(
        "Make the two losses first, each of shape (B,). What is left to do takes one line.",
        "‖·‖² is the sum of squares over all pixels of one picture: `.square().flatten(1).sum(1)`. The mirror image is "
        "`prediction.flip(3)`; y stays as it is.",
        "The minimum comes last, after the sums: `torch.minimum(plain, mirrored)`. Each picture chooses its own η."),
    reference=marginal, judge=by_cases(marginal, _marginal_cases, (
        Mistake(lambda p, y: _sum(torch.minimum(*_squares(p, y))), "the minimum is taken at each pixel: one pixel is "
                "compared with ŷ and the next with its mirror image. A picture is mirrored as a whole; sum first"),
        Mistake(_one_for_all, "one η is chosen for the whole batch; each picture has its own"),
        Mistake(lambda p, y: sum(_both(p, y)) / 2, "that is the mean over η. Its best ŷ is a mean of both outcomes, a "
                "ghost; take the minimum"),
        Mistake(lambda p, y: torch.maximum(*_both(p, y)), "that is the maximum, the worse η of both; take the minimum"),
        Mistake(lambda p, y: sum(_both(p, y)), "both losses are added; take the smaller one"),
        Mistake(lambda p, y: _both(p, y)[0], "that is L2, without η; compare y with the mirror image of ŷ as well (to "
                "mirror y and ŷ together changes no distance)"),
        Mistake(lambda p, y: _both(p, y)[1], "that compares y with the mirror image alone; η is one or the other"),
        Mistake(lambda p, y: torch.minimum(_both(p, y)[0], _sum((y - p.flip(2)).square())), "axis 2 holds the rows: "
                "your ŷ stands on its head. Left and right are along axis 3"),
        Mistake(lambda p, y: torch.minimum(_both(p, y)[0], _sum((y - p.flip(2, 3)).square())), "you turned ŷ by half a "
                "turn; mirror it left to right only, along axis 3"),
        Mistake(lambda p, y: marginal(p, y).sqrt(), "that is the norm; its square is wanted"),
        Mistake(lambda p, y: marginal(p, y) / y[0].numel(), "that is the mean over the pixels; ‖·‖² is the sum"),
        Mistake(lambda p, y: marginal(p, y).mean(), "that is the mean over the batch; give one number for each "
                "picture, (B,)"),
        Mistake(lambda p, y: marginal(p, y).sum(), "that is the sum over the batch; give one number for each picture, "
                "(B,)"),
        Mistake(lambda p, y: torch.minimum(_sum((y - p).abs()), _sum((y - p.flip(3)).abs())), "you summed absolute "
                "values; ‖·‖² sums squares"),
        Mistake(lambda p, y: (y - (p + p.flip(3)) / 2).square().flatten(1).sum(1), "you compared y with the mean of ŷ "
                "and its mirror image; compare it with each of them, and take the smaller loss"),
    )))


def _pairs_cases(g: torch.Generator) -> Iterator[tuple]:
    yield torch.arange(3.0).view(3, 1, 1, 1) / 3, torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), 1
    for count, shift, dtype in ((4, 3, torch.float32), (2, 1, torch.float64), (5, 2, torch.float32)):
        yield (not_contiguous(torch.rand(count, 3, 2, 4, generator=g, dtype=dtype)),
               not_contiguous(torch.randn(count, 6, generator=g, dtype=dtype)), shift)


def _with(pictures: Tensor, sounds: Tensor, others: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Matched pairs, and the pictures with other sounds."""
    return torch.cat([pictures, pictures]), torch.cat([sounds, others]), pairs(pictures, sounds, 1)[2]


_GIVEAWAY = "a network need not look at the picture to see that"
PAIRS = Exercise(
    id="2-pairs", title="Pairs without a giveaway", minutes=10, difficulty="medium", points=3,
    goal="N films have a picture and a sound each. Return 2N pairs as three tensors: pictures, sounds, and same (2N). "
         "First all films in order, each with its own sound, same = 1. Then all pictures in order again, each with the "
         "sound of the film that stands `shift` places further down, same = 0; after the last film comes the first. "
         "0 < shift < N. So each picture and each sound is in both halves once, and only the pairing tells them apart.",
    signature="def my_pairs(pictures, sounds, shift):   # (N,3,H,W), (N,S), a number → (2N,3,H,W), (2N,S), (2N,)",
    hints=(
        "Write down by hand for three films and shift = 1: film 0 gets the sound of film 1, film 1 that of 2, and film "
        "2 that of 0.",
        "`torch.cat` puts two batches one below the other. `x.roll(k, 0)` moves the rows of x down by k, round the "
        "end: row 0 goes to row k. You want the opposite direction.",
        "`torch.cat([sounds, sounds.roll(-shift, 0)])` are the sounds; the pictures stand twice in the same order; "
        "same is N ones and then N zeros, `torch.ones(N)` and `torch.zeros(N)`."),
    reference=pairs, judge=by_cases(pairs, _pairs_cases, (
        Mistake(lambda x, s, k: _with(x, s, s.roll(k, 0)), "you rolled the sounds the other way: film 0 should get the "
                "sound of film `shift`, and `roll` with a positive number moves rows down"),
        Mistake(lambda x, s, k: _with(x, s, torch.zeros_like(s)), f"the second half is silent; {_GIVEAWAY}. Give it "
                "true sounds, of other films"),
        Mistake(lambda x, s, k: _with(x, s, s.flip(1)), "the sounds of the second half run backwards, and they are "
                f"still of the same film; {_GIVEAWAY}. Exchange whole sounds between films"),
        Mistake(lambda x, s, k: _with(x, s, s.roll(-k, 1)), "you rolled along axis 1, the time: each picture keeps its "
                "own sound, out of step. That is another task (Owens and Efros 2018); films are counted along axis 0"),
        Mistake(lambda x, s, k: _with(x, s, s.flip(0)), "you reversed the order of the sounds; where N is odd, the "
                "film in the middle then keeps its own sound and is called different"),
        Mistake(lambda x, s, k: _with(x, s, s[k:k + 1].expand_as(s)), "all of the second half have one and the same "
                f"sound; {_GIVEAWAY}. Each film has to lend its sound once"),
        Mistake(lambda x, s, k: _with(x, s, s[:1].expand_as(s)), "all of the second half have the sound of the first "
                f"film, and so has the first film itself; {_GIVEAWAY}. Each film has to lend its sound once"),
        Mistake(lambda x, s, k: _with(x, s, s.roll(-1, 0)), "you always take the next film's sound; take that of the "
                "film `shift` places further"),
        Mistake(lambda x, s, k: (torch.cat([x, x.roll(-k, 0)]), torch.cat([s, s.roll(-k, 0)]), _with(x, s, s)[2]),
                "you moved pictures and sounds together, so the second half is matched as well; move the sounds alone"),
        Mistake(lambda x, s, k: _with(x, s, s), "the second half has its own sounds again, but is called different"),
        Mistake(lambda x, s, k: (*pairs(x, s, k)[:2], 1 - pairs(x, s, k)[2]), "same is turned round: 1 is for pairs of "
                "one film"),
        Mistake(lambda x, s, k: (x, s.roll(-k, 0), torch.zeros(len(x))), "that is the second half alone; who has seen "
                "no pair of one film answers \"different\" to everything, and is right"),
        Mistake(lambda x, s, k: (x, s, torch.ones(len(x))), "that is the first half alone; who has seen only pairs of "
                "one film answers \"same\" to everything, and is right"),
        Mistake(lambda x, s, k: (torch.cat([x, x.roll(k, 0)]), torch.cat([s, s]), _with(x, s, s)[2]), "you moved the "
                "pictures instead of the sounds. The pairs are as good, but the pictures should stand in order"),
        Mistake(lambda x, s, k: (torch.cat([x, x]), torch.cat([s.roll(-k, 0), s]), _with(x, s, s)[2]), "the exchanged "
                "sounds stand in the first half; pairs of one film come first"),
    )))

EXERCISES = (MARGINAL, PAIRS)
