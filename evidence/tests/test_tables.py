"""What shipped tables say: each against its floor, and between columns that must agree.

Data are checked here, not code. A table whose columns, methods or rows were exchanged says something else, however well
its seal and its summary fit.
"""

import itertools
import math
import statistics
from collections import Counter

import pytest
import torch

from evidence import _trials as trials
from evidence import (
    audited,
    crops,
    labellers,
    layers,
    learnet,
    pretexts,
    readouts,
    scanners,
    segmented,
    start,
)
from u3course.lessons.inversion.table import LAYERS, NETWORKS
from u3course.lessons.selfsup import crops as lessons
from u3course.lessons.selfsup import tissues
from u3course.lessons.start import seeing
from u3course.worlds import lights
from u3lab import results


def means(name: str, column: str, *keys: str, **only: object) -> dict:
    """What stands in some columns of the key → the mean of a column, of the rows in which others are as given."""
    of: dict[object, list[float]] = {}
    for run, row in results.table(name).items():
        if all(getattr(run, key) == value for key, value in only.items()):
            what = tuple(getattr(run, key) for key in keys)
            of.setdefault(what if len(keys) > 1 else what[0], []).append(float(getattr(row, column)))
    return {key: sum(some) / len(some) for key, some in of.items()}


def rising(*values: float) -> bool:
    return all(a < b for a, b in itertools.pairwise(values))


# ---- 0

def test_a_trained_network_knows_most_but_not_of_body_parts():
    found: dict[tuple, float] = {}
    for run, (right,) in results.table("start_probes").items():
        found[run.question, run.code] = found.get((run.question, run.code), 0) + right.count("1") / len(right) / 3
    pixels, untrained, trained = ([found[question, code] for question in start.QUESTIONS] for code in start.CODES)
    assert all(c > max(a, b) for a, b, c in zip(pixels[:4], untrained[:4], trained[:4], strict=True))
    for question, draw in itertools.product(start.QUESTIONS[:4], range(3)):
        floor, rival, network = (results.table("start_probes")[code, question, draw].right.count("1")
                                 for code in start.CODES)
        assert network > max(floor, rival), (question, draw)
        assert question == "animals" or (floor > rival) == (question != "textures"), (question, draw)
    assert pixels[4] > trained[4] and sum(untrained) < sum(pixels) < sum(trained)


def test_the_hidden_square_is_on_the_thing_more_often_than_its_rivals():
    rows = [row.hits for row in results.table("start_squares").values()]
    assert rising(*(sum(hits[way] for hits in rows) for way in (start.RANDOM, start.MIDDLE, start.EDGES, start.HIDDEN)))
    assert all(0 < hits[start.RANDOM] < 0.4 and {hits[start.HIDDEN], hits[start.EDGES]} <= {0, 1} for hits in rows)
    sizes = {(run.thing, row.hits[start.RANDOM]) for run, row in results.table("start_squares").items()}
    assert len(sizes) == len({thing for thing, _ in sizes})


def test_backgrounds_speak_and_things_are_told():
    odds: dict[str, list[float]] = {}
    for run, (values,) in results.table("start_grounds").items():
        odds.setdefault(run.ground, []).append(sum(values) / len(values))
        assert len(values) == (1 if run.ground == "white paper" else 5)
    assert rising(*(sum(odds[ground]) for ground in (
        "buildings", "white paper", "buildings, scrambled", "nature, scrambled", "nature")))
    animal = dict(zip(seeing.things().names, seeing.things().animal.tolist(), strict=True))
    known = [(values[0] > 0) == animal[run.thing] for run, (values,) in results.table("start_grounds").items()
             if run.ground == "white paper"]
    assert sum(known) > 0.85 * len(known)


def test_codes_that_turning_heads_have_taught_find_landmarks():
    found = {run.way: sum(row.hits) for run, row in results.table("start_landmarks").items()}
    turning, warps, *templates = found
    assert sorted(found, key=found.get)[-2:] == [warps, turning] and min(found, key=found.get) == templates[-1]


