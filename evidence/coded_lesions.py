"""Does a code still hold a lesion? Three patients' slices with and without it, inverted from the codes of four layers.

    python -m evidence coded_lesions  # results/lesions.json and lesions.jpg

If the code has kept the lesion, the two inversions differ as the two slices do. How much of that difference comes back
is read inside the lesion; what two seeds of one slice differ by is the floor. 15 minutes of one thread.
"""

from collections.abc import Iterator
from statistics import fmean
from typing import NamedTuple

from torch import Tensor

from evidence import _sheets
from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell
from evidence.inversion_table import network
from u3course.lessons.inversion.coded_lesions import LAYERS, PATIENTS, SIDE, Pair, pair
from u3course.lessons.inversion.table import JITTER
from u3lab import images
from u3lab.descent import best
from u3lab.inversion.inverting import InversionSettings, invert
from u3lab.inversion.priors import DeepImagePrior

NETWORK, SEEDS, STEPS = "squeezenet1_1", (0, 1), 250

Run = NamedTuple("Run", [("patient", str), ("layer", str), ("seed", int)])
"""The patient, the layer and the seed of both inversions."""

Row = NamedTuple("Row", [("kept", float), ("floor", float)])
"""``kept`` is the share of the slices' difference that comes back, ⟨a−b, x−x′⟩/‖x−x′‖² inside the lesion, with a and b
the inversions; ``floor`` the same for a and the inversion of the same slice from another seed, with sign."""


def summary(rows: Rows) -> Summary:
    """For each layer and patient the mean of both seeds."""
    return by_cell(((run.layer, title, value) for run, row in rows.items() for title, value in (
        (run.patient, row.kept), (f"{run.patient}, floor", abs(row.floor)))), fmean)


TABLE = Table(
    "lesions", Run, Row, summary=summary, facts={"network": NETWORK, "steps": STEPS},
    again="a row takes more than a minute",
    chart=Chart("curves", "share of the difference that comes back", along="layer", columns=PATIENTS,
                alt="Three curves along four layers, one for each patient: the share of the lesion that comes back."))


def work(plan: Plan) -> Iterator[Work]:
    """A row is a piece of work; its pictures are kept for the others."""
    plan.judge(patients=PATIENTS)
    for run in plan.few([Run(patient, layer, seed) for patient in PATIENTS for layer in LAYERS for seed in SEEDS]):
        yield Work(run, measured, plan, run)


def finish(plan: Plan) -> None:
    """The inversions of the first seed: two rows for each patient."""
    rows = [[(patient, layer, kind, SEEDS[0]) for layer in LAYERS]
            for patient in PATIENTS for kind in ("ill", "painted")]
    _sheets.write(plan, "lesions.jpg", rows, SIDE, quality=88)


def measured(plan: Plan, run: Run) -> Row:
    """Invert the slice with and without its lesion, and the former from the other seed."""
    other = SEEDS[1 - SEEDS.index(run.seed)]
    ill, painted, again = (made(plan, run, kind, seed) for kind, seed in (
        ("ill", run.seed), ("painted", run.seed), ("ill", other)))
    return Row(*(share(ill, one, pair(run.patient)) for one in (painted, again)))


def made(plan: Plan, run: Run, kind: str, seed: int) -> Tensor:
    """An inversion (1,1,128,128), made or taken from the cache."""
    what = (run.patient, run.layer, kind, seed)
    if not _sheets.place(what, plan).exists():
        x = inverted(run.layer, getattr(pair(run.patient), kind), seed, steps=plan.steps(STEPS))
        _sheets.keep(x.expand(-1, 3, -1, -1), what, plan)
    return images.load(_sheets.place(what, plan)).mean(1, keepdim=True)


def inverted(layer: str, x: Tensor, seed: int, *, steps: int = STEPS) -> Tensor:
    """The inversion of a slice's code under the deep image prior, in grey, (1,1,128,128)."""
    settings = InversionSettings(steps=steps, jitter=JITTER, seed=seed)
    steps_of = invert(network(NETWORK), layer, x, prior=DeepImagePrior(), settings=settings)
    return best(steps_of).value.mean(1, keepdim=True)


def share(a: Tensor, b: Tensor, given: Pair) -> float:
    """⟨a − b, x − x′⟩ / ‖x − x′‖² inside the lesion, for grey pictures a and b (1,1,H,W)."""
    change = given.where * (given.ill - given.painted).mean(1, keepdim=True)
    return float((change * (a - b)).sum() / change.square().sum())
