"""Icons of chapter 5b: what is maximised, under which prior, who recognises it; those that ship; channels."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from u3lab import images, results
from u3lab._system import paths
from u3lab.datasets import cutouts, photos
from u3lab.descent import last
from u3lab.images.cropping import zoom
from u3lab.inversion.codes import code
from u3lab.inversion.inverting import search
from u3lab.inversion.maximising import MaximiseSettings, maximise
from u3lab.inversion.priors import TV, DeepImagePrior, Pixels, Prior
from u3lab.measures import Interval, mean
from u3lab.nets import Classifier, ready

CLASSES = ("zebra", "koala", "castle", "jellyfish", "school bus", "espresso")  # chosen before any of these runs
MAKERS, JUDGE = ("squeezenet1_1", "efficientnet_lite0"), "efficientnet_lite1"
SEEDS, SMALL, FEW, SIZE = (0, 1, 2), 128, 120, 160  # of every run; pixels; steps; pixels of the quiz's pictures
MOVED = (5, 9)  # pixels down and right, before a number is read

# What is maximised, from the scores (1,K) and the class k.
GOALS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "logit": lambda y, k: y[0, k],
    "log-probability": lambda y, k: y.log_softmax(1)[0, k],
    "probability": lambda y, k: y.softmax(1)[0, k]}
PRICES = (0.0, 1.0, 3.0, 10.0)  # λ_c of the deep image prior


def priced(lam: float) -> str:
    """The name of the deep image prior with a price λ_c."""
    return f"deep image prior, λ_c = {lam:g}"


def prior_of(name: str) -> Prior:
    """A new prior of that name."""
    if name.startswith("none"):
        return Pixels()
    if name == "total variation":
        return TV(lam=2000)
    return DeepImagePrior(depth=5, lr=0.01, colour=float(name.split()[-1]))


def climb(makers: Sequence[Classifier], name: str, *, goal: str = "logit", prior: str = priced(1.0), seed: int = 0,
          side: int = SMALL, steps: int = FEW) -> Tensor:
    """The icon (1,3,side,side) of a class. For goal "logit" it is :func:`~u3lab.inversion.maximise`'s."""
    makers = [ready(net) for net in makers]
    classes = [net.class_index(name) for net in makers]
    still = prior.endswith("still")
    settings = MaximiseSettings(steps=steps, seed=seed, **({"jitter": 0, "zoom": 0.0} if still else {}))

    def objective(x: Tensor, views: torch.Generator) -> dict[str, Tensor]:
        seen = zoom(x, settings.zoom, views)
        return {"excitation": -sum(GOALS[goal](net(seen), k) for net, k in zip(makers, classes, strict=True))}

    return last(search(makers[0], (side, side), prior_of(prior), settings, objective)).value


def shown(runs: Iterable[tuple]) -> dict[str, list[tuple]]:
    """Which icons ship as pictures, class by class: seed 0 of each kind, and all seeds of the plain one."""
    kept = [run for run in runs if run.side == SMALL and (
        run.seed == 0 or (run.goal, run.prior) == ("logit", priced(1.0)))]
    return {name: [run for run in kept if run.name == name] for name in CLASSES}


def shown_alone(runs: Iterable[tuple] | None = None) -> dict[str, list[tuple]]:
    """Of the icons of the table for one network, those that ship as pictures: eight classes, a row for each maker."""
    kept = [run for run in (results.table("icons") if runs is None else runs) if run.side == SIZE]
    return {maker: [run for run in kept if run.makers == maker][:8] for maker in MAKERS}


def pictures() -> dict[tuple, Tensor]:
    """The shipped icons: (1,3,128,128) of the six classes, (1,3,160,160) of those made for one network."""
    found: dict[tuple, Tensor] = {}
    for file, rows, side in (("icons.jpg", shown(results.table("icons")), SMALL),
                             ("icons-alone.jpg", shown_alone(), SIZE)):
        whole = images.load(paths.data("results", file))
        for runs, strip in zip(rows.values(), whole.split(side, 2), strict=True):
            found |= dict(zip(runs, strip.split(side, 3), strict=True))
    return found


def quiz_pictures() -> list[tuple[Tensor, str]]:
    """The pictures of the Deep Quiz (1,3,160,160), each with the class that it was made for."""
    index = json.loads(paths.data("quiz", "5", "index.json").read_text(encoding="utf-8"))
    return [(images.load(paths.data("quiz", "5", entry["file"])), entry["options"][entry["answer"]]) for entry in index]


