"""Chapter 1's tables on planted truths: networks whose share of right answers tells what they were trained for."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from evidence import _table, adapters, bolted, domains, learnet, sensitivity, shrinkage, tasks
from evidence import _trials as trials
from evidence.tests import planted
from u3course.worlds.rendered import Scenes
from u3lab import results

COUNT = 1000  # pictures of a split


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Tensor]], None]:
    """Networks that know of what they were begun and trained for; what they answer is given by a function of both."""

    def plant(answers: Callable[[SimpleNamespace, str, str], tuple[Tensor, Tensor]]) -> None:
        def train(net: SimpleNamespace, run: trials.Run, **how: object) -> Iterator[None]:
            assert run == net.run
            net.half = torch.is_autocast_enabled("cpu")
            yield
            net.how = how  # not before the last step

        monkeypatch.setattr(trials, "begin", lambda net, run: SimpleNamespace(net=net, run=run, name="planted"))
        monkeypatch.setattr(trials, "train", train)
        monkeypatch.setattr(trials, "answers", lambda net, name, split="test": answers(net, name, split))

    return plant


def right(count: int) -> tuple[Tensor, Tensor]:
    """Answers of which so many are right, and the true ones."""
    true = torch.arange(COUNT) % 7
    return torch.where(torch.arange(COUNT) < count, true, true + 1), true


def test_sensitivity(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each organ, split and seed finds its own share of lesions, and leaves its own share of healthy squares alone."""

    def shares(domain: str, split: str, seed: int) -> tuple[int, int]:  # of a hundred lesions and healthy squares
        found = 1 + seed + 20 * list(trials.ASKED).index(split) + 40 * trials.DOMAINS.index(domain)
        return found, 99 - found

    def answers(net: SimpleNamespace, name: str, split: str) -> tuple[Tensor, Tensor]:
        assert (net.run.method, net.run.labels, net.run.rate) == ("parallel", 20, 0.0015)
        assert net.run.domain == name and net.how == {"steps": None} and net.net == sensitivity.NETWORK
        found, spared = shares(name, split, net.run.seed)
        true = (torch.arange(200) < 100).long()  # a lesion is 1
        return torch.cat([torch.arange(100) < found, torch.arange(100) >= spared]).long(), true

    trained(answers)
    monkeypatch.setattr(sensitivity.nets, "load", lambda name: name)
    monkeypatch.setattr(sensitivity, "SEEDS", (0, 7, 19))
    table = planted.table(sensitivity, tmp_path)
    assert len(table) == 2 * 2 * 3
    for run, row in table.items():
        found, spared = shares(*run)
        assert (row.sensitivity, row.specificity) == (found / 100, spared / 100), run


