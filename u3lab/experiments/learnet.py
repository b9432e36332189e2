"""The learnet of chapter 1: adapters predicted for lights and domains that it has not seen, and their rivals.

    python -m u3lab.experiments learnet  # results/learnet-squeezenet1_1.json and weights/learnet-lights.safetensors

*Lights*: paints have to be named under a light of which eight pictures are given, without labels; once on photos, which
themselves show the light, and once in close-ups. *Domains*: the learnet has seen nine of the ten domains of the
decathlon; of the tenth it gets five pictures of each class, whose linear probe is the head. What z is taken
from, the rank and the rate were chosen with lights 0 to 11, which are not here. What the file has is kept.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

import torch
from torch import Tensor
from tqdm.auto import tqdm

from u3lab import __version__, nets
from u3lab.descent import last
from u3lab.experiments import _writing
from u3lab.lessons.universal import lighting, trials
from u3lab.lessons.universal.lighting import PAINTS, Data
from u3lab.measures import probe
from u3lab.nets import Classifier
from u3lab.universal import (
    Adapted,
    LearnetSettings,
    UniversalSettings,
    adapt,
    describe,
    learnet,
    put_adapters,
    train_domain,
    train_learnet,
)
from u3lab.universal.dynamic import Learnet
from u3lab.worlds import decathlon, lights

NETWORK = "squeezenet1_1"
SEEDS = 3
LIGHTS, EACH, UNSEEN = 40, 40, range(50, 62)
STEPS, FEW_STEPS = {"lights": 150, "domains": 100}, 30
UNSEEN_DOMAINS = ("digits", "patients")
LABELS, SEEN_LABELS = 5, 20


def greyed(images: Tensor, few: Tensor) -> Tensor:
    """Pictures divided by the mean colour of a few: the grey world's guess of the light."""
    mean = few.mean((0, 2, 3)).view(3, 1, 1)
    return (images / mean * mean.max()).clamp(0, 1)


def trained(net: Classifier, kind: str, images: Tensor, labels: Tensor, seed: int, steps: int) -> Adapted:
    """A domain of paints that is trained in the usual way, with all pictures as if they were of one light."""
    adapted = adapt(net, kind, seed=seed).add_domain(PAINTS, list(lights.PAINTS)).use(PAINTS)
    return tuned(adapted, images, labels, 0.0015 if kind == "parallel" else 0.01, steps, seed, batch_size=48)


def tuned(net: Adapted, images: Tensor, labels: Tensor, rate: float, steps: int, seed: int, **more: int) -> Adapted:
    """The network after some steps of a rate that falls."""
    settings = UniversalSettings(lr=rate, steps=steps, seed=seed, **more)
    last(trials.falling(train_domain(net, PAINTS, images, labels, settings=settings), settings))
    return net


def rivals(net: Classifier, data: Data, close: bool, seed: int,
           steps: int) -> dict[str, Callable[[Tensor, int, Tensor], tuple]]:
    """Way → how it names paints: (light, its number, pictures) → a network and the pictures that it is to be given."""
    together, labels = (torch.cat(part) for part in zip(*data.values(), strict=True))
    corrected = torch.cat([greyed(x, x[: lighting.SHOTS]) for x, _ in data.values()])
    frozen = trained(net, "features", together, labels, seed, 10 * steps)
    one = trained(net, "parallel", together, labels, seed, steps)
    grey = trained(net, "parallel", corrected, labels, seed, steps)
    start = {name: weight.clone() for name, weight in one.state_dict().items()}

    def learnt(light: Tensor, number: int, x: Tensor) -> tuple[Adapted, Tensor]:
        one.load_state_dict(start)
        return tuned(one, *lighting.shots(light, number, close=close), 0.0005, min(steps, FEW_STEPS), seed), x

    def same(light: Tensor, number: int, x: Tensor) -> tuple[Adapted, Tensor]:
        one.load_state_dict(start)
        return one, x

    return {"α = 0": lambda light, number, x: (frozen, x), "one α for all lights": same,
            "and trained on the 8, with labels": learnt,
            "grey world": lambda light, number, x: (grey, greyed(x, lighting.shots(light, number, close=close)[0]))}


