"""Write docs/methods.md from the registries and lists: ``python -m tools.methods_page``. A test holds it to them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.site import lists
from tools.site.limits import limits
from u3lab.dissection import FINDERS
from u3lab.inversion import INVERTERS, PRIORS
from u3lab.landmarks import DISTANCES, LOSSES
from u3lab.prior import FILLERS
from u3lab.saliency import METHODS
from u3lab.saliency.metrics import max_abs, positive
from u3lab.selfsup import NUISANCES, TASKS
from u3lab.universal import METHODS as UNIVERSAL
from u3lab.universal.multitask import KINDS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "methods.md"
YES = {True: "yes", False: ""}
SIGN = {max_abs: "means nothing", positive: "for or against"}  # what is left is heat, which has none


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


# Where it is, what is in it, and how a line is called.
MORE: list[tuple[str, str, Mapping[str, Any], str]] = [
    ("universal.UniversalSettings", "Where a prior pulls to", lists.CENTRES,
     "`prior=\"source\"` is shrinkage, `prior=\"zero\"` weight decay; `lam=` is its price."),
    ("universal.learnet", "What predicts adapters", lists.PREDICTORS,
     "`learnet(net, \"digits\")` is told `universal.describe(net, images)`; a table, `inputs=10`, a domain's number."),
    ("universal.multitask.KINDS", "Kinds of task for one network of several", KINDS,
     "`universal.Task(name, outputs)` is a task of this kind, for `universal.Tasks`."),
    ("selfsup.clustering", "Ways to sort without labels", lists.CLUSTERINGS,
     "Tasks for `selfsup.pretrain`: `clustering(10)`, of picture and sound `audiovisual_clustering(10)`, of places "
     "`segmenting(10)`."),
    ("selfsup.NUISANCES", "What a loss looks away from", NUISANCES,
     "`selfsup.marginal_loss(prediction, y, name)` is the loss at the best η."),
    ("selfsup.transfer_knowledge", "Ways to hand on what was learnt", lists.TRANSFERS,
     "`transfer_knowledge(teacher, layer, student, images, k)` gives steps."),
    ("landmarks.LOSSES", "Losses of a labeller", LOSSES, "`landmarks.train_labeller(net, pairs, loss=name)`."),
    ("landmarks.DISTANCES", "Distances of two rotations", DISTANCES,
     "`landmarks.factorise(found, found_moved, g, distance=name)`."),
    ("landmarks.learn_pose", "Learners of pose and of keypoints", lists.LEARNERS,
     "`learn_pose(pose_encoder(), pairs)` and `autoencode(KeypointAutoencoder(), pairs)` give steps."),
    ("prior.FILLERS", "What fills a hole", FILLERS, "`FILLERS[name](image, visible)` gives the picture."),
    ("inversion.INVERTERS", "Inverters that were trained", INVERTERS,
     "`INVERTERS[name](net, layer, images)` draws the pictures' codes anew."),
    ("adversarial.adversarial_patch", "Adversarial patches", lists.PATCHES,
     "`adversarial_patch(net, images, target, settings=PatchSettings(shape=\"round\"))` gives steps."),
    ("equivariance.fit_equivariance", "Maps of features that follow the picture", lists.MAPS,
     "`fit_equivariance(net, layer, images, g, inputs=…, neighbourhood=…)` fits one."),
    ("equivariance.stitch", "Stitches of two networks", lists.STITCHES,
     "`stitch(net_a, layer_a, net_b, layer_b, images)` gives a classifier; `identity_stitch`, `shuffled_stitch` and "
     "`distil` make the others of it."),
    ("equivariance.cka", "How alike two sets of features are", lists.SIMILARITIES,
     "`cka(features_a, features_b)` gives a number."),
    ("dissection.FINDERS", "Ways to find where a concept is", FINDERS,
     "`found = FINDERS[name](active, masks)`, then `found(others, (H, W))`."),
]


def section(where: str, title: str, registry: Mapping[str, Any], call: str) -> str:
    """One of ``MORE``, with what its lines declare."""
    rows = [[name, "; ".join(limits(method))] for name, method in registry.items()]
    return f"## {title}: `{where}`\n\n{call}\n\n{table(['name', 'its limits'], rows)}\n"


def page() -> str:
    """The page as it should be."""
    maps = table(["name", "takes", "its sign", "grid of", "only ReLUs", "optimises"], [
        [name, ", ".join(sorted(method.takes)) or "nothing", SIGN.get(method.heat, "none"),
         "a layer" if method.grid else "the picture", YES[method.relus], YES[method.optimises]]
        for name, method in METHODS.items()])
    attacks = table(["name", "takes"], [[name, ", ".join(sorted(one.takes))] for name, one in lists.ATTACKS.items()])
    priors = table(["name", "class", "settings", "its limits"], [
        [name, f"`inversion.{prior.__name__}`", ", ".join(f"`{field.name}`" for field in dataclasses.fields(prior)),
         *limits(prior)] for name, prior in PRIORS.items()])
    tasks = table(["name", "its limits", "guessing scores"], [
        [name, *limits(task), "" if task.chance is None else f"{task.chance:.2f}"] for name, task in TASKS.items()])
    ways = table(["name", "beside each convolution", "own batch norms", "of the network's own weights", "starts"], [
        [name, method.adapter.__doc__.split(";")[0] if method.adapter else "nothing",
         YES[method.norms], method.own, "at random" if method.fresh else "from the source"]
        for name, method in UNIVERSAL.items()])
    more = "\n".join(section(*one) for one in MORE)
    return f"""# The methods by name

Made by `python -m tools.methods_page` from the registries, and from tools/site/lists.py where the library has
functions alone. A contract test runs over every line.

## Saliency maps: `saliency.METHODS`

`METHODS[name](net, images, target)` gives heat, (B,1,h,w) ≥ 0; `METHODS[name].map` is the method itself. The target is
a *class*, or a *neuron* (layer, channel, y, x) for those that take one. With `layer=` the way back stops at that
*layer*. A method that takes nothing knows neither the network nor the class: it is the floor for the others.

{maps}

## Attacks: `adversarial`

`fgsm(net, image, label, eps, target=…)` gives the finished picture, `pgd` and `deepfool` give steps. *eps* bounds the
change of each value; an attack without it looks for the smallest change that fools.

{attacks}

## Priors of an inversion: `inversion.PRIORS`

`inversion.invert(net, layer, image, prior=PRIORS[name]())`.

{priors}

## Ways to make a network fit another domain: `universal.METHODS`

`universal.adapt(net, name).add_domain("digits", 10)`, then `universal.train_domain`. Each domain has a head of its own.
What is trained of the network's *own weights* is lost for others, so that such a network serves one domain.

{ways}

## Pretext tasks: `selfsup.TASKS`

`selfsup.pretrain(net, raw, name)`.

{tasks}

{more}"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
