"""The examples in docstrings are right: each runs, with the rooms of the library known by their names."""

import doctest
import importlib
from collections.abc import Iterator

import pytest
import torch

from tests import houses
from u3course.worlds import turntable
from u3lab.descent import last

ROOMS = ("adversarial", "figures", "images", "inversion", "landmarks", "nets", "pixels", "prior", "saliency", "selfsup",
         "universal", "warps")
KNOWN = {room: importlib.import_module(f"u3lab.{room}") for room in ROOMS}
KNOWN |= {"torch": torch, "last": last, "turntable": turntable}
# What a newcomer calls first.
FIRST = {"adversarial.attacks.fgsm", "descent.last", "figures.charts.grid", "images.blurring.blur",
         "images.loading.load", "inversion.inverting.invert", "nets.classifier.Classifier.features",
         "nets.classifier.Classifier.top", "nets.weights.load", "pixels.heat", "prior.fitting.fit",
         "prior.generators.generator", "saliency.backprop.backprop", "saliency.perturbation.meaningful_perturbation",
         "saliency.relevance.grad_cam", "universal.adapted.adapt"}


def found() -> Iterator[doctest.DocTest]:
    """Every docstring of the library that has an example."""
    for name in map(houses.name_of, houses.files(*houses.SHIPPED)):
        if not name.endswith("__main__"):
            yield from doctest.DocTestFinder().find(importlib.import_module(name), globs=KNOWN)


EXAMPLES = {test.name.removeprefix("u3lab."): test for test in found() if test.examples}


def test_what_is_called_first_has_an_example():
    assert FIRST <= EXAMPLES.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_is_right(name: str):
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(EXAMPLES[name], out=said.append)
    assert not failed, "".join(said)
    assert len(EXAMPLES[name].examples) <= 3
