"""The decathlon's score: published ones come out again from published accuracies."""

import pytest

from tests.helpers import refuses
from tests.u3lab.universal.published import DOMAINS, PUBLISHED, errors
from u3lab.universal import decathlon_score
from u3lab.universal.score import networks

BASELINE = errors("fine-tuning")


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_scores_come_out_again(name: str):
    """To 2.5: the accuracies are printed with two digits, the scores without any."""
    assert abs(decathlon_score(errors(name), BASELINE) - PUBLISHED[name][1]) < 2.5


def test_the_baseline_has_250_points_a_domain_and_no_error_1000():
    assert decathlon_score(BASELINE, BASELINE) == pytest.approx(2500)
    assert decathlon_score(dict.fromkeys(DOMAINS, 0.0), BASELINE) == pytest.approx(10_000)
    assert decathlon_score({"a": 0.2}, {"a": 0.1}) == 0 == decathlon_score({"a": 0.9}, {"a": 0.1})


def test_by_hand():
    """E_max = .4, α = 1000 / .16, S = α (.4 − .3)² = 62.5; a perfect baseline counts as one of an error of .01."""
    assert decathlon_score({"a": 0.3}, {"a": 0.2}) == pytest.approx(62.5)
    assert decathlon_score({"a": 0.01}, {"a": 0.0}) == pytest.approx(250)


def test_networks():
    assert networks(100, 10, 10) == pytest.approx(2.0)
    assert networks(100, 0, 3) == 1


def test_slips():
    refuses(decathlon_score, {3: 0.1}, {"a": 0.1}, says="errors")
    refuses(decathlon_score, {"a": 0.1}, {"a": 1.5}, says=(r"baseline\['a'\]", "from 0 to 1"))
    refuses(decathlon_score, {"a": 0.1, "b": 0.1}, {"a": 0.1}, says="'b' has no baseline")
    refuses(decathlon_score, {"a": 0.1}, {"a": 0.1, "b": 0.1}, says="'b' has no error")
