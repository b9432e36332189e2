"""Good calls: universal representations, and learning without labels."""

import tempfile
from functools import cache, partial
from pathlib import Path

import torch
from torch import nn

from tests.calls.making import COUNT, SEVERAL, UNASKED, adapted, draw, good, method, x
from tests.calls.understanding import PLANES, THREE
from tests.hostile.wrong import (
    free,
    function,
    labels,
    layer,
    layers,
    module,
    net,
    network,
    number,
    only,
    options,
    ours,
    positive,
    returns,
    shares,
    some,
    tensor,
    text,
    whole,
    word,
)
from u3lab import nets, selfsup, universal
from u3lab.selfsup import colour
from u3lab.training.tasks import Joined, cross_entropy, share_right

# Universal representations

PARTS, DOMAIN, NEW = torch.zeros(2, 8, 8, dtype=torch.long), word("new"), network(adapted)
LEARNET = ours(lambda: universal.learnet(adapted(), "new", inputs=3))


def jobs() -> universal.Tasks:
    return universal.Tasks(net(), ["conv1"], {"parts": universal.Task("segments", 2)})


def fresh() -> universal.Adapted:
    return universal.adapt(net()).add_domain("new", 2)


@cache
def saved() -> str:
    return str(adapted().save_domain(Path(tempfile.mkdtemp()) / "new.safetensors", "new"))


good("universal.adapt", net=UNASKED, method=word("parallel"), share=positive(0.5, high=1), on=some(["dense"]),
     rank=COUNT)
method("add_domain", lambda: universal.adapt(net()), universal.Adapted, name=text("new"),
       classes=whole(3, 2, 100_000).also({"one": ["p"]}))
method("use remove_domain", fresh, universal.Adapted, names=some(["new"]), name=DOMAIN)
method("domain domain_parameters merge pooled", adapted, universal.Adapted, name=DOMAIN)
method("load_domain", lambda: universal.adapt(net()), universal.Adapted, path=word(saved))
method("save_domain", adapted, universal.Adapted, path=free(saved), name=DOMAIN)
for name in universal.METHODS:
    good(f"universal.adapt, {name}", lambda images, name=name: universal.adapt(net(), name).add_domain("new", 2).use(
        "new")(images), images=SEVERAL)
good("universal.train_domain", net=NEW, name=DOMAIN, labels=labels(torch.tensor([0, 1]), of=2))
good("universal.describe", net=NEW, layer=layer("conv1"))
good("universal.learnet", net=network(adapted, asked=False), name=DOMAIN, layer=layer("conv1"), inputs=whole(3),
     rank=COUNT)
good("Learnet()", lambda z: LEARNET.make()(z), z=tensor(draw(3), 0))
good("universal.put_adapters", net=network(fresh, asked=False), name=DOMAIN,
     predicted=ours(lambda: LEARNET.make()(draw(3))))
good("universal.train_learnet", net=NEW, learnet=ours(lambda: universal.learnet(adapted(), "new")), head=DOMAIN,
     data=ours({"new": (x(2), torch.tensor([0, 1]))}))
good("universal.train_tasks", tasks=ours(jobs), labels=ours({"parts": PARTS}), weights=only((), {}), present=only(
    {"parts": torch.tensor([True, True])}, {"shares": {"parts": torch.ones(2)}}))
good("train_tasks, labels", lambda y: list(universal.train_tasks(jobs(), x(2), {"parts": y}, settings=(
    universal.TasksSettings(steps=1)))), y=labels(PARTS))
good("universal.Tasks", net=UNASKED, layers=layers("conv1"), tasks=ours({"parts": universal.Task("segments", 2)}))
good("universal.Task",
     lambda kind, outputs, price: universal.Tasks(net(), ["conv1"], {"a": universal.Task(kind, outputs, price)}),
     kind=word("segments"), outputs=COUNT, price=number(1.0, 0))
good("universal.decathlon_score", errors=ours({"a": 0.1, "b": 0.0}), baseline=ours({"a": 0.2, "b": 0.1}))
good("decathlon_score, a share", lambda error: universal.decathlon_score({"a": error}, {"a": 0.1}),
     error=number(0.1, 0, 1))

# Self-supervision: ambiguity and correspondences

OVER = only("sign", {"another word": "turn", "no ways": [], "of another shape": [lambda y: y[:, :1]],
                     "of two arguments": [lambda y, eta: y]})
good("selfsup.aligned selfsup.marginal_loss selfsup.projected_loss", prediction=tensor(draw(3, 5), 0, 1),
     y=tensor(draw(3, 5, seed=1), 0, 1), over=OVER, project=function(torch.abs))
good("selfsup.draw_pairs selfsup.pmi", joint=tensor(torch.full((2, 3), 1 / 6)), count=whole(4))

# Pretext tasks and their training

