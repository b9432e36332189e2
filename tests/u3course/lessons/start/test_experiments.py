"""What notebook 00 measures with: parts, backgrounds, hidden squares, templates, probes."""

import math
from types import SimpleNamespace

import pytest
import torch

from u3course.lessons.start import figures as looking
from u3course.lessons.start import seeing
from u3course.lessons.start.exercises import match
from u3lab import images
from u3lab.errors import U3Error


def numbered(n: int, side: int = 12) -> torch.Tensor:
    """A picture whose parts are of one value each: 0, 1, 2, … row by row."""
    return torch.arange(n * n).float().view(1, 1, n, n).repeat_interleave(side // n, 2).repeat_interleave(
        side // n, 3).expand(1, 3, -1, -1)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_what_is_cut_can_be_joined(n: int):
    x = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    assert torch.equal(looking.joined(looking.cut(x, n)), x)
    assert looking.cut(numbered(n), n)[0, :, 0, 0, 0].tolist() == list(range(n * n))


def test_shuffled_parts_are_all_there_and_whole():
    x = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    for n, seed in ((2, 0), (2, 1), (3, 1), (4, 2)):
        before, after = looking.cut(x, n)[0], looking.cut(looking.shuffled(x, n, seed=seed), n)[0]
        found = [[torch.equal(a, b) for b in after] for a in before]
        assert all(sum(row) == 1 for row in found) and not any(row[n] for n, row in enumerate(found))
    assert torch.equal(looking.shuffled(x, 1), x)
    assert torch.equal(looking.shuffled(x, 3, seed=1), looking.shuffled(x, 3, seed=1))


def test_mirrored_parts_stay_where_they_are():
    x = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    assert torch.equal(looking.mirrored(x, 1), x.flip(3))
    assert torch.equal(looking.mirrored(x, 2)[..., :6], x[..., :6].flip(3))


def test_parts_that_do_not_come_out_even():
    with pytest.raises(U3Error, match="7 divides"):
        looking.cut(torch.rand(1, 3, 12, 12), 7)


def test_the_photos_are_named_but_not_upside_down(net):
    photos = seeing.photos()
    assert len(photos.names) >= 20
    upright, turned = (seeing.named(net, x, photos.classes).mean() for x in (photos.images, photos.images.flip(2)))
    assert upright == 1 and turned < 0.5


def test_the_first_layer_matches_templates(net):
    conv, z = net.module.features[0], net.normalise(images.load("dog", size=64))
    by_hand = match(z, conv.weight[5].detach())[:, ::2, ::2] + conv.bias[5].detach()
    assert torch.allclose(by_hand.clamp(min=0)[0], net.features(images.load("dog", size=64), "conv1")[0, 5], atol=1e-3)


def test_a_frame_is_around_its_square_and_a_hidden_square_is_grey():
    x = torch.zeros(1, 3, 20, 20)
    assert looking.span(0.0, 6, 20) == (0, 6) and looking.span(1.0, 6, 20) == (14, 20)
    framed = looking.boxed(x, 0.5, 0.5, 6, wide=1)
    assert (framed[..., 7:13, 7:13] == 0).all() and (framed[0, 0] == 1).sum() == 8 * 8 - 6 * 6
    covered = looking.hidden(x, 0.5, 0.5, 6)
    assert (covered[..., 7:13, 7:13] == looking.GREY).all() and (covered == looking.GREY).sum() == 3 * 36
    assert (x == 0).all()


def test_things_are_animals_or_made():
    found = seeing.things()
    assert len(found.names) == len(found.classes) == len(found.series) == len(found.animal)
    known = dict(zip(found.names, found.animal.tolist(), strict=True))
    assert known["zebra"] and known["penguin"] and not known["teapot"] and not known["airliner"]
    assert "lemon" not in known


def test_scrambled_backgrounds_keep_their_colours():
    made = seeing.grounds()
    for group in ("nature", "buildings"):
        plain, scrambled = made[group], made[f"{group}, scrambled"]
        assert torch.equal(plain.flatten(2).sort(-1).values, scrambled.flatten(2).sort(-1).values)
        assert not torch.equal(plain, scrambled)


def test_a_class_of_several_things_counts_once():
    things = seeing.things()
    classes = sorted(set(things.classes))
    net = SimpleNamespace(class_index=classes.index, logits=lambda x: torch.zeros(len(x), len(classes)))
    animals, others = ({name for name, animal in zip(things.classes, things.animal.tolist(), strict=True)
                        if animal == kind} for kind in (True, False))
    assert len(animals) + len(others) < len(things.classes)
    wanted = math.log(len(animals) / len(others))
    assert seeing.log_odds(net, torch.zeros(2, 3, 4, 4)).tolist() == pytest.approx([wanted] * 2)
