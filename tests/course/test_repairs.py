"""One small change of an answer's own lines that makes it right is named, and no other."""

from __future__ import annotations

import itertools
import re
import time

import pytest
import torch
import torch.nn.functional as F

from tests.course.cells import cell
from tests.helpers import raising
from u3course import course
from u3course.course import catalogue, judging, repairs
from u3course.course.repairs import repairs as tried

# Answers with a slip: the exercise, what is said of the slip, and the lines below the head that the exercise gives.
SLIPS = r"""
## 1-parallel: raises RuntimeError; it would be right with `alpha[:, :, None, None]` in the place of `alpha` (line 3)
y = F.conv2d(x, f, stride=stride, padding=f.shape[-1] // 2)
return y + F.conv2d(x, alpha, stride=stride)
## 1-parallel: it has to be told by its name
y = F.conv2d(x, f, stride, padding=f.shape[-1] // 2)
return y + F.conv2d(x, alpha[:, :, None, None], stride=stride)
## 6-grad-cam: `gradient.mean((2, 3), keepdim=True)` in the place of `gradient.mean((2, 3))` (line 2): the
w = gradient.mean((2, 3))
return (w * activation).sum(1, keepdim=True).clamp(min=0)
## 2c-iic: with `P.sum(-1, keepdim=True)` in the place of `P.sum(-1)` and `P.sum(-2, keepdim=True)` in the place of
P = P.clamp_min(1e-12)
r, c = P.sum(-1), P.sum(-2)
return -(P * (P.log() - lam * r.log() - lam * c.log())).sum((-1, -2))
## 0-match: `w[None]` in the place of `w` (line 2): an axis is missing
return F.conv2d(x, w)[:, 0]
## 0-match: each round forgets those before
k, l = w.shape[1:]
H, W = x.shape[2:]
for i in range(k):
    for j in range(l):
        out = (w[:, i, j, None, None] * x[:, :, i:i + H - k + 1, j:j + W - l + 1]).sum(1)
return out
## 0-occlusion: (lines 2, 3): it ends one too early
rows = range(0, x.shape[2] - side, step)
columns = range(0, x.shape[3] - side, step)
r = torch.zeros(len(rows), len(columns), dtype=x.dtype)
for i, a in enumerate(rows):
    for j, b in enumerate(columns):
        hidden = x.clone()
        hidden[:, :, a:a + side, b:b + side] = 0.5
        r[i, j] = score(x)[0] - score(hidden)[0]
return r
## 1b-prior: there are brackets too many
d = sum((w - w0).square().sum() for w, w0 in zip(weights, centres))
return (cross_entropy + d / (2 * sigma**2)) / labels
## 2b-step: `y_hat` is missing
return lr * 2 * (y_hat - y).mean(0)
## 2b-shift: with `y.roll(-e, 1)` in the place of `y.roll(-e)` (line 2): the axis is missing
back = torch.stack([y.roll(-e) for e in range(len(y_hat))], 1)
e = (back - y_hat).square().sum(2).argmin(1)
return y_hat - lr * 2 * (y_hat - back[torch.arange(len(y)), e]).mean(0)
## 3-invariance: `(a - b).square()` in the place of `a.square() - b.square()` (line 2): the difference comes first
return (a.square() - b.square()).sum(2)
## 3c-bump: in this order
return (-(points[:, :, None] - cells).sum(3).square() / (2 * sigma**2)).exp()
## 3c-loss: two have changed places
return (draw(bumps(points(target)), look(x)) - target).square().mean()
## 4-stop: with `return step` in the place of `return loss` (line 4)
for step, loss in enumerate(losses):
    if loss <= sigma**2:
        return loss
return len(losses) - 1
## 4-loop: with `return psi(w).detach()` after the loop, not in it (line 7)
for _ in range(steps):
    w = w.detach().requires_grad_()
    loss = (visible * (psi(w) - image)).square().sum() / visible.expand_as(image).sum()
    (g,) = torch.autograd.grad(loss, w)
    w = w.detach() - rate * g
    return psi(w).detach()
## 6b-step: with `(moved - original).clamp(-eps, eps)` in the place of `(moved - original).clamp(0, eps)` (line 3)
moved = image - step_size * gradient.sign()
return (original + (moved - original).clamp(0, eps)).clamp(0, 1)
## 6b-target: `torch.tensor([target])` in the place of `target` (line 2)
return F.cross_entropy(scores, target)
## 6b-loop: at the end of each round, not once after the loop
now = x
for _ in range(steps):
    now = now.detach().requires_grad_()
    (g,) = torch.autograd.grad(-scores(now).log_softmax(1)[0, target], now)
    now = now.detach() - rate * g.sign()
return (x + (now - x).clamp(-eps, eps)).clamp(0, 1)
## 7b-loss: `alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)` in the place of
y = masks.to(p)
alpha = 1 - y.mean()
return -(alpha * y * p + 1 - alpha * (1 - y) * (1 - p)).mean()
## 7b-sparse: `w.abs().topk(filters).indices` in the place of `w.abs().topk(filters).values`
kept, i = torch.zeros_like(w), w.abs().topk(filters).values
kept[i] = w[i]
return kept
## 7b-similarity: with `second = second - second.diag().diag()` as well (line 2)
first = first - first.diag().diag()
return (first * second).sum() / (first.norm() * second.norm())
## 8-flips: a share is a mean
right, flip = (before > 0) == ill, (before > 0) != (after > 0)
return torch.stack([flip[right & ill].sum(), flip[right & ~ill].sum()])
## 8-transplant: the last axes are meant
r, c = cell
a, b = healthy.clone(), ill.clone()
a[r, c] = ill[r, c]
b[r, c] = healthy[r, c]
return score(a) - score(healthy), score(ill) - score(b)
"""
EACH = re.findall(r"^## (\S+): (.*)\n((?:(?!##).*\n)+)", SLIPS, re.MULTILINE)


