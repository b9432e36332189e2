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


@pytest.mark.parametrize("value", [1, 7, np.int64(7), np.uint8(7)])
def test_a_whole_number_comes_back_as_int(value: object):
    got = whole("steps", value)
    assert type(got) is int and got == int(value)


@pytest.mark.parametrize("value", [0, -1, 1.0, 1.5, True, "3", None, float("nan"), torch.tensor([1, 2]), 2**31])
def test_no_whole_number_is_named(value: object):
    refuses(whole, "steps", value, says=("steps = ", "whole number from 1 on"))


def test_a_whole_number_keeps_to_both_ends():
    assert [whole("level", n, 0, 8) for n in (0, 8)] == [0, 8]
    for n in (-1, 9):
        refuses(whole, "level", n, 0, 8, says=(f"level = {n}", "from 0 to 8"))
    refuses(whole, "level", 1, 0, 0, says="from 0 to 0")


@pytest.mark.parametrize("values", [[0, 2], (0, 2), range(0, 3, 2), np.array([0, 2]), torch.tensor([0, 2])])
def test_whole_numbers_come_back_as_a_list(values: object):
    got = wholes("which", values, 0, 2)
    assert got == [0, 2] and all(type(one) is int for one in got)


@pytest.mark.parametrize("values", [[1.7], torch.tensor([1.7]), [True], torch.tensor([True, False]), [3], ["1"],
                                    [[1], [2, 2]], torch.ones(2, 2).long(), [None]])
def test_the_one_that_is_no_whole_number_is_named(values: object):
    refuses(wholes, "which", values, 0, 2, says=(r"which\[0\] = ", "from 0 to 2"))


@pytest.mark.parametrize("values", [1, "12", None, torch.tensor(1), b"1"])
def test_a_list_of_whole_numbers_is_wanted(values: object):
    refuses(wholes, "which", values, says=("which", "give a list of whole numbers, such as .1."))


def test_an_empty_list_is_good_where_it_is_said():
    assert wholes("which", [], none=True) == [] == words("titles", (), none=True)
    refuses(wholes, "which", [], says="which is empty")
    refuses(words, "titles", [], says="titles is empty")


def test_texts_come_back_as_a_list():
    assert words("titles", ("a", "b")) == words("titles", {"a": 1, "b": 2}) == ["a", "b"]
    for values in ("ab", 3, None, b"a"):
        refuses(words, "titles", values, says=("titles = ", "a list of texts"))
    refuses(words, "titles", ["a", 3], says=r"titles\[1\] is 3")


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5), 1])
def test_a_number_comes_back_as_float(value: object):
    got = number("share", value, 0, 1, without_low=True)
    assert type(got) is float and got == float(value)


@pytest.mark.parametrize("value", [0, -0.1, 1.1, True, "0.5", None, float("nan"), float("inf"), 1j, torch.ones(2)])
def test_no_number_is_named(value: object):
    refuses(number, "share", value, 0, 1, without_low=True, says=("share = ", "a number above 0, at most 1"))


def test_a_number_without_ends_is_finite():
    assert number("y", -1e300) == -1e300
    refuses(number, "y", float("inf"), says=("y = inf", "give a number$"))


def test_one_of_takes_no_look_alike():
    assert one_of("rule", "ab", ("ab", "cd")) == "ab"
    for value in ("a", 1, None, ["ab"], torch.ones(2)):
        refuses(one_of, "rule", value, ("ab", "cd"), says=("rule = ", "choose one of ab, cd"))


def test_is_a_says_where_one_comes_from():
    assert is_a("count", 3, int, "count it") == 3
    refuses(is_a, "count", "three", int, "count it", says=("count is 'three'", "count it"))


def test_a_list_has_at_least_one_of_its_kind():
    assert listed("names", ("a", "b"), str) == ["a", "b"]
    for value in ([], "ab", 3, None, {"a": 1}, torch.ones(2)):
        refuses(listed, "names", value, str, says=("names = ", "a list of names, at least one"))
    refuses(listed, "names", ["a", 3], str, "words", says=(r"names\[1\] is 3", "a list of words"))


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


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_tensors_are_finite(bad: float):
    refuses(tensors, x=(torch.tensor([0, bad]), "N"), says="x has NaN or infinite")


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
