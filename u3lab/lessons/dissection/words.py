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


def pictures(*, held_out: bool, each: int = 2, seed: int = 0) -> Asked:
    """So many squares of each photo, and each cut-out as often on a photo of nature; no source is on both sides."""
    draw, split = torch.Generator().manual_seed(seed + held_out), "test" if held_out else "train"
    shipped, names, behind = images.sources()[held_out], photos.names(split=split), photos.names("nature")
    made, labels, sources = [], [], []
    for number, word in enumerate(WORDS):
        squares = [(name, images.load(name)) for name in SHIPPED[word].split() if name in shipped]
        squares += [(f"photo: {name}", photos.load(name)) for name in PHOTOS.get(word, "").split() if name in names]
        found = [(name, images.crops([picture], SIZE, count=each, seed=seed)) for name, picture in squares]
        for name in (name for kind in KINDS.get(word, ()) for name in cutouts.names(kind, split=split)):
            found.append((f"cut-out: {name}", torch.cat([_on_nature(name, behind, draw) for _ in range(each)])))
        made += [(255 * pictures).round().byte() for _, pictures in found]
        labels += [number] * sum(len(pictures) for _, pictures in found)
        sources += [name for name, pictures in found for _ in range(len(pictures))]
    return Asked(torch.cat(made), torch.tensor(labels), tuple(sources))


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