# ---- 1

def test_adapters_gain_by_labels_and_scratch_is_far_below():
    """At the rates that validation chose; the others are in the table, too."""
    rows = trials.rows_of("squeezenet1_1")
    found = {labels: {method: right.mean().item() for method, right in trials.accuracies(rows, labels).items()}
             for labels in (5, 20, 100)}
    assert all(rising(*(found[labels][method] for labels in found)) for method in found[5])
    for of in found.values():
        assert max(of, key=of.get) == "fine-tuning"
        assert of["scratch"] < min(share for method, share in of.items() if method != "scratch") - 0.2
    assert rising(*(found[20][method] for method in ("scratch", "features", "last block", "parallel", "fine-tuning")))
    for name in ("adapters", "bolted"):
        assert not any(math.isnan(row.test) for row in results.table(name).values())
        assert all(math.isnan(row.val) or (run.labels, run.seed) == (20, 0) for run, row in results.table(name).items())


def test_adapters_beat_features_on_either_trunk_and_lesions_are_missed_on_a_new_patient():
    found = means("bolted", "test", "trunk", "method")
    assert all(found[trunk, "serial"] > found[trunk, "features"] + 0.1 for trunk in ("plain", "serial"))
    found = means("sensitivity", "sensitivity", "domain", "split")
    assert all(found[name, "test"] < found[name, "val"] - 0.2 for name in ("brain lesions", "chest lesions"))
    assert found["chest lesions", "test"] < min(means("sensitivity", "specificity", "domain", "split").values()) - 0.5


def test_a_shipped_domain_is_as_right_as_the_same_training_in_the_long_table():
    found = means("adapters", "test", "domain", network="squeezenet1_1", method="parallel", labels=100, seed=0)
    assert {run.domain: row.right for run, row in results.table("domains").items()} == pytest.approx(found, abs=0.05)


def test_a_narrow_prior_costs_most_around_zero_and_with_many_labels_always():
    for method, prior in (("parallel", "source"), ("fine-tuning", "source"), ("fine-tuning", "zero")):
        of = means("shrinkage", "test", "sigma", method=method, labels=100, prior=prior)
        free = means("shrinkage", "test", "sigma", method=method, labels=100, prior="none")
        assert of[0.032] < min(of[0.1], of[0.32], free[None]) - 0.01 and abs(of[0.32] - free[None]) < 0.01
    zero, source = (means("shrinkage", "test", "labels", method="fine-tuning", sigma=0.032, prior=prior)
                    for prior in ("zero", "source"))
    assert all(zero[labels] < source[labels] - 0.01 for labels in (5, 100))
    found = means("shrinkage", "test", "domain", "method", "labels", prior="none")
    assert all(found[domain, method, 5] < found[domain, method, 100] - 0.1 for domain, method, _ in found)


def test_a_learnet_owes_much_to_its_examples_and_a_coloured_light_is_harder():
    rows = results.table("learnet")
    for kind, seed in itertools.product(learnet.KINDS, learnet.SEEDS):
        of = {way: sum(rows[kind, way, seed].right) for way in learnet.WAYS}
        assert of[learnet.GREY] == max(of.values()) and of[learnet.LEARNET] > of[learnet.OTHER] + 0.8
        assert of[learnet.FROZEN] == min(of.values()) or kind == "close-ups"
        assert (of[learnet.LEARNET] > of[learnet.LEARNT] > of[learnet.ONE]) == (kind == "close-ups")
    even = torch.tensor([float(lights.light(n).min() / lights.light(n).max()) for n in learnet.UNSEEN])
    frozen = torch.tensor([rows["scenes", learnet.FROZEN, seed].right for seed in learnet.SEEDS]).mean(0)
    assert torch.corrcoef(torch.stack([even, frozen]))[0, 1] > 0.5


