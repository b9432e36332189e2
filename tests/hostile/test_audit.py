"""What a hostile day brings to an audit: each is one sentence, or a report that says what it could not measure."""

import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import u3audit
from tests.helpers import one_sentence, raising
from tests.u3audit.test_report import MAKE, Read
from u3audit import own, reading
from u3course import doctor
from u3lab import audit
from u3lab.__main__ import main
from u3lab.errors import U3Error
from u3lab.nets import ready

N, SIDE = 8, 16


class Peak(nn.Module):
    """Scores (B,2) by the brightest pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.ones_(self.first.weight)

    def forward(self, x: Tensor) -> Tensor:
        s = self.first(x).flatten(1).amax(1) * 10 - 6
        return torch.stack([-s / 2, s / 2], 1)


class Pixels(Peak):
    """Scores (B,2,H,W) by each pixel."""

    def forward(self, x: Tensor) -> Tensor:
        s = self.first(x) * 10 - 6
        return torch.cat([-s / 2, s / 2], 1)


class Always(Peak):
    """The same answer, whatever it is shown."""

    def __init__(self, score: float, maps: bool = False) -> None:
        super().__init__()
        self.score, self.maps = score, maps

    def forward(self, x: Tensor) -> Tensor:
        return x * 0 + self.score if self.maps else torch.tensor([[0.0, self.score]]).repeat(len(x), 1)


class Answers(Peak):
    """Another answer, by a picture and by the answer as it was."""

    def __init__(self, other: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.other = other

    def forward(self, x: Tensor) -> Tensor:
        return self.other(x, super().forward(x))


FAILS = Answers(raising(ZeroDivisionError("in the user's own code")))


def in_place(x: Tensor, answer: Tensor) -> Tensor:
    """Writes over what it is given."""
    x.mul_(0)
    return answer


def nan_now(x: Tensor, answer: Tensor) -> Tensor:
    """NaN as soon as nothing is brighter than the tissue and the picture is not as it was."""
    smooth = (x[..., 1:] - x[..., :-1]).abs().flatten(1).amax(1) < 0.29
    return torch.where(smooth[:, None], torch.nan, answer)


def some() -> tuple[Tensor, Tensor, Tensor]:
    """Squares of tissue, every other one with a bright finding: pictures, labels, outlines."""
    x = torch.zeros(N, 1, SIDE, SIDE)
    x[..., 2:14, 2:14] = 0.3
    positive, outlines = torch.arange(N) % 2 == 1, torch.zeros(N, 1, SIDE, SIDE, dtype=torch.bool)
    for n in range(1, N, 2):
        outlines[n, 0, 4 + n % 3 : 6 + n % 3, 5:7] = True
    x[outlines] = 0.9
    return x, positive, outlines


def reported(net: nn.Module, out: Path, x: Tensor, positive: Tensor, outlines: Tensor | None,
             behind: bool = False, **more: object) -> tuple[dict, str]:
    """A report, and what its page says; every number in it is finite, and its pictures have words."""
    report = u3audit.run(net.eval(), audit.Cases(x, positive, outlines, **more), out=out, behind=behind)
    seen = Read(u3audit.write(report, out).read_text(encoding="utf-8"))
    json.loads((out / "report.json").read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name))
    assert not seen.bare and not seen.open
    return report, "".join(seen.words)


NETS = {"a classifier": Peak, "a segmenter": Pixels}


def missing(report: dict) -> set[str]:
    return {name for name, part in report["parts"].items() if part["value"] is None}


def one_pixel(x: Tensor, positive: Tensor, outlines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    point = torch.zeros_like(outlines)
    point[positive, 0, 7, 7] = True
    return torch.where(point, 1.0, x), positive, point


FIRST = torch.arange(N).view(-1, 1, 1, 1) == 1
ODD = {  # what is spoilt: how, and what pages of both kinds of network say of it
    "black": (lambda x, y, o: (x * 0, y, o), "has no positive or no negative right"),
    "white": (lambda x, y, o: (x * 0 + 1, y, o), "Lesion removed"),
    "one positive": (lambda x, y, o: (x, FIRST.flatten(), o & FIRST), "1 of them positive"),
    "one negative": (lambda x, y, o: (x, torch.arange(N) > 0, o), "7 of them positive"),
    "an outline of all": (lambda x, y, o: (x, y, o | FIRST), "1 further outlines leave no room"),
    "outlines of all": (lambda x, y, o: (x, y, o | y.view(-1, 1, 1, 1)),
                        "Each outline is so large that the same shape has no other place"),
    "one pixel": (one_pixel, "Lesion removed"),
    "none outlined": (lambda x, y, o: (x, y, o & False), "The first number is missing."),
    "2×2 pixels": (lambda x, y, o: (x[..., 5:7, 5:7], y, o[..., 5:7, 5:7]), "Lesion removed"),
    "labels swapped": (lambda x, y, o: (x, ~y, o), "finds none of the positives that have an outline"),
}


@pytest.mark.parametrize("which", NETS)
@pytest.mark.parametrize("name", ODD)
def test_odd_cases_make_a_report_that_says_so(name: str, which: str, tmp_path: Path):
    spoil, says = ODD[name]
    report, text = reported(NETS[which](), tmp_path, *spoil(*some()), behind=name in ("black", "labels swapped"))
    assert says in text and text.count("missing") >= len(missing(report))
    for name, part in report["parts"].items():
        assert (part["value"] is None) == bool(part["why"]) and "\n" not in part["why"], name


@pytest.mark.parametrize("net", [Always(3.0), Always(-3.0), Always(3.0, maps=True), Always(-3.0, maps=True)])
def test_a_network_that_never_changes_its_mind_is_reported(net: Always, tmp_path: Path):
    report, text = reported(net, tmp_path, *some(), behind=True)
    assert "where it looks" in missing(report) and "Behind it" in text
    assert not any(row[1].endswith(", passes") for row in report["behind"]["maps"].get("table", ()))
    accuracy = report["parts"]["Dice by patient" if net.maps else "accuracy by patient"]
    assert accuracy["value"][0] == (pytest.approx(0.5) if not net.maps else pytest.approx(8 / 260 * (net.score > 0)))


def test_nan_in_the_middle_of_a_run_costs_one_number(tmp_path: Path):
    report, text = reported(Answers(nan_now), tmp_path, *some())
    assert missing(report) == {"flips"} and "NaN" in text and report["parts"]["lesion removed"]["value"]


def test_a_network_that_writes_over_its_pictures_changes_none(tmp_path: Path):
    x, *known = some()
    found = [reported(net, tmp_path / str(k), x, *known)[0]["parts"]
             for k, net in enumerate((Peak(), Answers(in_place)))]
    assert torch.equal(x, some()[0])
    assert all(found[0][name]["value"] == found[1][name]["value"] for name in found[0])


def test_a_network_that_raises_is_shown_as_it_is(tmp_path: Path):
    with pytest.raises(ZeroDivisionError, match="in the user's own code") as told:
        u3audit.run(FAILS.eval(), audit.Cases(*some()), out=tmp_path)
    assert any("inside Answers" in note for note in told.value.__notes__)


def odds(say: Callable[[Tensor], Tensor]) -> nn.Module:
    """A network that says its log-odds, about −3 and 3, in other words."""
    return Answers(lambda x, answer: say(answer[:, 1:] * 2)).eval()


def audited(net: object, *known: Tensor, out: str = "never", **more: object) -> None:
    u3audit.run(net, audit.Cases(*known), out=out, **more)


REFUSED = {
    "for all 8 pictures they lie in [0,1]; return logits": lambda *known: audited(odds(torch.sigmoid), *known),
    "for all 8 pictures they are 0 or more and sum to 1; return logits": lambda *known: audited(
        odds(lambda s: torch.cat([-s, s], 1).softmax(1)), *known),
    "answers differently about the same pictures when it is asked twice": lambda *known: audited(
        odds(nn.functional.dropout), *known),
    "NaN": lambda x, y, o: audit.Cases(x * torch.nan, y, o),
    "[0,1] is wanted": lambda x, y, o: audit.Cases(x * 300 - 100, y, o),
    "all 8 pictures are positive": lambda x, y, o: audit.Cases(x, y | True, o),
    "as large as the pictures": lambda x, y, o: audit.Cases(x, y, o[..., :8]),
    "bool is wanted": lambda x, y, o: audit.Cases(x, y.float(), o),
    "1×1 pixels": lambda x, y, o: audit.Cases(x[..., :1, :1], y, o[..., :1, :1]),
    "(B,C,H,W)": lambda x, y, o: audit.Cases(x[0], y, o),
    "0": lambda x, y, o: audit.Cases(x[:0], y[:0], o[:0]),
    "floats": lambda x, y, o: audit.Cases((255 * x).byte(), y, o),
    "patients[1]": lambda x, y, o: audit.Cases(x, y, o, ["a", None] * 4),
    "training mode": lambda *known: audited(Peak().train(), *known),
    "answers one picture with": lambda *known: audited(Answers(lambda _, s: s[:, 1].squeeze()).eval(), *known),
    "shape (1, 3, 4)": lambda *known: audited(Answers(lambda x, _: torch.zeros(len(x), 3, 4)).eval(), *known),
    "compared with outlines": lambda x, y, _: audited(Pixels().eval(), x, y),
    "positive = 7; give": lambda *known: audited(Peak().eval(), *known, positive=7),
    "a network is wanted": lambda *known: audited("Peak", *known),
    "behind = 1": lambda *known: audited(Peak().eval(), *known, behind=1),
    "cannot be written": lambda *known: audited(FAILS.eval(), *known, out="/dev/null/report"),
}


@pytest.mark.parametrize("says", REFUSED)
def test_what_cannot_be_audited_gets_one_sentence(says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    one_sentence(says, REFUSED[says], *some())


@pytest.mark.parametrize("say", [
    lambda s: s, lambda s: s * 0.01 + 0.5, lambda s: s * 0 + 0.5, lambda s: torch.cat([s, -s], 1).log_softmax(1),
    lambda s: torch.cat([s, -s], 1).sigmoid() * 1.01])
def test_logits_that_happen_to_lie_in_0_1_are_no_probabilities(say: Callable[[Tensor], Tensor]):
    x = some()[0]
    assert own.sound(ready(odds(say)), x) is None
    assert own.sound(ready(odds(torch.sigmoid)), x[: own.ENOUGH - 1]) is None  # too few to tell


# ---- files and names


NAMES = ["a, b", "it's “so”", 'say "ill"', "<img src=x onerror=alert(1)>", "ü ß 例 🩻", "=1+1", "&amp;", "%20 #?"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder whose names are odd in every way that a file system takes."""
    x, positive, outlines = some()
    for part in ("scans", "masks"):
        (tmp_path / part).mkdir()
    rows = ["file,label,patient"]
    for n, name in enumerate(NAMES):
        Image.fromarray((255 * x[n, 0]).byte().numpy()).save(tmp_path / "scans" / f"{name}.png")
        Image.fromarray(outlines[n, 0].byte().numpy()).save(tmp_path / "masks" / f"{name}.png")
        quoted = name.replace('"', '""')
        rows.append(f'"{quoted}.png",{int(positive[n])},"{quoted}"')
    (tmp_path / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "my_module.py").write_text(MAKE.replace("[..., 6:26, 6:26]", ""))
    torch.save({"first.weight": torch.ones(1, 1, 1, 1)}, tmp_path / "weights.pt")
    return tmp_path


