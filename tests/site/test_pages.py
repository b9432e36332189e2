"""What the site is made of: every method has an oracle, public names are shown, dead links are seen.

The finished pages are looked at in tests/browser/test_site.py.
"""

import json
from pathlib import Path

import pytest

from tools import site
from tools.site import __main__ as building
from tools.site import api, bench, evidence, knowing, links, reading
from tools.site.limits import limits
from u3audit.claims import NOT_SAID, measured
from u3lab import results
from u3lab._system import paths
from u3lab.figures import Figure

METHODS = [f"{registry}/{name}" for registry, methods in knowing.REGISTRIES.items() for name in methods]


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path):
    (tmp_path / "a.html").write_text('<p id="there"><a href="#there">1</a> <a href="b.html#gone">2</a> '
                                     '<a href="c.html">3</a> <a href="https://example.org/">4</a> <img src="d.png">')
    (tmp_path / "b.html").write_text("<p>")
    assert links.broken(tmp_path) == ["a.html → b.html#gone", "a.html → c.html", "a.html → d.png"]
    assert links.silent(tmp_path) == ["a.html: d.png"]


@pytest.mark.parametrize("link, status", [("a.html", 0), ("b.html", 1)])
def test_a_site_with_a_link_that_leads_nowhere_is_not_built(link: str, status: int, tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch):
    """Sphinx sees no such thing in HTML that stands in a notebook's output."""
    def written(arguments: list[str]) -> int:
        html = Path(arguments[-1])
        html.mkdir(parents=True)
        (html / "a.html").write_text(f'<a href="{link}">1</a>')
        return 0

    monkeypatch.setattr(building, "gather", lambda folder: None)
    monkeypatch.setattr(building, "build_main", written)
    assert building.build(tmp_path) == status


def test_what_makes_pages_is_watched_like_pages(tmp_path: Path):
    assert {"reading.py", "conf.py"} <= {file.name for file in site.MAKERS}
    (tmp_path / "maker.py").write_text("x = 1")
    before = site.edition((tmp_path / "maker.py",))
    (tmp_path / "maker.py").write_text("x = 2")
    assert site.edition((tmp_path / "maker.py",)) != before


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_an_oracle_and_its_limits(method: str):
    """Mark the test that compares its numbers with ``@pytest.mark.oracle(by, registry=[name])``."""
    registry, name = method.split("/")
    assert method in knowing.oracles()
    said = limits(knowing.REGISTRIES[registry][name])
    assert said and all(said), "declare it on its line in the registry"


def test_a_row_says_whether_the_peer_has_the_same_numbers():
    def said(*apart: float | None) -> tuple[str, str, str]:
        """Of peers that differ so much, whom ours stands beside; each is faster than those before."""
        peers = [{"name": f"peer {n}", "times_ms": [4], "ratios": [0.5 + 0.1 * n], "difference": one, "peak_mb": None}
                 for n, one in enumerate(apart)]
        found = bench.cells({"row": "a step", "methods": ["a/b"], "network": "n", "target": None, "peers": peers,
                             "ours": {"times_ms": [2, 1, 30], "peak_mb": 7.2}})
        assert (found["ours, ms"], found["goal"], found["MB, ours/theirs"]) == ("2", "none", "–")
        return found["beside"], found["ours/theirs"], found["difference"]

    assert said(1e-5) == said(1e-5, 0.2, None) == ("peer 0", "0.50 (0.50–0.50)", "1e-05")
    assert said(1e-5, 1e-4) == ("peer 1", "0.60 (0.60–0.60)", "0.0001")
    assert said(None, None) == ("peer 1", "0.60 (0.60–0.60)", "not compared")
    assert said(0.2) == said(0.2, None) == ("peer 0", "0.50 (0.50–0.50)", "0.2")
    assert said() == ("none", "–", "not compared")