def test_of_a_domain_that_is_not_seen_a_learnet_knows_less_than_its_own_training():
    rows = {tuple(run): row.right for run, row in results.table("learnet_domains").items()}
    for seed in learnet.SEEDS:
        frozen, *predicted, own = (rows["digits", way, seed] for way in learnet.DOMAIN_WAYS)
        assert own > frozen > max(predicted)
        assert rows["patients", learnet.LEARNET, seed] > rows["patients", learnet.ELSEWHERE, seed]
    found = means("learnet_domains", "right", "domain", "way")
    assert all(found[name, learnet.OWN] == max(found[name, way] for way in learnet.DOMAIN_WAYS)
               for name in learnet.UNSEEN_DOMAINS)


def test_a_trunk_for_each_task_is_largest_and_steps_help_one_trunk_and_a_guess_is_worst():
    ways = ("a guess", "source's features", "one trunk", "a trunk for each")
    for column, sign in (("segments", 1), ("boundaries", 1), ("normals", -1), ("numbers", 1)):
        of = means("tasks", column, "way")
        assert rising(*(sign * of[way] for way in ways)), column
    for column, sign in (("segments", 1), ("boundaries", 1), ("normals", -1), ("label", 1)):
        of = means("tasks", column, "way")
        whole, one, more = (of[way] for way in ("one trunk, complete scenes only", "one trunk", "one trunk, 480 steps"))
        assert rising(sign * whole, sign * one, sign * more), column
    assert all(0 < row[k] < 1 for row in results.table("tasks").values() for k in (0, 1, 3))
    assert all((row.segments > row.boundaries) == (run.way != ways[0]) for run, row in results.table("tasks").items())
    assert all(row.normals > 5 for row in results.table("tasks").values())


def test_a_scanner_with_other_grey_values_is_met_without_a_label():
    rows = results.table("scanners")
    right = {run: row.right.count("1") / len(row.right) for run, row in rows.items()}
    for seed in scanners.SEEDS:
        assert rising(*(right[scanners.PLAIN, gamma, seed] for gamma in (0.4, 0.7, 1.0)))
        assert right[scanners.PLAIN, 3.0, seed] < right[scanners.PLAIN, 1.7, seed] < right[scanners.PLAIN, 1.0, seed]
        for way, gamma in itertools.product(scanners.WAYS[1:], (0.4, 3.0)):
            assert right[way, gamma, seed] > right[scanners.PLAIN, gamma, seed] + 0.05, (way, gamma, seed)
        assert len({rows[scanners.RANKS, gamma, seed].right for gamma in scanners.GAMMAS}) == 1  # undone to the bit
        assert len({rows[scanners.LOOK, gamma, seed].right for gamma in scanners.GAMMAS}) == 1  # a power undoes a power


# ---- 2

def test_contrast_gains_most_and_labels_more():
    for problem in pretexts.PROBLEMS:
        of = means("pretexts", "test", "task", problem=problem, labels=20)
        tasks = sorted((task for task in of if task not in (pretexts.FLOOR, pretexts.CEILING)), key=of.get)
        assert of[pretexts.CEILING] > of[tasks[-1]] + 0.1 and "contrast" in tasks[-2:]
        assert of[pretexts.FLOOR] < min(of[task] for task in ("jigsaw", "moving", "colour", "relative position"))
        assert tasks[0] == "sorting"


def test_fields_in_the_views_help_under_a_field_and_not_without_one():
    of = means("tissues", "accuracy", "way", "strength")
    without, fields = ([of[way, b] for b in (0.0, 0.2, 0.4, 0.6, 0.8)]
                       for way in ("IIC, views without fields", "IIC, views with fields"))
    assert without[0] > fields[0] and all(b > a for a, b in zip(without[1:], fields[1:], strict=True))
    assert rising(*without[::-1]) and rising(*fields[::-1])