def called(folder: Path, make: str = "make", **other: str) -> list[str]:
    given = {"labels": "labels.csv", "masks": "masks", "out": "report"} | other
    return ["audit", f"my_module:{make}", "weights.pt", "scans", "--front",
            *(word for name, value in given.items() for word in (f"--{name}", value))]


def test_odd_names_of_files_and_patients_come_through(folder: Path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (folder / "trained.csv").write_text('patient\n"<img src=x onerror=alert(1)>"\n"a, b"\n', encoding="utf-8")
    assert main(called(folder, trained="trained.csv")) == 0
    page = (folder / "report" / "report.html").read_text(encoding="utf-8")
    seen = Read(page)
    text = "".join(seen.words)
    assert all(text.count(name) >= 1 for name in NAMES) and "<img src=x" not in page
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in seen.links)
    assert text.split("Audit of")[1].strip().splitlines()[1].startswith(  # the first line of the page
        "The network learnt from 2 of the 8 patients here (<img src=x onerror=alert(1)>, a, b), so its accuracy")
    assert json.loads((folder / "report" / "report.json").read_text(encoding="utf-8"))["shared"] == sorted(
        ["a, b", "<img src=x onerror=alert(1)>"])


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_does_not_know_a_sign_shows_a_question_mark(encoding: str, folder: Path, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(doctor, "run", lambda: [doctor.Line("weights", "例", "mend them")])
    for command, says in ((["doctor"], b"FIX  weights: ? ? mend them"), ([], b"usage: u3lab"),
                          (called(folder, out="例"), b"?/report.html")):
        streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        monkeypatch.setattr(sys, "stdout", streams[0]), monkeypatch.setattr(sys, "stderr", streams[1])
        main(command)
        streams[0].flush()
        assert says.replace(b"/", os.sep.encode()) in streams[0].buffer.getvalue()


def test_a_report_of_somebody_else_is_never_replaced(folder: Path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    out = folder / "report"

    def refused(says: str, make: str = "make") -> None:
        before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
        with monkeypatch.context() as patch:
            patch.setattr(reading, "read", lambda *given, **more: pytest.fail("work was begun"))
            assert main(called(folder, make)) == 1
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert says in told and told.endswith("give another folder as out= (--out)")
        assert before == {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}

    out.mkdir()
    for name, text in (("report.html", "<p>my thesis"), ("report.json", "[1]"), ("report.json", "{")):
        (out / name).write_text(text)
        refused(f"{name} would be replaced, and is no report that an audit")
        (out / name).unlink()
    assert main(called(folder)) == 0 and main(called(folder, seed="1")) == 0  # its own
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["seed"] == 1
    torch.save({"first.weight": torch.full((1, 1, 1, 1), 2.0)}, folder / "weights.pt")
    refused("holds the report of my_module:make with other weights")
    refused("holds the report of another network, my_module:make", "mapped")
    with pytest.raises(U3Error, match="another network, my_module:make"):
        u3audit.run(Peak().eval(), audit.Cases(*some()), out=out)
    with pytest.raises(U3Error, match="another network, my_module:make"):
        u3audit.write(report | {"network": "Peak"}, out)


OWN = """
class Rows(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.GRU(16, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.last(self.first(x)[0][:, -1])

def int8():
    return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Flatten(), nn.Linear(768, 2)))

def single():
    return nn.Sequential(nn.Flatten(), nn.Linear(768, 1), nn.Sigmoid())
"""


@pytest.mark.parametrize("make, says", [
    ("Rows", "my_nets:Rows takes pictures (1, 16, 16), without an axis of channels; let it return a module that"),
    ("int8", "the network is quantised (int8)"), ("single", "ends with a sigmoid, so its answers are probabilities")])
@pytest.mark.filterwarnings("ignore:torch:DeprecationWarning", "ignore:torch:UserWarning")
def test_a_network_that_the_command_cannot_ask_gets_one_sentence(make: str, says: str, folder: Path, monkeypatch,
                                                                 capsys):
    monkeypatch.chdir(folder)
    (folder / "my_nets.py").write_text(MAKE + OWN)
    command = called(folder, make)
    command[1:3] = f"my_nets:{make}", "-"
    assert main(command) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert told[-1].startswith("u3lab: ") and says in told[-1]


def mask(ground: tuple[int, ...], *squares: tuple[int, ...], mode: str = "RGBA") -> Image.Image:
    """A mask with squares of these colours, two pixels wide, on a ground: beside each other, from (4,4) on."""
    image = Image.new("RGBA", (SIDE, SIDE), ground)
    for n, colour in enumerate(squares):
        image.paste(colour, (4 + 2 * n, 4, 6 + 2 * n, 6))
    return image.convert(mode)


@pytest.mark.parametrize("image", [
    mask((0, 0, 0, 0), (255, 0, 0, 255)), mask((255, 255, 255, 0), (0, 0, 0, 255)),
    mask((0, 0, 0, 255), (9, 9, 9, 255)), mask((0, 0, 0, 128), (9, 9, 9, 128)),
    mask((0, 0, 0, 0), (0, 0, 0, 255), mode="LA"), mask((0, 0, 0, 255), (200, 200, 200, 255), mode="1")])
def test_a_mask_may_be_transparent_where_the_finding_is_not(image: Image.Image, folder: Path):
    image.save(folder / "masks" / "=1+1.png")
    wanted = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    wanted[:, 4:6, 4:6] = True
    found = u3audit.read(folder / "scans", folder / "labels.csv", masks=folder / "masks").outlines
    assert torch.equal(found[NAMES.index("=1+1")], wanted)


def test_of_more_than_two_labels_it_is_said_which_count_as_negative(folder: Path):
    table = folder / "labels.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",0,", ",2,", 3), encoding="utf-8")
    with pytest.warns(UserWarning, match=r"label 1 \(4 pictures\) is the finding, and all others count as negative: "
                                         r"0 \(1\), 2 \(3\)$"):
        u3audit.read(folder / "scans", table, positive="1")


WRONG = {
    "has the labels 'yes' and 'Yes', which differ in case alone": lambda f: (f / "labels.csv").write_text(
        (f / "labels.csv").read_text(encoding="utf-8").replace(",1,", ",yes,").replace(",yes,", ",Yes,", 2),
        encoding="utf-8"),
    "is transparent in some places and black in others": lambda f: mask(
        (0, 0, 0, 0), (0, 0, 0, 255), (255, 0, 0, 255)).save(f / "masks" / "=1+1.png"),
    "cannot be written": lambda f: (f / "report").write_text(""),
    "cannot be read as a picture": lambda f: (f / "scans" / "=1+1.png").write_bytes(b""),
}


@pytest.mark.parametrize("says", WRONG)
def test_a_spoilt_folder_gets_one_sentence_on_the_command_line(says: str, folder: Path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    WRONG[says](folder)
    assert main(called(folder, **{"positive": "yes"} if "case" in says else {})) == 1
    told = capsys.readouterr().err.strip().splitlines()
    assert told[-1].startswith("u3lab: ") and says in told[-1]
