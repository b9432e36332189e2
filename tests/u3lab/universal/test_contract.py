"""Every line of the registries keeps its word: methods, centres of a prior, predictors of adapters, kinds of task.

A new line is tested here without a word more. Of a method: what it trains, what it leaves alone, where its prior pulls.
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import minimised
from tests.u3lab.universal.networks import network, pictures, shaken, tiny
from tools.site.lists import CENTRES, DOMAINS, PREDICTORS
from u3lab.descent import last
from u3lab.universal import (
    METHODS,
    Adapted,
    LearnetSettings,
    Task,
    Tasks,
    UniversalSettings,
    adapt,
    put_adapters,
    train_domain,
    train_learnet,
)
from u3lab.universal.domain import shrinkage
from u3lab.universal.multitask import KINDS, OUTPUTS

EACH = pytest.mark.parametrize("kind", METHODS)
X, Y = pictures(12, 16), torch.arange(12) % 3
STEPS, RATE = 3, 0.01
WAYS = [kind for kind, method in METHODS.items() if not method.adapter]


def made(kind: str) -> Adapted:
    return adapt(tiny(), kind).add_domain("new", 3)


def numbers(net: Adapted) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


@EACH
def test_training_changes_what_is_the_domains_and_nothing_else(kind: str):
    net, base = made(kind), tiny()
    mine = {id(weight) for weight in net.domain_parameters("new")}
    before, shared = numbers(net), {id(w) for w in net.shared_parameters()}
    steps = list(train_domain(net, "new", X, Y, settings=UniversalSettings(steps=6, lr=0.01, lam=0.1)))
    assert len(steps) == 7 and [step.iteration for step in steps] == list(range(7))
    names = dict(net.named_parameters())
    changed = {name for name, value in numbers(net).items() if not torch.equal(value, before[name])}
    assert all(id(names[name]) in mine for name in changed & names.keys())
    assert all(id(names[name]) not in shared for name in changed & names.keys())
    assert {id(names[name]) for name in changed & names.keys()} == mine, "some of it is not trained at all"
    assert all(name.startswith("added.") for name in changed - names.keys())  # statistics of the domain's own norms
    if METHODS[kind].own == "nothing":
        assert torch.equal(net.use("source")(X), base(X))
    assert not any(module.training for module in net.modules()) and net.used == ("source",)


@EACH
def test_it_learns(kind: str):
    """Twelve pictures, each dark, grey or light: known by heart after some steps."""
    x = (X * 0.2 + 0.4 * Y.view(-1, 1, 1, 1)).clamp(0, 1)
    net = made(kind)
    settings = UniversalSettings(steps=60, lr=0.02, batch_size=12)
    steps = list(train_domain(net, "new", x, Y, settings=settings))
    assert steps[-1].loss < 0.995 * steps[0].loss  # the head alone learns little of a random trunk
    assert steps[0].terms.keys() == {"cross-entropy", "prior"} and steps[-1].value > steps[0].value
    assert net.use("new")(x).shape == (12, 3)


@EACH
def test_the_same_seed_gives_the_same_numbers(kind: str):
    runs = []
    for n in range(2):
        net = made(kind)
        torch.rand(n)
        drawn = torch.get_rng_state()
        settings = UniversalSettings(steps=4, lr=0.01, seed=3)
        losses = [step.loss for step in train_domain(net, "new", X, Y, settings=settings)]
        assert torch.equal(drawn, torch.get_rng_state())
        runs.append((losses, numbers(net)))
    assert runs[0][0] == runs[1][0] and all(torch.equal(runs[0][1][key], runs[1][1][key]) for key in runs[0][1])


@EACH
def test_the_prior_is_zero_at_its_centre_and_pulls_there(kind: str):
    net = made(kind)
    domain = net.domain("new")
    if not METHODS[kind].fresh:
        assert shrinkage(domain).item() == 0
    shaken(net, "new")
    distance = shrinkage(domain)
    trained = len(domain.parts) > 1 or domain.own
    assert (distance > 0) == bool(trained) and distance.shape == ()
    free, held = ([shrinkage(net.domain("new")).item() for net in [made(kind)] if last(train_domain(
        net, "new", X, Y, settings=UniversalSettings(steps=12, lr=0.01, lam=lam)))][0] for lam in (0, 10))
    assert held < free or not trained


@pytest.mark.oracle("the sum of squares, by hand", universal=["shrinkage", "weight decay"])
def test_adapters_count_by_alpha_norms_and_weights_by_their_way_from_the_source():
    """Σ α² + Σ (γ − γ₀)² + Σ (β − β₀)², by hand; and centred on zero."""
    net = made("parallel")
    source = [norm for norm in tiny().modules() if isinstance(norm, torch.nn.BatchNorm2d)]
    shaken(net, "new")
    domain = net.domain("new")
    alphas = sum(float(a.matrix().detach().square().sum()) for a in domain.adapters())
    norms = list(zip(domain.norms(), source, strict=True))
    near = sum(((a.weight - b.weight).square().sum() + (a.bias - b.bias).square().sum()).item() for a, b in norms)
    far = sum((a.weight.square().sum() + a.bias.square().sum()).item() for a, _ in norms)
    assert shrinkage(domain).item() == pytest.approx(alphas + near, rel=1e-5)
    assert shrinkage(domain, centre="zero").item() == pytest.approx(alphas + far, rel=1e-5)


@EACH
def test_it_serves_networks_without_batch_norm_and_with(kind: str):
    for base in (tiny(norms=False), network("squeezenet1_1")):
        net = adapt(base, kind).add_domain("new", 3)
        with_norms = METHODS[kind].norms and any(isinstance(m, torch.nn.BatchNorm2d) for m in base.modules())
        assert bool(list(net.domain("new").norms())) == with_norms
        settings = UniversalSettings(steps=1, batch_size=3)
        assert last(train_domain(net, "new", pictures(6, 48), torch.arange(6) % 3, settings=settings)).loss > 0


@pytest.mark.parametrize("kind", [kind for kind, method in METHODS.items() if method.adapter])
def test_an_adapter_says_what_it_can_make_of_filters(kind: str):
    """Six filters 3×3 of four channels and what is added to them, with all weights of the adapter drawn at random."""
    f = filled(torch.nn.Conv2d(4, 6, 3, padding=1, bias=False).double())
    adapter = filled(METHODS[kind].adapter(f, 2, torch.Generator().manual_seed(0)), 5).double()
    added, rows = (adapter.folded(f).weight - f.weight).detach(), f.weight.detach().flatten(1)
    middle = torch.zeros(3, 3, dtype=torch.bool)
    middle[1, 1] = True
    found = {"mixtures of the filters": torch.linalg.matrix_rank(torch.cat([rows, added.flatten(1)])) == 6,
             "their centres": not added[..., ~middle].any(),
             "a change of low rank": torch.linalg.matrix_rank(added.flatten(1)) <= 2}
    assert added.any() and [name for name, it_is in found.items() if it_is] == [METHODS[kind].reach]


def filled(part: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in part.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    return part


def test_how_much_each_adds():
    """features < batch norm < low rank < parallel < fine-tuning: the order that the leaderboard's columns have."""
    base = network("resnet18")
    added = {kind: sum(p.numel() for p in adapt(base, kind).add_domain("new", 10).domain_parameters("new"))
             for kind in METHODS}
    assert added["features"] < added["batch norm"] < added["low rank"] < added["parallel"] < added["serial"]
    assert added["serial"] < added["last block"] < added["fine-tuning"] == added["scratch"]
    everything = sum(p.numel() for p in base.parameters())
    assert added["fine-tuning"] == everything  # ten classes each


