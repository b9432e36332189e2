"""Training a domain: where it starts, which pictures it sees, and that a run which was killed ends as if it was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.helpers import refuses, relative, slip
from tests.universal.networks import pictures, tiny
from u3lab.descent import last
from u3lab.measures import probe
from u3lab.training import loop
from u3lab.universal import UniversalSettings, adapt, train_domain

X, Y = pictures(12, 16), torch.arange(12) % 3


def settings(**given) -> UniversalSettings:
    return UniversalSettings(**{"steps": 3, "lr": 0.01, "batch_size": 6} | given)


def test_it_starts_from_the_linear_probe():
    net = adapt(tiny(norms=False), "parallel").add_domain("new", 4)  # no picture of the fourth class
    next(train_domain(net, "new", X, Y, settings=settings(probe=True)))
    found = probe(net.use("source").pooled(X), Y, C=0.01)
    scores = net.use("new")(X)
    assert relative(scores[:, :3].log_softmax(1).double(), found.scores(net.pooled(X)).log_softmax(1)) < 1e-4
    assert (scores[:, 3] < scores[:, :3].amax(1)).all()


def test_it_starts_from_zero_if_not_asked():
    net = adapt(tiny()).add_domain("new", 3)
    step = next(train_domain(net, "new", X, Y, settings=settings()))
    assert step.terms["cross-entropy"] == pytest.approx(torch.tensor(3.0).log().item(), rel=1e-6)


def test_batch_norms_start_with_the_statistics_of_the_domain():
    """The first norm sees f ∗ x: its mean and variance over all pictures, by hand."""
    net = adapt(tiny(), "batch norm").add_domain("new", 3)
    next(train_domain(net, "new", X, Y, settings=settings()))
    first, seen = net.domain("new").norms()[0], tiny().module[0](X)
    # the energy of step 0 has moved them by one batch already, with PyTorch's momentum of 0.1
    assert relative(first.running_mean, seen.mean((0, 2, 3))) < 0.2
    source = next(m for m in net.module.modules() if isinstance(m, torch.nn.BatchNorm2d) and m is not first)
    assert source.running_mean.abs().max() == 0, "the source's own stay"
    assert first.momentum == source.momentum


def test_between_the_steps_the_network_is_ready_for_use():
    net = adapt(tiny()).add_domain("new", 3).add_domain("other", 2)
    for step in train_domain(net, "new", X, Y, settings=settings()):
        name = ("source", "new", "other")[step.iteration % 3]
        assert net.use(name).probabilities(X).sum().item() == pytest.approx(12, rel=1e-5)
        assert net.used == (name,)


def test_a_fixed_trunk_is_passed_once_and_gives_the_same():
    """With a frozen trunk its features are kept; the way through the network for each batch gives the same losses."""
    once = [step.loss for step in train_domain(adapt(tiny(), "features").add_domain("new", 3), "new", X, Y,
                                               settings=settings(steps=5))]
    chosen = settings(steps=5, augment=0.0)
    net = adapt(tiny(), "features").add_domain("new", 3)
    steps, each = train_domain(net, "new", X, Y, settings=chosen), []
    chosen.augment = 1e-12  # no move that could be seen, but no reason to keep the features either
    for step in steps:
        each.append(step.loss)
    assert each == pytest.approx(once, rel=1e-3)
    chosen, net = settings(steps=5, augment=0.3), adapt(tiny(), "features").add_domain("new", 3)
    assert [step.loss for step in train_domain(net, "new", X, Y, settings=chosen)] != pytest.approx(once, rel=1e-3)


PROGRAM = """
import sys
import torch
from tests.universal.networks import pictures, tiny
from u3lab.training import loop
from u3lab.universal import UniversalSettings, adapt, train_domain
loop.EVERY = 4
kind, checkpoint, result, wait = sys.argv[1:]
net = adapt(tiny(), kind).add_domain("new", 3)
x, y = pictures(10, 16), torch.arange(10) % 3
settings = UniversalSettings(steps=17, lr=0.01, lam=0.01, batch_size=4, augment=0.1, seed=1)
for step in train_domain(net, "new", x, y, checkpoint=checkpoint or None, settings=settings):
    print(step.iteration, step.loss.hex(), flush=True)
    if wait and step.iteration == 10:
        import time
        time.sleep(60)