def test_colour_and_contrast_find_the_photograph_of_more_crops_than_all_else_without_labels():
    summary, rows = results.evidence("crops").summary, results.table("crops")
    for way in crops.WAYS:
        found = {code: of[way][0] for code, of in summary.items() if code != "chance" and " less " not in code}
        *others, contrast, colour, labels = sorted(found, key=found.get)
        assert (contrast, colour, labels) == ("contrast", "colour", crops.CEILING)
        assert summary["chance"][way] < min(found.values()) / 2
        for task in ("contrast", "colour"):
            gain = summary[task][f"gain, {way}"]
            assert gain[0] == pytest.approx(found[task] - found[crops.FLOOR], abs=0.01) and gain[1] > 0
        assert summary[crops.FALLEN][f"gain, {way}"][0] < 0, "no answer, no gain"
        for one, other in ((one, crops.named(rows, other)) for one, other in crops.BEYOND):
            assert summary[f"{one} less {other}"][way][0] == pytest.approx(found[one] - found[other], abs=0.01)
    assert all(0 <= share <= 1 and round(10 * share, 6).is_integer() for row in rows.values()
               for share in (*row.neighbour.values(), *row.probe.values()))


def test_the_shipped_codes_read_the_layers_that_were_chosen():
    rows = results.table("crops")
    for code, layer in lessons.LAYERS.items():
        val = means("crops", "neighbour_val", "layer", task=code)
        assert max(val, key=val.get) == layer, code
    assert {run.task for run in rows} >= set(lessons.LAYERS)


def test_a_film_teaches_more_than_its_teacher_knows():
    filmed: dict[str, list[float]] = {}
    for run, row in results.table("walkers").items():
        if run.judged == "as filmed":
            filmed.setdefault(run.method, []).append(statistics.fmean(row.iou.values()))
    assert rising(*(statistics.fmean(filmed[method]) for method in (
        "one mask for all", "groups of equal flow", "does it move? asked of flow",
        "its teacher: three-frame difference", "does it move?", "trained on background subtraction")))


# ---- 3

def test_turning_heads_teach_more_than_warps_and_longer_ones_more():
    found = {(run.way, run.steps): mean for run in results.table("labellers") if run.kind == "person"
             for mean in [means("labellers", "all_faces", "measure", kind="person", way=run.way, steps=run.steps,
                                labels=0, role="choose").get("matching")]}
    turning, sharp = labellers.TURNING, labellers.SHARP
    assert rising(*(found[way] for way in (
        ("invariance", 500), ("random weights", 0), ("labelling", 2000), (f"{turning}, γ = 2", 2000),
        (f"{turning}, γ = 1", 2000), (turning, 2000), (sharp, 2000), (turning, 8000), (turning, 32000))))
    new = means("labellers", "all_faces", "way", "steps", measure="matching", kind="person", role="judge")
    assert rising(*(new[way] for way in (("random weights", 0), ("labelling", 2000), (turning, 2000), (sharp, 32000))))
    assert all(abs(new[way] - found[way]) < 0.03 for way in new)  # what was settled is as good on faces that chose not
    for role in ("choose", "judge"):
        most, hard = (means("labellers", column, "kind", "way", measure="regression", labels=500, role=role)
                      for column in ("all_faces", "hard_faces"))
        assert all(hard[one] > error for one, error in most.items())
        ways = ("supervised", "labelling", "random weights")
        rivals = [most["person", way] for way in ways if ("person", way) in most]
        assert rising(most["person", sharp], *rivals) and len(rivals) == (3 if role == "choose" else 2)
        shape = means("labellers", "all_faces", "kind", way="mean shape", role=role)
        assert all(most[kind, turning] < 0.3 * error for kind, error in shape.items())
    assert set(shape) == {"person", "cat"} and most["cat", turning] < 0.5 * most["cat", "random weights"]
    assert all(row.hard_faces > row.all_faces for run, row in results.table("labellers").items()
               if run.measure == "transfer")


