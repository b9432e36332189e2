"""Chapter 2's tables on planted truths: each run, head, split and rival is wrong in a number of places of its own."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from evidence import clusters, naturals, pretexts, segments, tissues
from evidence._naturals import LABELS, ONE, SCAN, TWO, WAYS, Pictures
from evidence.tests import planted
from u3course.lessons.selfsup import tissues as brain
from u3lab.selfsup import LAYERS, PretextSettings


def wrong(labels: Tensor, count: int) -> Tensor:
    """Labels of which so many, spread over all classes, are those of the next class."""
    found = labels.flatten().clone()
    found[:count] = (found[:count] + 1) % (int(labels.max()) + 1)
    return found.view_as(labels)


def learner(seed: int, **how: object) -> SimpleNamespace:
    return SimpleNamespace(seed=seed, taught=None, normalise=lambda x: x, run=lambda x: x, **how)


def test_clusters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """All digits are learnt from and sorted; the head that the loss chooses is not the best one."""
    labels = torch.arange(200) % 10
    digits = torch.rand(200, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    errors = (5, 3, 1)  # of each head, and one more for each seed

    def cluster(net, images, k, *, head, settings):
        assert images is digits and k == 10 and settings.seed == net.seed
        assert all(getattr(settings, name) == value for name, value in clusters.DIGITS.items())
        net.taught = head
        return iter("x")

    def shares(net, head, images):
        assert net.taught is head and images is digits
        return torch.stack([F.one_hot(wrong(labels, net.seed + count), 10) for count in errors]).float()

    def by_kmeans(things, of, k, seed):
        upright = torch.equal(things, -digits[:, :1])
        assert (upright or torch.equal(things, digits[:, :1])) and of is labels and k == 10
        return 2 * (0.5 + 0.2 * upright + seed / 100,)

    for name, stub in {"cluster": cluster, "cluster_probabilities": shares, "by_kmeans": by_kmeans,
                       "deskewed": lambda things: -things, "digit_encoder": learner,
                       "sub_heads": lambda *given, **how: object(),
                       "best_head": lambda *given: 1}.items():
        monkeypatch.setattr(clusters, name, stub)
    monkeypatch.setattr(clusters.handwritten, "load", lambda: (digits, labels))
    table = planted.table(clusters, tmp_path)
    for run, row in table.items():
        assert row == pytest.approx((1 - (3 + run.seed) / 200, 1 - (1 + run.seed) / 200) if run.way == "IIC"
                                    else 2 * (
            0.5 + 0.2 * (run.way == "k-means, deskewed") + run.seed / 100,))
    gain = clusters.TABLE.summary(table)["digits, k-means"]["gain of IIC"]
    assert gain[0] == pytest.approx(1 - 5 / 200 - 0.52) and gain[1] < gain[0] < gain[2]


def test_segments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Learnt from mosaics of one seed, judged on those of another; k-means sorts the latter."""
    ways = ("IIC, ten classes first", "k-means", "IIC, T = 0", "k-means on local contrast",
            "k-means on contrast and edges", "one class for all")

    def world(data: str, k: int):
        def make(count: int, *, seed: int) -> tuple[Tensor, Tensor]:
            assert count == (24 if seed >= 1000 else 160)
            code = torch.full((count, 3, 4, 4), seed + (0.5 if data == "satellite" else 0.0))
            return code, (torch.arange(16 * count) % k).view(count, 4, 4)
        return make, k

    def told(pictures: Tensor, way: str, head: int) -> Tensor:
        """The maps of the pictures that judge, wrong in places that tell way, seed, data and head."""
        number = float(pictures[0, 0, 0, 0])
        assert number >= 1000
        k, seed = (4 if number % 1 else 3), int(number) - 1000
        labels = (torch.arange(pictures[:, 0].numel()) % k).view_as(pictures[:, 0])
        return wrong(labels, 1 + seed + 7 * ways.index(way) + 50 * (k == 4) + 100 * head)

    def learnt(train, k, way, seed, *, steps, colour):
        number = float(train[0, 0, 0, 0])
        assert number == seed + (0.5 if colour else 0) and k == (4 if colour else 3) and steps is None
        return way, "head", "settings"

    def by_pixel(values, k, seed):
        pictures, way = values if isinstance(values, tuple) else (values, "k-means")
        assert k == (4 if float(pictures[0, 0, 0, 0]) % 1 else 3) and int(pictures[0, 0, 0, 0]) == 1000 + seed
        return told(pictures, way, 0)

    def choose(net, head, pictures, *, settings):
        assert float(pictures[0, 0, 0, 0]) < 1000 and settings == "settings"
        return 1

    for data, k in (("textures", 3), ("satellite", 4)):
        monkeypatch.setitem(segments.MADE, data, world(data, k))
    monkeypatch.setattr(segments, "segments", lambda net, head, pictures: torch.stack(
        [F.one_hot(told(pictures, net, head), 4).movedim(-1, 1) for head in range(2)]))
    monkeypatch.setattr(segments, "best_dense_head", choose)
    monkeypatch.setattr(segments._mosaics, "learnt", learnt)
    monkeypatch.setattr(segments._mosaics, "by_pixel", by_pixel)
    monkeypatch.setattr(segments._mosaics, "around", lambda pictures, *, edges: (pictures, ways[4 if edges else 3]))
    monkeypatch.setattr(segments._mosaics, "sameness", lambda maps: float(maps.double().sum()))
    table = planted.table(segments, tmp_path)
    for (data, way, seed), row in table.items():
        some = [told(torch.full((24, 3, 4, 4), 1000 + seed + (0.5 if data == "satellite" else 0.0)), way, head)
                for head in range(2)]
        if way == ways[-1]:
            assert row == (pytest.approx(1 / (4 if data == "satellite" else 3), abs=1e-4),) * 2 + (0,)
            continue
        errors = 1 + seed + 7 * ways.index(way) + 50 * (data == "satellite")
        chosen = 0 if "k-means" in way else 1
        assert row.accuracy == pytest.approx(1 - (errors + 100 * chosen) / 384, abs=1e-4), (data, way, seed)
        assert row.best_head == pytest.approx(1 - errors / 384, abs=1e-4)
        assert row.sameness == float(some[chosen].sum())


