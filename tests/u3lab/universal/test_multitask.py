"""Several tasks on one trunk: what a picture has no label for costs nothing and teaches nothing."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from tests.helpers import refuses, same_state, squeezenet, state
from tests.u3lab.universal.networks import pictures, tiny
from u3lab.universal import Task, Tasks, TasksSettings, adapt, train_tasks
from u3lab.universal.multitask import KINDS, joined, masked_losses

X = pictures(6, 16)
TASKS = {"parts": Task("segments", 3), "rim": Task("boundaries", 1), "slope": Task("normals", 3, price=0.5),
         "what": Task("label", 4)}
DRAW = torch.Generator().manual_seed(1)
LABELS = {"parts": torch.randint(3, (6, 8, 8), generator=DRAW), "rim": torch.rand(6, 1, 8, 8, generator=DRAW).round(),
          "slope": torch.randn(6, 3, 8, 8, generator=DRAW), "what": torch.arange(6) % 4}


def answers() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(2)
    shapes = {"parts": (6, 3, 8, 8), "rim": (6, 1, 8, 8), "slope": (6, 3, 8, 8), "what": (6, 4)}
    return {name: torch.randn(shape, generator=draw).requires_grad_() for name, shape in shapes.items()}


def test_the_masked_loss_is_that_of_the_pictures_with_a_label_one_by_one():
    given, mask = answers(), torch.tensor([True, False, True, True, False, False])
    terms = masked_losses(TASKS, given, LABELS, dict.fromkeys(TASKS, mask))
    for name, task in TASKS.items():
        each = [KINDS[task.kind].loss(given[name][i : i + 1], LABELS[name][i : i + 1]) for i in (0, 2, 3)]
        assert torch.allclose(terms[name], task.price * torch.cat(each).mean())
        gradient = torch.autograd.grad(terms[name], given[name])[0]
        assert not gradient[~mask].any() and gradient[mask].abs().amax((1, *range(2, gradient.ndim))).min() > 0


@pytest.mark.oracle("the values by hand", universal=["boundaries", "normals"])
def test_by_hand():
    """Two pixels, half right: −log σ; and directions at 0, 90 and 180 degrees."""
    unsure = KINDS["boundaries"].loss(torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1, 2))
    assert unsure.item() == pytest.approx(0.6931, 1e-3)
    up, right = torch.tensor([0.0, 0, 2]).view(1, 3, 1, 1), torch.tensor([5.0, 0, 0]).view(1, 3, 1, 1)
    assert [KINDS["normals"].loss(up, v).item() for v in (3 * up, right, -up)] == pytest.approx([0, 1, 2], abs=1e-6)


@pytest.mark.oracle("SciPy's log-softmax", universal=["segments", "label"])
def test_classes_cost_what_scipy_says():
    given = {name: answers()[name].detach() for name in ("parts", "what")}
    per_pixel = -np.take_along_axis(log_softmax(given["parts"].numpy(), 1), LABELS["parts"].numpy()[:, None], 1)
    per_picture = -log_softmax(given["what"].numpy(), 1)[range(6), LABELS["what"].numpy()]
    assert KINDS["segments"].loss(given["parts"], LABELS["parts"]).numpy() == pytest.approx(per_pixel.mean((1, 2, 3)))
    assert KINDS["label"].loss(given["what"], LABELS["what"]).numpy() == pytest.approx(per_picture)


def test_a_task_without_a_label_in_the_batch_costs_nothing():
    given = answers()
    terms = masked_losses(TASKS, given, LABELS, dict.fromkeys(TASKS, torch.zeros(6, dtype=torch.bool)))
    assert all(term.item() == 0 for term in terms.values())
    assert not any(torch.autograd.grad(terms[name], given[name])[0].any() for name in TASKS)


def test_heads_learn_and_the_trunk_stays():
    net = tiny()
    tasks, before = Tasks(net, ["1", "7"], TASKS), state(net)
    present = {"parts": torch.arange(6) < 4, "what": torch.arange(6) > 2}
    settings = TasksSettings(steps=60, lr=0.05, batch_size=6)
    steps = list(train_tasks(tasks, X, LABELS, present=present, settings=settings))
    assert steps[0].terms.keys() == TASKS.keys() and steps[-1].loss < 0.9 * steps[0].loss
    assert same_state(before, state(net)) and {w.device for w in tasks.parameters()} == {X.device}
    found = tasks(X)
    assert found["parts"].shape == (6, 3, 8, 8) and found["what"].shape == (6, 4)


def test_labels_that_are_missing_teach_nothing():
    """Whatever stands where a label is missing, the run is the same bit by bit."""
    runs = []
    for rubbish in (0, 2):
        labels = {"parts": LABELS["parts"].clone()}
        labels["parts"][3:] = rubbish
        tasks = Tasks(tiny(), ["1"], {"parts": TASKS["parts"]})
        steps = list(train_tasks(tasks, X, labels, present={"parts": torch.arange(6) < 3},
                                 settings=TasksSettings(steps=8, batch_size=4)))
        runs.append([step.loss for step in steps] + [tasks.heads["parts"].weight.sum().item()])
    assert runs[0] == runs[1]


def test_an_adapted_trunk_is_trained_with_its_heads():
    net = adapt(tiny(norms=False)).add_domain("scenes", 2).use("scenes")
    weights = [weight for adapter in net.domain("scenes").adapters() for weight in adapter.parameters()]
    tasks = Tasks(net, ["7"], {"parts": TASKS["parts"]})
    steps = list(train_tasks(tasks, X, LABELS, weights=weights, settings=TasksSettings(steps=5, lr=0.01)))
    assert len(steps) == 6 and any(weight.any() for weight in weights)
    assert torch.equal(net.use("source")(X), tiny(norms=False)(X))


def test_features_of_several_layers_are_joined():
    net, x = squeezenet(), pictures(2) * torch.tensor([0.2, 1.0]).view(2, 1, 1, 1)
    maps = joined(net, x, ["fire3", "fire5"])
    assert maps.shape[1] == 128 + 256 and maps.shape[2:] == net.features(x, "fire3").shape[2:]
    assert maps[:, :128].square().mean((1, 2, 3)).tolist() == pytest.approx([1, 1], rel=1e-4)


def test_slips():
    for kind, outputs in (("boundaries", 2), ("normals", 1), ("segments", 1), ("label", 0)):
        refuses(Task, kind, outputs, says="outputs")
    tasks = Tasks(tiny(), ["1"], TASKS)
    for labels in (None, {}, LABELS | {"rim": LABELS["rim"][:3]}):
        refuses(train_tasks, tasks, X, labels, says="has no labels for 6 pictures")
    for name, y in (("parts", LABELS["parts"] + 1), ("parts", LABELS["parts"].float()), ("rim", LABELS["rim"] * 2),
                    ("slope", LABELS["rim"]), ("slope", LABELS["slope"] / 0), ("what", LABELS["parts"])):
        refuses(train_tasks, tasks, X, LABELS | {name: y}, says=(f"labels\\['{name}'\\]", TASKS[name].kind))
    refuses(train_tasks, tasks, X, LABELS, present={"rim": [True] * 6}, says=("present", "6 of True and False"))
