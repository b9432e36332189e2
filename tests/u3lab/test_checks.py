"""What arguments are asked: what passes comes back as a plain value, what does not gets one sentence."""

import warnings

import numpy as np
import pytest
import torch

from tests.helpers import refuses, slip
from u3lab.checks import (
    alike,
    booleans,
    floats,
    function,
    is_a,
    is_plain,
    listed,
    number,
    of_wholes,
    one_of,
    shown,
    tensors,
    whole,
    wholes,
    words,
)

GOOD = [(whole, 7, (), 7), (whole, np.uint8(7), (), 7), (whole, 0, (0, 8), 0), (whole, 8, (0, 8), 8),
        *((wholes, values, (0, 2), [0, 2]) for values in (
            [0, 2], (0, 2), range(0, 3, 2), np.array([0, 2]), torch.tensor([0, 2]))),
        (words, ("a", "b"), (), ["a", "b"]), (words, {"a": 1, "b": 2}, (), ["a", "b"]), (number, 1, (0, 1), 1.0),
        (number, np.float32(0.5), (0, 1), 0.5), (number, -1e300, (), -1e300), (one_of, "ab", (("ab", "cd"),), "ab"),
        (is_a, 3, (int, "count it"), 3), (listed, ("a", "b"), (str,), ["a", "b"])]
NO_LIST = "= .*; give a list of"
BAD = [*((whole, value, (), "x = .*; give a whole number from 1 on") for value in (
           0, -1, 1.0, 1.5, True, "3", None, float("nan"), torch.tensor([1, 2]), 2**31)),
       *((whole, value, (0, 8), f"x = {value}; .* from 0 to 8") for value in (-1, 9)),
       (whole, 1, (0, 0), "from 0 to 0"),
       *((wholes, values, (0, 2), r"x\[0\] = .*from 0 to 2") for values in (
           [1.7], torch.tensor([1.7]), [True], torch.tensor([True, False]), [3], ["1"], [[1], [2, 2]], [None])),
       *((wholes, values, (), NO_LIST) for values in (1, "12", None, torch.tensor(1), b"1")),
       (wholes, [], (), "x is empty"), (words, [], (), "x is empty"), (words, ["a", 3], (), r"x\[1\] is 3"),
       *((words, values, (), NO_LIST) for values in ("ab", 3, None, b"a")),
       *((number, value, (0, 1), "x = .*; give a number from 0 to 1") for value in (
           -0.1, 1.1, True, "0.5", None, float("nan"), float("inf"), 1j, torch.ones(2))),
       (number, float("inf"), (), "x = inf; give a number$"),
       *((one_of, value, (("ab", "cd"),), "x = .*; choose one of ab, cd") for value in (
           "a", 1, None, ["ab"], torch.ones(2))),
       (is_a, "three", (int, "count it"), "x is 'three'; count it"),
       *((listed, value, (str,), "x = .*; give a list of x, at least one") for value in (
           [], "ab", 3, None, {"a": 1}, torch.ones(2))),
       (listed, ["a", 3], (str, "words"), r"x\[1\] is 3; give a list of words")]


@pytest.mark.parametrize("check, value, asked, wanted", GOOD)
def test_what_passes_comes_back_as_a_plain_value(check, value, asked, wanted):
    got = check("x", value, *asked)
    assert got == wanted and type(got) is type(wanted)
    assert not isinstance(got, list) or all(type(one) in (int, str) for one in got)


@pytest.mark.parametrize("check, value, asked, says", BAD)
def test_what_does_not_is_told_with_its_name(check, value, asked, says):
    refuses(check, "x", value, *asked, says=says)


def test_some_limits_are_said_by_name():
    assert wholes("which", [], none=True) == [] == words("titles", (), none=True)
    assert number("share", 1, 0, 1, without_low=True) == 1.0
    refuses(number, "share", 0, 0, 1, without_low=True, says="share = 0; give a number above 0, at most 1")


def test_tensors_fit_each_other():
    tensors(features=(torch.ones(3, 5), "NU"), labels=(torch.ones(3).long(), "N"), mask=(torch.ones(3, 1), "N1"))
    with slip("labels has the shape \\(4,\\)", "give \\(N\\) with N = 3"):
        tensors(features=(torch.ones(3, 5), "NU"), labels=(torch.ones(4), "N"))
    refuses(tensors, mask=(torch.ones(3, 2), "N1"), says=("mask has the shape", "give \\(N,1\\)"))
    refuses(tensors, x=(None, "B3HW"), says=("x is None", "tensor \\(B,3,H,W\\)"))
    refuses(tensors, x=(torch.ones(0, 5), "NU"), says="x has the shape \\(0, 5\\)")


