"""Write docs/methods.md from the registries: ``python tools/methods_page.py``. A test holds the page against them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from u3lab.adversarial.registry import ATTACKS
from u3lab.inversion import PRIORS
from u3lab.saliency import METHODS
from u3lab.saliency.metrics import max_abs, positive
from u3lab.universal import METHODS as UNIVERSAL

PAGE = Path(__file__).resolve().parent.parent / "docs" / "methods.md"
YES = {True: "yes", False: ""}
SIGN = {max_abs: "means nothing", positive: "for or against"}  # what is left is heat, which has none


def table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def page() -> str:
    """The page as it should be."""
    maps = table(["name", "takes", "its sign", "grid of", "only ReLUs", "optimises"], [
        [name, ", ".join(sorted(method.takes)) or "nothing", SIGN.get(method.heat, "none"),
         "a layer" if method.grid else "the picture", YES[method.relus], YES[method.optimises]]
        for name, method in METHODS.items()])
    attacks = table(["name", "takes"], [[name, ", ".join(sorted(attack.takes))] for name, attack in ATTACKS.items()])
    priors = table(["name", "class", "settings"], [
        [name, f"`inversion.{prior.__name__}`", ", ".join(f"`{field.name}`" for field in dataclasses.fields(prior))]
        for name, prior in PRIORS.items()])
    ways = table(["name", "beside each convolution", "own batch norms", "of the network's own weights", "starts"], [
        [name, method.adapter.__doc__.split(";")[0] if method.adapter else "nothing",
         YES[method.norms], method.own, "at random" if method.fresh else "from the source"]
        for name, method in UNIVERSAL.items()])
    return f"""# The methods by name

Made from the registries by `python tools/methods_page.py`. A contract test runs over every line.

## Saliency maps: `saliency.METHODS`

`METHODS[name](net, images, target)` gives heat, (B,1,h,w) ≥ 0; `METHODS[name].map` is the method itself. The target is
a *class*, or a *neuron* (layer, channel, y, x) for those that take one. With `layer=` the way back stops at that
*layer*. A method that takes nothing knows neither the network nor the class: it is the floor for the others.

{maps}

## Attacks: `adversarial.ATTACKS`

`ATTACKS[name](net, image, label, target=…)` gives the finished picture. *eps* bounds the change of each value; an
attack without it looks for the smallest change that fools.

{attacks}

## Priors of an inversion: `inversion.PRIORS`

`inversion.invert(net, layer, image, prior=PRIORS[name]())`.

{priors}

## Ways to make a network fit another domain: `universal.METHODS`

`universal.adapt(net, name).add_domain("digits", 10)`, then `universal.train_domain`. Each domain has a head of its own.
What is trained of the network's *own weights* is lost for others, so that such a network serves one domain.

{ways}
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
