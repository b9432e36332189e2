"""The switch: scores that reach log p(x,y)/p(x)p(y) on a known joint."""

import math

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import mutual_info_score
from torch import Tensor

from tests.helpers import refuses
from u3lab.selfsup import draw_pairs, pmi


def joint() -> Tensor:
    p = torch.rand(4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.05
    return p / p.sum()


def test_a_table_learnt_with_cross_entropy_reaches_pmi() -> None:
    """The expected loss over both halves is minimised; nothing of the closed form is in it."""
    p, scores = joint(), torch.zeros(4, 6, dtype=torch.float64, requires_grad=True)
    apart = torch.outer(p.sum(1), p.sum(0))
    optimiser = torch.optim.LBFGS([scores], max_iter=300, tolerance_grad=1e-12, tolerance_change=1e-15,
                                  line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = -(p * F.logsigmoid(scores)).sum() / 2 - (apart * F.logsigmoid(-scores)).sum() / 2
        value.backward()
        return value

    optimiser.step(loss)
    assert scores.detach() == pytest.approx(pmi(p), abs=1e-4)


def test_drawn_pairs_have_the_frequencies_of_their_table() -> None:
    p = joint()
    x, y, same = draw_pairs(p, 200_000, torch.Generator().manual_seed(2))
    for half, wanted in ((1, p), (0, torch.outer(p.sum(1), p.sum(0)))):
        counts = torch.zeros(4, 6).index_put((x[same == half], y[same == half]), torch.ones(()), accumulate=True)
        assert counts / 200_000 == pytest.approx(wanted.float(), abs=0.003)


def test_pmi() -> None:
    counts = (1000 * joint()).round()
    p = counts / counts.sum()
    assert float((p * pmi(p)).sum()) == pytest.approx(mutual_info_score(None, None, contingency=counts.long().numpy()))
    apart = torch.outer(p.sum(1), p.sum(0))
    assert pmi(apart) == pytest.approx(torch.zeros(4, 6), abs=1e-12)
    same = torch.eye(4) / 4
    assert pmi(same).diagonal() == pytest.approx(torch.full((4,), math.log(4)))
    assert pmi(same)[0, 1] == -torch.inf
    assert torch.sigmoid(pmi(p)) == pytest.approx(p / (p + apart))


def test_what_is_no_table_of_pairs_is_refused() -> None:
    refuses(pmi, torch.ones(2, 2), says="with the sum 4;")
