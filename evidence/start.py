"""What notebook 00 has measured on many pictures: probes of five questions, the hidden square, things on backgrounds.

    python -m evidence start      # results/start_probes.json, start_squares.json, start_grounds.json
"""

import random
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from u3course.lessons.start import figures, probing, seeing
from u3course.lessons.universal.trials import few_of_each
from u3course.worlds import decathlon
from u3lab import nets
from u3lab.datasets import cutouts, photos
from u3lab.measures import mean
from u3lab.nets import Classifier
from u3lab.saliency.metrics import edges
from u3lab.selfsup.transfer import best_probe

NETWORK = "squeezenet1_1"
TRAINED = "network, trained"
CODES = ("pixels", "network, not trained", TRAINED)  # the rival, the floor, and the network
QUESTIONS = ("traffic signs", "textures", "animals", "digits", "body parts")
GRID = 13  # a picture as 13×13 colours are 507 numbers, about as many as the code has
DRAWS = range(3)  # of the places of things, each in another quarter
SHARE, OFF = 0.6, 0.3  # the thing's longer side, and how far from two borders its middle lies
BEHIND = ("sunset", "mountain_meadow")
HIDDEN, EDGES, MIDDLE, RANDOM = ("the hidden square that costs most", "the square with most edges",
                                 "the middle of the picture", "a place drawn at random")
GROUPS = ("white paper", "nature", "buildings", "nature, scrambled", "buildings, scrambled")
SIDE = 65  # pixels of the square that is hidden
CELLS = 5  # places each way

Asked = NamedTuple("Asked", [("code", str), ("question", str), ("draw", int)])
"""One question to one code, with one draw of the labels."""

Answered = NamedTuple("Answered", [("right", str)])
"""Which test pictures the probe gets right: a 1 or a 0 for each."""

Shown = NamedTuple("Shown", [("thing", str), ("draw", int)])
"""A thing that was laid in a quarter of a photo; the draw chooses which."""

Pointed = NamedTuple("Pointed", [("hits", dict[str, float])])
"""Way to choose a place → whether it is on the thing, 1 or 0; at random, the thing's share of the area."""

Laid = NamedTuple("Laid", [("thing", str), ("ground", str)])
"""A thing that was laid on a group of backgrounds."""

Taken = NamedTuple("Taken", [("odds", tuple[float, ...])])
"""Log-odds of an animal on each of them."""


def by_question(rows: Rows) -> Summary:
    """The share of right test pictures of each code; in pairs, how many more the trained network has right."""
    def right(code: str, question: str) -> Tensor:  # of each test picture all draws
        draws = [row.right for run, row in rows.items() if (run.code, run.question) == (code, question)]
        return torch.tensor([[*map(int, one)] for one in draws]).double().T

    found = {question: {code: right(code, question) for code in CODES if any(run.code == code for run in rows)}
             for question in dict.fromkeys(run.question for run in rows)}
    return {question: {code: mean(of[code]) for code in of} | {
        f"trained less {code.removeprefix('network, ')}": mean(of[TRAINED] - of[code])
        for code in of if TRAINED in of and code != TRAINED}
        for question, of in found.items()}


def by_way(rows: Rows) -> Summary:
    """The share of pictures in which the place lies on the thing, with its interval over things; the same in pairs."""
    ways = (HIDDEN, EDGES, MIDDLE, RANDOM)
    return by_cell((way, column, value, run.thing) for way in ways for run, row in rows.items()
                   for column, value in (("on the thing", row.hits[way]),
                                         ("hidden square less this", row.hits[HIDDEN] - row.hits[way]))
                   if column == "on the thing" or way != HIDDEN)


def by_ground(rows: Rows) -> Summary:
    """The mean log-odds of things on a group of backgrounds, with its interval over series of things."""
    known = seeing.things()
    about = dict(zip(known.names, zip(known.series, known.animal.tolist(), strict=True), strict=True))
    return by_cell((run.ground, kind, sum(row.odds) / len(row.odds), about[run.thing][0])
                   for kind, animal in (("animals", True), ("made things", False))
                   for run, row in rows.items() if about[run.thing][1] == animal)


TABLES = (
    Table(
        "start_probes", Asked, Answered, facts={"network": NETWORK}, again={"code": "pixels"},
        summary=by_question,
        chart=Chart("bars", "share of test pictures named correctly, 20 labels of each class",
                    alt="Bars for five questions and three codes: pixels, an untrained network, a trained one.",
                    columns=CODES)),
    Table(
        "start_squares", Shown, Pointed, summary=by_way, within={"hits": (HIDDEN, EDGES, MIDDLE, RANDOM)},
        facts={"network": NETWORK}, again={"draw": "0"},
        uneven={"seeds": "so that a thing may be there three times"},
        chart=Chart("bars", "share of pictures: the place lies on the thing",
                    alt="Four bars: the hidden square that costs most, the square with most edges, the middle, a place "
                        "drawn at random.", columns=("on the thing",))),
    Table(
        "start_grounds", Laid, Taken, summary=by_ground, facts={"network": NETWORK},
        chart=Chart("bars", "log-odds of “animal” (right of 0: taken for an animal)",
                    alt="Bars for animals and for made things: on white paper, in nature, in front of buildings, and "
                        "on these photos scrambled.")))


