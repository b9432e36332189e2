"""Evidence: what stands behind each claim that rests on a shipped table. Nothing here is written by hand.

A table whose file brings evidence has its section, with the same text as ``results.evidence(name)`` in a notebook, and
its chart. A page for each notebook has the sections of the tables that it is the first to read, by itself or through a
module of its lessons; ``evidence`` lists them all.
"""

import ast
import json
import re
from functools import cache
from pathlib import Path

from u3lab import results
from u3lab._system import paths

ROOT = Path(__file__).resolve().parent.parent.parent
MARKUP = re.compile(r"`[^`]*`|[|*$<&\\~]|(?<!\w)_|_(?!\w)")  # code, or what Markdown does not take as it stands
READ = re.compile(r"""results\.(?:table|facts|chart|evidence)\(\s*["']([\w-]+)["']""")
NOWHERE = "Tables that no notebook reads"


def tables() -> list[str]:
    """All tables that bring evidence, by name."""
    files = sorted(file.stem for file in paths.data("results").glob("*.json"))
    return [name for name in files if "evidence" in results.facts(name)]


def readers() -> dict[str, list[Path]]:
    """Table → the notebooks that read it themselves; if there are none, those whose lessons read it for them.

    Notebooks are in the order of the course, and tables in the order in which these read them first.
    """
    own: dict[str, list[Path]] = {}
    through: dict[str, list[Path]] = {}
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        code = "\n".join("".join(cell["source"]) for cell in _cells(notebook) if cell["cell_type"] == "code")
        for found, names in ((own, READ.findall(code)), (through, _of_lessons(code))):
            for name in dict.fromkeys(names):
                found.setdefault(name, []).append(notebook)
    found = own | {name: notebooks for name, notebooks in through.items() if name not in own}
    return dict(sorted(found.items(), key=lambda one: one[1][0]))


@cache
def _cells(notebook: Path) -> list[dict]:
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


def _of_lessons(code: str) -> list[str]:
    """The tables that modules of the lessons read which some code imports."""
    tree = compile(code, "a notebook", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    modules = [name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
               for name in (node.module, *(f"{node.module}.{one.name}" for one in node.names))]
    files = [ROOT / f"{name.replace('.', '/')}.py" for name in modules if name.startswith("u3course.lessons.")]
    return [name for file in files if file.is_file() for name in READ.findall(file.read_text(encoding="utf-8"))]


def title(notebook: Path) -> str:
    """A notebook's first line."""
    return "".join(_cells(notebook)[0]["source"]).partition("\n")[0].removeprefix("# ")


def markdown(found: results.Evidence) -> str:
    """What a notebook unfolds, whole."""
    lines = [f"**{results.WORDS[key]}.** {_plain(text)}\n" for key, text in found.words.items() if text]
    head, *rows = [[_plain(cell) for cell in row] for row in (["", *found.columns], *found.cells())]
    lines += ["| " + " | ".join(row) + " |" for row in (head, ["---", *("---:" for _ in found.columns)], *rows)]
    return "\n".join([*lines, "", f"`{found.command}` ({found.made})"])


def _plain(text: str) -> str:
    """Text for Markdown: what stands between backticks is code, nothing else is markup."""
    return MARKUP.sub(lambda found: found[0] if len(found[0]) > 1 else f"&#{ord(found[0])};", text)


def section(name: str, notebooks: list[Path]) -> str:
    """One table: its question, its chart if it has one, and the text that a notebook unfolds; and who reads it."""
    found, content = results.evidence(name), results.facts(name)
    chart = [f"```{{image}} {name}.png", f":alt: {json.dumps(content['chart']['alt'], ensure_ascii=False)}",
             "```", ""] if content.get("chart") else []
    links = [f"[{title(one).partition(' ')[0]}](../notebooks/{one.name})" for one in notebooks]
    where = [f"Read in {'notebook' if len(links) == 1 else 'notebooks'} {', '.join(links)}.", ""] if links else []
    return "\n".join([f"## Evidence {name}", "", f"*{found.title[:1].upper()}{found.title[1:]}*", "",
                      *chart, markdown(found), "", *where])


def charts(folder: Path) -> None:
    """Draw the charts of all tables that have one into the folder in which the pages stand."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in tables():
        if results.facts(name).get("chart"):
            (folder / f"{name}.png").write_bytes(results.chart(name).data)


def pages() -> dict[str, str]:
    """Name → text: the list of all tables, and a page for each notebook that is the first to read one.

    These pages are in no tree of Sphinx: for a branch the theme draws a button without a name.
    """
    brought, read = tables(), readers()
    chapters: dict[Path | None, list[str]] = {}
    for name in [*(name for name in read if name in brought), *(name for name in brought if name not in read)]:
        chapters.setdefault(read[name][0] if name in read else None, []).append(name)
    made, links = {}, []
    for notebook, names in chapters.items():
        page, heading = (notebook.stem.partition("_")[0], title(notebook)) if notebook else ("unread", NOWHERE)
        made[f"evidence/{page}"] = "\n".join([
            "---", "orphan: true", "---", f"# Evidence: {heading}", "", *(section(one, read.get(one, []))
                                                                         for one in names)])
        links.append(f"* [{heading}](evidence/{page}.md): "
                     + ", ".join(f"[{name}](evidence/{page}.md#evidence-{name.lower()})" for name in names))
    return {"evidence": "\n".join(["""# Evidence

What stands behind a claim of the notebooks that took longer than a notebook has: what was measured, on what and how it
was chosen, how often, the floor and the rivals, a table with its intervals, the command that computes it again. In a
notebook `results.evidence("hits")` unfolds the same text, and `results.table("hits")` has all rows.

Brackets hold an interval. Unless a section says otherwise, it is the middle 95 % of what samples give that are drawn
anew, with replacement, from what the section names: photos, patients, seeds. These pages are made from the files in
`data/results`, which [what ships](data/README.md) lists with their checksums.
""", *links, ""]), **made}
