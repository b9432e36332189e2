"""The tables of chapter 5b: their runs, what is measured, and both on planted truths; a riddle of each Deep Quiz."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from evidence import _sheets, channels, icon_table, icons, mask_riddles
from evidence.tests import planted
from tests.helpers import squeezenet
from u3course.lessons.inversion.icon_table import CLASSES, GOALS, MOVED, PRICES, SIZE, pictures, priced, shown
from u3lab import images, nets, results
from u3lab.saliency.perturbation import MaskSettings


def test_the_study_has_every_kind_for_every_class():
    runs = icon_table.study()
    kinds = {(run.goal, run.prior) for run in runs}
    assert len(kinds) == len(PRICES) + len(GOALS) - 1 + len(icon_table.OTHERS)
    for kind in kinds:
        for name in CLASSES:
            seeds = [run.seed for run in runs if (run.goal, run.prior) == kind and run.name == name]
            assert seeds == [*range(6 if kind == ("logit", priced(1)) else 3)]
    assert {len(row) for row in shown(runs).values()} == {len(kinds) + 5}


def test_classes_drawn_by_chance_are_none_of_the_quiz():
    drawn = {run.name for run in icon_table.unchosen(squeezenet())}
    assert len(drawn) == icon_table.UNCHOSEN and not drawn & {run.name for run in icon_table.alone()}


def test_the_shipped_numbers_are_those_of_the_shipped_pictures():
    """The sheet is a JPEG of JPEGs, so the logits are near and not equal."""
    table, net = results.table("icons"), squeezenet()
    for run, x in list(pictures().items())[::9]:
        assert x.shape == (1, 3, run.side, run.side)
        if run.makers == net.name:
            logit = float(net.logits(x.roll(MOVED, (2, 3)))[0, net.class_index(run.name)])
            assert logit == pytest.approx(table[run].logit, rel=0.35, abs=5), run


def test_pairs_are_counted_by_hand():
    likeness = torch.tensor([0.9, 0.1, 0.5, 0.3])
    assert channels.share_of_pairs(likeness, torch.tensor([0])) == 1.0
    assert channels.share_of_pairs(likeness, torch.tensor([2, 1])) == pytest.approx(1 / 4)


def test_an_icon_is_most_like_itself():
    codes = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    found = channels.alike(codes, codes)
    torch.testing.assert_close(found.diagonal(), torch.ones(5))
    assert (found.argmax(1) == torch.arange(5)).all()


def test_channels_are_drawn_among_those_that_some_crop_excites():
    excited = torch.zeros(3, 8)
    excited[1, ::2] = 1.0
    assert channels.drawn(excited, 9) == [0, 2, 4, 6] and len(channels.drawn(excited, 3)) == 3


def test_icon_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """An icon whose colour tells for what it was made, and networks of which each reads that in its own way."""
    every = [*icon_table.study()[::23], *icon_table.alone()[::9]]
    last = icon_table.Run("last", "+".join(icon_table.icons.MAKERS), "logit", priced(3.0), 0, SIZE, icons.STEPS)
    names = [*icon_table.icons.MAKERS, icon_table.icons.JUDGE]
    goals, kinds = list(GOALS), [*map(priced, PRICES), *icon_table.OTHERS]

    def level(run: icon_table.Run) -> float:
        return 0.1 + (run.seed + 6 * goals.index(run.goal) + 18 * kinds.index(run.prior)) / 200

    def network(name: str) -> SimpleNamespace:
        def logits(x: Tensor) -> Tensor:  # the last class has 10 for the first network, 20 for the second, …
            return torch.tensor([[float(x.mean()), 10.0 * (1 + names.index(name))]])
        return SimpleNamespace(name=name, logits=logits, class_index=lambda label: int(label == "last"))

    def climb(makers: list, name: str, *, goal: str, prior: str, seed: int, side: int, steps: int) -> Tensor:
        run = icon_table.Run(name, "+".join(net.name for net in makers), goal, prior, seed, side, steps)
        assert run in (*every, last)
        return torch.full((1, 3, 16, 16), level(run))

    monkeypatch.setattr(icon_table, "study", lambda: [run for run in every if run.side != SIZE])
    monkeypatch.setattr(icon_table, "alone", lambda: [run for run in every if run.side == SIZE])
    monkeypatch.setattr(icon_table, "unchosen", lambda net: [last])
    monkeypatch.setattr(icon_table.nets, "load", lambda name, device: network(name))
    monkeypatch.setattr(icon_table.icons, "climb", climb)
    monkeypatch.setattr(icon_table.icons, "MOVED", (0, 0))
    monkeypatch.setattr(icon_table.icons, "places", lambda net, x, some: [
        100 * names.index(net.name) + round(float(x.mean()) * 50) for _ in some])
    monkeypatch.setattr(icon_table, "oddness", lambda x: x.mean() + 1)
    monkeypatch.setattr(icon_table, "finish", lambda plan: None)
    monkeypatch.setattr(_sheets, "folder", lambda plan: tmp_path / "kept")
    table = planted.table(icon_table, tmp_path)
    assert list(table) == [*every, last]
    for run, row in table.items():
        value, maker = level(run), icon_table.icons.MAKERS.index(run.makers.split("+")[0])
        scores = torch.tensor([value, 10.0 * (1 + maker)])
        k = int(run.name == "last")
        assert row.logit == pytest.approx(float(scores[k]), abs=0.02)
        assert row.probability == pytest.approx(float(scores.softmax(0)[k]), abs=1e-3)
        assert [row.squeezenet, row.lite0, row.lite1] == pytest.approx([50 * value + 100 * j for j in range(3)], abs=1)
        assert row.oddness == pytest.approx(1 + value, abs=0.02)


def test_channels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Crops, icons and likenesses that are numbers drawn by chance; the shares are counted pair by pair."""
    count = 14
    units, eyes = {"fire3": (2, 5), "fire8": (1, 3, 4)}, (channels.EARLY, channels.LATE)

    def numbers(*seed: int) -> Tensor:
        return torch.rand(count, generator=torch.Generator().manual_seed(sum(n * 50**k for k, n in enumerate(seed))))

    def excited(layer: str, x: Tensor) -> Tensor:  # crops are 0, 1, …, icons 100 and their unit
        k = list(units).index(layer)
        return torch.stack([torch.stack([numbers(1, k, u)[int(one)] if one < 100 else 3 + u + k + one / 1e3
                                         for u in range(6)]) for one in x[:, 0, 0, 0]])

    def means(net: str, layer: str, x: Tensor) -> Tensor:
        if net == channels.NETWORK:
            return excited(layer, x)
        assert net == channels.EYE
        return x[:, :1, 0, 0] + 1000 * eyes.index(layer)

    def likeness(depth: int, unit: int) -> Tensor:
        return numbers(2, depth, unit)

    monkeypatch.setattr(channels, "UNITS", units)
    monkeypatch.setattr(channels, "drawn", lambda found, some: list(units["fire3" if some == 2 else "fire8"]))
    monkeypatch.setattr(channels.nets, "load", lambda name, device: name)
    monkeypatch.setattr(channels, "stock", lambda each: (torch.arange(float(count)).view(-1, 1, 1, 1),
                                                         torch.arange(count)))
    monkeypatch.setattr(channels, "icon", lambda net, layer, unit, steps: torch.full((1, 1, 1, 1), 100.0 + unit))
    monkeypatch.setattr(channels, "means", means)
    monkeypatch.setattr(channels, "alike", lambda shown, crops: torch.stack([
        likeness(int(one) // 1000, int(one) % 1000 - 100) for one in shown[:, 0]]))
    table = planted.table(channels, tmp_path)
    assert list(table) == [(layer, unit) for layer, some in units.items() for unit in some]
    for (layer, unit), row in table.items():
        k = list(units).index(layer)
        of = numbers(1, k, unit).tolist()
        best = sorted(range(count), key=of.__getitem__)[-9:]
        assert row.icon == pytest.approx(3 + unit + k + (100 + unit) / 1e3, abs=1e-3)
        assert (row.best, row.middle) == pytest.approx((max(of), sorted(of)[(count - 1) // 2]), abs=1e-4)

        def share(depth: int, icon: int, best: list[int] = best) -> float:
            values = likeness(depth, icon).tolist()
            pairs = [values[a] > values[b] for a in best for b in range(count) if b not in best]
            return sum(pairs) / len(pairs)

        for depth, (own, other) in enumerate(((row.own, row.other), (row.own_late, row.other_late))):
            assert own == pytest.approx(share(depth, unit), abs=1e-4)
            rest = [share(depth, one) for one in units[layer] if one != unit]
            assert other == pytest.approx(sum(rest) / len(rest), abs=1e-4)


def test_a_riddle_of_a_mask(net):
    riddle = mask_riddles.RIDDLES[0]
    settings = MaskSettings(lam=mask_riddles.LAM, steps=2)
    first, again = ([*mask_riddles.quiz(net, seed=3, riddles=(riddle,), settings=settings)] for _ in range(2))
    assert first == again
    [(jpeg, entry)] = first
    assert entry["file"] == "1.jpg"
    assert entry["options"][entry["answer"]] == images.label(riddle.picture)
    assert images.load(jpeg).shape == (1, 3, 227, 227)
    assert "98 % for the whole photo" in entry["why"][entry["answer"]]


def test_what_the_mask_took_is_shown_and_nothing_else():
    image = torch.rand(1, 3, 8, 8)
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., 2:5, 3:6] = 1
    shown = mask_riddles.iconic(image, mask)
    assert torch.equal(shown[..., 2:5, 3:6], image[..., 2:5, 3:6])
    assert (shown * (1 - mask)).unique().tolist() == [0, 0.5]


@pytest.mark.parametrize(("value", "words"), [(0.0, "less than 1 %"), (0.005, "less than 1 %"), (0.014, "1 %"),
                                              (0.5, "50 %"), (0.98, "98 %"), (0.999, "over 99 %")])
def test_a_probability_in_words(value, words):
    assert mask_riddles._percent(torch.tensor(value)) == words


def test_a_riddle_of_an_icon():
    makers, judge = [nets.load(name, device="cpu") for name in icons.MAKERS], nets.load(icons.JUDGE, device="cpu")
    made = [list(icons.quiz(makers, judge, steps=2, seed=3, riddles=icons.RIDDLES[:1])) for _ in range(2)]
    [(jpeg, entry)] = made[0]
    assert made[0] == made[1] and images.load(jpeg).shape == (1, 3, 160, 160)
    assert entry["options"][entry["answer"]] == icons.RIDDLES[0].name
    assert f"place {entry['place']} of" in entry["why"][entry["answer"]]