def test_keypoints_are_worth_more_when_they_are_taught():
    for labels in (50, 500):
        of = {run: sum(row.errors) for run, row in results.table("keypoints").items() if run.labels == labels}
        taught, chance = ([error for run, error in of.items() if run.way == way]
                          for way in ("ten keypoints", "random weights"))
        assert max(taught) < min(chance) and max(taught) < of["mean shape, at the head's middle", 0, labels]
        assert of["equivariant labelling", 0, labels] < min(taught)


def test_a_swap_has_the_shape_of_b_more_than_of_a():
    for row in results.table("keypoint_swaps").values():
        assert sum(row.shape_b) < sum(row.shape_a) and sum(row.look_a) < sum(row.look_b)
        assert sum(row.sharp) < sum(row.blurred)


def test_three_points_find_three_discs_later_than_one():
    short, long = (sum(row.keypoints for run, row in results.table("discs").items() if run.steps == steps)
                   for steps in (300, 1500))
    assert short < long


def test_turns_alone_are_nearly_as_good_as_poses():
    found = results.table("poses")
    means_of = {way: sum(sum(row.one) for run, row in found.items() if run.way == way) for way, _ in found}
    assert means_of["told how they move"] < 0.3 * means_of["random weights"]
    assert all(sum(row.own) < 1.1 * sum(row.one) for row in found.values())


def test_zero_is_common_where_things_look_alike():
    def share(task: str, way: str) -> float:
        rows = [row.angles for run, row in results.table("turned").items() if run[:2] == (task, way)]
        return sum(one > 90 for row in rows for one in row) / sum(map(len, rows))

    apart, across = "turns of one picture", "turns between any two pictures"
    assert share("sevens", apart) < 0.05 and share("nines, zero of the sixes", apart) > 0.8
    assert share("nines, zero of the sixes", across) < 0.2


def test_points_are_carried_better_than_if_nothing_had_moved():
    median, near = (means("registration", column, "way") for column in ("median", "near"))
    assert rising(*(median[way] for way in ("affine registration", "labelling", "optical flow", "nothing has moved")))
    assert rising(near["nothing has moved"], near["labelling"], near["optical flow"], 1)
    median, near = (means("rabbits", column, "way", "delta") for column in ("median", "near"))
    ways = (("flow, frame by frame", 0), *(("labelling", delta) for delta in (25, 6, 1)), ("nothing has moved", 0))
    assert rising(*(median[way] for way in ways)) and rising(near["labelling", 1], near["labelling", 25], near[ways[0]])


def test_information_sorts_digits_and_k_means_has_one_head():
    of = {way: [row.accuracy for run, row in results.table("clusters").items() if run.way == way]
          for way in ("IIC", "k-means")}
    assert min(of["IIC"]) > max(of["k-means"]) + 0.1 and statistics.median(of["IIC"]) >= 0.8
    for name in ("clusters", "segments", "naturals"):
        for run, row in results.table(name).items():
            assert row.accuracy == row.best_head if run.way.startswith("k-means") else row.accuracy <= row.best_head
            assert 0 < row.accuracy and row.best_head <= 1


# ---- 4, 5 and 7

def test_under_noise_one_stops_early_and_with_a_hole_one_need_not():
    for run, row in results.table("stopping").items():
        assert (max(row.psnr) - row.psnr[-1] > 5) == (run.fault == "noise") == (row.loss[-1] > 0.001)