def test_the_bench_s_page_has_each_row_and_each_goal_that_is_missed():
    page = bench.page()
    files = {file.stem: json.loads(file.read_text()) for file in (knowing.ROOT / "docs" / "bench").glob("*.json")}
    for name, file in files.items():
        section = page.partition(f"## {bench.SECTIONS[name]}\n")[2].partition("\n## ")[0]
        lines = [line for line in section.splitlines() if line.startswith("| ")]
        columns = lines[0].strip("| ").split(" | ")
        assert len(lines) == len(file["rows"]) + 2 and file["machine"]["date"][:10] in section
        assert {"ours, ms", "theirs, ms", "ours/theirs"} <= {*columns}
        for row, line in zip(file["rows"], lines[2:], strict=True):
            cells = bench.cells(row)
            assert line == f"| {' | '.join(cells[column] for column in columns)} |"
            assert all(f"{column}: {cells[column]}" in section for column in {*bench.WORDS, "goal"} - {*columns})
            assert not row.get("why") or f"({cells['methods']}): {row['why']}" in section
    missed = page.partition("## Where a goal is missed\n")[2].partition("\n## ")[0]
    assert missed.count("\n* ") == sum(row["met"] == "no" for file in files.values() for row in file["rows"]) > 0
    assert "None" not in page


def test_each_table_with_evidence_has_its_section_in_the_order_of_the_course():
    """On the page of the notebook that reads it first, no table twice, and the list leads to each."""
    pages = evidence.pages()
    first = {name: notebooks[0].stem.partition("_")[0] for name, notebooks in evidence.readers().items()}
    found = []
    for page, text in list(pages.items())[1:]:
        heading, *sections = text.split("\n## Evidence ")
        assert sections and (page != "evidence/06" or "\n# Evidence: 6 · Saliency maps\n" in heading)
        for one in sections:
            name = one.partition("\n")[0]
            found.append(name)
            assert page == f"evidence/{first.get(name, 'unread')}"
            assert evidence.markdown(results.evidence(name)) in one
            assert (f"{{image}} {name}.png" in one) == bool(results.facts(name).get("chart"))
            assert f"[{name}]({page}.md#evidence-{name.lower()})" in pages["evidence"]
    assert sorted(found) == evidence.tables() and len(found) >= 9
    assert list(pages) == ["evidence", *sorted(list(pages)[1:])]


def test_a_table_is_shown_once_it_brings_evidence_with_its_chart_and_its_words(tmp_path: Path, monkeypatch):
    """A table that lessons read for a notebook belongs to it as well; one that nobody reads stands at the end."""
    said = "# a question\n\n## What was measured\n\n2 | 3 of `a_b` & <c>, for 5 $\n\n## On what\n\n*all* of _x_\n"
    chart = {"kind": "bars", "measured": "n", "alt": 'Bars: "a" and b.'}
    made = {"recipe": "python -m made", "evidence": {"summary": {"a|b": {"n": [1, 0, 2]}}}, "chart": chart}
    written = {"data/results/old.json": {"recipe": ""}, "data/results/own.json": made,
               "data/results/unread.json": {"recipe": "", "evidence": {"summary": {"a": {"n": 1}}}},
               "data/results/through.json": made}
    for number, code in (("01", "from u3course.lessons.room import (\n    one)\nawait one.two()"),
                         ("02", "results.table('own'); results.table('through')"), ("03", "results.chart('own')")):
        cells = [{"cell_type": "markdown", "source": [f"# {number} · A title\n", "More."]},
                 {"cell_type": "code", "source": [code]}]
        written[f"notebooks/{number}_name.ipynb"] = {"cells": cells}
    for name, content in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    for name, words in (("own", said), ("through", said), ("unread", "# why\n")):
        (tmp_path / "data" / "results" / f"{name}.md").write_text(words)
    lessons = tmp_path / "u3course" / "lessons" / "room" / "one.py"
    lessons.parent.mkdir(parents=True)
    lessons.write_text('def two():\n    return results.table("deep"), results.table("own")')
    monkeypatch.setattr(evidence, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "_DATA", tmp_path / "data")
    read = {name: [file.name[:2] for file in notebooks] for name, notebooks in evidence.readers().items()}
    assert read == {"deep": ["01"], "own": ["02", "03"], "through": ["02"]}, "its own reader comes before lessons"
    pages = evidence.pages()
    assert {name: [line for line in text.splitlines() if line.startswith(("# ", "## "))]
            for name, text in pages.items()} == {
        "evidence": ["# Evidence"],
        "evidence/02": ["# Evidence: 02 · A title", "## Evidence own", "## Evidence through"],
        "evidence/unread": [f"# Evidence: {evidence.NOWHERE}", "## Evidence unread"]}
    assert ("* [02 · A title](evidence/02.md): [own](evidence/02.md#evidence-own), "
            "[through](evidence/02.md#evidence-through)\n") in pages["evidence"]
    page = pages["evidence/02"]
    assert "notebooks [02](../notebooks/02_name.ipynb), [03](../notebooks/03_name.ipynb)." in page
    assert ':alt: "Bars: \\"a\\" and b."\n' in page and page.count("{image}") == 2
    assert "2 &#124; 3 of `a_b` &#38; &#60;c>, for 5 &#36;" in page and "&#42;all&#42; of &#95;x&#95;" in page
    assert "| a&#124;b | 1 [0,\N{NO-BREAK SPACE}2] |" in page
    folded = results.evidence("own")._repr_mimebundle_()["text/html"]
    assert "of <code>a_b</code> &amp; &lt;c&gt;, for 5 $" in folded
    monkeypatch.setattr(results, "chart", lambda name: Figure(name.encode(), "Bars."))
    evidence.charts(tmp_path / "charts")
    assert {file.name: file.read_text() for file in (tmp_path / "charts").iterdir()} == {
        "own.png": "own", "through.png": "through"}


