"""The pages that a newcomer reads: README's lines run as they stand, pages stay short, and no link leads nowhere."""

import math
import re
from pathlib import Path

import pytest

from tools import methods_page
from tools.site.knowing import REGISTRIES
from u3course import doctor
from u3server.visitors import Kernels

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "data" / "README.md"])
TEACHING = sorted(ROOT.glob("docs/teaching/*.md"))  # its index is named in the README, and names the others
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_the_tour_runs_from_top_to_bottom(tmp_path: Path, monkeypatch):
    """Each block goes on where the one before it ended."""
    monkeypatch.chdir(tmp_path)
    known: dict = {}
    for block in re.finditer(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        lines_before = README[: block.start(1)].count("\n")
        exec(compile("\n" * lines_before + block[1], "README.md", "exec"), known)  # errors name README's own lines
    assert {file.name for file in tmp_path.glob("*.png")} == {"saliency.png", "mask.png"}
    assert known["m"].shape == (1, 1, 227, 227) and known["back"].shape == known["x"].shape
    assert known["direction"].shape == (512,)


@pytest.mark.parametrize("name, most", [("README.md", 150), ("CONTRIBUTING.md", 120)])
def test_it_is_one_page(name: str, most: int):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= most
    assert not [line for line in lines if len(line) > 120 and not line.startswith(("|", "!"))]


def test_what_the_gates_take_is_what_was_measured():
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    measured = " ".join((ROOT / "docs" / "testing.md").read_text(encoding="utf-8").split())
    minutes = re.findall(r"^make (quick|test|full) .*: (\d+) minutes on two cores$", told, re.MULTILINE)
    assert [name for name, _ in minutes] == ["quick", "test", "full"]
    assert re.findall(r"`make (quick|test|full)` (?:took )?(\d+) minutes", measured) == minutes


@pytest.mark.parametrize("page", [*PAGES, *TEACHING], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path):
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not heading or heading in headings(target), f"{page.name} links to {link}"


def headings(page: Path) -> set[str]:
    """Anchors as GitHub makes them of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_what_was_not_tried_says_where_it_was_read():
    section = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8").partition("\n## Other front ends\n")[2]
    rows = re.findall(r"^\| .* \|$", section.partition("\n## ")[0], re.MULTILINE)[1:]
    assert len(rows) >= 4 and not [row for row in rows if "(tried)" not in row and "](https://" not in row]


def test_readme_says_whether_a_gpu_was_tried_as_the_page_on_tests_does():
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    assert ("computed on CPUs; no GPU was tried." in README) == ("No notebook has been run on a GPU." in page)


def test_every_page_is_named_in_the_readme():
    named = {(ROOT / link.partition("#")[0]).resolve() for link in LINK.findall(README) if "://" not in link}
    assert set(PAGES) - {ROOT / "README.md"} <= named


def test_every_notebook_is_in_both_tables():
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"(notebooks/{notebook.name})" in README
        number = notebook.name.partition("_")[0]
        assert re.search(rf"^\| {number} · [^|]*\| \d+ \| \d+ MiB \|", README, re.MULTILINE), number


def largest_notebook() -> int:
    """The largest peak in the table, in MiB."""
    return max(int(peak) for peak in re.findall(r"^\| \w+ · [^|]*\| \d+ \| (\d+) MiB \|", README, re.MULTILINE))


def test_what_a_kernel_may_take_is_the_peak_of_the_largest_notebook():
    """Rounded up to a tenth, wherever it is said; and the doctor asks for it."""
    said = f"{math.ceil(largest_notebook() / 102.4) / 10} GiB"
    for name in ("u3server/pages.py", "docs/teaching.md", "deploy/jupyter_server_config.py"):
        assert f" up to {said}" in (ROOT / name).read_text(encoding="utf-8"), name
    assert f"no more than two minutes and {said}." in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert said == f"{doctor.ENOUGH_MEMORY / 2**30:.1f} GiB"
    assert largest_notebook() < 1024 * Kernels.memory.default_value, "a page for visitors has no room for it"


def test_the_page_of_methods_is_that_of_the_registries():
    """If not: python -m tools.methods_page."""
    assert methods_page.PAGE.read_text(encoding="utf-8") == methods_page.page()


def test_the_page_of_methods_has_them_all():
    rows = [row.split(" | ")[0].removeprefix("| ") for row in methods_page.page().splitlines()]
    assert not [name for registry in REGISTRIES.values() for name in registry if name not in rows]
