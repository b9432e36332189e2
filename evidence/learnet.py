"""The learnet of chapter 1: adapters predicted for lights and domains that it has not seen, and their rivals.

    python -m evidence learnet  # results/learnet.json, …/learnet_domains.json, and two files of weights

*Lights*: paints have to be named under a light of which eight pictures are given, without labels; once on photos, which
themselves show the light, and once in close-ups. *Domains*: the learnet has seen nine of the ten domains of the
decathlon; of the tenth it gets five pictures of each class, whose linear probe is the head.
"""

import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from evidence import _trials as trials
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, crossed, extent
from evidence._trials import interval
from u3course.lessons.universal import lighting
from u3course.lessons.universal.lighting import FROZEN, GREY, ONE, PAINTS, RIVALS, Data
from u3course.worlds import decathlon, lights
from u3lab import nets, universal
from u3lab.datasets import photos
from u3lab.descent import last
from u3lab.measures import Interval, probe
from u3lab.nets import Classifier
from u3lab.training.loop import falling

NETWORK = "squeezenet1_1"
SEEDS = range(3)
KINDS = ("scenes", "close-ups")
LIGHTS, EACH, CHOSEN_BY, UNSEEN = 40, 40, range(12), range(50, 62)
STEPS, FEW_STEPS = {"lights": 150, "domains": 100}, 30
SEEN_DOMAINS = ("digits", "house numbers", "letters", "traffic signs", "textures", "animals", "objects", "people",
                "motion", "patients")  # all but the one that is unseen
UNSEEN_DOMAINS = ("digits", "patients")
LABELS, SEEN_LABELS = 5, 20
LEARNT, LEARNET, OTHER = "and trained on the 8, with labels", "learnet", "learnet, z of another light"
ELSEWHERE, OWN = "learnet, z of another domain", "α trained on the same examples"
WAYS = (FROZEN, ONE, LEARNT, GREY, LEARNET, OTHER)
COMPARED = (FROZEN, ONE, OTHER, GREY, LEARNT)  # the learnet less each of these
DOMAIN_WAYS = (FROZEN, LEARNET, ELSEWHERE, OWN)

Lit = NamedTuple("Lit", [("kind", str), ("way", str), ("seed", int)])
"""One way to name paints, on photos ("scenes") or in close-ups."""

Shares = NamedTuple("Shares", [("right", tuple[float, ...])])
"""The shares right under the unseen lights, in the order of their numbers."""

Domain = NamedTuple("Domain", [("domain", str), ("way", str), ("seed", int)])
"""One way to name the pictures of a domain that the learnet has not seen."""

Share = NamedTuple("Share", [("right", float)])
"""The share of the test pictures that is right."""


def under_all(rows: Rows) -> Summary:
    """The share right of each way, and how far the learnet is ahead of others under the same lights, same seeds."""
    right = {(kind, way): torch.tensor([row.right for run, row in rows.items() if (run.kind, run.way) == (kind, way)],
                                       dtype=torch.float64).T
             for kind, way in dict.fromkeys((run.kind, run.way) for run in rows)}
    kinds = list(dict.fromkeys(kind for kind, _ in right))
    found = {way: {kind: crossed(right[kind, way]) for kind in kinds} for way in WAYS}
    for rival in COMPARED:
        apart = {kind: right[kind, LEARNET] - right[kind, rival] for kind in kinds}
        found[f"{LEARNET} less {rival}"] = {
            **{f"{kind}: difference": crossed(values) for kind, values in apart.items()},
            **{f"{kind}: least and greatest seed": extent(values.mean(0).tolist()) for kind, values in apart.items()}}
    return found


def in_domains(rows: Rows) -> Summary:
    """The share right of each way, and how far the learnet is ahead of the others, paired by seed."""
    def over_seeds(values: list[float]) -> Interval | float:
        return interval(values) if len(values) > 1 else values[0]

    right = {(domain, way): [row.right for run, row in rows.items() if (run.domain, run.way) == (domain, way)]
             for domain, way in dict.fromkeys((run.domain, run.way) for run in rows)}
    domains = list(dict.fromkeys(domain for domain, _ in right))
    found = {way: {domain: over_seeds(right[domain, way]) for domain in domains} for way in DOMAIN_WAYS}
    for rival in (way for way in DOMAIN_WAYS if way != LEARNET):
        found[f"{LEARNET} less {rival}"] = {
            f"{domain}: difference": over_seeds([ours - theirs for ours, theirs in zip(
                right[domain, LEARNET], right[domain, rival], strict=True)]) for domain in domains}
    return found


