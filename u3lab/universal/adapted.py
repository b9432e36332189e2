"""One network for many domains: a :class:`~u3lab.nets.Classifier` to everyone else, always of the domain in use.

    net = adapt(nets.load("squeezenet1_1"), "parallel")
    net.add_domain("digits", 10)
    net.use("digits")                                    # a classifier of digits; net.use("source") goes back

Nearly all of its weights are shared, and each domain adds a few: each adapted layer looks up, at each call, what the
domains in use have beside the shared module or in its place.
"""

import copy
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import skip_init

from u3lab._system.meanwhile import hook, meanwhile
from u3lab.checks import listed, shown
from u3lab.errors import U3Error
from u3lab.nets.classifier import Classifier, LayerReached
from u3lab.nets.gate import ready
from u3lab.nets.surgery import untrained
from u3lab.universal import files
from u3lab.universal.adapters import LAST_BLOCK, METHODS, NOTHING, Adapter
from u3lab.universal.domain import Adaptable, Domain, Plan, key_of, named, planned

SOURCE = "source"
NEVER = -1e4  # the score of a class that a picture's domain does not have: its probability is exactly 0


def adapt(net: nn.Module, method: str = "parallel", *, share: float = 1.0, on: Sequence[str] | None = None,
          rank: int = 4, seed: int = 0) -> "Adapted":
    """A copy of a network that can be made fit other domains; the given one is left as it is.

    Args:
        net: A Classifier, or any convolutional network, in evaluation mode.
        method: A name in ``METHODS``: "parallel" and "serial" set adapters beside the convolutions, "low rank" sets
            LoRA there; "features", "batch norm", "last block", "fine-tuning" and "scratch" are their rivals.
        share: Share of the blocks that are adapted, in (0,1], counted from the top; a block is a layer of
            ``net.layers`` with convolutions in it, or a convolution outside of them.
        on: Beside which convolutions: of "dense" (k×k), "depthwise" and "pointwise" (1×1). Without it, beside the dense
            ones only, since more are unstable with few labels; in networks of depthwise convolutions beside all.
        rank: Greatest rank of what is added to pointwise convolutions, and of LoRA everywhere.
        seed: Of A in B A (B begins at zero), and of the weights that "scratch" begins with.

    Raises:
        U3Error: A network that is none, is in training mode, is adapted already, or has no such convolution or no head.

    Examples:
        >>> net = universal.adapt(nets.load("squeezenet1_1", device="cpu"))
        >>> sum(p.numel() for p in net.add_domain("digits", 10).domain_parameters("digits"))
        66762
    """
    net = ready(net)
    if isinstance(net, Adapted):
        raise U3Error(f"{net.name} is adapted already; net.add_domain(name, classes) adds a domain to it")
    return Adapted(net, planned(method, share, on, rank, seed))


