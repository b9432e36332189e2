"""The exercises and the quiz of chapter 0, where everything is met for the first time."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from u3lab.course.definitions import Exercise, Mistake, Question
from u3lab.course.judging import by_cases

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
        Mistake(lambda x: x, "the pictures are as they were; reverse their rows"),
        Mistake(lambda x: x.flip(3), "that is the mirror image: axis 3 holds the columns; reverse the rows, axis 2"),
        Mistake(lambda x: x.flip(2, 3), "that is turned by half a turn, rows and columns reversed; reverse the rows "
                "alone"),
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

EXERCISES = (UPSIDE_DOWN, KOALA)

QUIZ = (
    Question(
        "A network answers 'dome' for a photo, with probability 0.95. What does that say?",
        ("There is a dome in the photo, and the chance of an error is 5 %.",
         "Among the classes that it knows, it finds 'dome' by far the best.",
         "95 % of the picture is a dome."),
        1,
        ("Only if the photo is like those that it was trained and tested on, and even then not exactly. It answers as "
         "surely for a slice of a brain.",
         "Its probabilities sum to 1 over its own list. If the true thing is not on the list, it spends them all the "
         "same.",
         "The number is about classes, not about areas.")),
    Question(
        "What happens to a picture when the slider σ goes up?",
        ("Each pixel becomes a mean over more of its neighbours.",
         "The picture becomes darker.",
         "The picture becomes smaller."),
        0,
        ("σ is the width of the bell g_σ in pixels: the wider it is, the more neighbours count.",
         "The weights of the bell sum to 1, so the mean brightness stays.",
         "It keeps its number of pixels; only its detail is lost.")),
    Question(
        "The dog's answer flips at a small σ, the coffee's at a large one. What may you conclude?",
        ("Dogs are harder for networks than cups.",
         "For the answer 'German shepherd' on this photo, the network needs fine detail.",
         "The network does not know dogs."),
        1,
        ("One picture of each is an anecdote. For that you would need many pictures of both.",
         "That is what the experiment shows: with the detail gone, the answer is gone. Where that detail lies, "
         "chapter 6 asks.",
         "It gave the right breed at σ = 0, and another breed after that.")),
)
