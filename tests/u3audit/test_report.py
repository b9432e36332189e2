"""The report: read from a folder, run part by part, written as one page, and asked for from the command line."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import u3audit
from tests.helpers import one_sentence, raising
from tests.u3lab.audit.test_battery import CHEAT, HONEST, SIDE, made
from u3audit import claims, own, page, parts, running, wording
from u3lab import audit, results
from u3lab.__main__ import main
from u3lab.errors import U3Error

MAKE = """
import torch
from torch import nn

class Bright(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 1, 1, bias=False)

    def forward(self, x):
        s = (self.first(x)[..., 6:26, 6:26] - .5).clamp(min=0).flatten(1).sum(1) - 1
        return torch.stack([-s, s], 1)

def changed(how):
    class Other(Bright):
        def forward(self, x):
            return how(super().forward(x), self.first(x))
    return Other()

def broken():
    raise KeyError("no such layer in my table")

make = Bright
fails = lambda: changed(lambda s, x: x.reshape(-1, 7))
nan = lambda: changed(lambda s, x: s * torch.nan)
mapped = lambda: changed(lambda s, x: {"out": s})
torn = lambda: changed(lambda s, x: {"a": s, "b": x})
outlines = lambda: changed(lambda s, x: {"out": 10 * (x - .6)})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder: 24 pictures with labels, masks and patients; a module with its weights."""
    cases = made()
    for name in ("scans", "masks"):
        (tmp_path / name).mkdir()
    lines, people = ["file,label,patient"], ["file;patient"]
    for n in range(len(cases)):
        grey = (255 * cases.images[n, 0]).round().byte().numpy()
        Image.fromarray(grey).save(tmp_path / "scans" / f"s{n:02}.png")
        if cases.positive[n]:
            Image.fromarray(cases.outlines[n, 0].byte().numpy()).save(tmp_path / "masks" / f"s{n:02}.png")
        lines.append(f"{'scans/' * (n > 20)}s{n:02}.png,{'ill' if cases.positive[n] else 'well'},p{n // 2:02}")
        people.append(f"s{n:02};q{n // 8}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    (tmp_path / "people.csv").write_text("\n".join(people))
    (tmp_path / "trained.csv").write_text("patient\np03\nelsewhere\n")
    (tmp_path / "my_module.py").write_text(MAKE)
    torch.save({"first.weight": torch.ones(1, 1, 1, 1)}, tmp_path / "weights.pt")
    return tmp_path


def taken(folder: Path, **more: object) -> audit.Cases:
    return u3audit.read(folder / "scans", folder / "labels.csv", **{
        "masks": folder / "masks", "positive": "ill", "channels": 1} | more)


Audited = Callable[..., tuple[dict, Path]]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """The report of a network on ``made`` pictures or volumes, measured once, and the folder with its page."""
    @cache
    def of(net: torch.nn.Module, volumes: bool = False) -> tuple[dict, Path]:
        out = tmp_path_factory.mktemp("report")
        report = u3audit.run(net, made(volumes), out=out)
        u3audit.write(report, out)
        return report, out

    return of


# ---- reading


def test_a_folder_becomes_the_cases_that_it_was_written_from(folder: Path):
    cases, wanted = taken(folder), made()
    assert (cases.images - wanted.images).abs().max() < 0.003
    assert torch.equal(cases.positive, wanted.positive) and torch.equal(cases.outlines, wanted.outlines)
    assert cases.patients == [f"p{n // 2:02}" for n in range(24)]
    assert taken(folder, patients=folder / "people.csv").patients == [f"q{n // 8}" for n in range(24)]
    small = taken(folder, size=16, channels=3)
    assert small.images.shape == (24, 3, 16, 16) and small.outlines.flatten(1).any(1).equal(wanted.positive)


def test_without_nibabel_a_sentence_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "nibabel", None)
    (folder / "scans" / "s00.png").rename(folder / "scans" / "s00.nii")
    one_sentence("pip install nibabel", taken, folder)


def spoil(name: str, change: object, **more: object) -> object:
    """A spoilt file of the folder, and then the reading of all."""
    def spoilt(folder: Path) -> None:
        file = folder / name
        if isinstance(change, Image.Image):
            change.save(file)
        elif isinstance(change, bytes):
            file.write_bytes(change)
        else:
            file.write_text("\n".join(change(file.read_text().splitlines())))
        taken(folder, **more)

    return spoilt


SLIPS = {
    "names 3 of 24 files that are not in": spoil("labels.csv", lambda rows: [
        re.sub("^s0([123])", r"t0\1", row) for row in rows]),
    "names s01 twice": spoil("labels.csv", lambda rows: [*rows, "s01.png,ill,p00"]),
    "no column 'label' but file, class": spoil("labels.csv", lambda rows: ["file,class", *rows[1:]]),
    "no row below": spoil("labels.csv", lambda rows: rows[:1]),
    "row 3 of": spoil("labels.csv", lambda rows: [*rows[:2], "s01.png,,p00", *rows[3:]]),
    "no text with commas": spoil("labels.csv", b"file,label\n\xff\xfe\x00"),
    "1 of 24 pictures have no patient, such as s01": spoil("labels.csv", lambda rows: [
        *rows[:2], "s01.png,ill,", *rows[3:]]),
    "all 24 pictures are positive": spoil("labels.csv", lambda rows: [row.replace("well", "ill") for row in rows]),
    "choose it with positive=": lambda folder: taken(folder, positive=None),
    "has no label 'sick'": lambda folder: taken(folder, positive="sick"),
    "the mask s03.png is of 16×32 pixels": spoil("masks/s03.png", Image.new("L", (32, 16))),
    "32×32 (s00.png) and 16×48 (s05.png)": spoil("scans/s05.png", Image.new("L", (48, 16)), masks=None),
    "s05.png": spoil("scans/s05.png", b"no picture"),
    "no mask in": lambda folder: taken(folder, masks=folder / "other"),
    "there is no folder": lambda folder: taken(folder, masks=folder / "lost"),
    "cannot be opened": lambda folder: taken(folder, patients=folder / "lost.csv"),
}


@pytest.mark.parametrize("says", SLIPS)
def test_a_slip_in_a_folder_gets_one_sentence(says: str, folder: Path):
    (folder / "other").mkdir()
    Image.new("L", (8, 8)).save(folder / "other" / "other.png")
    one_sentence(says, SLIPS[says], folder)


# ---- running


def test_a_stopped_run_goes_on_and_another_network_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cases, asked = made(), []
    for name, measure in parts.PARTS.items():
        monkeypatch.setitem(parts.PARTS, name, lambda *given, name=name, measure=measure: (
            asked.append(name), measure(*given))[1])
    whole = dict(parts.PARTS)
    monkeypatch.setitem(parts.PARTS, "flips", raising(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        u3audit.run(HONEST, cases, out=tmp_path)
    assert asked == list(whole)[:3]
    monkeypatch.setitem(parts.PARTS, "flips", whole["flips"])


    def again(net: torch.nn.Module, *wanted: str, seed: int = 0) -> dict:
        asked.clear()
        found = u3audit.run(net, cases, out=tmp_path, seed=seed)["parts"]
        assert asked == list(wanted) and list(found) == list(whole)
        return found

    found = again(HONEST, "flips", "accuracy by patient")
    assert again(HONEST) == found
    (tmp_path / running.FOLDER / "lesion_removed_1a.png").unlink()
    (tmp_path / running.FOLDER / "flips.json").write_text("{")
    assert again(HONEST, "lesion removed", "flips")["flips"]["value"] == found["flips"]["value"]
    assert again(CHEAT, *whole)["lesion removed"]["value"] == [0, 0, 0]
    again(CHEAT, *whole, seed=1)


def test_the_numbers_are_those_of_the_measures(audited: Audited):
    cases, (report, out) = made(), audited(CHEAT)
    found = report["parts"]
    assert found["lesion removed"]["value"] == list(audit.lesion_removed(CHEAT, cases).flipped)
    assert found["best fixed place"]["value"] == pytest.approx(list(audit.fixed_place(CHEAT, cases).best))
    assert found["where it looks"]["value"] == pytest.approx(list(audit.where_it_looks(CHEAT, cases).outside))
    assert found["flips"]["facts"]["by"]["mirror"]["positives"][0] == 1 and found["flips"]["value"][0] == 1
    assert found["accuracy by patient"]["value"][0] == 1 and found["accuracy by patient"]["floor"] == 0.5
    drawn = out / running.FOLDER / found["best fixed place"]["rows"][0][0]["file"]
    assert (np.asarray(Image.open(drawn)) == 255).mean() == 9 / 16  # the cell's thumbnail: the mark fills 3 by 3 of 4


def test_each_measure_gets_the_class_and_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def spy(*_: object, positive: int, seed: int = 5, **__: object) -> None:
        asked.append((positive, seed))
        raise U3Error("it is asked")

    for name in ("lesion_removed", "fixed_place", "where_it_looks", "flips", "accuracy"):  # the last has no seed
        monkeypatch.setattr(parts, name, spy)
    u3audit.run(CHEAT, made(), positive=0, seed=5, out=tmp_path)
    assert asked == [(0, 5)] * 5


def test_volumes_are_run_with_coarse_windows(audited: Audited):
    report, _ = audited(CHEAT, True)
    assert all(part["value"] for part in report["parts"].values()) and report["settings"]["windows"] == 4
    assert "slices 1 to 2" in report["parts"]["best fixed place"]["facts"]["where"]


def test_what_cannot_be_had_is_missing_and_says_why(tmp_path: Path):
    bare = replace(made(), outlines=None)
    report = u3audit.run(HONEST, bare, out=tmp_path)
    assert [name for name, part in report["parts"].items() if part["value"] is None] == ["lesion removed"]
    text = u3audit.write(report, tmp_path).read_text()
    assert text.count('<p class="big">missing</p>') == 1 and "No outlines: whether the network looks" in text
    assert wording.first(report)[0].startswith("The first number is missing: without outlines")


# ---- the page


class Read(HTMLParser):
    """What a page refers to, its pictures without words, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.bare, self.pictures, self.words, self.open = [], [], 0, [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = dict(attributes)
        self.links += [given[one] for one in ("href", "src", "srcset", "action", "data") if one in given]
        if tag == "img":
            self.pictures += 1
            self.bare += [given] if len(given.get("alt", "")) < 10 else []
        assert tag not in ("script", "link", "iframe", "object")
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


@pytest.mark.parametrize("net, volumes", [(HONEST, False), (CHEAT, False), (CHEAT, True)])
def test_the_page_holds_all_that_it_shows_and_claims_nothing(net: torch.nn.Module, volumes: bool, audited: Audited):
    report, out = audited(net, volumes)
    text = (out / "report.html").read_text()
    seen = Read(text)
    assert seen.pictures >= 4 * 3 + 3 + 2 and not seen.bare and not seen.open
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in seen.links)
    assert not re.search(r"url\(|@import|https?:", text)
    titles = wording.TITLES["classifier"]
    order = [text.index(one) for one in (
        "Look at them first", "<h2>Five numbers", *(f"<h2>{title.heading}</h2>" for title in titles.values()),
        "What must not be concluded", "Small print")]
    assert order == sorted(order)
    before, _, after = text.lower().partition("what must not be concluded")
    for phrase in ("no shortcut", "robust", "the reason"):
        assert phrase in after and phrase not in before + after.partition("</dl>")[2]
    assert 0.05 < report["memory"] < 100 and f"memory of the process: {report['memory']:.2g} GB" in text
    kept = json.loads((out / "report.json").read_text())
    assert list(kept["parts"]) == list(kept["sentences"]) == list(titles)


