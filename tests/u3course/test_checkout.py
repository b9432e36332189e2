"""Notebooks that a student ran, and the way to `git pull` all the same, with a real git from end to end."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import raising
from tests.u3server.test_copies import notebook
from u3course import checkout
from u3server import copies

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
NAME = "06_saliency.ipynb"
ROOT = Path(__file__).resolve().parent.parent.parent


def git(folder: Path, *words: str, fails: bool = False) -> str:
    """Run git as somebody who has told it nothing: no name, no settings."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    answer = subprocess.run(["git", *words], cwd=folder, env=variables, capture_output=True, text=True)
    assert (answer.returncode != 0) == fails, answer.stderr
    return answer.stdout + answer.stderr


def save(folder: Path, value: str, name: str = NAME) -> None:
    (folder / "notebooks").mkdir(exist_ok=True)
    (folder / "notebooks" / name).write_text('{\n "outputs": [\n  "' + value + '"\n ]\n}\n')


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=Teacher", "-c", "user.email=teacher@example.org", "commit", "-q", "-m", message)


@pytest.fixture
def student(tmp_path: Path, monkeypatch) -> Path:
    """A clone in which a notebook was run, while its upstream changed the same line."""
    upstream, folder = tmp_path / "upstream", tmp_path / "student"
    upstream.mkdir()
    git(upstream, "init", "-q")
    save(upstream, "as it came")
    save(upstream, "another", name="00_start_here.ipynb")
    commit(upstream, "first")
    git(tmp_path, "clone", "-q", str(upstream), str(folder))
    save(upstream, "newer")
    commit(upstream, "second")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(checkout, "_ROOT", folder)
    assert checkout.changed() is None
    save(folder, "mine")
    return folder


def follow(student: Path, text: str) -> None:
    """Run the git commands that stand in a text between backticks, in their order."""
    for command in re.findall(r"`git ([^`]+)`", text):
        git(student, *command.split())


def has(folder: Path, value: str) -> bool:
    return f'"{value}"' in (folder / "notebooks" / NAME).read_text()


def test_pull_is_refused_and_the_advice_updates_and_keeps_ones_own(student):
    assert "would be overwritten" in git(student, "pull", fails=True)
    found, advice = checkout.changed()
    assert NAME in found and "00_start_here" not in found and advice == ""
    follow(student, found)
    assert has(student, "newer") and has(student / "mine", "mine")
    assert checkout.changed() is None and "mine" in git(student, "stash", "show", "-p")


def test_the_page_on_notebooks_gives_the_same_advice(student):
    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8").partition("## Get a newer course")[2]
    told = re.findall("`(git [^`]+)`", checkout.changed()[0])
    assert told == [line.partition("#")[0].strip() for line in re.findall("^git .*", page, re.M)] and len(told) == 3


def test_with_copies_pull_is_not_refused_and_the_work_stays(student):
    """From end to end: copies, work in one of them, an upstream that moves on, and another start."""
    upstream, mine = student.parent / "upstream", student / "my"
    git(student, "checkout", "notebooks")
    shutil.copy(ROOT / ".gitignore", upstream)
    for version in ("first", "second"):
        for name in (NAME, "00_start_here.ipynb"):
            (upstream / "notebooks" / name).write_bytes(notebook(version))
        commit(upstream, version)
        git(student, "pull")
        said = copies.refresh(student / "notebooks", mine, edited=checkout.notebooks())
        if version == "first":
            (mine / NAME).write_bytes(notebook("mine"))
            (mine / "00_start_here.ipynb").write_bytes(notebook("first", run=1))
    assert checkout.changed() is None and git(student, "status", "--short") == ""
    assert (mine / NAME).read_bytes() == notebook("mine") and len(said) == 2
    assert (mine / "00_start_here.ipynb").read_bytes() == notebook("second") and len(list(mine.glob("*.ipynb"))) == 3


def test_conflict_marks_are_a_fault_and_the_advice_loses_nothing(student):
    git(student, "pull", "--autostash")
    assert "<<<<<<<" in (student / "notebooks" / NAME).read_text()
    found, advice = checkout.changed()
    assert f"conflict marks in notebooks/{NAME}" in found
    git(student, "merge", "--abort", fails=True)
    follow(student, advice.partition(";")[2])
    assert has(student, "newer") and has(student / "mine", "mine") and checkout.changed() is None


def test_conflict_marks_of_a_merge_go_with_it(student):
    commit(student, "mine")
    git(student, "config", "user.name", "Student")
    git(student, "config", "user.email", "student@example.org")
    git(student, "pull", "--no-rebase", fails=True)
    follow(student, checkout.changed()[1].partition(";")[0])
    assert has(student, "mine") and checkout.changed() is None


def test_nothing_is_written_and_other_files_do_not_count(student):
    index = (student / ".git" / "index").read_bytes()
    (student / "notebooks" / "00_start_here.ipynb").touch()
    (student / "notebooks" / "of_my_own.ipynb").write_text("{}")
    assert list(checkout.notebooks()) == [NAME]
    assert (student / ".git" / "index").read_bytes() == index


def test_without_git_or_a_checkout_or_with_broken_ones_there_is_no_line(student, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("GIT_DIR", os.devnull)  # as tools/notebooks.py sets it for its kernels
        assert checkout.changed() is None
    (student / ".git" / "HEAD").write_text("torn")
    assert checkout.changed() is None
    with monkeypatch.context() as patch:
        patch.setattr(checkout, "_ROOT", tmp_path)
        assert checkout.changed() is None
    monkeypatch.setattr(subprocess, "run", raising(subprocess.TimeoutExpired("git", 20)))  # it hangs
    assert checkout.changed() is None
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert checkout.changed() is None