def test_numbers_whose_squares_are_infinite_are_too_large_and_not_called_infinite():
    for large in (torch.full((3,), 3e38), torch.tensor([1e30, 0.0]), torch.full((3,), 1e300, dtype=torch.float64)):
        refuses(tensors, x=(large, "N"), says=f"x has values of up to {large.max():.0e}, too large".replace("+", r"\+"))
        refuses(alike, x=-large, y=large, says="x has values of up to")
    tensors(x=(torch.full((3,), 1e18), "N"), y=(torch.full((3,), 6e4).half(), "N"))
    refuses(alike, x=torch.tensor([torch.inf, -torch.inf]), says="x has NaN or infinite")
    for bad in (float("nan"), float("inf")):
        refuses(tensors, x=(torch.tensor([0, bad]), "N"), says="x has NaN or infinite")


def test_tensors_are_plain():
    x = torch.eye(3)
    with warnings.catch_warnings(action="ignore"):
        odd = {"sparse": [x.to_sparse(), x.to_sparse_csr()], "nested": [torch.nested.nested_tensor([x, x])],
               "meta": [x.to("meta")], "quantised": [torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)]}
    for kind, given in ((kind, one) for kind, several in odd.items() for one in several):
        assert shown(given) == f"a {kind} tensor" and not is_plain(given)
        for ask in (lambda x: tensors(x=(x, "NN")), lambda x: alike(x=x), lambda x: is_a("x", x, torch.Tensor, "no"),
                    lambda x: floats("this", x)):
            refuses(ask, given, says=f"a {kind} tensor")
    assert is_plain(x) and is_plain(x.requires_grad_()) and is_plain(torch.nn.Parameter(x)) and not is_plain(3)


def test_yes_and_no_are_bool():
    booleans("give x > 0.5", x=(torch.ones(2).bool(), "N"), y=(torch.ones(2, 3).bool(), "NU"))
    with slip("x is of torch.float32", "bool is wanted: give x > 0.5"):
        booleans("give x > 0.5", x=(torch.ones(2), "N"))
    with slip("y has the shape", "with N = 2"):
        booleans("give x > 0.5", x=(torch.ones(2).bool(), "N"), y=(torch.ones(3, 3).bool(), "NU"))


def test_two_of_one_shape():
    alike(x=torch.ones(2, 3), truth=torch.zeros(2, 3).double())
    for truth, told in ((torch.ones(3), r"x has the shape \(2, 3\) and truth \(3,\)"), (3, "truth is 3; give a"),
                         (torch.ones(2, 3).byte(), "truth is of torch.uint8"),
                         (torch.ones(2, 3) / 0, "NaN or infinite")):
        refuses(alike, x=torch.ones(2, 3), truth=truth, says=told)
    alike(False, x=torch.ones(2) / 0, truth=torch.ones(2))
    refuses(alike, False, x=torch.ones(2), truth=torch.ones(1), says="x has the shape")


def test_what_is_called_takes_so_many_arguments():
    for good in (lambda x, y: x, lambda x, y, z=1: x, torch.nn.functional.mse_loss, torch.dist):
        assert function("task", good, 2, "give a function of two") is good
    for bad in (3, None, lambda x: x, lambda x, y, z: x):
        refuses(function, "task", bad, 2, "give a function of two", says=("task = ", "give a function of two"))
    for names in ({"x", "y"}, {"x", "y", "z"}):
        function("fn", lambda x, y, z=1: x, 0, "", names)
    for names in ({"x"}, {"x", "y", "w"}):
        refuses(function, "fn", lambda x, y, z=1: x, 0, "give another", names, says="fn = .*give another")


def test_whole_by_kind():
    assert of_wholes(torch.ones(2).long()) and of_wholes(torch.ones(2).byte())
    assert not any(of_wholes(torch.ones(2).to(kind)) for kind in (torch.float32, torch.complex64, torch.bool))


def test_values_are_shown_in_short():
    class Wild:
        def __repr__(self) -> str:
            raise RuntimeError

    assert shown(torch.ones(2, 3)) == "a Tensor of shape (2, 3)"
    assert shown(Wild()) == "a Wild"
    assert len(shown("x" * 1000)) == 60 and "\n" not in shown("a\nb")
