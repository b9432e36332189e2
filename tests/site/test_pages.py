"""What the site is made of: every method has an oracle, public names are shown, dead links are seen.

The finished pages are looked at in tests/browser/test_site.py.
"""

from pathlib import Path

import pytest

from tests.bench.peerless import WHY
from tools import site
from tools.site import __main__ as building
from tools.site import api, docstrings, knowing, links
from tools.site.limits import limits

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
def test_every_method_has_an_oracle(method: str):
    """If not: mark the test that compares its numbers with ``@pytest.mark.oracle(by, registry=[name])``."""
    assert method in knowing.oracles()


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_what_it_cannot_do(method: str):
    registry, name = method.split("/")
    assert all(limits(knowing.REGISTRIES[registry][name]))
    assert limits(knowing.REGISTRIES[registry][name]), "declare it on its line in the registry"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_a_row_of_the_bench_or_a_reason_why_not(method: str):
    """Not both: a reason beside a row is out of date."""
    assert (method in knowing.bench()) != bool(WHY.get(method)), "measure it, or say why not in tests/bench/peerless.py"


def test_a_row_says_whether_the_peer_has_the_same_numbers():
    def told(*apart: float | None) -> str:
        """Of peers that differ so much; each is faster than those before."""
        peers = [{"name": f"peer {n}", "ratios": [0.5 + 0.1 * n], "difference": one} for n, one in enumerate(apart)]
        return knowing.told({"row": "a step", "network": "n", "target": None, "peers": peers})

    assert told(1e-5) == told(1e-5, 0.2, None) == "a step, n: 0.50 (0.50–0.50) of the time of peer 0; no target"
    assert told(1e-5, 1e-4).endswith(" of the time of peer 1; no target")
    row = {"row": "a step", "network": "n", "target": None, "peers": [{"name": "a", "ratios": [2], "difference": 0}]}
    assert knowing.told(row | {"why": "ours looks twice"}).endswith("of the time of a; no target; ours looks twice")
    assert told(None, None).endswith("of the time of peer 1, numbers not compared; no target")
    assert told(0.2) == told(0.2, None) and told(0.2).endswith(
        "of the time of peer 0, whose numbers differ by 2e-01 of the greatest; no target")


def test_no_two_methods_of_a_room_share_a_name():
    assert knowing.merged({"a": 1}, {"b": 2}) == {"a": 1, "b": 2}
    with pytest.raises(AssertionError, match="share a name"):
        knowing.merged({"a": 1}, {"a": 2})


def test_oracles_rows_and_reasons_are_of_methods_that_there_are():
    assert {*knowing.oracles(), *knowing.bench(), *WHY} <= set(METHODS)
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
    assert "functools" not in pages["u3lab.selfsup"] and "u3lab.selfsup.colour" in pages["u3lab.selfsup"]
    assert "def plain_blur(" in pages["u3lab.images"]


def test_formulas_of_docstrings_are_no_markup():
    lines = ["L = Σ_u |x_u| w_ and 5 * x", "of *other* pictures ``a_``", "", "    x ∗ y_", "", "Raises", "------",
             "U3Error", "    NaN_"]
    docstrings.mend(None, "function", "f", None, None, lines)
    assert lines == [r"L = Σ_u \|x_u\| w\_ and 5 \* x", "of *other* pictures ``a_``", "", "::", "", "    x ∗ y_", "",
                     "Raises", "------", "U3Error", r"    NaN\_"]