def answer(name: str, lines: str):
    head = catalogue.find(name).signature.partition("   #")[0]
    return cell(head + "\n" + "\n".join(f"    {line}" for line in lines.splitlines()))


@pytest.mark.parametrize("name, words, lines", EACH)
def test_what_mends_an_answer_is_named(name: str, words: str, lines: str):
    mine = answer(name, lines)
    report = course.check(name, mine)
    said = report.message.splitlines()
    assert report.state == "not yet" and words in said[0] and len(said) <= 7, report.message
    ways = itertools.chain(tried(mine, near=True), tried(mine, near=False))
    assert course.check(name, next(function for told, function in ways if told in said[0])).passed
    assert course.check(name, mine).message == report.message  # the lines are as they were


RIGHT = "return (original + (image - step_size * gradient.sign() - original).clamp(-eps, eps)).clamp(0, 1)"
FAR_OFF = RIGHT.replace("image - step", "(image.cos() - step").replace("() - or", "()).exp() - or")
UNTRIED = {"a loop that may never end": f"while eps < 0:\n    eps = eps + 1\n{FAR_OFF}", "files": f"open\n{FAR_OFF}"}


@pytest.mark.parametrize("why", UNTRIED)
def test_what_is_not_tried(why: str):
    for near in (True, False):
        assert list(tried(answer("6b-step", UNTRIED[why]), near)) == []


def test_lines_that_are_not_known_or_not_the_readers():
    space: dict = {}
    exec("def mine(x): return x", space)
    for function in (space["mine"], print, torch.relu, F.relu, "no function", [lambda x: x, 1][0]):
        assert list(tried(function, near=True)) == []


def test_a_lambda_and_a_decorated_function():
    source = RIGHT.removeprefix("return ").replace("(-eps, eps)", "(-eps, step_size)")
    for made in (f"mine = lambda image, gradient, original, step_size, eps: {source}",
                 f"@torch.no_grad()\ndef mine(image, gradient, original, step_size, eps):\n    return {source}"):
        assert "iginal).clamp(-eps, eps)` in the place of" in course.check("6b-step", cell(made)).message


def test_what_is_tried_stays_within_its_time_and_prints_nothing(monkeypatch, capsys):
    mine = answer("6b-step", f"print('once a case')\n{FAR_OFF}")
    assert "does not have the right values yet; here" in course.check("6b-step", mine).message
    assert capsys.readouterr().out == "once a case\n" * 4
    monkeypatch.setattr(repairs, "SECONDS", 0.1)
    begin = time.thread_time()
    many = sum(1 for near in (True, False) for _ in tried(mine, near))
    assert 10 < many and time.thread_time() - begin < 0.5


def test_a_slow_answer_is_judged_in_time(monkeypatch):
    monkeypatch.setattr(judging, "PATIENCE", 0.5)
    slow = answer("6b-step", f"wait(0.2)\n{FAR_OFF}")
    slow.__globals__["wait"] = time.sleep
    begin = time.monotonic()
    assert "does not have the right values yet; here" in course.check("6b-step", slow).message
    assert time.monotonic() - begin < 4


def test_a_change_that_ends_python_is_not_made():
    mine = answer("6b-step", f"if eps < 0:\n    leave()\n{FAR_OFF}")
    mine.__globals__["leave"] = raising(SystemExit())
    assert "does not have the right values yet; here" in course.check("6b-step", mine).message