def test_links_to_headings_are_in_small_letters_on_the_site():
    """As JupyterLab names them, they have capitals and colons: in this notebook, or in another one."""
    cells = [{"cell_type": "markdown", "metadata": {}, "id": "a",
              "source": "[a](#Evidence:-removal), [b](06_saliency.ipynb#Where-it-breaks), [c](https://a.b/#C), #D"}]
    read = reading.read(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    assert read.cells[0].source == ("[a](#evidence-removal), [b](06_saliency.ipynb#where-it-breaks), "
                                    "[c](https://a.b/#C), #D")


def test_no_two_methods_of_a_room_share_a_name():
    assert knowing.merged({"a": 1}, {"b": 2}) == {"a": 1, "b": 2}
    with pytest.raises(AssertionError, match="share a name"):
        knowing.merged({"a": 1}, {"a": 2})


def test_oracles_and_rows_are_of_methods_that_there_are():
    assert {*knowing.oracles(), *bench.methods()} <= set(METHODS)
    assert len(METHODS) > 80 and "None" not in knowing.page()


def test_each_notebook_with_methods_says_where_they_break():
    numbers = {file.name.split("_")[0] for file in (knowing.ROOT / "notebooks").glob("*.ipynb")}
    named = [number for chapter in knowing.CHAPTERS.values() for number in chapter]
    assert sorted(named) == sorted(numbers - {"00"}) and all("#" in knowing.breaks(number) for number in named)


def test_the_library_s_pages_show_what_is_public():
    wanted = api.imported()
    pages = {room: api.page(room, wanted) for room in api.rooms()}
    assert ".. autofunction:: u3lab.saliency.grad_cam\n" in pages["u3lab.saliency"]
    assert "u3lab.saliency.registry" not in pages["u3lab.saliency"], "not gathered, so not public"
    assert "functools" not in pages["u3lab.selfsup"] and "u3lab.selfsup.views" in pages["u3lab.selfsup"]
    assert "def plain_blur(" in pages["u3lab.images"]


def test_formulas_of_docstrings_are_no_markup():
    lines = ["L = Σ_u |x_u| w_ and 5 * x", "of *other* pictures ``a_``", "", "    x ∗ y_", "", "Raises:",
             "    U3Error: NaN_"]
    reading.mend(None, "function", "f", None, None, lines)
    assert lines == [r"L = Σ_u \|x_u\| w\_ and 5 \* x", "of *other* pictures ``a_``", "", "::", "", "    x ∗ y_", "",
                     "Raises:", r"    U3Error: NaN\_"]


def test_what_must_not_be_concluded_is_the_list_of_each_report():
    page = knowing.not_concluded()
    assert all(page.count(f"## “{one.claim}”\n\n{one.why}\n") == 1 and measured(one) in page for one in NOT_SAID)
    claimed = " ".join(one.claim for one in NOT_SAID).lower()
    for word in ("no shortcut", "robust", "the map shows the reason", "deletion proves", "attention is on the lesion",
                 "3-d grad-cam", "is ill, or healthy"):
        assert word in claimed