class Adapted(Classifier):
    """A network with domains, from :func:`u3lab.universal.adapt`. At first "source" is in use: the given network.

    Attributes:
        plan: What a new domain gets.
        base: SHA-256 of the weights of the source network, which a domain's file must fit.
    """

    def __init__(self, net: Classifier, plan: Plan) -> None:
        base, fresh = files.fingerprint(net.module), METHODS[plan.method].fresh
        net = untrained(net, seed=plan.seed) if fresh else copy.deepcopy(net)
        super().__init__(net.module.requires_grad_(False), **net.facts())
        self.base, self.plan, self.adaptable = base, plan, Adaptable.of(net)
        if fresh:
            for norm in self.adaptable.norms.values():
                norm.reset_parameters()
        self.adaptable.chosen(plan, net.name)  # says so if there is nothing to adapt
        self._domains = {SOURCE: Domain(SOURCE, net.classes, plan, key_of(self.adaptable.head))}
        self._use = DomainsInUse(self._domains[SOURCE])
        self.added = nn.ModuleList()
        paths = (*self.adaptable.convolutions, *self.adaptable.norms, self.adaptable.head)
        self._adapted = {path: AdaptedLayer(self.module.get_submodule(path), key_of(path), self._use) for path in paths}
        for path, layer in self._adapted.items():
            replace(self.module, path, layer)
        self._head = self._adapted[self.adaptable.head]
        if path := self.adaptable.relu_above:  # the source's (SqueezeNet): scores of others may be negative
            self._head.shared = nn.Sequential(self._head.shared, self.module.get_submodule(path))
            replace(self.module, path, nn.Identity())
        self.eval()

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains, "source" first."""
        return tuple(self._domains)

    def domain(self, name: str) -> Domain:
        """All that one domain adds.

        Raises:
            U3Error: If there is none of that name.
        """
        if not isinstance(name, str) or name not in self._domains:
            raise U3Error(f"{self.name} has no domain {shown(name)}; it has {', '.join(self.domains)}; "
                          "net.add_domain(name, classes) adds one")
        return self._domains[name]

    def add_domain(self, name: str, classes: int | Sequence[str]) -> "Adapted":
        """Add a domain that answers with the source's features; its scores are 0 until it is trained.

        Args:
            name: A word without a dot.
            classes: How many, or their names; two or more.

        Returns:
            Adapted: The network itself, with the same domain in use as before.

        Raises:
            U3Error: A name that is none or taken, fewer than two classes, or a second domain where the first has
                changed the network's own weights.
        """
        self.add_planned(name, classes, self.plan)
        return self

    def add_planned(self, name: str, classes: int | Sequence[str], plan: Plan) -> Domain:
        """As :meth:`add_domain`, with another plan than the network's: that of a file."""
        if not isinstance(name, str) or not name.strip() or "." in name:
            raise U3Error(f"a domain's name is a word without a dot, not {shown(name)}")
        if name in self._domains:
            raise U3Error(f"{self.name} has a domain {name!r} already; choose another name")
        method, generator = METHODS[plan.method], torch.Generator().manual_seed(plan.seed)
        alone = [one.plan.method for one in self._domains.values() if one.own] + [plan.method] * (
            method.own != NOTHING and len(self._domains) > 1)
        if alone:
            raise U3Error(f"{alone[0]!r} changes the network's own weights, so that "
                          "it serves one domain; adapt the source network again for another")
        classes = named(classes)
        domain = Domain(name, classes, plan, key_of(self.adaptable.head))
        convolutions, norms = self.adaptable.chosen(plan, self.name)
        copied = norms if method.norms else []
        for path in convolutions if method.adapter else ():
            domain.parts[key_of(path)] = method.adapter(self._adapted[path].shared, plan.rank, generator)
        domain.parts.update({key_of(path): copy.deepcopy(self._adapted[path].shared) for path in copied})
        domain.parts[domain.head] = new_head(self._head.shared, len(classes))
        if method.own != NOTHING:
            domain.own = self.adaptable.own(self.module, copied, last=method.own == LAST_BLOCK)
        domain.eval()
        for weight in domain.trained():
            weight.requires_grad_(True)
        domain.start = {key: weight.detach() * (not method.fresh) for key, weight in domain.changed()}
        self.added.append(domain)
        self._domains[name] = domain
        return domain

    def remove_domain(self, name: str) -> "Adapted":
        """Take a domain away; what it changed in the network's own weights stays changed."""
        if (domain := self.domain(name)) is self._domains[SOURCE]:
            raise U3Error("the source network cannot be taken away; give the name of a domain that was added")
        if domain in self._use.domains:
            self.use(SOURCE)
        del self._domains[name]
        self.added = nn.ModuleList(one for one in self.added if one is not domain).eval()
        return self

    def use(self, names: str | Sequence[str]) -> "Adapted":
        """Answer for a domain from now on; or for several, one name for each picture of the next batches.

        In a mixed batch the scores are (B,K) with the greatest K; a class that a picture's domain does not have has
        probability 0.

        Raises:
            U3Error: A name of no domain.
        """
        names = [names] if isinstance(names, str) else listed("names", names, str, "names of domains")
        self._use.put([self.domain(name) for name in names])
        self.classes = self._use.groups[0].classes if len(self._use.groups) == 1 else ()
        return self

    def using(self, names: str | Sequence[str]) -> meanwhile:
        """As :meth:`use`, until the block ends."""
        before = []

        def begin() -> None:
            before.append((self._use.domains, self.classes))
            self.use(names)

        def end() -> None:
            for domains, self.classes in before:
                self._use.put(domains)

        return meanwhile((begin, end))

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the domains in use: one, or those of a mixed batch."""
        return tuple(domain.name for domain in self._use.groups)

    def domain_parameters(self, name: str) -> list[nn.Parameter]:
        """What is trained for one domain: adapters, batch norms, head; also weights of the network that it changes."""
        return self.domain(name).trained()

    def shared_parameters(self) -> list[nn.Parameter]:
        """What all domains have in common: all weights of the source but its head, and none that a domain trains."""
        theirs = {id(weight) for domain in self._domains.values() for weight in domain.trained()}
        theirs |= {id(weight) for weight in self._head.shared.parameters()}
        return [weight for weight in self.module.parameters() if id(weight) not in theirs]

    def pooled(self, images: Tensor) -> Tensor:
        """What the head of the domain in use sees, (B,3,H,W) → (B,U): a map as its mean over places. No graph."""
        seen: list[Tensor] = []

        def stop(head: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen.append(inputs[0])
            raise LayerReached

        ready(self, images)
        with meanwhile(hook(self._head, stop, before=True), grad=False), suppress(LayerReached):
            self.unchecked(images)
        return seen[0].mean((2, 3)) if seen[0].ndim == 4 else seen[0].clone()

    def merge(self, name: str) -> Classifier:
        """A plain network for one domain, its adapters folded into the convolutions: the same answers to 1e-5.

        It is as fast as the source network, and knows nothing of domains.
        """
        domain = self.domain(name)
        module = copy.deepcopy(self.module, {id(self._use): self._use})  # it knows all domains, which need no copy
        for path in self._adapted:
            replace(module, path, copy.deepcopy(module.get_submodule(path).plain(domain)))
        return Classifier(module.eval().requires_grad_(False), **self.facts() | {
            "classes": domain.classes, "name": f"{self.name}, {name}"})

    def save_domain(self, path: str | Path, name: str, *, images: Tensor | None = None) -> Path:
        """Write what one domain adds to a safetensors file, which is whole or not there.

        Args:
            images: Pictures (B,3,H,W) in [0,1] of the domain. If every one of them keeps its class when the numbers are
                halved in precision, half precision is written; without them, full precision.
        """
        domain = self.domain(name)
        if not domain.parts:
            raise U3Error(f"{name!r} is the network itself and has nothing to save; name a domain that was added")
        return files.write(path, domain, files.ties_of(self, self.base),
                           half=images is not None and self._stays_when_halved(domain, images))

    def _stays_when_halved(self, domain: Domain, images: Tensor) -> bool:
        """Whether no picture changes its class when the domain's numbers are rounded to half precision."""
        net = ready(self, images)
        with self.using(domain.name), torch.no_grad():
            before = net(images).argmax(1)
            try:
                with files.halved(domain):
                    return torch.equal(before, net(images).argmax(1))
            except U3Error:  # infinite in half precision
                return False

    def load_domain(self, path: str | Path) -> str:
        """Add a domain from its file; returns its name.

        Raises:
            U3Error: A file that is none or damaged, one for a network of other weights, mean, standard deviation or
                size, or a domain of a name that is there.
        """
        stored = files.read(path)
        ours = files.ties_of(self, self.base)
        if differing := [what.format(self.name) for tie, what in files.TIES.items() if stored.ties[tie] != ours[tie]]:
            raise U3Error(f"the domain {stored.name!r} in {stored.path.name} belongs to a network with {differing[0]}; "
                          "load it into that network")
        domain = self.add_planned(stored.name, stored.classes, stored.plan)
        try:
            files.fill(domain.contents(), stored.values)
        except ValueError:
            self.remove_domain(stored.name)
            raise files.damaged(stored.path) from None
        return stored.name


