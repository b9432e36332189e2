"""The pages of the site, gathered in one folder: copies of what is written, and what is generated beside them."""

import re
import shutil
from importlib.metadata import files
from pathlib import Path

import yaml

from tools.site import api, bench, evidence, knowing

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "data/README.md", "docs/*.md", "docs/teaching/*.md",
         "notebooks/*.ipynb")
LINK = re.compile(r"\]\(([^)\s#:]+)[^):]*\)")
MATHJAX = re.compile(r"mathjax/(tex-chtml-full\.js|output/chtml/fonts/woff-v2/.*)$")


def gather(folder: Path) -> None:
    """Fill the folder. A copy keeps its time, so that Sphinx reads again only what was changed."""
    shutil.rmtree(folder, ignore_errors=True)
    pages = sorted({page for pattern in PAGES for page in ROOT.glob(pattern)})
    for page in pages:
        _copy(page, folder / page.relative_to(ROOT))
    for page in pages:
        for link in LINK.findall(page.read_text(encoding="utf-8")) if page.suffix == ".md" else ():
            linked = (page.parent / link).resolve()
            if linked.is_file() and not (folder / linked.relative_to(ROOT)).exists():
                _copy(linked, folder / linked.relative_to(ROOT))
    for page in (ROOT / "docs" / "site").glob("*"):
        _copy(page, folder / ("_static" if page.suffix == ".css" else "") / page.name)
    (folder / "cite.md").write_text(citation(), encoding="utf-8")
    evidence.charts(folder / "evidence")
    for name, text in {"how_we_know": knowing.page(), "bench": bench.page(), "not_concluded": knowing.not_concluded(),
                       **evidence.pages()}.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    api.write(folder / "api")
    _mathjax(folder / "_static")


def _copy(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, to)


def _mathjax(folder: Path) -> None:
    """MathJax and its type, of the package that carries them: nothing is read from another place."""
    for file in files("sphinx-mathjax-offline") or ():
        found = MATHJAX.search(file.as_posix())
        if found:
            _copy(Path(file.locate()), folder / found[0])


def citation() -> str:
    """How to cite, from CITATION.cff."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    who = " and ".join(author.get("name") or f"{author['family-names']}, {author['given-names']}"
                       for author in cff["authors"])
    year = str(cff.get("date-released", ""))[:4]
    bibtex = "\n".join(["@software{u3lab,", f"  title = {{{cff['title']}}},", f"  author = {{{{{who}}}}},",
                        f"  version = {{{cff['version']}}},", *([f"  year = {{{year}}},"] if year else []), "}"])
    return f"""# How to cite

{cff['message']}

```bibtex
{bibtex}
```

The same in the Citation File Format: {{download}}`CITATION.cff <CITATION.cff>`.
Pictures and other files have their own authors: [what ships, and its licences](data/README.md).
"""
