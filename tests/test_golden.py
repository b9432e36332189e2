"""What holds two versions against each other: a value that changes is seen, a class that moves is not."""

from dataclasses import make_dataclass
from typing import NamedTuple

import pytest
import torch
from torch import nn

from tools.golden.comparing import parts, same, sealed


class Before(NamedTuple):
    value: float
    names: tuple[str, ...]


class After(NamedTuple):
    number: float
    words: tuple[str, ...]


def differing(a: object, b: object) -> list[str]:
    old, new = dict(parts(a)), dict(parts(b))
    return [place for place in old.keys() | new.keys() if place not in old or place not in new
            or not same(old[place], new[place])]


def held(name: str, number: float) -> object:
    """A nest of all kinds of classes, with a number in it."""
    held = make_dataclass(name, ["one", "more"])(torch.tensor([number]), {"a": [1, None, float("nan")]})
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, number), nn.init.zeros_(layer.bias)
    return [held, (Before if name == "Old" else After)(number, ("x",)), {"seed": layer}, {number}, b"bytes"]


def test_a_class_of_another_name_holds_the_same():
    assert not differing(held("Old", 0.1), held("New", 0.1))


def test_a_changed_number_is_seen_wherever_it_is():
    assert len(differing(held("Old", 0.1), held("Old", 0.1000001))) == 4


@pytest.mark.parametrize(("a", "b"), [(1, 1.0), (True, 1), ([1], [1, None]), ({"a": 1}, {"b": 1}), (b"a", b"b"),
                                      (torch.zeros(2), torch.zeros(2).double()), (torch.zeros(2), torch.zeros(1, 2))])
def test_what_differs_in_kind_or_shape_is_seen(a: object, b: object):
    assert differing(a, b)


def test_a_large_tensor_is_kept_as_its_hash():
    x = torch.zeros(5000)
    y = x.clone()
    y[-1] = 1e-30
    assert differing(sealed(x), sealed(y)) and not differing(sealed(x), sealed(x.clone()))
    assert all(isinstance(one, str) for one in sealed(x))


def test_what_has_no_values_is_refused():
    with pytest.raises(TypeError, match="no values"):
        list(parts([len]))