class DomainsInUse:
    """Of which domains the pictures of the next passes are: one for all, or one a picture. All layers ask it."""

    def __init__(self, domain: Domain) -> None:
        self.put([domain])

    def put(self, domains: Sequence[Domain]) -> None:
        """One domain for all pictures, or as many as there will be pictures."""
        rows: dict[str, list[int]] = {}
        for n, domain in enumerate(domains):
            rows.setdefault(domain.name, []).append(n)
        self.domains, self.rows = domains, [torch.tensor(which) for which in rows.values()]
        self.groups = [domains[first] for first, *_ in rows.values()]  # each domain once

    def split(self, x: Tensor) -> list[tuple[Domain, Tensor]]:
        """Each domain with its part of a batch."""
        if len(self.domains) > 1 and len(x) != len(self.domains):
            raise U3Error(f"{len(x)} pictures, but use(…) named the domains of {len(self.domains)}; name one for each "
                          "picture, or one domain for all")
        if len(self.groups) == 1:
            return [(self.groups[0], x)]
        return [(domain, x[rows]) for domain, rows in zip(self.groups, self.rows, strict=True)]

    def join(self, outputs: list[Tensor]) -> Tensor:
        """The domains' outputs as one batch again, in its order.

        Only a head's can differ, in classes, and in places if it is one of a convolutional network; its scores are
        then the same at all places, whose mean is taken later.
        """
        if len(outputs) == 1:
            return outputs[0]
        classes = max(one.shape[1] for one in outputs)
        places = [max(one.shape[axis] for one in outputs) for axis in range(2, outputs[0].ndim)]
        return torch.cat([F.pad(one, [0, 0] * len(places) + [0, classes - one.shape[1]], value=NEVER)
                          .expand(-1, -1, *places) for one in outputs])[torch.cat(self.rows).argsort()]