def test_what_a_code_holds_is_less_from_layer_to_layer():
    """Of colour and layout, of a lesion, of the source's units; a search from the photo begins near it."""
    rows = results.table("readouts")
    for network, of in LAYERS.items():
        for what in ("colour", "layout"):
            held = [statistics.fmean(getattr(rows[network, source], what)) for source in (*of[1:], *readouts.PARTS)]
            assert rising(*held[-4::-1]) and max(held[-3:-1]) < held[-1] < 0.2
    assert rising(*[*means("lesions", "kept", "layer").values()][::-1])
    every = means("adapted_units", "every", "layer")
    assert list(every) == sorted(every) and rising(*[*every.values()][::-1]) and every["conv1"] == 1
    assert all(row.unlike < min(row[1:5]) and row.silent < 0.7 for row in results.table("adapted_units").values())
    for run, row in results.table("deep").items():
        assert row.code < row.moved and (row.first_pixels < 0.002) == (run.start == "the photo") and row.place >= 1
        assert run.start == "the photo" or row.code < 0.25 < row.first_code


def test_a_trained_layer_tells_words_and_icons_look_like_their_own_crops():
    rows = results.table("layers")
    for run, row in rows.items():
        assert 1 <= row.unique <= row.labels <= row.units and row.low <= row.accuracy <= row.high
        assert run.network != layers.UNTRAINED or row.accuracy < rows[NETWORKS[0], run.layer].accuracy
    for network, of in layers.LAYERS.items():
        assert [rows[network, layer].units for layer in of] == sorted(rows[network, layer].units for layer in of)
    found = results.table("channels").values()
    assert all(row.best > row.middle and row.own_late > row.other_late for row in found)
    assert all(0 <= share <= 1 for row in found for share in row[3:])


# ---- 6

def test_an_interval_holds_its_value_in_every_table():
    for name, value in (("pointing_game", "share"), ("joints", "value"), ("moving", "agreement")):
        assert all(0 <= row.low <= getattr(row, value) <= row.high <= 1 for row in results.table(name).values()), name
    for row in results.table("detection").values():
        assert all(one[1] <= one[0] <= one[2] for one in row if isinstance(one, (tuple, list)))


def test_class_maps_point_better_than_the_gradient_and_edges_by_chance():
    for network in ("squeezenet1_1", "efficientnet_lite0"):
        of = means("pointing_game", "share", "method", network=network)
        assert all(of[one] == pytest.approx(0.25, abs=0.01) for one in ("edges (no network)", "deconvnet"))
        assert 0.3 < of["gradient"] < min(of[one] for one in ("Grad-CAM", "guided Grad-CAM", "contrastive excitation",
                                                              "LRP α2β1", "modulated gradient", "mask"))
    best = means("pointing_game", "share", "method", network="efficientnet_lite0")
    assert max(best, key=best.get) == "contrastive excitation"


def test_a_stitch_is_worth_what_its_floors_are_not():
    rows = results.table("joints")
    for run in (run for run in rows if run.how == "trained"):
        floors = [rows[run._replace(how=how)].value for how in ("identity", "shuffled", "untrained")]
        assert max(floors) < 0.06 and min(rows[run].value, rows[run._replace(how="fitted")].value) > max(floors)
    of = means("joints", "value", "how")
    assert of["fitted"] < of["trained"] < of["whole"]


def test_m_g_predicts_and_is_no_guess():
    rows, agreement = results.table("moving"), means("moving", "agreement", "transform", "guess")
    for run in (run for run in rows if run.guess == "M_g"):
        assert rising(*(rows[run._replace(guess=guess)].error for guess in ("M_g", "moved", "do nothing")))
    for transform in ("mirrored", "upside down", "turned by 90°"):
        assert agreement[transform, "M_g"] > max(agreement[transform, guess] for guess in ("moved", "do nothing"))
    assert all((row.better == 0) == (run.guess == "moved") for run, row in rows.items() if run.guess != "do nothing")
    assert all(row.only_moved == rows[run._replace(guess="M_g")].only_moved for run, row in rows.items())


