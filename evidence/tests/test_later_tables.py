"""What shipped tables of chapters 4 to 8 say, as those of the earlier ones in test_tables."""

import itertools
import statistics
from collections import Counter

import pytest
import torch

from evidence import audited, layers, readouts, segmented
from evidence.tests.reading import means, rising
from u3course.lessons.adversarial import attacking
from u3course.lessons.inversion.table import LAYERS, NETWORKS
from u3course.lessons.selfsup import tissues
from u3lab import results

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
        assert all(one[1] <= one[0] <= one[2] for one in row if isinstance(one, (tuple, list)) and len(one) == 3)


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
    for run in (run for run in rows if run.how == "fitted" and "conv1" not in run):
        floors = [rows[run._replace(how=how)].value for how in ("identity", "shuffled", "untrained, fitted")]
        assert max(floors) < 0.06 and rows[run._replace(how="trained")].value > rows[
            run._replace(how="untrained, trained")].value
    of = means("joints", "value", "below", "below_layer", "how")
    for below, layer in (("squeezenet1_1", "conv1"), ("efficientnet_lite0", "stem")):  # where random weights do as well
        assert of[below, layer, "untrained, fitted"] == pytest.approx(of[below, layer, "fitted"], abs=0.05)


def test_m_g_predicts_and_is_no_guess():
    rows, agreement = results.table("moving"), means("moving", "agreement", "transform", "guess")
    for run in (run for run in rows if run.guess == "M_g"):
        assert rising(*(rows[run._replace(guess=guess)].error for guess in ("M_g", "moved", "do nothing")))
    for transform in ("mirrored", "upside down", "turned by 90°"):
        assert agreement[transform, "M_g"] > max(agreement[transform, guess] for guess in ("moved", "do nothing"))
    assert all(row.gain_low <= row.gain <= row.gain_high for row in rows.values())
    upside = [rows["upside down", layer, "M_g"] for layer in ("conv1", "fire3", "fire5", "fire7", "fire9")]
    assert rising(*(row.gain for row in upside[::-1])) and upside[-1].gain_low < 0 < upside[-2].gain_low
    fresh = results.facts("moving_untrained")["evidence"]["summary"]
    assert all(fresh[layer][f"{flip}, random: M_g"][0] < rows[flip, layer, "M_g"].error  # random weights err no more
               for layer in ("fire5", "fire7", "fire9") for flip in ("mirrored", "upside down"))
    assert 2 * rows["mirrored", "fire9", "moved"].error < fresh["fire9"]["mirrored, random: moved"][1]
    learnt = results.table("moving_pictures")
    assert all(row.fitted <= row.unseen for row in learnt.values())
    assert rising(*(learnt["upside down", layer, 65].fitted for layer in ("conv1", "fire3", "fire5", "fire7", "fire9")))


def test_what_is_left_of_a_map_by_method():
    of: dict[str, list[torch.Tensor]] = {}
    for run, (values,) in results.table("forgetting").items():
        of.setdefault(run.method, []).append(torch.tensor(values))
    left = {method: torch.stack(some).mean(0) for method, some in of.items()}
    assert len(left) == 15 and all(len(some) == 8 * 3 and len(some[0]) == 26 for some in of.values())
    assert (left.pop("edges (no network)") == 1).all() and all(one[0] > one[-1] for one in left.values())
    assert min(left["guided"][4], left["LRP z⁺"][4]) > 0.9 > left["guided Grad-CAM"][4] > left["gradient"][4]
    assert rising(*(left[method][4] for method in ("contrastive excitation", "Grad-CAM", "smooth grad", "gradient")))
    assert left["guided, blurred"][0] > 0.9 > 2 * left["Grad-CAM"][0]  # lines and blobs are not the difference
    assert left["deconvnet"][0] > 0.95 and left["deconvnet"][1:].abs().max() < 0.5


def test_a_mask_hides_more_than_chance_and_without_its_grid_it_is_a_trick():
    rows = results.table("variants")
    assert all(row.whole == rows[run._replace(method="mask")].whole >= 0.5 for run, row in rows.items())
    assert Counter(run.network for run in rows) == {"squeezenet1_1": 21 * 13, "efficientnet_lite0": 19 * 13}
    summary = results.facts("variants")["evidence"]["summary"]
    for network in ("SqueezeNet", "Lite0"):
        for chance in ("mask moved", "squares at random"):
            assert all(low > 0 for _, low, _ in summary[f"{chance} less mask, {network}"].values())
    for area in ("5 %", "10 %"):
        assert min(summary[f"{rival} less mask, SqueezeNet"][area][1] for rival in ("Grad-CAM", "occlusion")) > 0
        coarse, fine = (summary[f"{name}, a cell aside"][area][0] - summary[f"{name}, SqueezeNet"][area][0]
                        for name in ("mask", "mask, a cell for each pixel"))
        assert coarse < 0.15 < 0.3 < fine
    assert summary["Grad-CAM less mask, SqueezeNet"]["25 %"][1] < 0 > summary["Grad-CAM less mask, Lite0"]["5 %"][1]


def test_attacks_reach_their_goal_and_hardly_carry_over():
    for row in results.table("attacks").values():
        assert row.first == -1 or 1 <= row.first <= 40
        assert (not row.there or row.first > 0) and (not row.reached or row.fooled)
    for network in ("squeezenet1_1", "efficientnet_lite0"):
        rows = results.table("attacks")
        there, fooled = ([attacking.share(rows, network, attacking.DRAWN, level, what=column).value
                          for level in (1, 4)] for column in ("there", "fooled"))
        assert there[0] < there[1] == 1 and fooled[0] < fooled[1] < 0.2
    assert all(row.first > 0 and not row.there for run, row in rows.items() if run.goal == attacking.SMALLEST)


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
