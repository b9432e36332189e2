"""Thousands of bad calls: one argument of a good call is spoilt at a time, in every way that its kind knows.

Each gets one sentence, and nothing that the caller holds is changed. ``tests.calls`` has the good calls, ``wrong`` the
ways.
"""

import dataclasses
import inspect
import warnings
from collections.abc import Iterator
from importlib import import_module
from itertools import islice

import pytest
import torch
from torch import Tensor, nn

from tests.calls import CALLS
from tests.helpers import refuses, same_state, state
from tests.hostile.wrong import SAME, flag, number, whole, word
from tools.site.api import gathered
from u3lab import U3Error, settings

ROOMS = [import_module(f"u3lab.{room}") for room in (
    "adversarial", "audit", "dissection", "equivariance", "figures", "images", "inversion", "landmarks", "nets",
    "prior", "saliency", "selfsup", "universal", "warps")]
LONGEST = 400  # characters of a sentence; some list what there is to choose from
# What cannot be called wrongly, or is tested by itself.
ELSEWHERE = {
    "adversarial.shipped_patch": "takes nothing", "images.sources": "takes nothing",
    "audit.changes": "called with what flips made", "nets.check_classes": "called with numbers that class_index made",
    "dissection.probe": "that of measures",
    "dissection.balanced_accuracy": "that of measures", "saliency.auc": "that of measures",
    "nets.agreement": "that of measures"}


ARGUMENTS = [(title, name) for title, call in CALLS.items() for name in call.kinds]


@pytest.mark.parametrize("title", CALLS)
def test_the_good_call_works(title: str):
    call = CALLS[title]
    assert used(call.function(**call.arguments())) is not None


@pytest.mark.parametrize("title, argument", ARGUMENTS)
def test_a_spoilt_argument_gets_one_sentence(title: str, argument: str):
    call, arguments = CALLS[title], CALLS[title].arguments()
    held, drawn = {name: kept(value) for name, value in arguments.items()}, torch.get_rng_state()
    for what, value in call.kinds[argument].wrong(arguments[argument]).items():
        with pytest.raises(U3Error) as told:
            answer = used(call.function(**arguments | {argument: value}))
            pytest.fail(f"no word about {what}; the answer is {answer!r:.80}")
        assert is_sentence(told.value), f"{what}: {told.value}"
    assert all(same(held[name], kept(value)) for name, value in arguments.items())
    assert torch.equal(drawn, torch.get_rng_state())


@pytest.mark.parametrize("title, argument", [(title, name) for title, name in ARGUMENTS
                                             if CALLS[title].kinds[name].edges])
def test_a_degenerate_argument_gets_one_sentence_or_a_finite_answer(title: str, argument: str):
    call = CALLS[title]
    for what, value in call.kinds[argument].edges(call.arguments()[argument]).items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of libraries, that all clusters are one
                answer = used(call.function(**call.arguments() | {argument: value}))
        except U3Error as error:
            assert is_sentence(error), f"{what}: {error}"
        else:
            found = list(numbers_in(answer))
            assert all(one.isfinite().all() for one in found), f"{what}: {answer!r:.200}"
            if what == SAME:
                meant = numbers_in(used(call.function(**call.arguments())))
                for one, other in zip(found, meant, strict=True):
                    torch.testing.assert_close(one.to(other), other, rtol=1e-3, atol=1e-4)


def is_sentence(error: U3Error) -> bool:
    """Whether an error says one thing, in one line."""
    return "\n" not in str(error) and 10 < len(str(error)) <= LONGEST


def numbers_in(answer: object) -> Iterator[Tensor]:
    """All floats in an answer, one after the other."""
    match answer:
        case Tensor():
            yield from [answer.detach()] if answer.is_floating_point() else []
        case float():
            yield torch.tensor(answer, dtype=torch.float64)
        case dict():
            yield from numbers_in(tuple(answer.values()))
        case list() | tuple():
            for one in answer:
                yield from numbers_in(one)
        case _ if dataclasses.is_dataclass(answer) and not isinstance(answer, type):
            yield from numbers_in(tuple(vars(answer).values()) if hasattr(answer, "__dict__") else ())


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_every_public_function_is_called(room: object):
    short = room.__name__.partition(".")[2]
    functions = {f"{short}.{name}" for name in gathered(room) if inspect.isfunction(getattr(room, name))}
    called = {title.partition(",")[0] for title in CALLS}
    assert functions - called - ELSEWHERE.keys() == set()


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_a_call_begins_with_network_layer_pictures_and_target(room: object):
    """And ends with settings, but for one; ``pooled`` has the form of ``net.features``."""
    order = ("net", "layer", "layers", "images", "image", "pictures", "target", "label")
    for name in gathered(room):
        function = getattr(room, name)
        if inspect.isfunction(function) and name != "pooled":
            known = inspect.signature(function).parameters
            asked = [one for one, how in known.items() if one in order and how.kind is not how.KEYWORD_ONLY]
            assert asked == sorted(asked, key=order.index), name
            if "settings" in known and name != "baseline_like":
                assert [*known][-1] == "settings" and known["settings"].kind is known["settings"].KEYWORD_ONLY, name


ALL_SETTINGS = [kind for room in ROOMS for kind in (getattr(room, name) for name in gathered(room))
                if dataclasses.is_dataclass(kind)
                and all("setting" in field.metadata for field in dataclasses.fields(kind))]


@pytest.mark.parametrize("kind", ALL_SETTINGS, ids=lambda kind: kind.__name__)
def test_settings_refuse_what_is_no_value_and_stay_as_they_were(kind: type):
    chosen, before = kind(), kind()
    for name, known in settings.fields(kind).items():
        usual = getattr(chosen, name)
        ask = (word(usual) if known.choices else flag(usual) if known.low is None
               else (whole if isinstance(known.low, int) else number)(usual, known.low, known.high))
        for what, value in ask.wrong(usual).items():
            for turn in (lambda name=name, value=value: setattr(chosen, name, value),
                         lambda name=name, value=value: kind(**{name: value})):
                refuses(turn, says=f"{kind.__name__}.{name} = ")
            assert chosen == before, what


def used(result: object) -> object:
    """What a call gave; of an iterator its first two steps, since the slip may show only there."""
    return list(islice(result, 2)) if isinstance(result, Iterator) else result


def kept(value: object) -> object:
    """All that a caller could notice of a change."""
    if isinstance(value, Tensor):
        return value.detach().clone(), value.requires_grad, value.grad, value._version
    if isinstance(value, nn.Module):
        return state(value)
    return list(value) if isinstance(value, (list, tuple)) else repr(value)


def same(before: object, after: object) -> bool:
    if isinstance(before, dict):
        return same_state(before, after)
    if isinstance(before, tuple):
        return torch.equal(before[0], after[0]) and before[1:] == after[1:]
    return str(before) == str(after)
