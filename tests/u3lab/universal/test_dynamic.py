"""Dynamic weights: a learnet that predicts a domain's adapters from a few of its pictures."""

import pytest
import torch

from tests.helpers import refuses, same_state, squeezenet, state
from tests.u3lab.universal.networks import pictures, tiny
from u3lab.training.loop import Batches
from u3lab.universal import LearnetSettings, adapt, describe, learnet, put_adapters, train_learnet
from u3lab.universal.dynamic import Learnet

X = pictures(12, 16)
DATA = {"a": (X, torch.arange(12) % 3), "b": (1 - X, torch.arange(12) % 2)}


def made():
    return adapt(tiny()).add_domain("a", 3).add_domain("b", 2)


def filled(predictor: Learnet, seed: int = 0) -> Learnet:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in predictor.p:
            p.copy_(torch.randn(p.shape, generator=generator))
    return predictor


@pytest.mark.oracle("a table, row by row", universal=["table"])
def test_with_one_hot_input_it_is_a_look_up_in_a_table():
    """z = e_d: w is the d-th column of P, whatever the other columns are, and α = M′ diag(w) M."""
    predictor = filled(Learnet({"one": (5, 4), "two": (3, 6)}, inputs=7, rank=2))
    for d, z in enumerate(torch.eye(7)):
        for place, m, m_out, p in zip(("one", "two"), predictor.m, predictor.m_out, predictor.p, strict=True):
            wanted = sum(m_out[:, r, None] * p[r, d] * m[r, None, :] for r in range(2))
            assert torch.allclose(predictor(z)[place], wanted)


@pytest.mark.oracle("the product of matrices, by torch.func", universal=["learnet"])
def test_its_gradient_is_that_of_the_product_of_matrices():
    predictor, z = filled(Learnet({"one": (5, 4)}, inputs=3, rank=2)).double(), torch.rand(3, dtype=torch.float64)
    m, m_out, p = (one[0].detach().clone() for one in (predictor.m, predictor.m_out, predictor.p))

    def product(p: torch.Tensor, m: torch.Tensor, m_out: torch.Tensor) -> torch.Tensor:
        return torch.einsum("or,ru,u,rc->oc", m_out, p, z, m).square().sum()

    wanted = torch.func.grad(product, (0, 1, 2))(p, m, m_out)
    found = torch.autograd.grad(predictor(z)["one"].square().sum(), [predictor.p[0], predictor.m[0],
                                                                     predictor.m_out[0]])
    assert all(torch.allclose(a, b) for a, b in zip(found, wanted, strict=True))


def test_what_is_predicted_stands_where_it_was_trained():
    net = made()
    predictor = filled(learnet(net, "a", rank=3))
    assert predictor.places == ("net/0", "net/9")  # the dense ones; the depthwise one has few numbers already
    z = describe(net, X)
    assert z.shape == (12,) and abs(z.norm() - 1) < 1e-6
    put_adapters(net, "a", predictor(z))
    assert all(torch.equal(net.domain("a").parts[place].matrix()[0], alpha) for place, alpha in predictor(z).items())
    assert not torch.equal(net.use("a").pooled(X), net.use("source").pooled(X))
    assert learnet(adapt(squeezenet()).add_domain("a", 2), "a").p[0].shape == (8, 512)


def test_training_changes_the_learnet_and_the_heads_only():
    net = made()
    predictor = learnet(net, "a", rank=3)
    before, shared = predictor.state_dict()["p.0"].clone(), state(net.module)
    adapters = [part.alpha.weight.clone() for part in net.domain("a").adapters() if hasattr(part, "alpha")]
    steps = list(train_learnet(net, predictor, DATA, settings=LearnetSettings(steps=40, lr=0.05, batch_size=6)))
    assert steps[-1].loss < steps[0].loss and len(steps) == 41
    assert not torch.equal(predictor.p[0], before) and same_state(shared, state(net.module))
    after = [part.alpha.weight for part in net.domain("a").adapters() if hasattr(part, "alpha")]
    assert all(torch.equal(a, b) for a, b in zip(adapters, after, strict=True))
    assert all(net.domain(name).parts[net.domain(name).head].weight.any() for name in "ab")


