"""Plain versions of chapters 1 to 3: training steps in plain torch, losses as the papers' code has them."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evidence.bench import adapters
from evidence.bench.plain import Race, Run
from tests.landmarks.test_contract import plain_steps
from tests.universal.networks import shaken
from tools.site.lists import CENTRES, CLUSTERINGS, LEARNERS, PREDICTORS
from u3lab import nets
from u3lab.landmarks import DISTANCES, LOSSES, LabelSettings, as_rotation
from u3lab.landmarks.places import cells
from u3lab.universal import adapt

RESNET = "resnet18"
PLAIN = "plain torch"


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_gradient(loss: Callable[..., Tensor], *given: Tensor) -> Run:
    """A closure: the loss and its gradients."""
    def run() -> list[Tensor]:
        leaves = [one.detach().requires_grad_() for one in given]
        value = loss(*leaves)
        return [value.detach(), *torch.autograd.grad(value, leaves)]
    return run


# ---- chapter 1 -------------------------------------------------------------------------------------------------------

def resnet() -> nets.Classifier:
    """With the same random weights each time, where there are no others."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return adapters.network(RESNET)


def some_weights(way: str) -> Run:
    """Training steps of plain torch in which only the head and what this way trains have a gradient."""
    net = resnet()
    module = adapters._with_head(net.module).requires_grad_(False)
    norms = [part for part in module.modules() if isinstance(part, nn.BatchNorm2d)] if way == "batch norm" else []
    blocks = [module.layer4] if way == "last block" else []
    for norm in norms:
        norm.train()
    weights = [one.requires_grad_() for part in (module.fc, *norms, *blocks) for one in part.parameters()]
    return adapters._loop(net, module, weights)


def head_alone() -> Run:
    """Steps of a linear layer on features that are kept; as ours, in an order that is drawn, with the share right."""
    net, (x, y) = resnet(), adapters.data()
    net.module.fc = nn.Identity()
    with torch.no_grad():
        kept = net.module(net.normalise(x))
    linear = nn.Linear(kept.shape[1], adapters.CLASSES)
    optimiser, right = torch.optim.Adam(linear.parameters(), lr=0.001), []

    def steps() -> list[Tensor]:
        for _ in range(adapters.STEPS):
            chosen = torch.randperm(len(y))
            truth, scores = y[chosen], linear(kept[chosen])
            optimiser.zero_grad()
            loss = F.cross_entropy(scores, truth)
            right.append((loss.item(), (scores.argmax(1) == truth).double().mean().item()))
            loss.backward()
            optimiser.step()
        return []
    return steps


def price(name: str, plain: bool) -> Run:
    """‖w − w₀‖² of a fine-tuned ResNet-18 and its gradient, by its price or over a list of both's weights."""
    net = shaken(adapt(resnet(), "fine-tuning").add_domain("new", adapters.CLASSES), "new")
    domain = net.domain("new")
    names, weights = zip(*domain.changed(), strict=True)
    start = [domain.start[one] if CENTRES[name].home else torch.zeros(()) for one in names]

    def run() -> list[Tensor]:
        value = (sum(((w - w0) ** 2).sum() for w, w0 in zip(weights, start, strict=True)) if plain
                 else CENTRES[name].price(domain))
        return [value.detach(), *torch.autograd.grad(value, weights)]
    return run


def predicted(name: str, plain: bool) -> Run:
    """All adapters of a ResNet-18 from z, by the learnet or by one einsum each."""
    net = adapt(resnet(), "parallel").add_domain("new", adapters.CLASSES)
    made = PREDICTORS[name].make(net, "new")
    for n, p in enumerate(made.p):
        p.data.copy_(normal(*p.shape, seed=n))
    z = PREDICTORS[name].told(net, adapters.data()[0], 1)
    if plain:
        return lambda: [torch.einsum("or,ru,u,rc->oc", a, p, z, m).detach()
                        for a, p, m in zip(made.m_out, made.p, made.m, strict=True)]
    return lambda: [alpha.detach() for alpha in made(z).values()]


