"""Slips that are the same in every exercise are found without being named, and what is said of them is so."""

import contextlib

import pytest
import torch
import torch.nn.functional as F

from tests.helpers import refuses
from tests.u3course.course.cells import cell
from u3course.course import Mistake, by_cases
from u3course.course.diagnosis import GRADIENTS, VALUES
from u3course.course.edits import edited, one_slip, two_slips
from u3course.course.judging import by_number


def weighed(x, m, lam):
    """λ Σ over the channels of what the mask shows."""
    return lam * (x * m).sum(1, keepdim=True)


def cases(g):
    for b, c, h, w, lam in ((1, 2, 2, 3, 0.5), (3, 4, 5, 5, 0.3)):
        yield torch.randn(b, c, h, w, generator=g), torch.rand(b, 1, h, w, generator=g) > 0.4, lam


def counted(values, start):
    return start + len(values)


JUDGE = by_cases(weighed, cases)
SLIPS = {
    "the right one with the other sign": lambda x, m, lam: -weighed(x, m, lam),
    "the absolute value of the right one": lambda x, m, lam: weighed(x, m, lam).abs(),
    "negative clipped to 0": lambda x, m, lam: weighed(x, m, lam).relu(),
    "1 minus the right one": lambda x, m, lam: 1 - weighed(x, m, lam),
    "the right one times 3": lambda x, m, lam: 3 * weighed(x, m, lam),
    "times 0.01745: radians where degrees are wanted": lambda x, m, lam: torch.deg2rad(weighed(x, m, lam)),
    "times 0.4343: a logarithm to base 10": lambda x, m, lam: weighed(x, m, lam) / torch.tensor(10.0).log(),
    "the right one plus 2": lambda x, m, lam: weighed(x, m, lam) + 2,
    "a mean over axis 1 of `x` where a sum is wanted": lambda x, m, lam: lam * (x * m).mean(1, keepdim=True),
    "axis 1 is gone": lambda x, m, lam: lam * (x * m).sum(1),
    "an axis of length 1 at place 0": lambda x, m, lam: weighed(x, m, lam)[None],
    "it is not summed over axis 1 yet": lambda x, m, lam: lam * x * m,
    "transposed: axes 2 and 3": lambda x, m, lam: weighed(x, m, lam).transpose(2, 3),
    "reverse order along axis 3": lambda x, m, lam: weighed(x, m, lam).flip(3),
    "the right one but for nan": lambda x, m, lam: weighed(x, m, lam) / (weighed(x, m, lam) > 0.1) * (
        weighed(x, m, lam) > 0.1),
    "the right one in another shape": lambda x, m, lam: weighed(x, m, lam).flatten(2),
    "divided by `lam`: this factor is missing": lambda x, m, lam: (x * m).sum(1, keepdim=True),
    "the right one times `lam`": lambda x, m, lam: lam * weighed(x, m, lam),
    "`m` inverted": lambda x, m, lam: weighed(x, ~m, lam),
    "`m` true everywhere: `m` is not used": lambda x, m, lam: weighed(x, torch.ones_like(m), lam),
    "the square of `x` in its place": lambda x, m, lam: weighed(x * x, m, lam),
    "`x` averaged over axis 0, the batch": lambda x, m, lam: weighed(x.mean(0).expand_as(x), m, lam),
    "float64, and float32 is wanted": lambda x, m, lam: weighed(x, m, lam).double(),
}


@pytest.mark.parametrize("words", SLIPS)
def test_a_slip_is_found(words):
    said = JUDGE(SLIPS[words])
    assert words in said and said.startswith("the answer ") and "\n" in said  # the example is still there


def test_what_is_right_stays_right():
    assert JUDGE(lambda x, m, lam: lam * torch.where(m, x, 0 * x).sum(1)[:, None]) == ""


@pytest.mark.parametrize("answer", [
    lambda x, m, lam: weighed(x, m, lam).cos(),
    lambda x, m, lam: -weighed(x, m, lam) if lam == 0.5 else weighed(x, m, lam).cos()])  # a slip in one case alone
def test_what_is_unknown_stays_unknown(answer):
    assert JUDGE(answer).startswith("the answer does not have the right values yet; here is an example")


@pytest.mark.parametrize("words, answer", [
    ("`scale` and `shift` in each other's place", lambda x, scale, shift: shift * x + scale),
    ("`scale` in the place of `shift`: `shift` is not used", lambda x, scale, shift: scale * x + scale),
    ("`scale` + 1 in the place of `scale`: one too many", lambda x, scale, shift: (scale + 1) * x + shift),
    ("`shift` = 0: what `shift` brings is missing", lambda x, scale, shift: scale * x),
])
def test_arguments_that_are_mixed_up(words, answer):
    judge = by_cases(lambda x, scale, shift: scale * x + shift,
                     lambda g: [(torch.randn(3, generator=g), 2, 5), (torch.randn(4, generator=g), 7, 3)])
    assert f"it would be right with {words}" in judge(answer)


