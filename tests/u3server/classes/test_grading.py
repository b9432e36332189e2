"""A student who is graded tries to alter the marks. What an attack gains from nbgrader alone is seen first."""

import base64
import contextlib
import json
import os
import pickle
import types
from pathlib import Path

import nbformat
import pytest
import safetensors.torch

from tests.helpers import raising, refuses
from tests.u3course.lessons.test_exercises import ALL, slips
from tests.u3server.classes.test_nbgrader import NAMES, RIGHT, WRONG, lesson, tool
from u3course import course
from u3course.course import guard
from u3server import answers

pytest.importorskip("nbgrader")

from nbgrader.preprocessors import Execute  # noqa: E402
from nbgrader.utils import determine_grade  # noqa: E402
from traitlets.config import Config  # noqa: E402

from u3server import grading  # noqa: E402

IDENTITY = "def my_guided(p, through):\n    return p\n"  # wrong
ATTACKS = dict(block.partition("\n")[::2] for block in Path(__file__).with_name("attacks.txt").read_text(
    encoding="utf-8").split("\n=== ")[1:])  # "an edited check" is put right by nbgrader before it comes to this
# These gain nothing from nbgrader either, or end its run; here they get what the answer is worth.
OTHERS = {
    "exits": ("def my_guided(p, through):\n    raise SystemExit", 0),
    "ends the kernel": ("import os; os._exit(0)", 0),
    "kills it inside the check": ("import os\ndef my_guided(p, through):\n    os.kill(os.getpid(), 9)", 0),
    "is gone": ("pass", 0),
    "forges what is told": ("from u3course.course import answers\nanswers.called = lambda *_: 'bm8K'\n" + IDENTITY, 0),
    "imports nothing": ("import builtins; builtins.__import__ = lambda *_, **__: None\n" + IDENTITY, 0),
    "is right, and patches": ("course.check = None\n" + RIGHT["6-guided"], 2),
}
ROOT = os.name == "posix" and os.geteuid() == 0 and grading._works(*grading.OWN_WORLD, "true")


@pytest.fixture
def graded(tmp_path, monkeypatch):
    """Grade a notebook: (preprocessor, the sources of answers, another last check) → its cells, points by name."""
    if not ROOT:
        monkeypatch.setattr(grading, "_account", lambda user: None)

    def run(kind, written: dict[str, str], check: str = "", **settings):
        notebook = lesson(dict.fromkeys(written, "..."))
        tool().mark(notebook)
        for cell in notebook.cells:
            if cell.source.startswith("course.check("):
                cell.source = f"report = {cell.source}\nreport"
        checks = [types.SimpleNamespace(name=cell.metadata.nbgrader["grade_id"], source=cell.source, locked=True)
                  for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
        book = types.SimpleNamespace(find_notebook=lambda *_: types.SimpleNamespace(source_cells=checks))
        monkeypatch.setattr(grading, "Gradebook", lambda _: contextlib.nullcontext(book))
        for cell in notebook.cells:
            tag = next((tag.removeprefix("exercise-") for tag in cell.metadata.get("tags", [])), None)
            cell.source = written.get(tag, cell.source)
        notebook.cells[-1].source = check or notebook.cells[-1].source
        handed_in = tmp_path / "autograded" / "mallory" / "ps1"
        handed_in.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, handed_in / "lesson.ipynb")
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        facts = {"db_url": "", "notebook": "lesson", "assignment": "ps1"}
        config = Config(ExecuteApart=settings, CourseDirectory={"root": str(tmp_path)})
        kind(config=config).preprocess(notebook, {"nbgrader": facts, "metadata": {"path": str(handed_in)}})
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        return cells, {cell.metadata.nbgrader["grade_id"]: determine_grade(cell)[0] for cell in cells
                       if cell.metadata.get("nbgrader", {}).get("grade")}

    return run


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_works_on_its_own_kernel_and_not_here(attack: str, graded):
    source, check = {"6-guided": f"{ATTACKS[attack]}\n{IDENTITY}"}, "2" if attack == "an edited check" else ""
    assert graded(Execute, source, check)[1] == {"6-guided": 2}
    assert graded(grading.ExecuteApart, source, check)[1] == {"6-guided": 0}


@pytest.mark.parametrize("attack", OTHERS)
def test_an_answer_gets_what_it_is_worth(attack: str, graded):
    source, worth = OTHERS[attack]
    assert graded(grading.ExecuteApart, {"6-guided": source}, timeout=5)[1] == {"6-guided": worth}


def test_after_an_answer_that_never_ends_the_next_is_judged(graded, monkeypatch):
    monkeypatch.setattr(guard, "SECONDS", 1.0)
    loops = "def my_guided(p, through):\n    while True:\n        pass"
    cells, points = graded(grading.ExecuteApart, {"6-guided": loops, "6-hits": WRONG["6-hits"]})
    assert points == {"6-guided": 0, "6-hits": 3}
    assert "still running after 1 seconds" in cells[3].outputs[0].data["text/html"]


def test_three_chapters_in_a_kernel_apart(graded):
    """Right answers get all points, with arguments of any kind; what a check binds is there for the cells below."""
    names = [name for name in ALL if name.split("-")[0] in ("4", "5", "6", "6a") and name not in NAMES]
    right = {name: ("assert report.passed\n" if n else "") + "from u3course.course import catalogue\n"
                   f"mine = catalogue.find({name!r}).reference" for n, name in enumerate(names)}
    _, points = graded(grading.ExecuteApart, right)
    assert points == {name: ALL[name].points for name in names} and len(names) > 12


