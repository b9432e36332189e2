"""A replaced function of torch is noticed and named, whoever replaced it; what torch does itself is not."""

import functools
import subprocess
import sys

import pytest
import torch

from u3course import course
from u3course.course import genuine

REPLACED = [("torch", "equal", lambda *_: True), ("torch", "allclose", lambda *_, **__: True), ("torch", "relu", abs),
            ("torch.Tensor", "equal", lambda *_: True), ("torch.Tensor", "__eq__", lambda *_: True),
            ("torch.Tensor", "shape", (3,)), ("torch.Tensor", "double", None),
            ("torch.nn.functional", "relu", torch.nn.functional.gelu), ("torch.linalg", "norm", max)]
PLACES = {"torch": torch, "torch.Tensor": torch.Tensor, "torch.nn.functional": torch.nn.functional,
          "torch.linalg": torch.linalg}


def right(p, through):
    return through(p).relu()


@pytest.mark.parametrize(("place", "name", "by"), REPLACED, ids=[".".join(row[:2]) for row in REPLACED])
def test_it_is_named_and_never_passes(place: str, name: str, by: object, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(PLACES[place], name, by)
        message = refused(right)
    assert message.startswith(f"`{place}.{name}` was replaced") and message.endswith("Restart Kernel puts it back")
    if "name" in vars(torch.Tensor):  # what monkeypatch has put back may now stand in another class
        delattr(torch.Tensor, name)


def refused(answer) -> str:
    report = course.check("6-guided", answer)
    assert report.state == "not yet" and report.points == 0
    return report.message


@pytest.mark.parametrize("then", [lambda p: p, lambda p: p / 0, lambda p: (_ for _ in ()).throw(ValueError), len])
def test_the_answer_itself_may_do_it(then, monkeypatch):
    kept = torch.equal, torch.allclose

    def mine(p, through):
        torch.equal = torch.allclose = lambda *_, **__: True
        return then(p)

    try:
        message = refused(mine)
    finally:
        torch.equal, torch.allclose = kept
    assert "`torch.equal`" in message and "`torch.allclose`" in message and "were replaced" in message
    assert course.check("6-guided", right).passed


def test_something_taken_away_and_many_names(monkeypatch):
    for name in ("abs", "add", "all", "any", "exp"):
        monkeypatch.delattr(torch, name)
    assert " and 2 more were replaced" in refused(right)


def test_a_stub_is_still_a_stub(monkeypatch):
    monkeypatch.setattr(torch, "equal", lambda *_: True)
    assert course.check("6-guided", ...).state == "not tried yet"


OWN = """
import warnings
warnings.simplefilter("ignore")
import u3lab, torch, torchvision
from u3course import course
from u3lab import nets, saliency
from u3course.course import genuine
import functorch, timm, torch._dynamo, torch.export, torch.fx, torch.func, torch.masked, torch.nested, torch.sparse
from torchvision.models.feature_extraction import create_feature_extractor
net = torchvision.models.squeezenet1_1().eval()
create_feature_extractor(net, ["features.2"])
torch.jit.trace(net, torch.zeros(1, 3, 64, 64))
torch.export.export(net, (torch.zeros(1, 3, 64, 64),))
torch.compile(lambda x: x + 1, backend="eager")(torch.zeros(3))
torch.func.vmap(lambda x: x * 2)(torch.zeros(3))
torch.set_default_device("cpu")
torch.Tensor.__repr__ = lambda self: "a tensor"
torch.mine, torch.Tensor.mine = abs, abs
assert genuine.replaced() == [], genuine.replaced()
"""


def test_what_torch_does_itself_is_not_noticed():
    done = subprocess.run([sys.executable, "-c", OWN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert genuine.replaced() == []


def test_a_wrapper_that_only_looks_like_torchs(monkeypatch):
    monkeypatch.setattr(torch, "equal", functools.wraps(torch.equal)(lambda *_: True))
    assert genuine.replaced() == ["torch.equal"]