TABLES = (Table(
    "learnet", Lit, Shares, summary=under_all,
    facts={"network": NETWORK, "steps": STEPS["lights"], "lights": list(UNSEEN)},
    again="a seed takes minutes, since all rivals are trained for it",
    chart=Chart("bars", "share of paints named correctly", chance=1 / 8, columns=KINDS,
                alt="Pairs of bars for six ways, on photos and in close-ups.")),
    Table(
    "learnet_domains", Domain, Share, facts={"network": NETWORK, "steps": STEPS["domains"]},
    summary=in_domains,
    again="a seed takes minutes, since the learnet is trained for it",
    chart=Chart("bars", "share of test pictures right, 5 labels of each class", columns=UNSEEN_DOMAINS,
                alt="Pairs of bars for four ways, for digits and for patients.")))


def work(plan: Plan) -> Iterator[Work]:
    """A seed is a piece of work, with all its rivals: first under lights, then in domains."""
    net, seeds = nets.load(NETWORK, fold=False), plan.few(SEEDS)
    steps = dict.fromkeys(STEPS, 2) if plan.short else STEPS
    count, unseen, domains = 4 if plan.short else LIGHTS, plan.few(UNSEEN, 2), plan.few(UNSEEN_DOMAINS)
    plan.fit(lights=[*map(str, range(lighting.FIRST, lighting.FIRST + count))], photos=photos.names(split="train"),
             splits=[f"{name}, train" for name in SEEN_DOMAINS])
    plan.choose(lights=[*map(str, CHOSEN_BY)])
    plan.judge(lights=[*map(str, unseen)], photos=photos.names(split="test"),
               splits=[f"{name}, test" for name in domains])
    for kind in KINDS:
        for seed in seeds:
            yield Work([Lit(kind, way, seed) for way in WAYS], under_lights, plan, net, kind, seed, steps["lights"],
                       count, unseen)
    for name in domains:
        for seed in seeds:
            yield Work([Domain(name, way, seed) for way in DOMAIN_WAYS], under_domains, net, name, seed,
                       steps["domains"], plan.short)


def trained(net: Classifier, method: str, images: Tensor, labels: Tensor, seed: int, steps: int) -> universal.Adapted:
    """A domain of paints that is trained in the usual way, with all pictures as if they were of one light."""
    adapted = universal.adapt(net, method, seed=seed).add_domain(PAINTS, list(lights.PAINTS)).use(PAINTS)
    return tuned(adapted, images, labels, 0.0015 if method == "parallel" else 0.01, steps, seed, batch_size=48)


def tuned(net: universal.Adapted, images: Tensor, labels: Tensor, rate: float, steps: int, seed: int,
          **more: int) -> universal.Adapted:
    """The network after some steps of a rate that falls."""
    settings = universal.UniversalSettings(lr=rate, steps=steps, seed=seed, **more)
    last(falling(universal.train_domain(net, PAINTS, images, labels, settings=settings), settings))
    return net


def rivals(net: Classifier, data: Data, seed: int, steps: int) -> dict[str, universal.Adapted]:
    """The networks of the learnet's rivals; that of the grey world has learnt from pictures without their light."""
    together, labels = (torch.cat(part) for part in zip(*data.values(), strict=True))
    corrected = torch.cat([lighting.greyed(x, x[: lighting.SHOTS]) for x, _ in data.values()])
    return {name: trained(net, method, corrected if name == GREY else together, labels, seed,
                          10 * steps if name == FROZEN else steps) for name, method in RIVALS.items()}


def answering(nets: dict[str, universal.Adapted], close: bool, seed: int,
              steps: int) -> dict[str, Callable[[Tensor, int, Tensor], tuple]]:
    """Way → how it names paints: (light, its number, pictures) → a network and the pictures that it is to be given."""
    def learnt(light: Tensor, number: int, x: Tensor) -> tuple[universal.Adapted, Tensor]:
        examples = lighting.shots(light, number, close=close)
        return tuned(copy.deepcopy(nets[ONE]), *examples, 0.0005, min(steps, FEW_STEPS), seed), x

    def grey(light: Tensor, number: int, x: Tensor) -> tuple[universal.Adapted, Tensor]:
        return nets[GREY], lighting.greyed(x, lighting.shots(light, number, close=close)[0])

    return {FROZEN: lambda light, number, x: (nets[FROZEN], x), ONE: lambda light, number, x: (nets[ONE], x),
            LEARNT: learnt, GREY: grey}