def test_its_steps_are_those_of_plain_torch_with_other_pictures_for_z_than_for_the_loss():
    """The domain is described by two pictures of the next batch; 12 pictures, 4 at a step: no batch meets another."""
    settings = LearnetSettings(steps=3, lr=0.02, batch_size=4, shots=2)
    nets = [adapt(tiny()).add_domain("a", 3) for _ in range(2)]
    ours, plain = (filled(learnet(net, "a", rank=3)) for net in nets)
    x, y, net = X * torch.linspace(0.1, 1, 12).view(12, 1, 1, 1), DATA["a"][1], nets[1]
    losses = [step.loss for step in train_learnet(nets[0], ours, {"a": (x, y)}, settings=settings)]
    head, order = net.domain("a").parts[net.domain("a").head], Batches(12, 4, 0)
    optimiser = torch.optim.Adam([*plain.parameters(), *head.parameters()], lr=0.02)
    for step in range(3):
        seen, few = order.at(step), order.at(step + 1)[:2]
        assert not set(seen.tolist()) & set(few.tolist())
        predicted = plain(describe(net, x[few]))
        adapters = {place: part for place, part in net.domain("a").parts.items() if place in predicted}
        with net.using("a"):
            names = {id(weight): name for name, weight in net.named_parameters()}
            scores = torch.func.functional_call(net, {names[id(part.alpha.weight)]: predicted[place][:, :, None, None]
                                                      for place, part in adapters.items()}, (x[seen],))
        loss = torch.nn.functional.cross_entropy(scores, y[seen])
        assert losses[step] == pytest.approx(loss.item(), rel=1e-5)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0]


def test_a_layer_may_describe_the_domain():
    net = made()
    predictor, z = learnet(net, "a", layer="1"), describe(net, X, layer="1")
    assert z.shape == predictor.p[0].shape[1:] == (8,) and abs(z.norm() - 1) < 1e-6
    assert torch.allclose(z, torch.nn.functional.normalize(tiny().features(X, "1").mean((0, 2, 3)), dim=0), atol=1e-6)


def test_many_domains_may_have_one_head():
    """Keys are free then, and only so many domains are seen at a step."""
    net = adapt(tiny()).add_domain("a", 3).add_domain("b", 2)
    predictor = filled(learnet(net, "a", rank=3))
    shown = 0.3 * X + 0.7 * torch.eye(3)[DATA["a"][1]][:, :, None, None]  # red, green, blue
    data = {f"light {k}": (shown * (1 - 0.2 * k), DATA["a"][1]) for k in range(3)}
    before = net.domain("a").parts[net.domain("a").head].weight.clone()
    settings = LearnetSettings(steps=60, lr=0.05, batch_size=6, domains=2)
    steps = list(train_learnet(net, predictor, data, head="a", settings=settings))
    assert sum(step.loss for step in steps[-10:]) < 9 * steps[0].loss
    assert not torch.equal(net.domain("a").parts[net.domain("a").head].weight, before)
    assert not any(weight.any() for weight in net.domain("b").parts[net.domain("b").head].parameters())


def test_slips():
    net = made()
    predictor = learnet(net, "a")
    refuses(put_adapters, net, "a", {"net/0": torch.zeros(8, 3)}, says="no α for the convolutions")
    refuses(learnet, adapt(tiny(), "serial").add_domain("a", 2), "a", says="'a' has no parallel adapters")
    refuses(learnet, tiny(), "a", says="universal.adapt")
    refuses(train_learnet, net, predictor, {"c": DATA["a"]}, says="no domain 'c'")