def test_what_is_left_of_a_map_by_method():
    of: dict[str, list[torch.Tensor]] = {}
    for run, (values,) in results.table("forgetting").items():
        of.setdefault(run.method, []).append(torch.tensor(values))
    left = {method: torch.stack(some).mean(0) for method, some in of.items()}
    assert len(left) == 12 and all(len(some) == 8 * 3 and len(some[0]) == 26 for some in of.values())
    assert (left.pop("edges (no network)") == 1).all() and all(one[0] > one[-1] for one in left.values())
    assert min(left["guided"][4], left["LRP z⁺"][4]) > 0.9 > left["guided Grad-CAM"][4] > left["gradient"][4]
    assert rising(*(left[method][4] for method in ("contrastive excitation", "Grad-CAM", "smooth grad", "gradient")))
    assert left["deconvnet"][0] > 0.95 and left["deconvnet"][1:].abs().max() < 0.5


def test_taking_the_thing_or_the_mask_away_takes_the_class_away():
    columns = ("whole", "off", "on", "mask", "nothing")
    of = [means("removal", column, "network", "kind") for column in columns]
    assert all(rising(*(one[group] for one in of[::-1])) for group in of[0])
    area = means("removal", "mask_area", "network", "kind")
    assert all(area["squeezenet1_1", kind] < area["efficientnet_lite0", kind] for kind in ("pasted", "outlined"))
    rows = results.table("removal")
    assert all(0 < row.mask_share < 1 and row.mask_area < 0.7 and row.thing_area < 0.9 for row in rows.values())
    assert all(math.isnan(row.exact) if run.kind == "outlined" else row.exact < 0.1 for run, row in rows.items())
    assert min(row.whole for row in rows.values()) >= 0.5
    assert min(Counter((run.network, run.kind) for run in rows).values()) >= 19


def test_without_its_factors_a_mask_is_a_trick():
    rows = results.table("variants")
    assert all(row.whole == rows[run._replace(variant="all of them")].whole for run, row in rows.items())
    assert all(row.found < 0.5 * row.whole for row in rows.values())
    for network in ("squeezenet1_1", "efficientnet_lite0"):
        blurred, area, rough = (means("variants", column, "variant", network=network)
                                for column in ("blurred", "area", "rough"))
        assert blurred["a cell for each pixel"] > 0.5 > 0.1 > max(blurred["all of them"], blurred["λ = 0"])
        assert area["λ = 0"] == max(area.values()) and min(rough["none of them"], rough["none, start from 0"]) > 0.5
        assert rising(rough["λ = 0"], rough["all of them"], rough["γ = 0"], rough["a cell for each pixel"])


def test_attacks_reach_their_goal_and_hardly_carry_over():
    for row in results.table("attacks").values():
        assert row.first == -1 or 1 <= row.first <= 40
        assert (not row.there or row.first > 0) and (not row.reached or row.fooled)
    for network in ("squeezenet1_1", "efficientnet_lite0"):
        there, fooled = (means("attacks", column, "level", network=network) for column in ("there", "fooled"))
        assert there[1] < there[4] == 1 and fooled[1] < fooled[4] < 0.2
    there = means("attacks", "there", "network", level=1)
    assert there["squeezenet1_1"] < there["efficientnet_lite0"]


def test_a_patch_works_the_better_the_larger_it_is():
    for network in ("squeezenet1_1", "efficientnet_lite0"):
        of = means("adversarial_patch", "rate", "value", network=network, varied="size")
        assert all(a <= b for a, b in itertools.pairwise(of[size] for size in sorted(of))) and of[0.15] < of[0.5] / 2


def test_the_auc_against_all_is_the_mean_of_those_against_each_kind():
    rows = results.table("detection")
    for run, row in rows.items():
        assert row.auc[0] == pytest.approx((row.genuine[0] + row.noisy[0] + row.blurred[0]) / 3, abs=2e-3)
        assert row.over_the_score[0] == pytest.approx(row.auc[0] - rows[run.network, "score alone"].auc[0], abs=2e-3)
        assert row.samples == 4 * 3 * row.photos


# ---- 8