torch.save(net.state_dict(), result)
"""


def run(kind: str, checkpoint: Path | str, result: Path, wait: str = "") -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, kind, str(checkpoint), str(result), wait],
                            stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
@pytest.mark.parametrize("kind", ["parallel", "fine-tuning"])
def test_killed_in_mid_epoch_it_ends_with_the_same_numbers(kind: str, tmp_path: Path):
    """kill −9 at step 10 of 17, in the middle of the fifth epoch; the last file was written before step 8."""
    whole = run(kind, "", tmp_path / "whole.pt")
    killed = run(kind, tmp_path / "state", tmp_path / "none.pt", "wait")
    lines = [killed.stdout.readline() for _ in range(11)]
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() != 0 and not (tmp_path / "none.pt").exists()
    resumed = run(kind, tmp_path / "state", tmp_path / "resumed.pt")
    there, again = whole.communicate()[0].splitlines(), resumed.communicate()[0].splitlines()
    assert [line.strip() for line in lines] == there[:11]
    assert again == there[8:] and again[0].startswith("8 ")
    one, two = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("whole", "resumed"))
    assert one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint of a run of eight steps."""
    monkeypatch.setattr(loop, "EVERY", 4)
    net = adapt(tiny()).add_domain("new", 3)
    last(train_domain(net, "new", X, Y, checkpoint=tmp_path / "state", settings=settings(steps=8)))
    return tmp_path / "state"


def resumed(path: object, kind: str = "parallel", name: str = "new", count: int = 12, **given) -> list:
    net = adapt(tiny(), kind).add_domain(name, 3)
    return list(train_domain(net, name, X[:count], Y[:count], checkpoint=path, settings=settings(**given)))


def test_a_finished_run_is_finished_and_can_be_made_longer(kept: Path):
    assert [step.iteration for step in resumed(kept, steps=8)] == [8]
    assert [step.iteration for step in resumed(kept, steps=10)] == [8, 9, 10]


@pytest.mark.parametrize("given, words", [({"kind": "serial"}, "its kind is 'parallel'"),
                                          ({"seed": 1}, "its seed is 0"), ({"batch_size": 5}, "batch_size is 6"),
                                          ({"count": 11}, "pictures is 12"),
                                          ({"name": "old"}, "its domain is 'new'"),
                                          ({"steps": 5}, "at step 8, beyond the 5")])
def test_a_checkpoint_of_another_run(kept: Path, given: dict, words: str):
    refuses(resumed, kept, **{"steps": 8} | given, says=("the checkpoint state", words, "delete it"))


def test_a_checkpoint_cut_anywhere(kept: Path):
    content = kept.read_bytes()
    for length in range(0, len(content), len(content) // 25):
        kept.write_bytes(content[:length])
        refuses(resumed, kept, says="the checkpoint state is damaged")
    torch.save({"step": 3}, kept)
    refuses(resumed, kept, says="damaged")


def test_a_place_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loop, "EVERY", 1)
    (tmp_path / "file").write_text("")
    refuses(resumed, tmp_path / "file" / "state", says="cannot be kept")
    for wrong in (3, "", []):
        refuses(resumed, wrong, says="checkpoint = ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_cannot_be_trained():
    net = adapt(tiny()).add_domain("new", 3)
    refuses(train_domain, net, "source", X, Y, says=("'source'", "add a domain first"))
    refuses(train_domain, tiny(), "new", X, Y, says=("net is", "universal.adapt"))
    refuses(train_domain, net, "new", X, Y[:5], says=("labels are", "12 whole numbers"))
    refuses(train_domain, net, "new", X, Y - 1, says=("-1 to 1", "0 to 2"))
    refuses(train_domain, net, "new", X[:1], Y[:1], says="one picture is not enough")


def test_a_loss_that_is_no_number_is_told():
    with slip("the loss became", "lower the learning rate"):
        net = adapt(tiny(norms=False), "fine-tuning").add_domain("new", 3)
        chosen = settings(steps=4)
        for step in train_domain(net, "new", X, Y, settings=chosen):
            if step.iteration == 2:
                net.domain_parameters("new")[0].data.fill_(float("nan"))