# ---- chapter 2c ------------------------------------------------------------------------------------------------------

def information(P: Tensor) -> Tensor:
    rows, columns = P.sum(1, keepdim=True), P.sum(0, keepdim=True)
    return (P * (P.log() - rows.log() - columns.log())).sum()


def iid_loss(z: Tensor, moved: Tensor, symmetric: bool) -> Tensor:
    """As the authors' code: the joint of each pair, and their sum."""
    P = (z.unsqueeze(2) * moved.unsqueeze(1)).sum(0)
    P = (P + P.t()) / 2 if symmetric else P
    return -information(P / P.sum())


def by_displacements(z: Tensor, moved: Tensor, pooled: bool, reach: int = 4) -> Tensor:
    (height, width), joints = z.shape[2:], []
    for a in range(-reach, reach + 1):
        for b in range(-reach, reach + 1):
            here = z[:, :, max(0, -a) : height - max(0, a), max(0, -b) : width - max(0, b)]
            there = moved[:, :, max(0, a) : height + min(0, a), max(0, b) : width + min(0, b)]
            P = torch.einsum("nihw,njhw->ij", here, there)
            joints.append((P + P.t()) / 2 / P.sum())
    if pooled:
        return -information(torch.stack(joints).mean(0))
    return -torch.stack([information(P) for P in joints]).mean()


def sorted_(name: str, plain: Callable[..., Tensor], *shape: int) -> tuple[Callable[[], Run], Callable[[], Run]]:
    both = [normal(*shape, seed=n).double() for n in (0, 1)]  # the information of noise is a small difference
    return tuple(lambda loss=loss: with_gradient(lambda a, b: loss(a.softmax(1), b.softmax(1)), *both)
                 for loss in (CLUSTERINGS[name].loss, plain))


# ---- chapters 3 and 3b -----------------------------------------------------------------------------------------------

def label_loss(name: str) -> Run:
    codes, moved = normal(8, 10, 16, 16), normal(8, 10, 16, 16, seed=1)
    here = cells(codes).expand(8, -1, -1)
    return with_gradient(lambda a, b: sum(LOSSES[name].terms(a, b, here, 0.9 * here, LabelSettings()).values()),
                         codes, moved)


def plain_invariance(codes: Tensor, moved: Tensor) -> Tensor:
    at = cells(codes).expand(len(codes), -1, -1)
    here, there = (F.grid_sample(maps, points[:, None], align_corners=False, padding_mode="border")
                   for maps, points in ((codes, at), (moved, 0.9 * at)))
    return (here - there).square().sum(1).mean()


def all_pairs(maps: Tensor, moved: Tensor) -> Tensor:
    """Σ_u Σ_v ‖gu − v‖² p(u) q(v), pair by pair, and diversity by windows of 4×4."""
    at = cells(maps)
    p, q = maps.flatten(2).softmax(-1), moved.flatten(2).softmax(-1)
    far = (0.9 * at[:, None] - at[None]).square().sum(-1)
    windows = F.unfold(p.view_as(maps).flatten(0, 1)[:, None], 4, stride=4).sum(1).unflatten(0, maps.shape[:2])
    return torch.einsum("bku,uv,bkv->bk", p, far, q).mean() + maps.shape[1] - windows.amax(1).sum(-1).mean()


def turns(loss: Callable[[Tensor, Tensor], Tensor]) -> Run:
    """Of rotations made of six numbers each, so that gradients lie in the turns."""
    code = normal(4096, 6).double()
    g = as_rotation(code + 0.5 * normal(4096, 6, seed=1))
    return with_gradient(lambda numbers: loss(as_rotation(numbers), g).mean(), code)


def by_trace(R: Tensor, g: Tensor) -> Tensor:
    """The angle as PyTorch3D has it, acos of the trace."""
    return (((R @ g.mT).diagonal(dim1=1, dim2=2).sum(1) - 1) / 2).acos()