SPY = """
import os, socket
def tried(read):
    try:
        return str(read())
    except OSError as error:
        return type(error).__name__
print(tried(lambda: open({secret!r}).read()), tried(lambda: os.listdir({folder!r})), tried(lambda: open({mark!r}, "w")))
print(tried(lambda: open(f"/proc/{grader}/environ", "rb").read()), os.environ.get("PASSWORD"), os.getuid())
print([name for _, name in socket.if_nameindex()], os.path.expanduser("~") == os.getcwd(), os.environ["HOME"])
import atexit
atexit.register(lambda: open({mark!r}, "w"))
"""


@pytest.mark.skipif(not ROOT, reason="only root can run code as somebody without rights, in a world of its own")
def test_an_answer_reaches_nothing_of_the_graders(graded, tmp_path, monkeypatch):
    monkeypatch.setenv("PASSWORD", "open sesame")
    secret, mark = tmp_path / "gradebook.db", tmp_path / "autograded" / "mark"
    secret.write_text("the marks")  # anybody may read it: what hides it is the world of its own
    spy = SPY.replace("{grader}", str(os.getpid())).replace("{secret!r}", repr(str(secret))).replace(
        "{folder!r}", repr(str(Path.home()))).replace("{mark!r}", repr(str(mark)))
    source = {"6-guided": f"{spy}\n{RIGHT['6-guided']}"}
    seen = graded(Execute, source)[0][2].outputs[0].text  # so is the check seen to see
    assert "the marks" in seen and "open sesame" in seen and mark.exists()
    mark.unlink()
    cells, points = graded(grading.ExecuteApart, source)
    seen = cells[2].outputs[0].text
    assert points == {"6-guided": 2} and not mark.exists()
    assert "the marks" not in seen and "open sesame" not in seen and str(Path.home()) not in seen.split()[-1]
    files, others, net = seen.splitlines()
    assert "PermissionError" in files.split()[-1] + files and " None " in others and "['lo'] True" in net


def told(source: str, **names) -> course.Report:
    """The report of a check whose answers are elsewhere, without a kernel: what is asked is an expression."""
    return answers.checked(source, lambda asked: str(eval(asked, names)))[0]


@pytest.mark.parametrize("name", ALL)
def test_what_is_told_is_judged_as_the_answer_itself(name: str):
    """The right answer, the stub, and three wrong ones: points and words are the same, but for a traceback's lines."""
    wrong = [function for function, _ in slips(name)][:3]
    for answer in (ALL[name].reference, ..., *wrong):
        here, there = course.check(name, answer), told(f"course.check({name!r}, mine)", mine=answer)
        assert (there.state, there.points, there.message.splitlines()[0]) == (
            here.state, here.points, here.message.splitlines()[0])


class Bomb:
    """Unpickled, it would end this process."""

    def __reduce__(self):
        return os._exit, (1,)


def message(said: object, rest: bytes = safetensors.torch.save({})) -> str:
    return base64.b64encode(json.dumps(said).encode() + b"\n" + rest).decode()


FORGED = ["", "no base64", base64.b64encode(pickle.dumps(Bomb())).decode(), message([]), message({}),
          message({"form": 1}), message({"form": "steps", "parts": [], "given": [[["tensor", "7"]], None]}),
          message({"raised": ["exec", "eval"], "says": "import os; os._exit(1)", "where": ""}),
          message({"raised": [["SystemExit"]], "says": "", "where": []}),
          message({"raised": ["<script>"], "says": "<script>", "where": "<script>"}),
          message({"form": "one", "parts": [["tensor", "7"]], "given": [[], []]}),
          message({"form": "one", "parts": [["other", "__import__('os')._exit(1)"]], "given": []}, b"\1" * 9),
          base64.b64encode(b"[" * 100_000).decode(), "A" * (answers.MOST + 4)]


@pytest.mark.parametrize("forged", FORGED, ids=range(len(FORGED)))
def test_a_forged_message_is_worth_nothing(forged: str):
    for about_the_call in (True, False):  # else about the name
        with contextlib.suppress(Exception):
            report, _ = answers.checked('course.check("6-guided", mine)', lambda asked: (
                answers.named(print) if about_the_call and ".named(" in asked else forged))  # noqa: B023
            assert not report.passed and report.points == 0
            assert "<script>" not in report._repr_mimebundle_()["text/html"]
            continue
        assert not about_the_call  # a check raises nothing


def test_every_way_to_fail_is_told():
    def says(answer):
        report = told('course.check("6-guided", mine)', mine=answer)
        return f"{report.state} {report.message}"

    assert "exit()" in says(raising(SystemExit())) and "helpers.py, line" in says(raising(ValueError()))
    for answer, words in ((raising(ValueError("so it is")), "ValueError: so it is"),
                          (lambda p, through: ..., "not tried"), (lambda p, through: p.numpy(), "an ndarray"),
                          (lambda p, through: p.zero_(), "in place")):
        assert words in says(answer)


def test_who_has_no_way_to_take_rights_away_is_told(graded, monkeypatch, caplog):
    monkeypatch.setattr(grading, "_account", lambda user: None)
    refuses(graded, grading.ExecuteApart, {"6-guided": IDENTITY}, strict=True, says="students' code has your rights")
    assert graded(grading.ExecuteApart, {"6-guided": RIGHT["6-guided"]})[1] == {"6-guided": 2}


@pytest.mark.skipif(not ROOT, reason="only root can run code as somebody else")
def test_a_user_that_is_not_there():
    refuses(grading._account, "nobody-of-that-name", says="no user 'nobody-of-that-name'")