def test_tissues(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Trained once for all its rows, and judged on the held-out slices under the row's own field."""
    generator = torch.Generator().manual_seed(0)
    made, tissue = torch.rand(6, 3, 32, 32, generator=generator), torch.randint(3, (6, 32, 32), generator=generator)
    tissue[:, :, 0] = -1
    trained = []

    def learning(way: str, seed: int, steps: int):
        def taught():
            trained.append((way, seed, steps))
            yield "step"

        def learnt():
            assert trained[-1] == (way, seed, 100)
            return SimpleNamespace(sorted=lambda given: sorted_in(given, way, seed))
        return taught(), learnt

    def sorted_in(given: Tensor, way: str, seed: int) -> Tensor:
        added = given - made[[2, 5]]
        strength, field = (round(float(one), 2) for one in added[0, :2, 0, 0])
        assert (added - added[:1, :, :1, :1]).abs().max() < 1e-4  # the held-out slices, and nothing but the field
        truth = tissue[[2, 5]]
        errors = number(way, seed, strength / 10, int(field))
        inside = (truth >= 0).nonzero(as_tuple=True)
        found = truth.clamp_min(0)
        found[inside] = wrong(truth[inside], errors)
        return found

    def number(way: str, seed: int, strength: float, field: int) -> int:
        return (tissues.WAYS.index(way) + 4 * seed + 40 * round(5 * strength) + 200 * max(field - 7, 0)) + 1

    def bias_field(given: Tensor, drawn: torch.Generator, *, most: float) -> Tensor:
        return given + torch.tensor([10 * most, float(drawn.initial_seed()), 0.0]).view(1, 3, 1, 1)

    def by_grey(given: Tensor | tuple[Tensor], *, seed: int) -> Tensor:
        flat = isinstance(given, tuple)
        return sorted_in(given[0] if flat else given, brain.FLAT if flat else brain.GREY, seed)

    monkeypatch.setattr(brain, "by_grey", by_grey)
    monkeypatch.setattr(brain, "flattened", lambda given: (given,))
    monkeypatch.setattr(brain, "slices", lambda: (made, tissue))
    monkeypatch.setattr(tissues, "learning", learning)
    monkeypatch.setattr(brain.selfsup, "bias_field", bias_field)
    table = planted.table(tissues, tmp_path)
    fields = [(0.0, 7), *((b, field) for b in (0.2, 0.4, 0.6, 0.8) for field in (7, 8, 9))]
    assert list(table) == [(way, seed, *one) for way in tissues.WAYS for seed in range(10) for one in fields]
    assert len(trained) == 20
    count = int((tissue[[2, 5]] >= 0).sum())
    for run, (accuracy,) in table.items():
        assert accuracy == pytest.approx(1 - number(*run) / count, abs=1e-4), run


def test_naturals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Networks and rivals learn from some pictures and sort others; pairs, labels and heads are the run's own."""
    kinds = torch.arange(100) % 5

    def drawn(split: str, seed: int) -> Pictures:
        assert (seed >= 1000) == (split == "test")
        shown = torch.full((100, 3, 2, 2), float(seed))
        shown[:, 0] = kinds[:, None, None].float()
        return Pictures(shown, kinds, kinds, kinds)

    def seed_of(pictures: Tensor) -> int:
        return int(pictures[0, 1, 0, 0])

    def errors(way: str, seed: int, head: int = 0) -> int:
        return 1 + seed + 3 * WAYS.index(way) + 23 * head

    def learn(net, given, task, *, head, rate, half, settings):
        assert half and settings.seed == net.seed and settings.steps == 240
        if isinstance(given, tuple):
            assert isinstance(settings, PretextSettings) and torch.equal(given[1][:, 0].long(), kinds)
            shown, net.taught = {seed_of(given[0])}, LABELS
        else:
            shown, net.taught = {seed_of(one) for one in given.unbind(1)}, ONE if torch.equal(
                given[:, 0], given[:, 1]) else TWO
        assert shown == ({net.seed, net.seed + 500} if net.taught == TWO else {net.seed})
        return iter("x")

    def shares(net, head, pictures):
        if seed_of(pictures) < 1000:  # of views: the loss is to choose the middle one of three heads
            return torch.stack([torch.full((1, 1), loss) for loss in (0.3, 0.1, 0.2)])
        return torch.stack([F.one_hot(wrong(kinds, errors(net.taught, seed_of(pictures) - 1000, head)), 5)
                            for head in (2, 1, 0)]).float()

    def seen(way: str, pictures: Tensor, seed: int) -> Tensor:
        number, noise = seed_of(pictures), (torch.arange(100) % 3 - 1.0)[:, None]
        if number < 1000:
            return torch.cat([10.0 * F.one_hot(kinds, 5), noise], 1)
        of = wrong(kinds, errors(way, number - 1000))
        x = 10.0 * F.one_hot(of, 5)
        x[of == 0], x[of == 1] = torch.tensor([6.0, 4.0, 0, 0, 0]), torch.tensor([4.0, 6.0, 0, 0, 0])
        x[of == 0, 4] = -100.0  # with the mean of these pictures, kind 1 went to kind 4
        x[of == 4] = torch.tensor([4.0, 0, 0, 0, 6.0])  # with their spread, kind 4 went to kind 0
        far = 60.0 * ((of == 2) & (torch.arange(100) % 2 == 0))  # sorted by themselves, these were two clusters
        return torch.cat([x, far[:, None]], 1)

    def by_neighbours(seed: int, pictures: Tensor, *, steps: int) -> tuple[Tensor, int]:
        assert seed_of(pictures) == 1000 + seed and steps == 960
        return torch.stack([F.one_hot(wrong(kinds, errors(SCAN, seed, head)), 5) for head in (2, 1, 0)]).float(), 1

    made: list[SimpleNamespace] = []

    def head_of(net, task, *, seed):
        return lambda maps: F.one_hot(wrong(kinds, errors(net.taught, seed_of(maps[:, 0]) - 1000)), 5)

    for name, stub in {"learn": learn, "by_neighbours": by_neighbours, "cluster_probabilities": shares, "seen": seen,
                       "head_of": head_of,
                       "iic_loss": lambda a, b: a[0, 0], "sub_heads": lambda *given, **how: "head",
                       "encoder": lambda width, seed: made.append(learner(seed)) or made[-1]}.items():
        monkeypatch.setattr(naturals if hasattr(naturals, name) else naturals.selfsup, name, stub)
    monkeypatch.setattr(naturals.naturals, "drawn", drawn)
    monkeypatch.setattr(naturals.naturals, "views", lambda pictures, generator: pictures)
    table = planted.table(naturals, tmp_path)
    for (way, seed), row in table.items():
        heads = (1, 0) if way in (ONE, TWO, SCAN) else (0, 0)
        assert row[:2] == tuple(pytest.approx(1 - errors(way, seed, head) / 100) for head in heads), (way, seed)
        of = torch.tensor([int(one) for one in row.clusters])
        right = wrong(kinds, errors(way, seed, heads[0]))
        assert len(set(zip(of.tolist(), right.tolist(), strict=True))) == 5  # the same clusters, whatever their names


def test_pretexts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each encoder is taught its own task once; probes fit on train, choose on val, judge on test."""
    taught: list[tuple] = []
    drawn = [pretexts.Question(*((torch.full((40, 1), 10.0 * (name == "faces") + split), torch.arange(40) % 2 + 2 * k)
                                 for split in range(3))) for name in pretexts.PROBLEMS for k in range(2)]
    asked = dict(zip(pretexts.PROBLEMS, (tuple(drawn[:2]), tuple(drawn[2:])), strict=True))

    def code(task: str, problem: str, each: int, layer: str, seed: int) -> float:
        at = (pretexts.ROUTES.index(task), problem == "faces", pretexts.LABELS.index(each),
              LAYERS.index(layer), seed)
        return sum(one * scale for one, scale in zip(at, (0.05, 0.025, 0.008, 0.001, 0.0001), strict=True))

    def pretrain(net, given, what, *, settings):
        taught.append((what, given, settings.seed))
        assert (settings.steps, settings.batch_size, settings.seed, settings.half) == (600, 64, net.seed, True)
        net.taught = what if isinstance(what, str) else pretexts.CEILING
        return iter("x")

    def pooled(net, pictures, layers):
        where = float(pictures[0, 0])  # which problem, which split
        return {layer: torch.tensor([[pretexts.ROUTES.index(net.taught or pretexts.FLOOR), where, LAYERS.index(layer),
                                      net.seed]]).expand(len(pictures), -1) for layer in layers}

    def best_probe(train, val):
        (x, y), (other, _) = train, val
        assert (float(x[0, 1]) % 10, float(other[0, 1]) % 10) == (0, 1)
        route, where, layer, seed = x[0].tolist()
        each = len(y) // 2
        problem = "faces" if where >= 10 else "textures"
        exact = code(pretexts.ROUTES[int(route)], problem, each, LAYERS[int(layer)], seed)

        def accuracy(features: Tensor, answers: Tensor) -> float:
            assert features[0, 1] % 10 in (1, 2) and features[0].tolist()[2:] == [layer, seed]
            return exact + (0.1 if features[0, 1] % 10 == 2 else 0.0) + 0.01 * float(answers.min() - 1)
        return SimpleNamespace(accuracy=accuracy)

    more = (pretexts.FLOOR, "jigsaw")
    for name, some in {"LABELS": (5, 20), "ROUTES": (pretexts.FLOOR, "jigsaw", "upright", "order", pretexts.CEILING),
                       "SEEDS": (0, 1), "MORE": {route: (0, 1, 2) for route in more}}.items():
        monkeypatch.setattr(pretexts, name, some)  # fewer rows: each is written on its own
    for name, stub in {"pretrain": pretrain, "labelled": lambda problem: ("labelled", problem), "pooled": pooled,
                       "best_probe": best_probe, "questions": asked.__getitem__,
                       "falling": lambda steps, settings: steps,
                       "raw": lambda task, problem: ("raw", task, problem),
                       "supervised": lambda problem: SimpleNamespace(),
                       "encoder": lambda width, seed: learner(seed)}.items():
        monkeypatch.setattr(pretexts if hasattr(pretexts, name) else pretexts.selfsup, name, stub)
    table = planted.table(pretexts, tmp_path)
    wanted = {(problem, task, each, layer, seed) for problem in pretexts.PROBLEMS for task in pretexts.ROUTES
              for each in (5, 20) for layer in LAYERS for seed in range(3 if task in more else 2)}
    assert set(table) == wanted and len(table) == len(wanted)
    for run, (val, test) in table.items():
        exact = code(run.task, run.problem, *run[2:])
        assert (val, test) == pytest.approx((exact, exact + 0.1), abs=1e-4), run
    own = [given for what, given, _ in taught if what == "upright"]
    assert {given[2] for given in own} == set(pretexts.PROBLEMS)  # pictures are the problem's own, clips serve both
    assert len([1 for what, *_ in taught if what == "order"]) == 2 and len(own) == 4
    assert {given for what, given, _ in taught if not isinstance(what, str)} == {
        ("labelled", problem) for problem in pretexts.PROBLEMS}
