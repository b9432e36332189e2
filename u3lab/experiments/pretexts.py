"""The table of chapter 2: what few labels read off an encoder that has learnt a task without labels.

    python -m u3lab.experiments pretexts                              # data/results/pretexts.json
    python -m u3lab.experiments pretexts --tasks upright colour       # a part; several such may run side by side
    torchrun --nproc_per_node 4 -m u3lab.experiments pretexts             # each batch shared by four processes or GPUs

One encoder takes two to four minutes on one processor that knows bfloat16, and several times that on one that does not
(so the short form computes in float32). Its rows are written to the file when it is done, and what the
file has is not computed again. What is learnt from clips, films or flows is the same for both problems, and is learnt
once. The probe's C is chosen on validation pictures; all else is the same for all tasks.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from tqdm.auto import tqdm

from u3lab import __version__
from u3lab._system import distributed, paths
from u3lab.experiments import _writing
from u3lab.lessons.selfsup import trials
from u3lab.lessons.selfsup.trials import CEILING, FLOOR, LABELS, PROBLEMS, WHOLE, Run
from u3lab.nets import Classifier
from u3lab.selfsup import LAYERS, TASKS
from u3lab.worlds import decathlon

SEEDS = 3
ROUTES = (FLOOR, *TASKS, CEILING)


def place(run: Run) -> tuple:
    """Where a row stands in the table."""
    layer = (*LAYERS, WHOLE).index(run.layer)
    return PROBLEMS.index(run.problem), ROUTES.index(run.task), run.labels, layer, run.seed


def learnt(task: str, problem: str, seed: int, steps: int, half: bool) -> Classifier:
    """An encoder that has been taught a task; its first weights are the same for each task."""
    net, taught = trials.learnt(task, problem, seed, steps=steps, half=half)
    for _ in tqdm(taught, desc=f"{problem}, {task}, seed {seed}", total=steps + 1, disable=distributed.rank() > 0):
        pass
    return net


def measured(net: Classifier, problem: str, task: str, seed: int, labels: Sequence[int],
             **tuning: int) -> dict[Run, tuple[float, float]]:
    """All that is measured of one encoder: the accuracies on validation and test pictures."""
    found = {Run(problem, task, each, layer, seed): tuple(right)
             for each, layer, *right in trials.measured(net, problem, seed, labels)}
    return found | {Run(problem, task, each, WHOLE, seed): trials.tuned(net, problem, each, seed, **tuning)
                    for each in labels}


def groups(task: str, problems: list[str]) -> list[list[str]]:
    """The problems by what is learnt from: pictures are the problem's own, all else serves every problem."""
    own = task == CEILING or (task in TASKS and TASKS[task].raw == "pictures")
    return [[one] for one in problems] if own else [problems]


def main(arguments: list[str] | None = None) -> None:
    """Fill the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=PROBLEMS)
    parser.add_argument("--tasks", nargs="+", choices=ROUTES, default=ROUTES)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    chosen = _writing.options(parser, arguments, "results")
    problems, tasks, seeds, steps, tuning = chosen.problems, chosen.tasks, chosen.seeds, trials.STEPS, {}
    labels = LABELS
    if chosen.short:
        problems, tasks, seeds, steps, tuning = ["textures"], ["upright"], 1, 2, {"steps": 2, "half": False}
        labels = LABELS[:1]
    file = chosen.out / "pretexts.json"
    head = {"recipe": "python -m u3lab.experiments pretexts", "u3lab": __version__, "torch": torch.__version__,
            "pictures": decathlon.version(), "steps": steps, "batch": trials.BATCH,
            "columns": (*Run._fields, "val", "test")}
    with distributed.joined():
        for seed, task in ((seed, task) for seed in range(seeds) for task in tasks):
            there = _writing.rows(file, head, Run)
            missing = [one for one in problems if Run(one, task, labels[-1], WHOLE, seed) not in there]
            for group in filter(None, groups(task, missing)):
                net = learnt(task, group[0], seed, steps, not chosen.short)
                for run, right in ((run, right) for one in group for run, right in
                                   measured(net, one, task, seed, labels, **tuning).items() if distributed.rank() == 0):
                    _writing.add_row(file, head, run, tuple(round(x, 4) for x in right), place)
        if distributed.rank() == 0:
            print(file, file.stat().st_size, "bytes", paths.sha256(file))
