"""Notebook 07b: four words with many sources each, which linear probes learn; and classes with two sources each.

The words are mammal, bird, fish and building. Of a class with two sources, units are ranked on the one and silenced for
the other: if it is ranked and judged on one photo, it may lose that photo and nothing else.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from u3course.lessons.saliency.things import OUTLINED, outlined
from u3lab import dissection, images, measures, nets
from u3lab.datasets import cutouts, photos
from u3lab.datasets.labelled import LabelledPictures
from u3lab.dissection import ablation_curve
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


def sources_of(*, held_out: bool) -> dict[str, list[str]]:
    """Word → its photos and cut-outs, to learn from or held out; none is on both sides."""
    split = "test" if held_out else "train"
    shipped, names = images.sources()[held_out], photos.names(split=split)
    return {word: [*(name for name in SHIPPED[word].split() if name in shipped),
                   *(f"photo: {name}" for name in PHOTOS.get(word, "").split() if name in names),
                   *(f"cut-out: {name}" for kind in KINDS.get(word, ()) for name in cutouts.names(kind, split=split))]
            for word in WORDS}


def pictures(*, held_out: bool, each: int = 2) -> Asked:
    """So many squares of each photo, and each cut-out as often on a photo of nature."""
    draw, behind = torch.Generator().manual_seed(int(held_out)), photos.names("nature")
    made, labels, of = [], [], []
    for number, names in enumerate(sources_of(held_out=held_out).values()):
        for source in names:
            kind, _, name = source.rpartition(": ")
            made.append(torch.cat([_on_nature(name, behind, draw) for _ in range(each)]) if kind == "cut-out" else
                        images.crops([(photos if kind else images).load(name)], SIZE, count=each))
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


LAYER, EACH = "fire9", 6
TWICE = {  # class → its two sources: shipped photos or cut-outs
    "hen": ("hens", "hen"), "bison": ("bison", "bison"), "koala": ("koala", "koala"),
    "tiger": ("tiger", "sumatran_tiger"), "bolete": ("cep", "stout_cep")}
PHOTO = ("hens", "bison", "koala")  # first sources that are photos
UNLIKE = {"hen": "bolete", "bison": "hen", "koala": "bolete", "tiger": "hen", "bolete": "koala"}
COUNTS = (0, 5, 10, 20, 50, 100, 200)


class Shown(NamedTuple):
    """Pictures (N,3,S,S) of one source, and where the thing is in each, (N,1,S//2,S//2) bool."""

    images: Tensor
    where: Tensor


@cache
def shown(name: str, photo: bool, seed: int = 0) -> Shown:
    """Crops of a photo, or a cut-out on photos."""
    draw = torch.Generator().manual_seed(seed)
    if photo:
        thing = next(one for one in outlined(320) if one.name == name)
        both, found = torch.cat([thing.image, thing.where.float()], 1), []
        for _ in range(EACH):
            a, b, c = torch.rand(3, generator=draw).tolist()
            side = round(320 * (0.75 + 0.25 * a))
            top, left = round(b * (320 - side)), round(c * (320 - side))
            found.append(images.resize(both[..., top : top + side, left : left + side], SIZE).clamp(0, 1))
        pictures, where = torch.cat(found).split((3, 1), 1)
    else:
        behind, pairs = photos.names("nature"), []
        for number in range(EACH):
            a, b, c = torch.rand(3, generator=draw).tolist()
            ground = photos.load(behind[number % len(behind)], size=SIZE)
            pairs.append(cutouts.paste(name, ground, size=0.7 + 0.2 * a, x=0.4 + 0.2 * b, y=0.4 + 0.2 * c))
        pictures, where = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    return Shown(pictures, F.interpolate(where.float(), size=(SIZE // 2,) * 2, mode="area") > 0.5)


def sources(label: str) -> tuple[Shown, Shown]:
    """The pictures of a class, source by source."""
    first, second = TWICE[label]
    return shown(first, first in PHOTO), shown(second, False, 1)


class Patient(NamedTuple):
    """A network with few classes, its class names; pictures (N,3,S,S) of other classes, their features and labels (N);
    and for each class of ``TWICE`` and each of its sources the units (U), those that fit it best first."""

    net: Classifier
    classes: tuple[str, ...]
    others: Tensor
    code: Tensor
    labels: Tensor
    rankings: dict[tuple[str, int], Tensor]


def patient(net: Classifier) -> Patient:
    """SqueezeNet with the classes of ``TWICE`` and of the shipped photos, and two crops of each of the latter."""
    names = [name for name in OUTLINED if images.label(name) not in TWICE]
    classes = (*TWICE, *(images.label(name) for name in names))
    few = nets.narrow(net, list(classes))
    pictures = torch.cat([images.crops([name], SIZE, count=2) for name in names])
    rankings = {(label, source): _ranking(few, label, source, pictures) for label in TWICE for source in (0, 1)}
    return Patient(few, classes, pictures, features(few, pictures),
                   torch.arange(len(TWICE), len(classes)).repeat_interleave(2), rankings)


def features(net: Classifier, pictures: Tensor) -> Tensor:
    """φ of the layer, (N,U,h,w)."""
    with torch.no_grad():
        return torch.cat([net.features(x, LAYER).cpu() for x in pictures.split(8)])


def curves(one: Patient, label: str, ranked: int, judged_by: int) -> dict[str, list[float]]:
    """Balanced accuracy of a class while more and more units are silent.

    ``ranked`` is the number of the source that ranks the units, ``judged_by`` of the one that judges. Its own units are
    those of largest IoU with its thing, the most active those that are strongest on its pictures, those of an unlike
    class the best with that one's; weights have the largest weight to the class.
    """
    loud = features(one.net, sources(label)[ranked].images).mean((0, 2, 3)).argsort(descending=True)
    orders = {"its own units (IoU)": one.rankings[label, ranked], "most active": loud,
              "weights |w|": _weights(one, label), "units of an unlike class": one.rankings[UNLIKE[label], ranked],
              "random": torch.randperm(512, generator=torch.Generator().manual_seed(0))}
    judged, k = sources(label)[judged_by].images, one.classes.index(label)
    code = torch.cat([features(one.net, judged), one.code])
    labels = torch.cat([torch.full((len(judged),), k), one.labels])
    return {title: list(ablation_curve(one.net, LAYER, code, labels, k, order, COUNTS))
            for title, order in orders.items()}


def _ranking(net: Classifier, label: str, source: int, others: Tensor) -> Tensor:
    """The units, the best IoU with a class's thing first, on pictures of one source and of all other classes."""
    own, where = sources(label)[source]
    nowhere = torch.zeros(len(others), *where.shape[1:], dtype=torch.bool)
    data = LabelledPictures((label,), torch.cat([own, others]), torch.cat([where, nowhere]))
    return dissection.dissect(net, LAYER, data).iou[:, 0].argsort(descending=True)


def _weights(one: Patient, label: str) -> Tensor:
    last = [module for module in one.net.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    return last.weight.flatten(1)[one.classes.index(label)].abs().argsort(descending=True).cpu()