def test_scratch_forgets_the_source_and_fine_tuning_begins_there():
    base, x = tiny(), pictures(2, 16)
    assert not torch.equal(adapt(base, "scratch")(x), base(x))
    assert torch.equal(adapt(base, "scratch")(x), adapt(base, "scratch")(x))
    assert not torch.equal(adapt(base, "scratch", seed=1)(x), adapt(base, "scratch")(x))
    net = made("fine-tuning")
    last(train_domain(net, "new", X, Y, settings=UniversalSettings(steps=5, lr=0.01)))
    assert not torch.equal(net.use("source")(x), base(x)), "fine-tuning has not forgotten a thing"


def test_the_last_block_is_the_last():
    net = adapt(network("squeezenet1_1"), "last block").add_domain("new", 3)
    assert {name.split(".")[1] for name in net.domain("new").own} == {"12"}  # fire9
    net = adapt(network("resnet18"), "last block").add_domain("new", 3)
    assert {name.partition(".conv")[0].partition(".bn")[0] for name in net.domain("new").own} == {"layer4.1"}


def trained(way: str) -> nn.Module:
    """The network with a new head of zeros, after some steps of Adam on what this way trains."""
    net = adapt(tiny().double(), way).add_domain("new", 3)
    own, module = {name.replace("shared.", "") for name in net.domain("new").own}, net.merge("new").module
    head = module[-1]
    nn.init.zeros_(head.weight), nn.init.zeros_(head.bias)
    norms = [part for part in module if isinstance(part, nn.BatchNorm2d)] if METHODS[way].norms else []
    for norm in norms:  # all twelve pictures at once: the statistics that training begins with are those of each step
        norm.train()
    chosen = {"all": lambda name: True, "last block": lambda name: name in own, "nothing": lambda name: False}
    weights = [weight.requires_grad_() for name, weight in module.named_parameters()
               if chosen[METHODS[way].own](name) or any(weight is one for part in (head, *norms)
                                                       for one in part.parameters())]
    minimised(torch.optim.Adam(weights, lr=RATE), lambda: F.cross_entropy(module(net.normalise(X.double())), Y), STEPS)
    return module