def under_lights(plan: Plan, net: Classifier, kind: str, seed: int, steps: int, count: int,
                 unseen: range) -> dict[Lit, Shares]:
    """The shares right under each unseen light; the first learnet of close-ups is written, and its rivals are."""
    close = kind == "close-ups"
    data = lighting.world(count, EACH, close=close, seed=seed)
    adapted, predictor = lighting.begin(net, seed)
    settings = universal.LearnetSettings(lr=0.01, steps=steps, batch_size=16, shots=lighting.SHOTS, domains=3,
                                         seed=seed)
    last(falling(universal.train_learnet(adapted, predictor, data, head=PAINTS, settings=settings), settings))
    others = rivals(net, data, seed, steps)
    ways = answering(others, close, seed, steps)
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for place, number in enumerate(unseen):
        light, another = lights.light(number), lights.light(unseen[(place + 5) % len(unseen)])
        x, y = lighting.seen(20 if plan.short else 200, light, split="test", close=close, seed=number)
        for way, answer in ways.items():
            found[way].append(lighting.share_right(*answer(light, number, x), y))
        for way, told in ((LEARNET, light), (OTHER, another)):
            lighting.predict(adapted, predictor, lighting.shots(told, number, close=close)[0])
            found[way].append(lighting.share_right(adapted, x, y))
    if (kind, seed) == ("close-ups", SEEDS[0]):
        recipe = f"{plan.command}, close-ups, the first seed"
        plan.weights("learnet-lights", lighting.kept(adapted, predictor), recipe=recipe)
        plan.weights("learnet-rivals", lighting.kept_rivals(others), recipe=recipe)
    return {Lit(kind, way, seed): Shares(tuple(values)) for way, values in found.items()}


def with_probe(net: universal.Adapted, name: str, few: tuple[Tensor, Tensor]) -> float:
    """Share of the test pictures right by a linear probe of what the head of the domain in use sees."""
    test = decathlon.load(name, "test")
    seen = [torch.cat([net.pooled(x) for x in pictures.split(64)]) for pictures in
            (few[0], trials.enlarged(test.images))]
    right = probe(seen[0], few[1], C=0.01).scores(seen[1]).argmax(1) == test.labels
    return right.double().mean().item()


def under_domains(net: Classifier, unseen: str, seed: int, steps: int, short: bool) -> dict[Domain, Share]:
    """The shares right in a domain that the learnet has not seen."""
    seen = [name for name in SEEN_DOMAINS if name != unseen][: 2 if short else None]
    adapted = universal.adapt(net, seed=seed)
    for name in (*seen, unseen):
        adapted.add_domain(name, decathlon.load(name, "val").classes)
    predictor = universal.learnet(adapted, unseen, seed=seed)
    data = {name: trials.training_subset(name, LABELS if short else SEEN_LABELS, seed) for name in seen}
    settings = universal.LearnetSettings(lr=0.003, steps=steps, batch_size=8, domains=3, seed=seed)
    last(falling(universal.train_learnet(adapted, predictor, data, settings=settings), settings))
    few = trials.training_subset(unseen, LABELS, seed)
    adapted.use(unseen)
    found = {FROZEN: with_probe(adapted, unseen, few)}
    for way, pictures in ((LEARNET, few[0]), (ELSEWHERE, data[seen[seed % len(seen)]][0])):
        with torch.no_grad():
            universal.put_adapters(adapted, unseen, predictor(universal.describe(adapted, pictures[:200])))
        found[way] = with_probe(adapted, unseen, few)
    run = trials.Run(unseen, "parallel", LABELS, seed, 0.0015)
    last(trials.train(own := trials.begin(net, run), run, steps=2 if short else None))
    found[OWN] = trials.accuracy(own, unseen)
    return {Domain(unseen, way, seed): Share(value) for way, value in found.items()}
