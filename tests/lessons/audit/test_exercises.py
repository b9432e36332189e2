"""Notebook 08's pieces are the audit's measures."""

import torch

from u3lab.audit import lesion
from u3lab.lessons.audit import exercises


def test_after_many_steps_a_hole_is_filled_as_the_audit_fills_it():
    draw = torch.Generator().manual_seed(0)
    x, where = torch.rand(2, 1, 20, 24, generator=draw), torch.zeros(2, 1, 20, 24, dtype=torch.bool)
    where[0, :, 5:11, 4:12] = where[1, :, :6, 17:] = True  # one of them lies at the border
    torch.testing.assert_close(exercises.filled(x, where, 400), lesion.fill(x, where), atol=1e-5, rtol=0)
    assert (exercises.filled(x, where, 3) - lesion.fill(x, where)).abs().max() > 0.05
