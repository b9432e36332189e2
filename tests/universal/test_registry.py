"""Every centre of a prior and every predictor keeps its word, and so does every kind of task."""

import pytest
import torch

from tests.helpers import refuses
from tests.universal.networks import pictures, shaken, tiny
from tools.site.lists import CENTRES, DOMAINS, PREDICTORS
from u3course.worlds import decathlon
from u3lab.descent import last
from u3lab.universal import LearnetSettings, Task, Tasks, adapt, put_adapters, train_learnet
from u3lab.universal.multitask import KINDS, OUTPUTS

X = pictures(12, 16)
DATA = {"a": (X, torch.arange(12) % 3), "b": (1 - X, torch.arange(12) % 3)}


@pytest.mark.parametrize("name", CENTRES)
@pytest.mark.parametrize("kind", ["fine-tuning", "parallel"])
def test_a_prior_says_where_its_home_is(name: str, kind: str):
    """As the source it costs nothing or not; every step away from home costs more."""
    domain = adapt(tiny(), kind).add_domain("new", 3).domain("new")
    assert (CENTRES[name].price(domain).item() == 0) == CENTRES[name].home
    trained = [weight for name, weight in domain.changed()] + [w for a in domain.adapters() for w in a.parameters()]
    away = adapt(tiny(), kind).add_domain("new", 3)
    near, far = (CENTRES[name].price(shaken(away, "new", size).domain("new")).item() for size in (0.5, 5.0))
    assert trained and near < far


@pytest.mark.parametrize("name", PREDICTORS)
def test_a_fresh_predictor_gives_the_source_and_a_trained_one_says_of_which_domains_it_knows(name: str):
    net, predictor = adapt(tiny()).add_domain("a", 3), PREDICTORS[name]
    made = predictor.make(net, "a")
    assert not any(alpha.any() for alpha in made(predictor.told(net, X, 0)).values())
    if predictor.unseen:
        last(train_learnet(net, made, DATA, head="a", settings=LearnetSettings(steps=3, batch_size=4)))
    else:  # train_learnet asks what the network sees; a table is filled by its own rows
        made(predictor.told(net, X, 1))["net/0"].sum().backward()
        assert made.p[0].grad[:, 1].any() and not made.p[0].grad[:, [0, *range(2, DOMAINS)]].any()
        made.p[0].data -= made.p[0].grad
    other = made(predictor.told(net, pictures(4, 16, seed=5), 3))
    assert any(alpha.any() for alpha in other.values()) == predictor.unseen
    put_adapters(net, "a", other)


def test_the_table_has_a_row_for_each_domain_of_the_course_and_no_other():
    net, table = adapt(tiny()).add_domain("a", 3), PREDICTORS["table"]
    rows = [table.told(net, X, number) for number in range(len(decathlon.names()))]
    assert torch.equal(torch.stack(rows), torch.eye(DOMAINS))
    for number in (-1, DOMAINS, 1.0, True):
        refuses(table.told, net, X, number, says=f"number = {number}; give a whole number from 0 to 9")


@pytest.mark.parametrize("name", PREDICTORS)
def test_adapters_of_another_kind_cannot_be_predicted(name: str):
    refuses(PREDICTORS[name].make, adapt(tiny(), "serial").add_domain("a", 3), "a", says="no parallel adapters")


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_says_whether_it_has_an_answer_for_each_pixel(kind: str):
    task = Task(kind, OUTPUTS.get(kind, (4, 4))[0])
    answer = Tasks(tiny(), ["1", "7"], {"it": task})(X)["it"]
    assert (answer.ndim == 4) == KINDS[kind].dense and answer.shape[:2] == (12, task.outputs)