PHI = {"net": network(lambda: selfsup.encoder(2)), "task": word("upright")}
pretrained = partial(selfsup.pretrain, settings=selfsup.PretextSettings(steps=1, batch_size=4))
ANSWERS = selfsup.Task(lambda raw, _: selfsup.Posed(raw[0][:, None], raw[1][:, 0]),
                       lambda channels: Joined(channels, 1, 3), raw="labelled")
good("selfsup.encoder", width=whole(2, 1, 256))
good("selfsup.head_of", **PHI)
good("selfsup.pretrain", **PHI, raw=SEVERAL)
good("selfsup.solve", **PHI, raw=SEVERAL, head=module(lambda: selfsup.head_of(selfsup.encoder(2), "upright")))
good("selfsup.pooled", net=PHI["net"], layer=layers("conv1", "conv5"))
good("selfsup.pretrain, a function", lambda raw: pretrained(selfsup.encoder(2), raw, "upright"),
     raw=returns(lambda count, generator: x(count)).also({"not square": draw(4, 3, 32, 24)}))
good("selfsup.pretrain, of two", lambda raw: pretrained(selfsup.encoder(2), raw, "correspondence"),
     raw=returns(lambda count, generator: (x(count), draw(count, 400))))
good("selfsup.pretrain, answers", lambda labels: pretrained(selfsup.encoder(2), (x(4), labels), ANSWERS),
     labels=labels(torch.tensor([[0], [1], [2], [0]]), of=3))
good("selfsup.Task", lambda pose, head, loss, score, raw: pretrained(
         selfsup.encoder(2), x(4), selfsup.Task(pose, head, loss, score, raw)),
     pose=function(lambda raw, draw: selfsup.Posed(raw[:, None], torch.zeros(4).long())).also({
         "that gives nothing": lambda raw, draw: None,
         "that gives no answers": lambda raw, draw: selfsup.Posed(raw[:, None], None),
         "that gives too few": lambda raw, draw: selfsup.Posed(raw[:, None], torch.zeros(3).long()),
         "that gives pictures alone": lambda raw, draw: selfsup.Posed(raw, torch.zeros(4).long())}),
     head=function(lambda channels: Joined(channels, 1, 3)).also({"that gives nothing": lambda channels: None}),
     loss=function(cross_entropy), score=function(share_right), raw=word("pictures"))
RAW = {"pictures": draw(4, 3, 64, 64), "clips": draw(4, 6, 3, 64, 64), "films": (draw(4, 3, 64, 64), draw(4, 4096)),
       "flows": (draw(4, 3, 64, 64), 3 * draw(4, 2, 64, 64))}
for name, task in selfsup.TASKS.items():
    good(f"selfsup.pretrain, {name}", lambda raw, name=name: pretrained(selfsup.encoder(2), raw, name),
         raw=only(RAW[task.raw], {}))
for part in range(2):
    good(f"selfsup.best_probe, {part}", lambda features, labels, part=part: selfsup.best_probe(*(
        (features, labels) if k == part else (draw(6, 4), THREE.make()) for k in range(2))),
        features=tensor(draw(6, 4), 0, 1), labels=THREE)

# Perturbed pictures

PATCHES = tensor(x(2, 24), 0, 1, 2, 3)
COLOUR = tensor(x(2), 1)
DROPPED, TAU = {"drop_colour": number(0.5, 0, 1)}, positive(0.2)
BINS = {"step": number(20.0, 4, 100), "gamma": number(0.5, 0, 1)}
good("colour.rgb_to_lab colour.lab_to_rgb colour.colours", images=COLOUR, lab=tensor(50 * x(2), 1))
good("colour.bins colour.prior colour.rebalancing selfsup.decolorise", **BINS, prior=tensor(torch.ones(5) / 5))
good("colour.soft_encode", ab=tensor(60 * draw(5, 2) - 30, 1), centres=tensor(colour.bins(20.0), 1),
     sigma=positive(5.0))
good("colour.explained erasing.reconstruction", output=PATCHES, target=PATCHES, patch=PATCHES, true=PATCHES)
good("erasing.hole", images=PLANES)
good("selfsup.erase", adversary=number(0.01, 0, 100))
good("scrambling.permutations", count=whole(6, 2, 24), tiles=whole(4, 2, 9))
good("selfsup.aberrated", images=COLOUR, strength=number(0.02, 0, 0.5))
good("selfsup.jigsaw", count=whole(6, 2, 2000), tile=whole(16, 8, 512), gap=whole(5, 0, 512), **DROPPED)
good("selfsup.relative_position", tile=whole(24, 8, 512), gap=whole(8, 0, 512), jitter=whole(4, 0, 8), **DROPPED)
good("selfsup.nt_xent selfsup.contrastive", z=tensor(draw(3, 2, 5), 1), tau=TAU)
good("views.crop", images=PLANES, least=positive(0.3, high=1), stretch=number(1.3, 1, 10))
good("views.recolour views.grey_some", images=COLOUR, strength=number(0.4, 0, 1), share=number(0.2, 0, 1))