class AdaptedLayer(nn.Module):
    """A shared module that looks up, at each call, what the domains in use have for it; some have nothing.

    In a batch of several domains the pictures part at each such layer and meet again behind it.
    """

    def __init__(self, shared: nn.Module, key: str, use: DomainsInUse) -> None:
        super().__init__()
        self.shared, self.key, self.use = shared, key, use

    def forward(self, x: Tensor) -> Tensor:
        return self.use.join([self.of(domain, part) for domain, part in self.use.split(x)])

    def of(self, domain: Domain, x: Tensor) -> Tensor:
        """What this layer makes of pictures of one domain."""
        if self.key not in domain.parts:
            return self.shared(x)
        part = domain.parts[self.key]
        return part(self.shared, x) if isinstance(part, Adapter) else part(x)

    @torch.no_grad()
    def plain(self, domain: Domain) -> nn.Module:
        """A plain module that does the same for this one domain."""
        part = domain.parts[self.key] if self.key in domain.parts else self.shared
        return part.folded(self.shared) if isinstance(part, Adapter) else part


def new_head(old: nn.Module, classes: int) -> nn.Module:
    """A linear layer for other classes, all zero; of a map's mean over places if the old one is a convolution."""
    layer = next(m for m in old.modules() if isinstance(m, (nn.Conv2d, nn.Linear)))
    pools = isinstance(layer, nn.Conv2d)
    linear = (skip_init(nn.Conv2d, layer.in_channels, classes, 1) if pools else
              skip_init(nn.Linear, layer.in_features, classes))
    for weight in linear.to(layer.weight).parameters():
        nn.init.zeros_(weight)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), linear) if pools else linear


def replace(module: nn.Module, path: str, new: nn.Module) -> None:
    """Put another module at a path."""
    parent, _, name = path.rpartition(".")
    setattr(module.get_submodule(parent), name, new)