def test_nothing_is_said_that_the_answers_lines_contradict():
    judge = by_cases(lambda x, scale, shift: scale * x + shift,
                     lambda g: [(torch.randn(3, generator=g), 2, 5), (torch.randn(4, generator=g), 7, 3)])
    unused, used = (judge(cell(f"""
        def line(x, scale, shift):
            a, b, c = scale, x, {third}
            return a * b + a + c""")) for third in ("0", "shift - shift"))
    assert "`shift` is not used" in unused and "not used" not in used
    assert "it is 0 everywhere" in judge(lambda x, scale, shift: 0 * x)  # not: with both arguments 0


def test_where_shapes_do_not_fit():
    judge = by_cases(lambda x, w: x @ w.mT,
                     lambda g: [(torch.randn(2, 3, generator=g), torch.randn(4, 3, generator=g))])
    assert judge(lambda x, w: x @ w).startswith(
        "your code raises RuntimeError; it would be right with `w` transposed: its last two axes have changed places\n")
    with pytest.raises(RuntimeError):
        judge(lambda x, w: x[:, :2] @ w.mT)


def test_parts_in_the_other_order():
    judge = by_cases(lambda x: (x, x.sum()), lambda g: [(torch.randn(3, generator=g),)])
    assert "the parts are right, but in the other order" in judge(lambda x: (x.sum(), x))
    assert "part 2 of the answer does not have the right values yet: it is the right one times 2" in judge(
        lambda x: (x, 2 * x.sum()))


def lowered(x, rate, steps):
    for _ in range(steps):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(x.pow(4).sum(), x)
        x = x.detach() - rate * gradient
    return x


@pytest.mark.parametrize("words, taken", [
    ("the gradients of all steps add up", sum), ("the gradient is taken once", lambda seen: seen[0]),
    ("the gradient has the wrong sign", lambda seen: -seen[-1]), ("the gradient's sign", lambda seen: seen[-1].sign())])
def test_the_gradients_of_a_loop(words, taken):
    def answer(x, rate, steps):
        seen = []
        for _ in range(steps):
            x = x.detach().requires_grad_()
            x.pow(4).sum().backward()
            seen.append(x.grad)
            x = x.detach() - rate * taken(seen)
        return x

    judge = by_cases(lowered, lambda g: [(torch.randn(size, generator=g), 0.01, size) for size in (2, 4)])
    assert words in judge(answer) and judge(lowered) == ""
    assert len(GRADIENTS) == 4


def asked(net, x, y):
    return F.cross_entropy(net(x), y)


def test_a_softmax_before_the_cross_entropy():
    def cases(g):
        for count in (2, 4):
            yield lambda x: 3 * x, torch.randn(count, 3, generator=g), torch.arange(count) % 3

    judge = by_cases(asked, cases)
    assert "the softmax is taken twice" in judge(lambda net, x, y: F.nll_loss(net(x).softmax(1).log_softmax(1), y))
    assert judge(lambda net, x, y: F.cross_entropy(net(x).log_softmax(1), y)) == ""


def test_every_change_of_a_value_is_one():
    """Each changes at least one kind of value, and words that speak of no argument would be the same for all."""
    g = torch.Generator().manual_seed(0)
    kinds = (torch.randn(2, 3, 3, generator=g), torch.rand(2, 3, generator=g) > 0.5, 0.3, 4, [2.0, 3.0])
    for words, change in VALUES.items():
        made = []
        for value in kinds:
            with contextlib.suppress(Exception):
                changed = change(value)
                made.append(not (torch.equal(changed, value) if isinstance(value, torch.Tensor) else changed == value))
        assert any(made) and "{0}" in words, words


def test_edits_of_the_reference_alone_and_in_pairs():
    mistakes = (Mistake(("lam * → 2 * lam *",), "the factor is doubled"),
                Mistake(("sum(1 → mean(1",), "you take the mean"),
                Mistake(("return half(x)", "x * m → x"), "the mask is not used"))
    x, m, lam = next(cases(torch.Generator().manual_seed(0)))
    made = [function(x, m, lam) for function, _ in one_slip(weighed, mistakes, {"half": lambda x: x / 2})]
    torch.testing.assert_close(made[0], 2 * weighed(x, m, lam))
    torch.testing.assert_close(made[1], weighed(x, m, lam) / 2)
    assert torch.equal(made[2], x / 2)
    assert [message for _, message in two_slips(weighed, mistakes, {})] == [
        "the factor is doubled; and you take the mean", "the factor is doubled; and the mask is not used",
        "you take the mean; and the mask is not used"]
    judge = by_cases(weighed, cases, mistakes)
    assert judge(lambda x, m, lam: 2 * lam * x.sum(1, keepdim=True)) == (
        "the factor is doubled; and the mask is not used")
    torch.testing.assert_close(edited(weighed, "lam * → 2 * lam * ;; sum(1 → mean(1")(x, m, lam), made[0] / 2)


def test_an_edit_of_a_line_that_is_gone():
    refuses(edited, weighed, "softmax → sigmoid", says="the reference of this exercise has no 'softmax'")


def test_a_number_has_edits_too():
    judge = by_number(counted, lambda g: [([1, 2], 0), ([4, 5, 6], 3)], (Mistake(("start + → start -",), "add them"),))
    assert judge(lambda values, start: start - len(values)) == "add them"
    assert judge(lambda values, start: float(start + len(values))) == ""
    assert "the right one minus 1" in judge(lambda values, start: start + len(values) - 1)
