"""The searches of chapter 5's tables, the map that reads codes off, and how unlike photos a picture is."""

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.linear_model import Ridge

from evidence import coded_lesions, deep_codes, five_priors, inversion_table, readouts
from evidence.inversion_table import network
from u3course.lessons.inversion import table
from u3lab.descent import Step, last


def steps_of(losses):
    return [Step(k, loss, torch.tensor(float(k)), {}) for k, loss in enumerate(losses)]


def test_a_search_goes_on_while_it_pays_and_ends_when_it_does_not():
    falling = [0.5 ** (k / 50) for k in range(401)]
    assert last(inversion_table.enough(steps_of(falling), 100)).iteration == 400
    resting = falling[:100] + [falling[99]] * 900
    ended = last(inversion_table.enough(steps_of(resting), 100))
    assert 150 <= ended.iteration < 400 and ended.iteration % inversion_table.CHECKED == 0
    assert last(inversion_table.enough(steps_of([1.0] * 500), 250)).iteration == 250  # not before the least


def test_what_it_gives_is_the_best_step_so_far():
    found = list(inversion_table.enough(steps_of([3.0, 1.0, 2.0, 0.5, 4.0]), 100))
    assert [step.loss for step in found] == [3.0, 1.0, 1.0, 0.5, 0.5]
    assert [float(step.value) for step in found] == [0, 1, 1, 3, 3] and found[-1].iteration == 4


def test_layers_are_there_and_each_photos_class_is_the_first_to_both_judges():
    for name in table.NETWORKS:
        assert set(table.LAYERS[name]) <= {*network(name).layers, "logits"}
    for name, label in table.PHOTOS.items():
        for judge in map(network, inversion_table.JUDGES.values()):
            assert judge.classes[int(judge.logits(table.photo_of(name)).argmax())] == label


def test_a_floor_knows_nothing_of_the_photo():
    run = inversion_table.Run("bison", "squeezenet1_1", "fire5", "grey")
    assert inversion_table.floor(run).unique().tolist() == [0.5]
    others = [inversion_table.floor(run._replace(prior=kind)) for kind in ("same class", "another photo")]
    for x in others:
        assert x.shape == (1, 3, table.SIDE, table.SIDE) and not torch.equal(x, table.photo_of("bison"))
    judge = network("efficientnet_lite1")
    assert int(judge.logits(others[0]).argmax()) == judge.class_index("bison")


def test_a_short_search_lowers_the_error():
    run = inversion_table.Run("dog", "squeezenet1_1", "conv1", "none")
    few, more = (inversion_table.judged(run, inversion_table.search(run, limit=n).value).code for n in (1, 12))
    assert more < few


def test_a_run_from_the_photo_begins_nearer_to_it_than_one_from_noise():
    noise, near = (deep_codes.Run("dog", "squeezenet1_1", "conv10", start, 128, 0) for start in ("noise", "the photo"))
    first = [deep_codes.search(run, steps=1, drawing=40)[0].value for run in (noise, near)]
    errors = [(x - table.photo_of("dog")).square().mean() for x in first]
    assert errors[1] < 0.5 * errors[0]


def test_the_best_step_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deep_codes, "descend", lambda *given, **more: iter(steps_of([3.0, 1.0, 2.0])))
    first, best = deep_codes.search(deep_codes.Run("dog", "squeezenet1_1", "conv10", "noise", 128, 0), steps=2)
    assert (first.loss, best.loss) == (3.0, 1.0)


def test_the_share_of_a_lesion_that_comes_back():
    given = coded_lesions.pair("brain1")
    a, b = (x.mean(1, keepdim=True) for x in (given.ill, given.painted))
    assert coded_lesions.share(a, b, given) == pytest.approx(1, abs=1e-5)
    assert coded_lesions.share(a, a, given) == 0
    assert coded_lesions.share(0.25 * a, 0.25 * b, given) == pytest.approx(0.25, abs=1e-5)