def work(plan: Plan) -> Iterator[Work]:
    """All draws of a question to a code, a picture, or a thing on all backgrounds is a piece of work."""
    net, questions = nets.load(NETWORK), plan.few(QUESTIONS[::-1]) if plan.short else QUESTIONS
    plan.splits([probing.DOMAINS[question] for question in questions])
    shown, things = placed(NETWORK, plan.few(DRAWS)), plan.few(seeing.things().names, 2)
    plan.judge(things=sorted({*(run.thing for run in shown), *things}),
               photos=[*BEHIND, *seeing.NATURE, *seeing.BUILDINGS])
    for how in plan.few(CODES):
        code = cache(partial(code_of, net, how))
        for question in questions:
            yield Work([Asked(how, question, draw) for draw in range(probing.SEEDS)], answered, code, how, question)
    for run in plan.few(list(shown), 2):
        yield Work(run, pointed, net, shown[run])
    for thing in things:
        yield Work([Laid(thing, group) for group in GROUPS], taken, net, thing)


# ---- probes ----------------------------------------------------------------------------------------------------------

def pixels(images: Tensor) -> Tensor:
    """The picture itself, made small: (N,507)."""
    return F.adaptive_avg_pool2d(images, GRID).flatten(1)


def code_of(net: Classifier, how: str) -> probing.Code:
    """What is compared, by its name."""
    if how == "pixels":
        return pixels
    return probing.code_of(net if how == "network, trained" else nets.untrained(net, seed=0))


def answered(code: Callable[[], probing.Code], how: str, question: str) -> dict[Asked, Answered]:
    """Which test pictures linear probes get right: fitted to a few labels, once for each draw of these."""
    pool, choice, test = (decathlon.load(probing.DOMAINS[question], split, each=each) for split, each in (
        ("train", probing.POOL), ("val", probing.CHOICE), ("test", probing.TEST)))
    made = code()
    known, chosen_by, asked = made(pool.images), (made(choice.images), choice.labels), made(test.images)
    found = {}
    for draw in range(probing.SEEDS):
        some = few_of_each(pool.labels, probing.LABELS, draw)
        right = best_probe((known[some], pool.labels[some]), chosen_by).scores(asked).argmax(1) == test.labels
        found[Asked(how, question, draw)] = Answered("".join(map(str, right.int().tolist())))
    return found


# ---- the hidden square -----------------------------------------------------------------------------------------------

class Placed(NamedTuple):
    """A picture (1,3,S,S) with a thing in one of four quarters, where the thing is (S,S) bool, and its class."""

    label: str
    image: Tensor
    where: Tensor


@cache
def placed(network: str, draws: range) -> dict[Shown, Placed]:
    """Known cut-outs, each in a quarter drawn at random, on two photos in turn; those whose class comes first."""
    net, lot, found = nets.load(network), random.Random(0), {}
    names = [(name, draw) for draw in draws for name in cutouts.names(known=True)]
    for number, (name, draw) in enumerate(names):
        behind = photos.load(BEHIND[number % len(BEHIND)], size=net.size)
        x, y = (lot.choice((OFF, 1 - OFF)) for _ in range(2))
        image, mask = cutouts.paste(name, behind, size=SHARE, x=x, y=y)
        if net.top(image, 1)[0][0] == (label := cutouts.about(name).label):
            found[Shown(name, draw)] = Placed(label, image, mask[0, 0])
    return found


def pointed(net: Classifier, one: Placed) -> Pointed:
    """Which places are on the thing."""
    half = len(one.where) // 2
    return Pointed({HIDDEN: float(on_it(falls(net, one.image, one.label), one)),
                    EDGES: float(on_it(sharpness(one.image), one)), MIDDLE: float(one.where[half, half]),
                    RANDOM: float(one.where.double().mean())})


def middles(size: int) -> Tensor:
    """Middles of the squares, in pixels, along one side of a picture: (CELLS)."""
    return torch.linspace(SIDE / 2, size - SIDE / 2, CELLS)


def falls(net: Classifier, picture: Tensor, label: str) -> Tensor:
    """By how much the score of a class falls if the square around each of CELLS×CELLS places is hidden."""
    at, c = (middles(picture.shape[-1]) / picture.shape[-1]).tolist(), net.class_index(label)
    covered = torch.cat([figures.hidden(picture, x, y, SIDE) for y in at for x in at])
    return (net.logits(picture)[0, c].cpu() - seeing.scores(net, covered)[:, c]).view(CELLS, CELLS)


def on_it(map: Tensor, one: Placed) -> bool:
    """Whether the greatest value of a map (CELLS,CELLS) lies on the thing."""
    at = middles(len(one.where)).long()
    return bool(one.where[at[int(map.argmax()) // CELLS], at[int(map.argmax()) % CELLS]])


def sharpness(picture: Tensor) -> Tensor:
    """How much of the picture's edges lies in each of these squares, (CELLS,CELLS): a rival that asks no network."""
    columns = F.avg_pool2d(edges(picture), (SIDE, 1), stride=1)  # then along the rows: 2·SIDE sums a place, not SIDE²
    at, lines = middles(picture.shape[-1]), F.avg_pool2d(columns, (1, SIDE), stride=1)[0, 0]
    begin = (at - SIDE / 2).round().long().clamp(max=len(lines) - 1)
    return lines[begin][:, begin]


# ---- backgrounds -----------------------------------------------------------------------------------------------------

def taken(net: Classifier, thing: str) -> dict[Laid, Taken]:
    """Whether the thing is taken for an animal, on each background."""
    return {Laid(thing, group): Taken(tuple(seeing.log_odds(
        net, cutouts.paste(thing, behind, size=seeing.SHARE).images).tolist()))
        for group, behind in seeing.grounds().items()}
