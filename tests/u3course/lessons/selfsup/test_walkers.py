"""The street film of notebook 02b: who stands, who is pasted elsewhere, and the network that ships."""

import torch

from evidence import _walkers as trials
from evidence import walkers as recipe
from tests.helpers import seeded
from u3course.lessons.selfsup import walkers
from u3course.lessons.selfsup.walkers import Film
from u3lab import results


def planted() -> Film:
    """Two walkers of 10×10 pixels: all of the first has moved, a third of the second."""
    truth = torch.zeros(1, 192, 256, dtype=torch.bool)
    truth[0, 20:30, 20:30] = truth[0, 100:110, 50:60] = truth[0, 5:8, 5:8] = True  # the last is too small
    shift = torch.zeros(1, 192, 256)
    shift[0, 20:30, 20:30] = shift[0, 100:103, 50:60] = 1.0
    return Film(torch.rand(1, 3, 192, 256, generator=seeded()), shift, truth)


def test_those_who_stand_are_those_of_whom_little_has_moved():
    found = trials.standing(planted())[0]
    assert found.sum() == 100 and found[100:110, 50:60].all()


def test_the_film_has_the_same_frames_in_all_its_parts():
    """What is said to have moved lies on those who walk, much more than beside them."""
    for film in (trials.lesson(), walkers.test()):
        assert len(film.frames) == len(film.moved) == len(film.truth)
        moved = film.moved > walkers.MOVED
        assert moved[film.truth].double().mean() > 0.6 > 0.02 > moved[~film.truth].double().mean()
    assert len(trials.lesson().frames) == 231 and len(walkers.test().frames) == 25


def test_walkers_are_pasted_where_nobody_walked_and_the_street_in_their_shapes():
    film, street = planted(), walkers.empty_street()
    pasted = trials.elsewhere(film, seed=1)
    mask = pasted.masks[0]
    assert mask.sum() == 200  # none on another
    assert (trials.lesson().truth.double().mean(0)[mask] < trials.EMPTY).all()
    for pictures in (pasted.walkers, pasted.street):
        assert torch.equal(pictures[0][:, ~mask], street[:, ~mask])
    colours = {tuple(one) for one in film.frames[0].flatten(1).mT.tolist()}
    assert all(tuple(one) in colours for one in pasted.walkers[0][:, mask].mT.tolist())
    own = {tuple(one) for one in street.flatten(1).mT.tolist()}
    assert all(tuple(one) in own for one in pasted.street[0][:, mask].mT.tolist())


def test_somebody_is_placed_around_a_click_and_stays_inside():
    person = torch.cat([torch.ones(3, 20, 10), torch.ones(1, 20, 10)])
    frame, mask = walkers.placed(person, (0.5, 0.5), 1.0, "a walker")
    assert mask.sum() == 200 and mask[86:106, 123:133].all() and (frame[0][:, mask] == 1).all()
    _, mask = walkers.placed(person, (0.0, 1.0), 2.0, "a walker upside down")
    assert mask.sum() == 800 and mask[152:, :20].all()
    frame, mask = walkers.placed(person, (0.5, 0.5), 1.0, "a piece of the street")
    street = walkers.empty_street()
    assert torch.equal(frame[0][:, 86:106, 123:133], street.roll((96, 128), (1, 2))[:, 86:106, 123:133])


def test_the_largest_walker_is_cut_out_with_its_mask():
    (person,) = walkers.cut_outs(planted())
    assert person.shape == (4, 10, 10) and person[3].all()


def test_the_network_that_ships_finds_walkers_and_no_pieces_of_the_street():
    from u3lab import selfsup

    net, head = walkers.network()
    film = walkers.test()
    few = film.frames[::6], film.truth[::6]
    said = selfsup.moves(net, head, few[0]) > 0.5
    assert (said & few[1]).sum() / (said | few[1]).sum() > 0.65
    pasted = trials.elsewhere(Film(*(part[::6] for part in film)))
    found = [(selfsup.moves(net, head, pictures) > 0.5)[pasted.masks].double().mean()
             for pictures in (pasted.walkers, pasted.street)]
    assert found[0] > 0.7 > 0.1 > found[1]


def test_the_seed_that_ships_is_the_best_of_three_as_the_evidence_says():
    reached = recipe.measured_of(results.table("walkers"), recipe.PUPIL, recipe.FILMED, "iou").mean(0)
    assert len(reached) == 3 and recipe.SEEDS[int(reached.argmax())] == recipe.SEEDS[0]
