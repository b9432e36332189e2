"""Four words and many sources for each: mammal, bird, fish, building. What linear probes learn and are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import dissection, images, measures
from u3lab.datasets import cutouts, photos
from u3lab.measures import Interval, bootstrap
from u3lab.nets import Classifier

WORDS = ("mammal", "bird", "fish", "building")
SHIPPED = {"mammal": "chelsea sheep panda koala lemur dog polar_bear bison", "bird": "hens macaw duck",
           "fish": "goldfish clownfish", "building": "china castle aqueduct arch taj_mahal stupa palace"}
PHOTOS = {
    "mammal": "alpaca calf camels cheetah flying_fox gibbon giraffe goat gorilla horse kitten long_nosed_monkey "
              "macaque meerkats nubian_ibex pika red_panda rhinoceros squirrel",
    "bird": "gosling heron kingfisher northern_harrier penguin spoonbills swans toucan",
    "building": "arles chambord chenonceau eiffel_tower palais_des_papes reims_cathedral charminar gateway_of_india "
                "golden_temple hawa_mahal konark mysore_palace qutub_minar rang_ghar victoria_memorial chichen_itza "
                "colosseum petra"}
KINDS = {"mammal": ("ape", "bovine", "sheep", "camel", "cat", "deer", "dog", "horse", "rabbit", "pig", "rodent",
                    "marsupial", "mammal"), "bird": ("bird",), "fish": ("fish",)}
SIZE = 227


class Asked(NamedTuple):
    """Pictures (N,3,S,S) in bytes, the number of each one's word (N), and the photo or cut-out that it comes from."""

    images: Tensor
    labels: Tensor
    sources: tuple[str, ...]


def sources(*, held_out: bool) -> dict[str, list[str]]:
    """Word → its photos and cut-outs, to learn from or held out; none is on both sides."""
    split = "test" if held_out else "train"
    shipped, names = images.sources()[held_out], photos.names(split=split)
    return {word: [*(name for name in SHIPPED[word].split() if name in shipped),
                   *(f"photo: {name}" for name in PHOTOS.get(word, "").split() if name in names),
                   *(f"cut-out: {name}" for kind in KINDS.get(word, ()) for name in cutouts.names(kind, split=split))]
            for word in WORDS}


def pictures(*, held_out: bool, each: int = 2, seed: int = 0) -> Asked:
    """So many squares of each photo, and each cut-out as often on a photo of nature."""
    draw, behind = torch.Generator().manual_seed(seed + held_out), photos.names("nature")
    made, labels, of = [], [], []
    for number, names in enumerate(sources(held_out=held_out).values()):
        for source in names:
            kind, _, name = source.rpartition(": ")
            made.append(torch.cat([_on_nature(name, behind, draw) for _ in range(each)]) if kind == "cut-out" else
                        images.crops([(photos if kind else images).load(name)], SIZE, count=each, seed=seed))
            labels += [number] * len(made[-1])
            of += [source] * len(made[-1])
    return Asked((255 * torch.cat(made)).round().byte(), torch.tensor(labels), tuple(of))


def probed(net: Classifier, layers: Sequence[str], learn: Asked, ask: Asked) -> dict[str, Interval]:
    """Layer → the accuracy of a linear probe of its means, the mean over the words, with its interval over sources."""
    a, b = (dissection.pooled(net, layers, (x.float() / 255 for x in one.images.split(8))) for one in (learn, ask))
    names = sorted(set(ask.sources))
    home, of_word = torch.tensor([names.index(name) for name in ask.sources]), F.one_hot(ask.labels).double()

    def accuracy(right: Tensor) -> Interval:
        def of_samples(often: Tensor) -> Tensor:
            weight = often[:, home]
            return ((weight * right) @ of_word / (weight @ of_word)).mean(1)  # NaN for a draw without a word
        return bootstrap(of_samples, len(names))

    return {layer: accuracy((measures.probe(a[layer], learn.labels, C=0.1).scores(b[layer]).argmax(1)
                             == ask.labels).double()) for layer in layers}


def _on_nature(name: str, behind: list[str], draw: torch.Generator) -> Tensor:
    a, b, c, d = torch.rand(4, generator=draw).tolist()
    ground = photos.load(behind[int(a * len(behind))], size=SIZE)
    return cutouts.paste(name, ground, size=0.6 + 0.3 * b, x=0.4 + 0.2 * c, y=0.4 + 0.2 * d).images