def places(judge: Classifier, image: Tensor, names: Sequence[str]) -> list[int]:
    """At which place, from 1 to 1000, a network has each class when it sees a picture (1,3,H,W) at its own size."""
    judge = ready(judge)
    scores = judge.logits(F.interpolate(image, size=(judge.size,) * 2, mode="bilinear", align_corners=False))[0]
    return [int((scores > scores[judge.class_index(name)]).sum()) + 1 for name in names]


def over_classes(values: Mapping[tuple, float]) -> Interval:
    """The mean over runs, which begin with their class, with an interval over classes: seeds of one are alike."""
    return mean(torch.tensor([float(value) for value in values.values()]).double(), [run[0] for run in values])


def best_real(net: Classifier, names: Sequence[str], candidates: Iterable[Tensor]) -> dict[str, Tensor]:
    """Of some pictures (1,3,H,W) the one with the largest logit of each class: the empirical prior."""
    best: dict[str, tuple[float, Tensor]] = {}
    for x in candidates:
        scores = net.logits(x)[0]
        for name in names:
            logit = float(scores[net.class_index(name)])
            if name not in best or logit > best[name][0]:
                best[name] = logit, x
    return {name: best[name][1] for name in names}


def strongest_part(net: Classifier, x: Tensor, name: str, side: int) -> Tensor:
    """The square (1,3,side,side) of a picture about the place where SqueezeNet's last map of a class is largest."""
    with torch.no_grad():
        found = net.features(x, "conv10")[0, net.class_index(name)]
    found = F.interpolate(found[None, None], size=x.shape[-2:], mode="bilinear")[0, 0]
    row, column = divmod(int(found.argmax()), found.shape[1])
    top, left = (min(max(0, at - side // 2), whole - side)
                 for at, whole in zip((row, column), x.shape[-2:], strict=True))
    return x[..., top : top + side, left : left + side]


SIDE, EACH, STEPS, BEST = 96, 10, 60, 9  # pixels; crops of a photo; steps; crops kept
LAYERS = ("fire3", "fire5", "fire8")


def stock(*, each: int = EACH, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Crops (N,3,96,96), and of which picture each is (N): so many random squares of each shipped photo, and each
    cut-out, whole, on its white ground."""
    draw, found = torch.Generator().manual_seed(seed), []
    sources = [(photos.load, name) for name in photos.names()]
    sources += [(images.load, name) for name in images.names("everyday")]
    for load, name in sources:
        x = load(name)
        height, width = x.shape[-2:]
        for _ in range(each):
            share, down, right = torch.rand(3, generator=draw).tolist()
            side = round(SIDE + share * max(0, min(height, width) - SIDE))
            top, left = (round(at * max(0, whole - side)) for at, whole in ((down, height), (right, width)))
            found.append(_square(x[..., top : top + side, left : left + side]))
    whole = [framed(cutouts.load(name).image) for name in cutouts.names()]
    origins = torch.arange(len(sources) + len(whole))
    return torch.cat(found + whole), origins.repeat_interleave(torch.tensor([each] * len(sources) + [1] * len(whole)))


def best_crops(excited: Tensor, origins: Tensor, count: int = BEST) -> Tensor:
    """Numbers of the crops with the largest values (N), one of each picture, the best first."""
    kept = {}
    for n in excited.argsort(descending=True).tolist():
        kept.setdefault(int(origins[n]), n)
        if len(kept) == count:
            break
    return torch.tensor(list(kept.values()))


def _square(x: Tensor, side: int = SIDE) -> Tensor:
    return F.interpolate(x, size=(side, side), mode="bilinear", antialias=True).clamp(0, 1)


def framed(x: Tensor, side: int = SIDE) -> Tensor:
    """A picture (1,3,H,W) in the middle of a white square, (1,3,side,side)."""
    height, width = x.shape[-2:]
    longer = max(height, width)
    top, left = (longer - height) // 2, (longer - width) // 2
    return _square(F.pad(x, (left, longer - width - left, top, longer - height - top), value=1.0), side)


def means(net: Classifier, layer: str, pictures: Tensor) -> Tensor:
    """The mean over its places of each channel of a layer, (N,C)."""
    with torch.no_grad():
        return torch.cat([code(net, layer, x).mean((2, 3)).cpu() for x in pictures.split(32)])


def icon(net: Classifier, layer: str, unit: int, *, size: int = SIDE, steps: int = STEPS) -> Tensor:
    """What excites a channel most under the deep image prior, (1,3,size,size)."""
    return last(maximise(net, layer, unit, size=size, settings=MaximiseSettings(jitter=4, zoom=0.0, steps=steps))).value