def test_each_number_stands_in_its_column(audited: Audited):
    report, out = audited(CHEAT)
    rows = {head: re.findall(r"<td[^>]*>(.*?)</td>", cells) for head, cells in re.findall(
        r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', (out / "report.html").read_text())}
    value, floor = (report["parts"]["where it looks"][name] for name in ("value", "floor"))
    (looks,) = (cells for head, cells in rows.items() if "#where-it-looks" in head)
    assert looks[:3] == [f"<strong>{wording.percent(value[0])}</strong>", wording.bracket(value),
                         f"{wording.percent(floor[0])} {wording.bracket(floor)}"]
    assert [cell.rpartition("</span>")[2] for cell in rows["mirror"]] == ["100 % [100, 100]", "0 % [0, 0]"]


@pytest.mark.parametrize("volumes", [False, True])
def test_the_page_begins_with_pictures_as_they_came(volumes: bool, audited: Audited):
    cases, (report, out) = made(volumes), audited(CHEAT, volumes)
    (row,) = report["untouched"]
    for shot, k, whose in zip(row, (0, 2, 1, 3), ("negative",) * 2 + ("positive",) * 2, strict=True):
        assert shot["caption"] == f"picture {k + 1}, a {whose}"
        drawn = torch.from_numpy(np.asarray(Image.open(out / running.FOLDER / shot["file"])) / 255.0)[::6, ::6, 0]
        image = cases.images[k, 0, 4] if volumes else cases.images[k, 0]
        low, high = cases.images[k].aminmax()
        assert (drawn - (image - low) / (high - low)).abs().max() < 0.01


@pytest.mark.parametrize("part, honest, cheat", [
    ("lesion removed", "100 % turn negative once the finding is filled in, and 0 % once the same shape is filled in "
     "elsewhere: what is outlined matters", "Find out what else"),
    ("best fixed place", "", "look at what stands there"), ("where it looks", "", "where no illness can be"),
    ("flips", "", "One class turns and the other does not")])
def test_sentences_tell_an_honest_network_from_a_cheat(part: str, honest: str, cheat: str, audited: Audited):
    told = [" ".join(wording.sentences(part, audited(net)[0]["parts"][part])) for net in (HONEST, CHEAT)]
    assert honest in told[0] and cheat in told[1] and cheat not in told[0]


def test_patients_who_are_few_or_known_stand_in_the_first_line(tmp_path: Path):
    few = {12: "", 3: "3 patients: fewer than ten, so nothing is said of new ones.", 1: "1 patient:"}
    for count, says in few.items():
        named = replace(made(), patients=[f"p{2 + 4 * (n % count)}" for n in range(24)])
        report = u3audit.run(HONEST, named, out=tmp_path, trained=["p2", "x"] if count == 3 else [])
        text = u3audit.write(report, tmp_path).read_text()
        first, _, rest = text.partition("<h1>")
        assert says in first and ("nothing is said of new ones" in first) == (count < 10)
        assert ("The network learnt from 1 of the 3 patients here (p2)" in first) == (count == 3)
        assert ("Below ten patients" in rest) == (count < 10)
        assert (f"A bracket is a 95 % interval, from {wording.people(count)} only. One without" in rest) == (count < 10)
        order = [text.find(f'scope="row">p{number}<') for number in (2, 6, 10)][:count]
        assert order == sorted(order) and order[0] > 0
    wide = {"patients": 12, "parts": {"one": {"value": [0.5, 0.1, 0.9], "floor": 0.5}}}
    assert wording.intervals(wide) == "A bracket is a 95 % interval."


SIGNS = ("lesion removed", "best fixed place", "outside the body", "worst flip of one class")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of thresholds: of slices at 40 %, with few false alarms and many misses; of volumes at 20 %."""
    rates = {"false alarms": (0.25, 4), "missed": (0.6, 15), "missed, of those that need the cue": (0.5, 12),
             "false alarms, 3-D": (0.5, 2), "missed, 3-D": (0, 3), "missed, of those that need the cue, 3-D": (0, 1)}
    summary = {"threshold": dict.fromkeys(SIGNS, 0.4), "threshold, 3-D": dict.fromkeys(SIGNS, 0.2)} | {
        label: dict.fromkeys((*SIGNS, "any sign"), share) | {"networks": count}
        for label, (share, count) in rates.items()}
    monkeypatch.setattr(results, "facts", lambda name: {"evidence": {"summary": summary}})


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("name, cheating, honest", [
    ("lesion removed", 0.1, 0.9), ("best fixed place", 0.9, 0.1), ("flips", 0.5, 0.4)])
def test_a_number_is_told_beside_its_threshold_and_how_often_that_was_wrong(name: str, cheating: float, honest: float):
    told = wording.beside_threshold(name, [cheating] * 3)
    assert "the threshold of 40 %, on the side of networks that cheat." in told and "says little" not in told
    assert "for slices" in told and "for 1 of 4 honest ones and missed 9 of 15 taught with a cue" in told
    assert "on the side of networks that cheat; its interval crosses the threshold." in wording.beside_threshold(
        name, [cheating, 0.3, 0.9])
    kept = wording.beside_threshold(name, [honest] * 3)
    assert "on the side of honest networks" in kept and "says little" in kept  # .6 were missed
    volumes = wording.beside_threshold(name, [cheating] * 3, 3)
    assert "threshold of 20 %" in volumes and "for volumes" in volumes
    assert "for 1 of 2 honest ones and missed 0 of 3" in volumes and "says little" in volumes  # .5 false alarms
    assert wording.cheats_lie(name, wording.thresholds(3)) == f"{'above' if cheating > honest else 'below'} 20 %"
    assert wording.cheats_lie("accuracy by patient", wording.thresholds()) == wording.NONE


@pytest.mark.usefixtures("table")
def test_all_thresholds_together_give_one_verdict(tmp_path: Path):
    parts = {name: {"value": [0.3, 0, 1]} for name in wording.TITLES["classifier"]}
    flat, deep = ({"sides": sides, "parts": parts, "kind": "classifier"} for sides in ([1, 96, 96], [1, 24, 64, 64]))
    verdict, rates = wording.together(flat)
    assert verdict == "On the side of networks that cheat: Lesion removed (of 4 that have a threshold)."
    for told in ("honest ones, 1 of 4 [0.6, 81 %] had", "a cue, 6 of 15 [16, 68 %] had one", "without it, 6 of 12 ["):
        assert told in rates
    verdict, rates = wording.together(deep)
    assert verdict.startswith("On the side of networks that cheat: The best fixed place, Where it looks, Flips (of 4")
    assert all(told in rates for told in ("1 of 2 [", "3 of 3 [29, 100 %] had", "1 of 1 ["))
    parts["lesion removed"] = {"value": None}
    assert wording.together(flat)[0].startswith(
        "This acquits nobody: none of these numbers lies on the side of networks that cheat (of 3")
    text = u3audit.write(u3audit.run(HONEST, made(), out=tmp_path), tmp_path).read_text()
    assert text.index("threshold: most that cheat are") < text.index("below 40 %") < text.index("above 40 %")
    assert text.count("<td class=\"number\">above 40 %</td>") == 3


def test_without_a_table_no_threshold_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(results, "facts", raising(U3Error("no such table")))
    assert "No threshold is known" in wording.beside_threshold("lesion removed", [0.1] * 3)
    assert wording.together({"sides": [1, 96, 96], "parts": {}, "kind": "classifier"}) == []


@pytest.mark.parametrize("change, whose, says", [
    ("blur", "negatives", "took softness, which the change adds"), ("noise", "negatives", "took grain, which"),
    ("blur", "positives", "read a fine mark, which the change takes away"), ("shift", "negatives", "a fixed place"),
    ("mirror", "positives", "with a fixed place or side, which the change moves")])
def test_a_flip_is_told_by_its_direction(change: str, whose: str, says: str):
    other = {"positives": "negatives", "negatives": "positives"}[whose]
    by = {name: {whose: [0, 0, 0], other: [0, 0, 0]} for name in ("mirror", "shift", "blur", "noise", "window")}
    by[change][whose] = [0.9, 0.8, 1]
    facts = {"change": change, "whose": whose, "by": by}
    part = {"value": by[change][whose], "floor": 0, "facts": facts, "why": "", "kind": "classifier", "axes": 2}
    assert says in " ".join(wording.sentences("flips", part))
    warned = " ".join(wording.about_blur(part))
    assert (f"Blur alone turns 90 % of the {whose}" in warned) == bool(warned) == (change == "blur")


def test_the_list_of_what_is_not_claimed_reads_its_numbers_from_the_table(monkeypatch: pytest.MonkeyPatch):
    rows = {run: row for run, row in results.table("audited").items() if run.axes == "2-D" and run.role == "judge"}

    def all_of(*cues: str) -> list[str]:
        found = [row.removed for run, row in rows.items() if run.cue in cues]
        return [claims.spread("removed", found), claims.spread("lesion", [
            row.lesion for run, row in rows.items() if run.cue in cues])]

    told = " ".join(map(claims.measured, claims.NOT_SAID))
    assert not re.search(r"[{}]", told) and sum(map(bool, map(claims.measured, claims.NOT_SAID))) == sum(
        bool(one.measured) for one in claims.NOT_SAID)
    for one in (*all_of("calipers"), *all_of("none", "harmless")):
        assert one in told
    assert claims.spread("removed", [0.88, 0.91]) == "88 to 91 %"
    assert claims.spread("lesion", [16.2, 17.9]) == "16 to 18"
    monkeypatch.setattr(results, "table", lambda name: {})
    assert all(not claims.measured(one) for one in claims.NOT_SAID if "{" in one.measured)


def test_numbers_are_written_shortly():
    assert [wording.percent(x) for x in (0, 1, 0.784, 0.015, 0.04, -0.013)] == [
        "0 %", "100 %", "78 %", "1.5 %", "4 %", "−1.3 %"]
    assert wording.percent(-1e-5) == "0 %"


# ---- the command


def asked(folder: Path, make: str, *more: str) -> list[str]:
    return ["audit", f"my_module:{make}", str(folder / "weights.pt"), str(folder / "scans"), "--labels",
            str(folder / "labels.csv"), "--positive", "ill", "--out", str(folder / "report"), *more]


def test_a_module_of_ones_own_is_audited_from_the_command_line(folder: Path):
    done = subprocess.run([sys.executable, "-m", "u3lab", *asked(
        folder, "make", "--masks", "masks", "--trained", "trained.csv", "--front")], cwd=folder, text=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": str(Path(audit.__file__).parents[2])})
    assert done.returncode == 0, done.stderr
    file = Path(done.stdout.strip())
    assert file == folder / "report" / "report.html" and "Traceback" not in done.stderr
    kept = json.loads(file.with_suffix(".json").read_text())
    assert kept["parts"]["lesion removed"]["value"] == [1, 1, 1] and kept["shared"] == ["p03"] and kept["class"] == 1
    assert kept["network"] == "my_module:make" and kept["sides"] == [1, SIDE, SIDE] and kept["patients"] == 12


@pytest.mark.parametrize("make", ["mapped", "outlines"])
def test_scores_in_a_dict_are_found_and_maps_of_them_are_segmentation(make: str, folder: Path, monkeypatch):
    monkeypatch.chdir(folder)
    assert main([*asked(folder, make), "--masks", "masks", "--front"]) == 0
    kept = json.loads((folder / "report" / "report.json").read_text())
    assert kept["kind"] == {"mapped": "classifier", "outlines": "segmentation"}[make] and not kept["behind"]
    assert kept["parts"]["lesion removed"]["value"] == [1, 1, 1]
    assert ("Dice by patient" in kept["parts"]) == (make == "outlines")


@pytest.mark.parametrize("make, says", [("lost", "no function 'lost'"), ("nan", "NaN"), ("MAKE", "no function"),
                                        ("torn", "answers with a dict of 'a', 'b'"),
                                        ("outlines", "answers for each pixel, so it is compared with outlines")])
def test_a_module_that_will_not_do_gets_one_sentence(make: str, says: str, folder: Path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main(asked(folder, make)) == 1
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert told.startswith("u3lab: ") and says in told


@pytest.mark.parametrize("make, kind", [("broken", KeyError), ("fails", RuntimeError)])
def test_an_error_inside_a_module_is_shown_as_it_is(make: str, kind: type, folder: Path, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(kind) as told:
        main(asked(folder, make))
    size = (" It was given (1, 1, 32, 32); if it takes another size, give --size or --window, if other channels, let "
            "my_module:fails return nets.wrap(network, channels=…).") * (make == "fails")
    assert told.value.__notes__ == [f"This error arose inside my_module:{make}, and is shown as it was raised; the "
                                    f"audit ends here.{size}"]


def test_an_error_of_ours_is_not_laid_at_the_users_door():
    with pytest.raises(IndexError) as told, own.inside("mine", called=True):
        [][0]
    assert not hasattr(told.value, "__notes__")


def test_weights_that_do_not_fit_get_one_sentence(folder: Path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    file = folder / "weights.pt"
    for spoil, says in ((lambda: torch.save({"second.weight": torch.ones(1)}, file), "do not fit my_module:make"),
                        (lambda: torch.save(torch.nn.Flatten(), file), "a whole module is in it"),
                        (lambda: file.write_bytes(b"no weights"), "cannot be read as weights"),
                        (file.unlink, "there is no file")):
        spoil()
        assert main(asked(folder, "make")) == 1
        assert says in capsys.readouterr().err


@pytest.mark.parametrize("kept", [
    lambda own: {"state_dict": {f"module.{key}": value for key, value in own.items()}, "epoch": 3},
    lambda own: {"model_state_dict": own}, lambda own: {"model": {f"net.{key}": value for key, value in own.items()}}])
def test_weights_are_found_where_a_training_script_keeps_them(kept, folder: Path, monkeypatch):
    monkeypatch.chdir(folder)
    torch.save(kept({"first.weight": torch.full((1, 1, 1, 1), 7.0)}), folder / "weights.pt")
    assert own.made("my_module:make", str(folder / "weights.pt")).first.weight.item() == 7


def test_a_network_for_volumes_is_not_asked_about_pictures():
    deep = torch.nn.Sequential(torch.nn.Conv3d(1, 2, 3), torch.nn.Flatten(), torch.nn.Linear(8, 2)).eval()
    one_sentence("deep has convolutions for volumes, and what was read are pictures, ", own.tried, deep,
                 torch.zeros(1, 1, 8, 8), "1", "deep")


def test_a_label_means_the_class_of_its_name_or_number():
    x = torch.zeros(1, 1, 8, 8)

    def scores(count: int) -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, count)).eval()

    assert own.tried(scores(5), x, "3") == 3 and own.tried(scores(2), x, "ill") == 1
    assert own.tried(scores(2).bfloat16(), x, "ill") == 1  # asked in its own precision
    assert own.tried(scores(1), x, "ill") == 0
    one_sentence("which of the 5 classes", own.tried, scores(5), x, "ill")


def test_a_folder_that_cannot_be_written_gets_one_sentence(tmp_path: Path, audited: Audited):
    (tmp_path / "file").write_text("")
    one_sentence("cannot be written", u3audit.run, HONEST, made(), out=tmp_path / "file")
    one_sentence("the same folder", page.write, audited(HONEST)[0], tmp_path / "other")