def test_what_is_known_of_a_network_shows_in_its_audit():
    """Honest ones need the lesion, those that need their cue do not; each sign has its kinds, and calipers none."""
    table = results.table("audited")
    need = {run: row for run, row in table.items() if row.accuracy - row.without > audited.NEEDED}
    honest = [row for run, row in table.items() if run.cue in audited.HONEST]
    assert all(row.accuracy > 0.9 for row in table.values())
    assert not {run.cue for run in need} & set(audited.HONEST)
    assert {run for run in table if run.cue in ("corner", "scanner", "wander", "date", "calipers")} <= set(need)
    assert min(row.removed for row in honest) > 0.75 > 0.2 > max(
        row.removed for run, row in need.items() if run.cue != audited.HIDDEN)
    assert all(row.removed > 0.9 for run, row in table.items() if run.cue == audited.HIDDEN)
    assert max(row.elsewhere for row in table.values()) < 0.1
    flat = {run: row for run, row in need.items() if run.axes == "2-D"}
    assert min(row.place for run, row in flat.items() if run.cue in ("corner", "date")) > 0.8
    assert max(row.place for run, row in flat.items() if run.cue == "wander") < 0.1
    assert all(row.outside > 4 * row.edges for run, row in flat.items() if run.cue in ("corner", "wander"))
    assert all(row.flips["blur, negatives"] > 0.9 for run, row in flat.items() if run.cue == "scanner")


def test_the_audit_accuses_no_honest_network_and_says_whom_it_misses():
    summary = results.facts("audited")["evidence"]["summary"]
    assert summary["false alarms"]["any sign"] == 0 == summary["missed, of those that need the cue"]["any sign"]
    assert summary["missed"]["any sign"] > 0 and summary["missed"]["networks"] == 18
    unseen = summary["missed, of kinds that set no threshold"]
    assert unseen["networks"] == 12 and round(12 * unseen["any sign"]) == round(18 * summary["missed"]["any sign"]) == 4
    assert summary[f"accused: {audited.HIDDEN}"]["any sign"] == 0
    for few in audited.FEW:
        of = summary[f"lesion removed on {few} pictures"]
        assert of["accused: honest"] < 0.02 < 0.95 < of["accused: cheats that need the cue"]


def test_u_nets_that_outline_by_a_mark_hang_on_a_window_far_from_the_lesion():
    """And lose what they see with the lesion, as honest ones do, so that this number has no threshold."""
    table, summary = results.table("segmented"), results.facts("segmented")["evidence"]["summary"]
    need = {run: row for run, row in table.items() if row.dice - row.without > audited.NEEDED}
    honest = [row for run, row in table.items() if run.cue in audited.HONEST]
    assert not {run.cue for run in need} & set(audited.HONEST)
    assert {run for run in table if run.cue in ("weak", "clip") or run[1::2] == ("corner", "set")} <= set(need)
    assert max(row.largest for row in honest) < 0.3 < 1.5 < min(row.largest for row in need.values())
    assert min(row.removed for row in table.values()) > 0.9 and max(row.elsewhere for row in table.values()) < 0.1
    assert set(summary["threshold"]) == set(segmented.SIGNS) - {"lesion removed"}
    assert summary["false alarms"]["any sign"] == 0 == summary["missed, of those that need the cue"]["any sign"]
    assert summary["missed"]["outside the body"] > 0 and summary["missed"]["networks"] == 12


def test_dividing_by_the_brain_around_helps_k_means_under_a_field_and_not_without():
    of = {way: means("tissues", "accuracy", "strength", way=way) for way in (tissues.GREY, tissues.FLAT)}
    assert of[tissues.GREY][0] > of[tissues.FLAT][0] + 0.02
    assert all(of[tissues.FLAT][b] > of[tissues.GREY][b] + 0.05 for b in of[tissues.FLAT] if b)


def test_runs_that_the_words_count_are_in_the_table():
    seeds = {run.seed for run in results.table("sensitivity")}
    assert len(seeds) == 20 and results.words("sensitivity")["often"].startswith("Twenty training runs for each organ")