def learnt(name: str, plain: bool) -> Run:
    learner, steps = LEARNERS[name], 3
    x, moved = (torch.rand(16, 3, 64, 64, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    given = (x, moved, *([as_rotation(normal(16, learner.numbers))] if learner.turns else []))

    def ours() -> list[Tensor]:
        settings = learner.settings(steps=100_000, batch_size=16, lr=0.002)
        run = learner.learn(learner.fresh(width=16), lambda count, generator: given, settings=settings)
        return [torch.tensor([next(run).loss for _ in range(steps + 1)])]

    def theirs() -> list[Tensor]:
        return [torch.tensor(plain_steps(learner.fresh(width=16), given, learner.turns, 0.002, steps))]
    return theirs if plain else ours


STEP, BOTH = "four training steps", "loss and gradient"
RACES = [
    *[Race((f"universal/{way}",), STEP, RESNET, partial(adapters.ours, RESNET, way), PLAIN, theirs, same=False,
           why="a step of a head alone is so short that Step and its checks are felt" * (theirs is head_alone))
      for way, theirs in (("scratch", partial(adapters.fine_tuning, RESNET)),
                          ("fine-tuning", partial(adapters.fine_tuning, RESNET)), ("features", head_alone),
                          ("batch norm", partial(some_weights, "batch norm")),
                          ("last block", partial(some_weights, "last block")))],
    *[Race((f"universal/{name}",), "price and gradient", RESNET, partial(price, name, False), PLAIN,
           partial(price, name, True)) for name in CENTRES],
    *[Race((f"universal/{name}",), "all adapters of a domain", RESNET, partial(predicted, name, False),
           "one einsum each", partial(predicted, name, True)) for name in PREDICTORS],
    *[Race((f"selfsup/{name}",), BOTH, on, ours, peer, theirs) for name, on, peer, (ours, theirs) in (
        ("IIC", "1000 pairs, 10 classes", "the authors' form", sorted_(
            "IIC", partial(iid_loss, symmetric=True), 1000, 10)),
        ("IIC of picture and sound", "1000 pairs, 10 classes", "the authors' form", sorted_(
            "IIC of picture and sound", partial(iid_loss, symmetric=False), 1000, 10)),
        ("IIC of places, pooled", "8 maps of 24×24", "a loop over displacements", sorted_(
            "IIC of places, pooled", partial(by_displacements, pooled=True), 8, 6, 24, 24)),
        ("IIC of places, mean", "8 maps of 24×24", "a loop over displacements", sorted_(
            "IIC of places, mean", partial(by_displacements, pooled=False), 8, 6, 24, 24)))],
    Race(("landmarks/invariance",), BOTH, "8 maps of 16×16", partial(label_loss, "invariance"), PLAIN, lambda:
         with_gradient(plain_invariance, normal(8, 10, 16, 16), normal(8, 10, 16, 16, seed=1)),
         why="ours looks for NaN and for points outside the picture"),
    Race(("landmarks/landmarks",), BOTH, "8 maps of 16×16", partial(label_loss, "landmarks"), "the sum over all pairs",
         lambda: with_gradient(all_pairs, normal(8, 10, 16, 16), normal(8, 10, 16, 16, seed=1))),
    Race(("landmarks/chordal",), BOTH, "4096 turns", lambda: turns(DISTANCES["chordal"].between), PLAIN,
         lambda: turns(lambda R, g: ((R - g) ** 2).sum((1, 2)))),
    Race(("landmarks/geodesic",), BOTH, "4096 turns", lambda: turns(DISTANCES["geodesic"].between),
         "PyTorch3D's form, acos of the trace", lambda: turns(by_trace)),
    *[Race((f"landmarks/{name}",), "three training steps", "16 pairs of 64×64", partial(learnt, name, False), PLAIN,
           partial(learnt, name, True)) for name in LEARNERS],
]
