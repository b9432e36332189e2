"""Training a domain: where it starts, which pictures it sees, and what cannot be trained."""

import pytest
import torch

from tests.helpers import refuses, relative, slip
from tests.u3lab.universal.networks import pictures, tiny
from u3lab.universal import UniversalSettings, adapt, train_domain

X, Y = pictures(12, 16), torch.arange(12) % 3


def settings(**given) -> UniversalSettings:
    return UniversalSettings(**{"steps": 3, "lr": 0.01, "batch_size": 6} | given)


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