@pytest.mark.oracle("the same steps in plain torch",
                    universal=["scratch", "features", "batch norm", "last block", "fine-tuning"])
@pytest.mark.parametrize("way", WAYS)
def test_the_steps_are_those_of_plain_torch(way: str):
    """In the pictures' own statistics, since those that batch norms remember depend on how training begins."""
    net = adapt(tiny().double(), way).add_domain("new", 3)
    last(train_domain(net, "new", X.double(), Y, settings=UniversalSettings(steps=STEPS, lr=RATE, batch_size=len(X))))
    module, found = trained(way), net.merge("new").module
    for part in (*module, *found):
        if METHODS[way].norms and isinstance(part, nn.BatchNorm2d):
            part.train()
    x = net.normalise(X.double())
    torch.testing.assert_close(found(x), module(x), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", CENTRES)
@pytest.mark.parametrize("kind", ["fine-tuning", "parallel"])
def test_a_prior_says_where_its_home_is(name: str, kind: str):
    """As the source it costs nothing or not; every step away from home costs more."""
    domain = adapt(tiny(), kind).add_domain("new", 3).domain("new")
    assert (CENTRES[name].price(domain).item() == 0) == CENTRES[name].home
    trained = [weight for name, weight in domain.changed()] + [w for a in domain.adapters() for w in a.parameters()]
    away = adapt(tiny(), kind).add_domain("new", 3)
    near, far = (CENTRES[name].price(shaken(away, "new", size).domain("new")).item() for size in (0.5, 5.0))
    assert trained and near < far


@pytest.mark.parametrize("name", PREDICTORS)
def test_a_fresh_predictor_gives_the_source_and_a_trained_one_says_of_which_domains_it_knows(name: str):
    net, predictor = adapt(tiny()).add_domain("a", 3), PREDICTORS[name]
    made = predictor.make(net, "a")
    assert not any(alpha.any() for alpha in made(predictor.told(net, X, 0)).values())
    if predictor.unseen:
        data = {"a": (X, Y), "b": (1 - X, Y)}
        last(train_learnet(net, made, data, head="a", settings=LearnetSettings(steps=3, batch_size=4)))
    else:  # train_learnet asks what the network sees; a table is filled by its own rows
        made(predictor.told(net, X, 1))["net/0"].sum().backward()
        assert made.p[0].grad[:, 1].any() and not made.p[0].grad[:, [0, *range(2, DOMAINS)]].any()
        made.p[0].data -= made.p[0].grad
    other = made(predictor.told(net, pictures(4, 16, seed=5), 3))
    assert any(alpha.any() for alpha in other.values()) == predictor.unseen
    put_adapters(net, "a", other)


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_says_whether_it_has_an_answer_for_each_pixel(kind: str):
    task = Task(kind, OUTPUTS.get(kind, (4, 4))[0])
    answer = Tasks(tiny(), ["1", "7"], {"it": task})(X)["it"]
    assert (answer.ndim == 4) == KINDS[kind].dense and answer.shape[:2] == (12, task.outputs)