def test_unlikeness_is_the_frechet_distance_by_scipy(monkeypatch: pytest.MonkeyPatch):
    eye, x = network(five_priors.EYE), table.photo_of("palace")

    def statistics(*names: str) -> five_priors.Photos:
        five_priors.statistics.cache_clear()
        monkeypatch.setattr(five_priors, "crops", lambda count, seed, without: map(table.photo_of, names))
        return five_priors.statistics("", 0, 0)

    known = statistics("dog", "bison")
    values = five_priors.places(eye, x).numpy()
    c, c0 = np.cov(values.T), known.covariance.numpy()
    wanted = (np.square(values.mean(0) - known.mean.numpy()).sum()
              + np.trace(c + c0 - 2 * scipy.linalg.sqrtm(c @ c0).real))
    assert five_priors.unlikeness(eye, x, known) == pytest.approx(wanted, rel=1e-3)
    assert five_priors.unlikeness(eye, x, statistics("palace")) == pytest.approx(0, abs=1e-3 * wanted)
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    assert five_priors.unlikeness(eye, noise, known) > five_priors.unlikeness(eye, x, known)
    five_priors.statistics.cache_clear()


def test_the_nearest_crop_is_the_one_with_the_smallest_distance():
    crops = torch.cat([table.photo_of(name) for name in ("hens", "palace", "dog")])
    assert torch.equal(five_priors.nearest(network("squeezenet1_1"), table.photo_of("dog"), crops.split(2)), crops[2:])


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_ridge_in_dual_form_is_that_of_scikit_learn():
    codes, targets = numbers(20, 30), numbers(20, 4, seed=1).double()
    (centre, weight), = readouts.ridge(codes, targets, [0.01])
    y = codes.double() - codes.double().mean(0)
    alpha = 0.01 * float(y.square().sum())
    theirs = Ridge(alpha=alpha).fit(codes.double().numpy(), targets.numpy())
    torch.testing.assert_close(weight.double(), torch.tensor(theirs.coef_).T, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(centre, codes.mean(0))
    photos = [f"{k // 2}" for k in range(20)]
    assert readouts.best_alpha(codes, targets, photos) == max(readouts.ALPHAS)  # noise is fitted best by the smallest


def test_a_code_that_is_the_picture_tells_all_and_one_of_noise_nothing():
    photos, new = [f"a{k // 4}" for k in range(240)], [f"b{k // 2}" for k in range(20)]
    x, other = (torch.rand(n, 192, generator=torch.Generator().manual_seed(n)).double() for n in (240, 20))
    turned = torch.linalg.qr(numbers(192, 192)).Q
    all_of_it = readouts.read_off(x.float() @ turned, x, photos, other.float() @ turned, other, new)
    nothing = readouts.read_off(numbers(240, 50), x, photos, numbers(20, 50, seed=3), other, new)
    for shares in all_of_it:
        assert len(shares) == 10 and min(shares) > 0.95
    for shares in nothing:
        assert sum(shares) / len(shares) < 0.2


def test_a_small_picture_is_its_mean_colour_and_what_is_left():
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    small = readouts.small(x)
    torch.testing.assert_close(small[0, 0].float(), x[0, 0, :4, :4].mean())
    colour, rest = readouts.parts(small)
    torch.testing.assert_close(colour, x.double().mean((2, 3)))
    torch.testing.assert_close(rest.view(2, 3, 64).mean(2), torch.zeros(2, 3).double(), rtol=0, atol=1e-12)
    torch.testing.assert_close((rest.view(2, 3, 64) + colour[..., None]).flatten(1), small)


def test_the_parts_of_a_score_vector():
    y = torch.arange(12.0).flip(0)[None]  # 11, 10, … 0
    found = {name: part(y)[0] for name, part in readouts.PARTS.items()}
    assert found["the best class"].tolist() == [1.0] + [0.0] * 11
    assert found["all but the ten best"].tolist() == pytest.approx([0.5] * 10 + [1.0, 0.0])
    assert found["the ten best"].tolist() == pytest.approx([10.5 - k for k in range(10)] + [0.0, 0.0])
