"""Calls of learning without labels: pretext tasks and their training, colours, sound, motion, ambiguity, transfer."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import torch
from torch import Tensor

from tools.golden.comparing import sealed
from tools.golden.kept import call, draw, photo, uniform
from tools.site.lists import TRANSFERS
from u3lab import selfsup
from u3lab.descent import last
from u3lab.selfsup import cielab, colour, contrast, cross_pixel, erasing, ordering, scrambling, sounding, upright, views

COUNT = 6


@cache
def raw(kind: str) -> Tensor | tuple[Tensor, ...]:
    """Data of a task's kind: parts of photos, or noise over them."""
    parts = photo("hens", 128).unfold(2, 64, 32).unfold(3, 64, 32)[0].movedim(0, 2).flatten(0, 1)[:COUNT].contiguous()
    if kind == "clips":
        return torch.stack([(parts + 0.02 * n * uniform(COUNT, 3, 64, 64, seed=n)).clamp(0, 1) for n in range(6)], 1)
    if kind == "films":
        return parts, torch.randn(COUNT, 4096, generator=draw())
    if kind == "flows":
        flow = 3 * torch.randn(COUNT, 2, 8, 8, generator=draw())
        return parts, flow.repeat_interleave(8, 2).repeat_interleave(8, 3)
    return parts


def posed(task: selfsup.Task) -> list[object]:
    """The questions, what a fresh head answers, and its loss and score."""
    net = selfsup.encoder(2, seed=1)
    questions = task.pose(raw(task.raw), draw(3))
    head = selfsup.head_of(net, task, seed=2)
    answer, again = selfsup.solve(net, head, raw(task.raw), task, seed=3)
    return [sealed([questions, again]), sealed(answer), task.loss(answer, again.target),
            task.score(answer, again.target), task.chance]


for name in selfsup.TASKS:
    call(f"pretext task: {name}, posed")(lambda name=name: posed(selfsup.TASKS[name]))

    @call(f"pretext task: {name}, trained")
    def _trained(name: str = name) -> object:
        net, task = selfsup.encoder(2, seed=1), selfsup.TASKS[name]
        settings = selfsup.PretextSettings(steps=2, batch_size=3, lr=0.01, seed=1)
        steps = list(selfsup.pretrain(net, raw(task.raw), name, settings=settings))
        return [steps, sealed(net)]


call("pretext tasks of other settings")(lambda: [posed(task) for task in (
    selfsup.decolorise(40.0, gamma=0.2), selfsup.erase(0.1), selfsup.jigsaw(6, tile=12, gap=3, normalise=False),
    selfsup.relative_position(tile=20, gap=4, jitter=2, drop_colour=0.0), replace(
        ordering.ARROW, pose=partial(ordering.pose_arrow, frames=4, of="frames"),
        head=partial(ordering.Compared, views=4, classes=2)),
    replace(ordering.SORTING, pose=partial(ordering.pose_sorting, defended=False)), selfsup.contrastive(0.5),
    cross_pixel.moving(pixels=30, sigma=0.2, kappa=2.0))])


@call("pretext training in half precision")
def _half() -> object:
    half = selfsup.PretextSettings(steps=2, batch_size=3, half=True)
    return list(selfsup.pretrain(selfsup.encoder(2), raw("pictures"), "upright", settings=half))


@call("encoders of pictures, digits, textures, pixels")
def _encoders() -> object:
    made = [selfsup.encoder(4, seed=1), selfsup.digit_encoder(4, seed=1), selfsup.texture_encoder(4, seed=1),
            selfsup.texture_encoder(4, window=3, colour=True), selfsup.pixel_encoder(4, seed=1)]
    return [(sealed(net), sealed(net(raw("pictures")[:2, :, :32, :32])), net.size, list(net.layers)) for net in made]


# Colours


@call("Lab and its bins")
def _lab() -> object:
    x = raw("pictures")
    return [cielab.rgb_to_lab(x[:1]), cielab.lab_to_rgb(cielab.rgb_to_lab(x[:1])), cielab.bins(10.0), cielab.bins(20.0),
            cielab.colours(x[:1])]


@call("a distribution of colours")
def _colours() -> object:
    ab, centres = 60 * uniform(9, 2) - 30, cielab.bins(20.0)
    p = colour.prior(20.0)
    return [colour.soft_encode(ab, centres, sigma=8.0, nearest=4), p, colour.rebalancing(p),
            colour.rebalancing(p, gamma=0.2, alpha=2.0),
            colour.explained(uniform(2, 2, 4, 4), uniform(2, 2, 4, 4, seed=1)),
            colour.squared_error(uniform(2, 2, 4, 4), 50 * uniform(2, 2, 4, 4, seed=1))]