def under_lights(net: Classifier, close: bool, seed: int, steps: int,
                 short: bool) -> tuple[dict[str, list[float]], Adapted, Learnet]:
    """Way → share right under each unseen light; and the trained learnet with its network."""
    data = lighting.world(4 if short else LIGHTS, EACH, close=close, seed=seed)
    adapted, predictor = lighting.begin(net, seed)
    settings = LearnetSettings(lr=0.01, steps=steps, batch_size=16, shots=lighting.SHOTS, domains=3, seed=seed)
    last(trials.falling(train_learnet(adapted, predictor, data, head=PAINTS, settings=settings), settings))
    ways = rivals(net, data, close, seed, steps)
    found: dict[str, list[float]] = {way: [] for way in (*ways, "learnet", "learnet, z of another light")}
    unseen = {number: lights.light(number) for number in UNSEEN[: 2 if short else None]}
    for place, (number, light) in enumerate(unseen.items()):
        x, y = lighting.seen(20 if short else 200, light, split="test", close=close, seed=number)
        for way, answer in ways.items():
            found[way].append(round(lighting.share_right(*answer(light, number, x), y), 4))
        another = list(unseen.values())[(place + 5) % len(unseen)]
        for way, other in (("learnet", light), ("learnet, z of another light", another)):
            lighting.predict(adapted, predictor, lighting.shots(other, number, close=close)[0])
            found[way].append(round(lighting.share_right(adapted, x, y), 4))
    return found, adapted, predictor


def with_probe(net: Adapted, name: str, few: tuple[Tensor, Tensor]) -> float:
    """Share of the test pictures right by a linear probe of what the head of the domain in use sees."""
    test = decathlon.load(name, "test")
    seen = [torch.cat([net.pooled(x) for x in pictures.split(64)]) for pictures in
            (few[0], trials.enlarged(test.images))]
    right = probe(seen[0], few[1], C=0.01).scores(seen[1]).argmax(1) == test.labels
    return round(right.double().mean().item(), 4)


def under_domains(net: Classifier, unseen: str, seed: int, steps: int, short: bool) -> dict[str, float]:
    """Way → share right in a domain that the learnet has not seen."""
    seen = [name for name in decathlon.names() if name != unseen][: 2 if short else None]
    adapted = adapt(net, seed=seed)
    for name in (*seen, unseen):
        adapted.add_domain(name, decathlon.load(name, "val").classes)
    predictor = learnet(adapted, unseen, seed=seed)
    data = {name: trials.few(name, LABELS if short else SEEN_LABELS, seed) for name in seen}
    settings = LearnetSettings(lr=0.003, steps=steps, batch_size=8, domains=3, seed=seed)
    last(trials.falling(train_learnet(adapted, predictor, data, settings=settings), settings))
    few = trials.few(unseen, LABELS, seed)
    adapted.use(unseen)
    found = {"α = 0": with_probe(adapted, unseen, few)}
    other = seen[seed % len(seen)]
    for way, pictures in (("learnet", few[0]), ("learnet, z of another domain", data[other][0])):
        with torch.no_grad():
            put_adapters(adapted, unseen, predictor(describe(adapted, pictures[:200])))
        found[way] = with_probe(adapted, unseen, few)
    run = trials.Run(unseen, "parallel", LABELS, seed, 0.0015)
    last(trials.train(own := trials.begin(net, run), run, steps=2 if short else None))
    return found | {"α trained on the same examples": round(trials.accuracy(own, unseen), 4)}


def main(arguments: list[str] | None = None) -> None:
    """Make the table and the learnet."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    chosen = _writing.options(parser, arguments)
    net, steps = nets.load(NETWORK, fold=False), dict.fromkeys(STEPS, 2) if chosen.short else STEPS
    file = chosen.out / "results" / f"learnet-{NETWORK}.json"
    weights = chosen.out / "weights" / "learnet-lights.safetensors"
    made = {"recipe": "python -m u3lab.experiments learnet", "u3lab": __version__, "torch": torch.__version__,
            "pictures": decathlon.version(), "network": NETWORK, "steps": steps,
            "lights": {"scenes": [], "close-ups": []}, "domains": {name: [] for name in UNSEEN_DOMAINS}}
    if file.exists() and (found := json.loads(file.read_text(encoding="utf-8")))["pictures"] == made["pictures"]:
        made |= {part: found[part] for part in ("lights", "domains")}
    seeds = range(1 if chosen.short else SEEDS)
    for kind, rows in made["lights"].items():
        for seed in tqdm(seeds[len(rows):], desc=kind):
            scores, adapted, predictor = under_lights(net, kind == "close-ups", seed, steps["lights"], chosen.short)
            rows.append(scores)
            if (kind, seed) == ("close-ups", 0):
                _writing.weights(weights, lighting.kept(adapted, predictor), torch=torch.__version__,
                                 recipe=f"{made['recipe']}, close-ups, the first seed")
            _writing.write(file, made)
    for name, rows in [*made["domains"].items()][: 1 if chosen.short else None]:
        for seed in tqdm(seeds[len(rows):], desc=name):
            rows.append(under_domains(net, name, seed, steps["domains"], chosen.short))
            _writing.write(file, made)