def test_shrinkage(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each training is of its own σ, centre, rate, labels and seed; val and test are not exchanged."""
    order: dict[tuple, int] = {}
    classes = {"digits": 10, "traffic signs": 15, "animals": 12}

    def answers(net: SimpleNamespace, name: str, split: str) -> tuple[Tensor, Tensor]:
        assert name == net.run.domain and net.run.rate == shrinkage.RATES[net.run.method]
        assert net.how.keys() == {"steps", "lam", "prior"} and net.how["steps"] is None and net.net == "unfolded"
        labels, lam = net.run.labels * classes[name], net.how["lam"]
        sigma = round((1 / (2 * lam * labels)) ** 0.5, 6) if lam else None  # λ = 1 / (2 σ² N), solved for σ
        key = (name, net.run.method, net.how["prior"] if lam else "none", net.run.labels, sigma, net.run.seed)
        return right(2 * order.setdefault(key, len(order)) + 1 + (split == "test"))

    trained(answers)
    monkeypatch.setattr(shrinkage.nets, "load", lambda name, fold: name if fold else "unfolded")
    monkeypatch.setattr(shrinkage, "SEEDS", {5: (1,), 100: (1, 3)})
    monkeypatch.setattr(shrinkage, "TABLE", replace(shrinkage.TABLE, uneven={"seeds": "Eight seeds"}))
    table = planted.table(shrinkage, tmp_path)
    assert set(table) == set(order) and len(table) == 3 * ((3 * 4 + 2) + 2 * (3 * 3 + 2))
    for run, row in table.items():
        assert (row.val, row.test) == ((2 * order[run] + 1) / COUNT, (2 * order[run] + 2) / COUNT), run


GAIN = {"adapters, w₀ = source": 0.01, "fine-tuning, w₀ = source": 0.05, "fine-tuning, w₀ = 0": 0.02}


def shrunk(bonus: Callable[[shrinkage.Run], float] = lambda run: 0.0) -> dict[tuple, tuple]:
    """A table in which a prior gains what its way does, and with 100 labels a tenth of it; validation likes σ = 0.1,
    but for digits no prior, and for animals σ = 1 as much as none at all."""
    liked = {"digits": (None,), "traffic signs": (0.1,), "animals": (None, 1.0)}
    rows = {}
    for labels, seeds in shrinkage.SEEDS.items():
        for domain in shrinkage.DOMAINS:
            for seed in seeds:
                for way, gain in GAIN.items():
                    for sigma in (None, *shrinkage.SIGMAS[labels]):
                        run = shrinkage.run_of(domain, way, labels, sigma, seed)
                        won = gain * (1 if labels == 5 else 0.1) if sigma else 0
                        rows[run] = shrinkage.Row(0.5 + 0.1 * (sigma in liked[domain]),
                                                  0.3 + 0.01 * seed + won + bonus(run))
    return rows


def test_a_gain_over_no_prior_is_paired_by_domain_and_seed():
    """What differs between seeds is in neither interval; what differs between domains is."""
    found = shrinkage.summary(shrunk())
    for labels, share in ((5, 1), (100, 0.1)):
        for sigma in shrinkage.SIGMAS[labels]:
            of = found[f"{labels} labels, σ = {sigma:g}"]
            for way, gain in GAIN.items():
                assert of[way] == pytest.approx((gain * share,) * 3)
            assert of[shrinkage.BETWEEN] == pytest.approx((0.03 * share,) * 3)
    found = shrinkage.summary(shrunk(lambda run: 0.3 * (run.domain == "digits" and bool(run.sigma))))
    value, low, high = found["5 labels, σ = 0.1"]["adapters, w₀ = source"]
    assert (value, low, high) == pytest.approx((0.11, 0.01, 0.31))  # no digits, or digits only
    assert sum(len(of) for of in found.values()) == shrinkage.ALL


def test_validation_chooses_the_width_and_the_widest_of_the_best():
    rows = shrunk()
    way = "fine-tuning, w₀ = source"
    assert [shrinkage.chosen(rows, domain, way, 5) for domain in shrinkage.DOMAINS] == [None, 0.1, None]
    assert shrinkage.summary(rows)["5 labels, σ chosen"][way].value == pytest.approx(0.05 / 3)
    gone = {run: row for run, row in rows.items() if tuple(run) != ("animals", "parallel", "source", 100, 0.32, 3)}
    assert set(shrinkage.summary(gone)) == {label for label in shrinkage.summary(rows)
                                            if label not in ("100 labels, σ = 0.32", "100 labels, σ chosen")}


def network(name: str, *parts: nn.Module) -> SimpleNamespace:
    return SimpleNamespace(name=name, device=torch.device("cpu"), modules=lambda: parts)


def best(method: str, rates: tuple[float, ...]) -> float:
    """The rate that validation likes best; it is another for each method, and not the one that the test likes."""
    return rates[list(adapters.RATES).index(method) % len(rates)]


def tried(network: str, method: str, rates: tuple[float, ...]) -> tuple[float, ...]:
    """The rates, and for SqueezeNet one more beyond an end that is best: a third of it, or three times as much."""
    if network != "squeezenet1_1":
        return rates
    low, high = (float(f"{rate:.2g}") for rate in (rates[0] / 3, 3 * rates[-1]))
    return (*rates, *{rates[0]: (low,), rates[-1]: (high,)}.get(best(method, rates), ()))


def choosing(order: dict[tuple, int], rates: Callable[[str], dict], half: Callable[[str], bool]) -> Callable:
    """Answers whose share tells the run, and the split; of the validation pictures a rate makes most right."""

    def answers(net: SimpleNamespace, name: str, split: str) -> tuple[Tensor, Tensor]:
        assert name == net.run.domain and net.how == {"steps": None}
        key = (net.net.name, *net.run)
        if split == "test":
            return right(900 - order.setdefault(key, len(order)))
        assert split == "val" and not torch.is_autocast_enabled("cpu") and net.half == half(net.net.name)
        return right(500 + (net.run.rate == best(net.run.method, rates(net.net.name)[net.run.method])))

    return answers


def check(table: dict[tuple, tuple], order: dict[tuple, int], rates: Callable[[str], dict]) -> None:
    assert set(table) == set(order)
    for run, row in table.items():
        network, domain, method, labels, seed, rate = run
        some = rates(network)[method]
        wanted = (500 + (rate == best(method, some))) / COUNT if labels == 20 and seed == 0 else None
        assert row.test == (900 - order[run]) / COUNT and (wanted == row.val or wanted is None and row.val != row.val)
        assert rate in tried(network, method, some) if wanted else rate == best(method, some)
    for name, method in {(run[0], run.method) for run in table}:
        found = {run.rate for run in table if (run[0], run.method) == (name, method)}
        assert found == set(tried(name, method, rates(name)[method]))


def test_adapters(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Validation chooses each rate, out of higher ones where there are batch norms; the test chooses nothing."""

    def rates(name: str) -> dict:
        return adapters.RATES if name == "squeezenet1_1" else adapters.HIGHER

    order: dict[tuple, int] = {}
    trained(choosing(order, rates, lambda name: name == "resnet26_half"))
    monkeypatch.setattr(adapters.nets, "load", lambda name, fold: network(
        name, *[nn.BatchNorm2d(1)] * (name != "squeezenet1_1" and not fold)))
    monkeypatch.setattr(adapters, "networks", lambda: {"features": 1.0})
    monkeypatch.setattr(adapters, "DOMAINS", ("letters",))
    monkeypatch.setattr(adapters, "SEEDS", range(2))
    monkeypatch.setattr(adapters, "TABLE", replace(adapters.TABLE, uneven={"rates": "rates lie at an end"}))
    table = planted.table(adapters, tmp_path)
    check(table, order, rates)
    assert len(table) == 7 * (3 + 3 * 2 - 1) + 2 * (4 * (3 + 2 - 1) + 1) + 5  # so often SqueezeNet's best is at an end


def test_bolted(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each trunk is trained once, for its own rows."""
    order: dict[tuple, int] = {}
    grown = []
    trained(choosing(order, lambda name: adapters.HIGHER, lambda name: False))
    monkeypatch.setattr(bolted, "trunk", lambda kind, given, seed, short: grown.append(kind) or network(kind))
    monkeypatch.setattr(adapters, "SEEDS", range(2))
    table = planted.table(bolted, tmp_path)
    check(table, order, lambda name: adapters.HIGHER)
    assert grown == list(bolted.TRUNKS) and len(table) == 2 * 3 * ((4 + 1) + (3 + 1))


def test_domains(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each domain is trained with the rate that validation chose for it, written, and asked about its test."""
    rates = {name: (0.1 + n, 0.2 + n) for n, name in enumerate(adapters.DOMAINS)}
    chosen = {name: rate[n % 2] for n, (name, rate) in enumerate(rates.items())}

    def answers(net: SimpleNamespace, name: str, split: str) -> tuple[Tensor, Tensor]:
        assert net.run == (name, "parallel", 100, 0, chosen[name]) and net.how == {"steps": None} and split == "test"
        return right(700 + adapters.DOMAINS.index(name))

    def save(path: Path, name: str, *, images: list) -> Path:
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name}, {len(images)}")
        return path

    trained(answers)
    begin = trials.begin
    monkeypatch.setattr(trials, "begin", lambda net, run: SimpleNamespace(**vars(begin(net, run)), save_domain=save))
    monkeypatch.setattr(trials, "training_subset", lambda name, each, seed: ([name] * each, None))
    monkeypatch.setattr(trials, "rows_of", lambda network: {
        trials.Run(name, method, 20, 0, rate): (0.5 + (method == "parallel") * (rate == chosen[name]) / 4,
                                                0.5 + (rate != chosen[name]) / 4)
        for name, some in rates.items() for rate in some for method in ("parallel", "serial")})
    monkeypatch.setattr(domains.nets, "load", lambda name: name)
    table = planted.table(domains, tmp_path)
    assert {run.domain: row.right for run, row in table.items()} == {
        name: (700 + n) / COUNT for n, name in enumerate(adapters.DOMAINS)}
    files = {file.stem: file.read_text() for file in (tmp_path / "domains").iterdir()}
    assert files == {name.replace(" ", "-"): f"{name}, 100" for name in adapters.DOMAINS}


def test_a_shipped_domain_reaches_what_the_table_says():
    from u3lab import nets, universal

    net = universal.adapt(nets.load(device="cpu"), "parallel")
    file = next(file for file in trials.domain_files() if file.stem == "people")
    net.load_domain(file)
    assert trials.accuracy(net.use("people"), "people") == pytest.approx(results.table("domains")["people",].right,
                                                                         abs=0.03)


def test_what_is_crossed_is_resampled_in_both():
    """By hand: two slices that differ, two seeds that differ, and groups that are drawn whole."""
    rows, columns = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[0.0, 1.0]]).double()
    assert _table.crossed(rows.expand(2, 3)) == (0.5, 0, 1)
    assert _table.crossed(columns.expand(3, 2)) == (0.5, 0, 1)  # not averaged away by the rows
    both = _table.crossed(rows.expand(2, 2).repeat(50, 1))
    grouped = _table.crossed(rows.expand(2, 2).repeat(50, 1), [str(n % 2) for n in range(100)])
    assert both.high - both.low < 0.25 and grouped == (0.5, 0, 1)
    uneven = _table.crossed(torch.tensor([[1.0], [0.0], [0.0]]), ["a", "b", "b"])
    assert uneven == (pytest.approx(1 / 3), 0, 1)