# What is done to pictures


@call("views")
def _views() -> object:
    x = raw("pictures")[:3]
    digits = (x.mean(1, keepdim=True) * (x > 0.4)).expand(-1, 3, -1, -1)
    return sealed([views.crop(x, draw(), least=0.4, mirror=False), views.crop(x, draw(1)), views.recolour(x, draw()),
                   views.grey_some(x, draw(), share=0.5), views.luma(x), selfsup.digit_views(digits, draw()),
                   views.tiles(x, torch.tensor([[1, 2]] * 3), torch.tensor([[3, 4]] * 3), 8),
                   selfsup.relit(x, draw()), selfsup.bias_field(x, draw(), most=0.7), selfsup.aberrated(x, 0.03)])


@call("holes, permutations, turns")
def _scrambled() -> object:
    x = raw("pictures")[:3]
    return [sealed(erasing.hole(x)), erasing.reconstruction(x[:, :, :24, :24], x[:, :, 24:48, :24]),
            scrambling.permutations(24), scrambling.permutations(6, 4, seed=2),
            sealed(upright.turned(x, torch.tensor([0, 1, 3])))]


@call("moments of clips")
def _moments() -> object:
    clips = raw("clips")
    return [ordering.moments(clips, 3, draw()), sealed(ordering.jittered(clips[:, :3], draw()))]


@call("the contrastive loss")
def _contrast() -> object:
    z = uniform(5, 2, 8) - 0.5
    return [selfsup.nt_xent(z), selfsup.nt_xent(z, tau=0.7), contrast.found_partner(z)]


# Sound and motion


@call("sounds, and where they are in a picture")
def _sounds() -> object:
    pictures, sounds = raw("films")
    net = selfsup.encoder(2)
    head = selfsup.head_of(net, "correspondence")
    found = sounding.pair_logits((uniform(4, 3, 2, 2), uniform(4, 3, seed=1)))
    return [sounding.log_spectrogram(sounds[:2]), sounding.summary(sounds), found,
            sounding.switch((uniform(4, 3, 2, 2), uniform(4, 3, seed=1)), torch.arange(4)),
            selfsup.sound_map(net, head, pictures, sounds)]


@call("flow, codes of pixels and their groups")
def _moving() -> object:
    pictures, flow = raw("flows")
    net = selfsup.encoder(2)
    codes = selfsup.pixel_codes(net, selfsup.head_of(net, "moving"), pictures[:1])
    pixels = flow.flatten(2)[:, :, ::256].transpose(1, 2)
    return [sealed(codes), sealed(cross_pixel.relative(flow)),
            cross_pixel.flow_kernel(pixels), cross_pixel.code_kernel(uniform(2, 9, 4)),
            sealed(selfsup.estimated_flow(raw("clips")[:1, :2]))]


# Answers that nobody can know


@call("losses that do not ask for what nobody can know")
def _marginal() -> object:
    prediction, y = uniform(4, 5, 2) - 0.5, uniform(4, 5, 2, seed=1) - 0.5
    ways = [torch.neg, lambda one: one.flip(1)]
    return [[(name, selfsup.marginal_loss(prediction, y, name), selfsup.aligned(prediction, y, name), kind.unseen,
              kind.things, kind.sizes) for name, kind in selfsup.NUISANCES.items()],
            selfsup.marginal_loss(prediction, y, ways), selfsup.aligned(prediction, y, ways),
            selfsup.projected_loss(prediction, y, torch.abs)]


@call("correspondences and what they tell")
def _switch() -> object:
    joint = uniform(3, 4) / uniform(3, 4).sum()
    return [selfsup.draw_pairs(joint, 20, draw()), selfsup.pmi(joint)]


# Does it help?


@call("probes of layers")
def _transfer() -> object:
    net, x = selfsup.encoder(2), raw("pictures")
    some = [(uniform(12, 5, seed=n), torch.arange(12) % 3) for n in range(3)]
    return [sealed(selfsup.pooled(net, x, ["conv1", "conv5"])), selfsup.best_probe(*some[:2])]


@call("pseudo-labels, and knowledge handed on")
def _pseudo() -> object:
    teacher, student, x = selfsup.digit_encoder(2), selfsup.digit_encoder(2, seed=1), raw("pictures")
    settings = selfsup.PretextSettings(steps=2, batch_size=4)
    return [selfsup.pseudo_labels(teacher, "conv2", x, 3, seed=1),
            last(selfsup.transfer_knowledge(teacher, "conv2", student, x, 2, settings=settings)), sealed(student),
            [(name, one.scales) for name, one in TRANSFERS.items()]]