# Mutual information

LITTLE = {"steps": 1, "batch_size": 4, "heads": 2}
CLUSTERING = {"settings": options(selfsup.ClusterSettings, **LITTLE), "k": whole(3, 2, 1000)}
SEGMENTING = {"settings": options(selfsup.SegmentSettings, **LITTLE, reach=1), "k": whole(3, 2, 100)}
LAM, REACH = number(1.0, 0), whole(1, 0, 5)
WIDTH = whole(2, 1, 128)
sorter, dense = partial(selfsup.digit_encoder, 2), partial(selfsup.pixel_encoder, 2)
heads, dense_heads = partial(selfsup.sub_heads, sorter()), partial(selfsup.dense_heads, dense())
SORTING = {"net": network(sorter), "head": module(partial(heads, 3)), "views": returns(selfsup.digit_views)}
PLACING = {"net": network(dense), "head": module(partial(dense_heads, 3)), "light": returns(selfsup.relit)}
TRAINED = ours(partial(heads, 3)).also(lambda: {"of two classes": heads(2)})
TRAINED_DENSE = ours(partial(dense_heads, 3)).also(lambda: {"of two classes": dense_heads(2)})
good("selfsup.joint selfsup.iic_loss", z=shares(draw(6, 3).softmax(1), 0, 1), lam=LAM,
     z_moved=shares(draw(6, 3).softmax(1), 0, 1))
good("selfsup.displaced_joints selfsup.segmentation_loss", z=shares(draw(2, 3, 6, 6).softmax(1), 0, 1), lam=LAM,
     z_moved=shares(draw(2, 3, 6, 6).softmax(1), 0, 1), reach=REACH)
good("selfsup.mutual_information", P=tensor(torch.full((3, 3), 1 / 9), 0, thin=False), lam=LAM)
good("selfsup.bias", k=whole(3), n=whole(100))
for name, most in {"unet": 128, "digit_encoder": 1024, "texture_encoder": 256, "pixel_encoder": 256}.items():
    good(f"selfsup.{name}", width=whole(2, 1, most))
good("selfsup.clustering", views=function(selfsup.relit), **CLUSTERING)
good("selfsup.segmenting", light=function(selfsup.relit), **SEGMENTING)
good("selfsup.sub_heads selfsup.cluster", **CLUSTERING, **SORTING | {"net": network(sorter, asked=False),
                                                                    "head": TRAINED})
good("selfsup.dense_heads selfsup.segment", **SEGMENTING, **PLACING | {"net": network(dense, asked=False),
                                                                      "head": TRAINED_DENSE})
good("selfsup.cluster_probabilities selfsup.best_head", **SORTING)
good("selfsup.segments selfsup.best_dense_head", **PLACING, settings=SEGMENTING["settings"])
good("selfsup.pseudo_labels", net=SORTING["net"], k=whole(2, 2))
good("selfsup.transfer_knowledge", teacher=SORTING["net"], student=network(sorter, asked=False), k=whole(2, 2))
good("selfsup.digit_views selfsup.relit", images=PLANES, most=number(0.3, 0, 1))
good("selfsup.bias_field", images=PLANES, most=number(0.3, 0, 2))
good("matching.hungarian_accuracy matching.match matching.contingency", clusters=THREE, labels=THREE)

# Pretext tasks from time, sound and motion


@cache
def learner(task: str) -> tuple[nets.Classifier, nn.Module]:
    """An encoder and a head, both small and fresh."""
    encoder = selfsup.unet(2) if task == "moved" else selfsup.encoder(2)
    return encoder, selfsup.head_of(encoder, selfsup.MOVED if task == "moved" else task)


for name, task, more in (("sound_map", "correspondence", {"sounds": tensor(draw(2, 300), 0)}),
                         ("pixel_codes", "moving", {}), ("moves", "moved", {})):
    good(f"selfsup.{name}", net=network(lambda task=task: learner(task)[0], asked=False), pictures=SEVERAL, **more,
         head=only(lambda task=task: learner(task)[1], lambda: {"of another task": learner("order")[1]}))
good("selfsup.audiovisual_clustering", sound_encoder=function(selfsup.SoundEncoder), **CLUSTERING)
good("cross_pixel.moving", pixels=whole(20, 3, 1024), sigma=positive(0.1), kappa=positive(1.0))
good("selfsup.three_frame_difference selfsup.estimated_flow", frames=tensor(draw(3, 3, 16, 16), 1), gap=whole(1, 1),
     sigma=number(0.7, 0), clips=tensor(draw(1, 2, 3, 16, 16)))