def test_tasks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Each way trains its own networks on the scenes of its seed, and is asked about those of the test."""
    solids = tasks.solids
    test = SimpleNamespace(images="test", labels={name: f"true {name}" for name in tasks.TASKS})

    def begin(net: str, names: tuple[str, ...], method: str) -> SimpleNamespace:
        heads = SimpleNamespace(parameters=lambda: [torch.zeros(2)] * len(names))
        return SimpleNamespace(net=method, names=names, method=method, heads=heads)

    def present(missing: float, seed: int) -> dict[str, Tensor]:  # of four scenes one has all labels: that of the seed
        assert missing == tasks.MISSING
        return {name: torch.arange(4) <= max(seed, n % 3) for n, name in enumerate(tasks.TASKS)} | {
            "label": (torch.arange(4) == seed) | (torch.arange(4) == 3)}

    def train(one: SimpleNamespace, scenes: Scenes, given: dict, seed: int, *, steps: int) -> Iterator[None]:
        numbers = scenes.images.tolist()
        assert numbers in ([10 * seed + n for n in range(4)], [11 * seed])
        assert all(torch.equal(scenes.labels[name], 100 * (1 + n) + scenes.images)
                   for n, name in enumerate(tasks.TASKS))
        whole = present(tasks.MISSING, seed)
        assert all(given[name].all() if len(numbers) == 1 else torch.equal(given[name], whole[name]) for name in given)
        yield
        one.seed, one.more = seed, 4 * (steps == 4 * solids.STEPS) + 2 * (len(numbers) == 1)
        assert one.more or steps == solids.STEPS

    def score(name: str, answer: tuple, truth: str) -> float:
        method, together, seed, more = answer
        assert truth == f"true {name}"
        return tasks.TASKS.index(name) + (method == "parallel") / 10 + (together + more) / 100 + seed / 1000

    for function, stub in {
            "held_out": lambda: test, "seen": lambda seed: Scenes(
                10 * seed + torch.arange(4), {name: 100 * (1 + n) + 10 * seed + torch.arange(4)
                                              for n, name in enumerate(tasks.TASKS)}), "present": present,
            "begin": begin, "train": train, "score": score,
            "own": lambda method: [torch.zeros(30)] * (method == "parallel"),
            "answers": lambda one, images: {name: (one.method, len(one.names), one.seed, one.more)
                                            for name in one.names if images == "test"},
            "guessed": lambda labels: {name: 0.5 + n / 10 for n, name in enumerate(tasks.TASKS)}}.items():
        monkeypatch.setattr(solids, function, stub)
    monkeypatch.setattr(tasks.nets, "load", lambda name, fold: name)
    table = planted.table(tasks, tmp_path)
    assert table.pop(("a guess", 0)) == (0.5, 0.6, 0.7, 0.8, 0)
    known = {"source's features": ("features", 4, 8), "one trunk": ("parallel", 4, 38),
             "one trunk, complete scenes only": ("parallel", 6, 38), "one trunk, 480 steps": ("parallel", 8, 38),
             "a trunk for each": ("parallel", 1, 4 * 32)}
    assert list(table) == [(way, seed) for way in known for seed in range(3)]
    for (way, seed), row in table.items():
        method, together, numbers = known[way]
        assert tuple(row) == pytest.approx((*(n + (method == "parallel") / 10 + together / 100 + seed / 1000
                                              for n in range(4)), numbers))
        assert row._fields == (*tasks.TASKS, "numbers")
    found = tasks.summary(table)
    for task in tasks.TASKS:
        assert found["one trunk less one trunk, complete scenes only"][f"{task}: difference"] == pytest.approx(
            (-0.02,) * 3)
        assert found["one trunk, 480 steps less a trunk for each"][f"{task}: difference"] == pytest.approx((0.07,) * 3)


def shade(number: float) -> Tensor:
    """Pictures under a light by its number, or of a domain."""
    return torch.full((2, 3, 4, 4), number / 1000)


@pytest.fixture
def learnets(trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, dict[tuple, tuple]]:
    """The two tables of networks that name paints, or pictures, as well as what they were told says."""
    lighting = learnet.lighting

    def begin(net: str, *_: object, seed: int = 0) -> SimpleNamespace:
        return SimpleNamespace(method="learnet", told=None, steps=None, grey=False, domains=[],
                               add_domain=lambda name, classes: None, use=lambda name: None)

    def begun(net: str, method: str, images: Tensor, labels: Tensor, seed: int, steps: int) -> SimpleNamespace:
        one = SimpleNamespace(method=method, told=None, steps=steps, grey=bool((images < 0).all()))
        one.state_dict, one.load_state_dict = dict, lambda state: setattr(one, "told", None)
        return one

    def tuned(one: SimpleNamespace, x: Tensor, y: Tensor, rate: float, steps: int, seed: int) -> SimpleNamespace:
        assert (rate, steps, len(x), y.tolist()) == (0.0005, learnet.FEW_STEPS, 2, [1, 1])
        one.told = x.mean()
        return one

    def share_right(one: SimpleNamespace, x: Tensor, labels: Tensor) -> float:
        """By hand: which of the six ways this is, under which light, asked about close-ups or not."""
        close, number = bool(labels[0]), 1000 * float(x.abs().mean())
        told = None if one.told is None else round(1000 * float(one.told))
        way = {("features", None): 0, ("parallel", None): 3 if one.grey else 1, ("parallel", round(number)): 2,
               ("learnet", round(number)): 4}.get((one.method, told), 5)
        assert (one.method, one.steps) in (("features", 1500), ("parallel", 150), ("learnet", None))
        assert one.grey == bool(x.min() < 0) and (way < 5 or told == 50 + (round(number) - 50 + 5) % 12)
        return (1500 * way + 10 * (round(number) - 50) + close) / 10000

    def seen(count: int, light: Tensor, *, split: str, close: bool, seed: int) -> tuple[Tensor, Tensor]:
        assert (count, split, seed) == (200, "test", round(float(light[0])))
        return shade(float(light[0])).repeat(2, 1, 1, 1), torch.full((4,), int(close))  # four: no examples

    def with_probe(one: SimpleNamespace, name: str, few: tuple[Tensor, Tensor]) -> float:
        assert round(1000 * float(few[0].mean())) == of(name, 5)
        return 0.1 if one.told is None else round(1000 * float(one.told)) / 1000

    def predict(one: SimpleNamespace, predictor: Callable, few: Tensor) -> None:
        assert len(few) == 2
        one.told = few.mean()

    def kept_rivals(nets: dict[str, SimpleNamespace]) -> nn.Module:
        assert [(one.method, one.grey) for one in map(nets.get, learnet.RIVALS)] == [
            ("features", False), ("parallel", False), ("parallel", True)]
        return nn.Linear(1, 1)

    def greyed(x: Tensor, few: Tensor) -> Tensor:
        assert len(few) == 2
        return -shade(1000 * float(few.mean()))

    def of(name: str, each: int) -> int:
        return 10 * each + learnet.SEEN_DOMAINS.index(name)

    for name, stub in {
            "world": lambda count, each, close, seed: {"100": (shade(100), torch.ones(2))},
            "begin": lambda net, seed: (begin(net), None), "seen": seen,
            "shots": lambda light, n, close: (shade(float(light[0])), torch.ones(2, dtype=torch.int64)),
            "share_right": share_right, "kept": lambda *_: nn.Linear(1, 1), "kept_rivals": kept_rivals,
            "predict": predict, "greyed": greyed}.items():
        monkeypatch.setattr(lighting, name, stub)
    for name, stub in {
            "trained": begun, "tuned": tuned, "adapt": begin, "learnet": lambda *_, seed: lambda z: z,
            "train_learnet": lambda *_, **how: [None],
            "falling": lambda steps, settings: iter(steps), "with_probe": with_probe,
            "describe": lambda one, x: x.mean(), "put_adapters": lambda one, name, z: setattr(one, "told", z)}.items():
        monkeypatch.setattr(learnet if hasattr(learnet, name) else learnet.universal, name, stub)
    monkeypatch.setattr(learnet.lights, "light", lambda number: torch.full((3,), float(number)))
    monkeypatch.setattr(learnet.nets, "load", lambda name, fold: name)
    monkeypatch.setattr(learnet.decathlon, "load", lambda name, split: SimpleNamespace(classes=()))
    monkeypatch.setattr(trials, "training_subset", lambda name, each, seed: (shade(of(name, each)), torch.ones(2)))
    trained(lambda net, name, split: right(600 + of(name, 5)) if split == "test" and net.run == (
        name, "parallel", 5, net.run.seed, 0.0015) else None)
    found = planted.tables(learnet, tmp_path)
    assert {file.stem for file in (tmp_path / "weights").iterdir()} == {"learnet-lights", "learnet-rivals"}
    return found


def test_learnet(learnets):
    """Under each light its own share for each way; and in a domain for the way's own examples."""
    lit = learnets["learnet"]
    assert list(lit) == [(kind, way, seed) for kind in ("scenes", "close-ups") for seed in range(3)
                         for way in learnet.WAYS]
    for (kind, way, _), row in lit.items():
        assert row.right == tuple((1500 * learnet.WAYS.index(way) + 10 * n + (kind == "close-ups")) / 10000
                                  for n in range(12))
    found = learnet.under_all(lit)
    for number, rival in enumerate(learnet.WAYS):
        if rival != learnet.LEARNET:  # the same under all lights, whatever their own share
            assert found[f"learnet less {rival}"] == {
                f"{kind}: {what}": pytest.approx((0.15 * (4 - number),) * 3) for kind in learnet.KINDS
                for what in ("difference", "least and greatest seed")}
    domains = learnets["learnet_domains"]
    assert list(domains) == [(name, way, seed) for name in learnet.UNSEEN_DOMAINS for seed in range(3)
                             for way in learnet.DOMAIN_WAYS]
    for (name, way, seed), row in domains.items():
        number = learnet.SEEN_DOMAINS.index(name)
        others = [n for n in range(10) if n != number]
        assert row.right == pytest.approx({
            "α = 0": 0.1, "learnet": (50 + number) / 1000, "learnet, z of another domain": (200 + others[seed]) / 1000,
            "α trained on the same examples": (650 + number) / 1000}[way], abs=5e-4), (name, way, seed)
    ahead = learnet.in_domains(domains)
    for name, rival in itertools.product(learnet.UNSEEN_DOMAINS, (learnet.FROZEN, learnet.ELSEWHERE, learnet.OWN)):
        apart = [domains[name, learnet.LEARNET, seed].right - domains[name, rival, seed].right for seed in range(3)]
        assert ahead[f"learnet less {rival}"][f"{name}: difference"] == pytest.approx(trials.interval(apart))


def test_a_probe_is_judged_by_the_test(monkeypatch: pytest.MonkeyPatch):
    """A class is bright or dark; in the other splits it is the other way round."""
    labels = torch.arange(20) % 2

    def load(name: str, split: str) -> SimpleNamespace:
        bright = labels if split == "test" else 1 - labels
        return SimpleNamespace(images=bright.view(-1, 1, 1, 1).expand(-1, 3, 64, 64).float(), labels=labels)

    monkeypatch.setattr(learnet.decathlon, "load", load)
    net = SimpleNamespace(pooled=lambda x: 10 * x.mean((2, 3)))
    assert learnet.with_probe(net, "digits", (load("digits", "test").images, labels)) == 1


def test_the_grey_world_takes_a_light_away():
    """Of a grey surface under a light it sees grey again, whatever the light's colour is."""
    light = torch.tensor([0.3, 0.6, 1.0]).view(3, 1, 1)
    few, x = torch.full((8, 3, 4, 4), 0.5) * light, torch.full((2, 3, 4, 4), 0.25) * light
    assert torch.allclose(learnet.lighting.greyed(x, few), torch.tensor(0.25))
