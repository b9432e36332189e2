"""A report as one page: five numbers with their pictures, what must not be concluded, and the small print.

The page holds all that it shows, and asks for nothing from elsewhere.
"""

import base64
import html
import json
import os
import re
from pathlib import Path
from typing import Any

from u3audit.behind import HEADINGS
from u3audit.claims import NOT_SAID, measured
from u3audit.running import FOLDER, MAPS, NAME, keep_others, writing
from u3audit.wording import (
    NONE,
    TITLES,
    Title,
    all_sentences,
    bracket,
    cheats_lie,
    first,
    intervals,
    people,
    percent,
    sentence,
    thresholds,
    together,
)
from u3lab._system import paths
from u3lab.audit.flips import BLUR, NOISE, SHIFT, WINDOW
from u3lab.checks import is_a, place
from u3lab.errors import U3Error

PEOPLE = 40  # rows of a table: of patients those with the lowest accuracy
Rows = tuple[list[str], list[list[Any]]]  # the head of a table, and its rows

STYLE = "\n" + Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def write(report: dict[str, Any], out: str | os.PathLike[str]) -> Path:
    """Write OUT/report.html and OUT/report.json, and return the path of the page.

    Raises:
        U3Error: A report that ``run`` did not make, or for another folder; or a folder that cannot be written, or holds
            another network's report.
    """
    out = place("out", out, "the folder of the report")
    if "parts" not in is_a("report", report, dict, "u3audit.run(…) makes one"):
        raise U3Error("the report has no parts; u3audit.run(…) makes one")
    keep_others(out, report["network"], report["weights"])
    file = out / f"{NAME}.html"
    with writing(out, "give run and write the same folder, one that is yours"):
        text = page(report, out / FOLDER).encode()
        paths.write_atomically(out / f"{NAME}.json", json.dumps(  # first: it says whose page stands beside it
            report | {"first": first(report), "thresholds": thresholds(len(report["sides"]) - 1, report["kind"]),
                      "sentences": {name: all_sentences(report, name) for name in report["parts"]}},
            indent=1, ensure_ascii=False).encode())
        paths.write_atomically(file, text)
    return file


def page(report: dict[str, Any], folder: Path) -> str:
    """The page as HTML; ``folder`` holds the pictures."""
    name, parts, titles = html.escape(report["network"]), report["parts"], TITLES[report["kind"]]
    sections = "".join(_section(titles[k], k, part, all_sentences(report, k), folder) for k, part in parts.items())
    note = "".join(f"{html.escape(one)} " for one in first(report)).strip()
    counted = f"{report['pictures']} pictures, {report['positives']} of them positive"
    whose = f", of {people(report['patients'])}" if report["patients"] else ""
    known = thresholds(len(report["sides"]) - 1, report["kind"])
    lines = "".join(_line(titles[k], k, part, known) for k, part in parts.items())
    verdict = _paragraphs(together(report))
    last = '<th scope="col">threshold: most that cheat are</th>' if known else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of {name}</title><style>{STYLE}</style></head>
<body><main>{f'<p class="first" role="note">{note}</p>' if note else ''}
<h1>Audit of {name}</h1>
<p>{counted}{whose}. {intervals(report)} A floor, named below each
number, is what to compare it with. Below a picture stand {sentence("below_a_picture", report["kind"])}.</p>
<section class="look"><h2>Look at them first</h2><p>The first pictures of each class, as they came. Does anything but
the finding go with the class: a letter, marks on the finding’s rim, how sharp or bright a picture is? So few can share
a mark by chance: look through the others too.</p>
{_rows(report["untouched"], folder)}</section>
<section><h2>Five numbers</h2>
<table><thead><tr><th scope="col">number</th><th scope="col">value</th><th scope="col">interval</th>
<th scope="col">floor</th>{last}</tr></thead>
<tbody>{lines}</tbody></table>
{verdict}</section>
{sections}
{_behind(report["behind"], folder)}<section><h2>What must not be concluded</h2>
<p>From none of these numbers, and not from all of them together, follows:</p>
<dl>{''.join(f'<dt>“{html.escape(one.claim)}”</dt><dd>{html.escape(f"{one.why} {measured(one)}".strip())}</dd>'
    for one in NOT_SAID)}</dl></section>
<section class="small"><h2>Small print</h2>{_small(report)}</section>
</main></body></html>
"""


def _line(title: Title, name: str, part: dict[str, Any], known: dict[str, Any]) -> str:
    head = f'<th scope="row"><a href="#{_id(name)}">{title.heading}</a></th>'
    last = f'<td class="number">{cheats_lie(name, known)}</td></tr>' if known else "</tr>"
    if part["value"] is None:
        return f'<tr>{head}<td class="number">missing</td><td>–</td><td>–</td>{last}'
    return (f'<tr>{head}<td class="number"><strong>{percent(part["value"][0])}</strong></td>'
            f'<td class="number">{bracket(part["value"])}</td><td class="number">{_floor(part["floor"])}</td>{last}')


def _section(title: Title, name: str, part: dict[str, Any], said: list[str], folder: Path) -> str:
    if part["value"] is None:
        head = '<p class="big">missing</p>'
    else:
        head = (f'<p class="big">{percent(part["value"][0])} <span class="soft">{bracket(part["value"])}</span></p>'
                f'<p class="soft">{title.unit}. Floor: {_floor(part["floor"])}, {title.floor}.</p>')
    table = {"flips": _changes, "accuracy by patient": _people,
             "Dice by patient": lambda facts: (facts["head"], _by_name(facts["table"]))}.get(
                 name, lambda facts: (facts.get("head", []), facts.get("table", [])))
    return (f'<section id="{_id(name)}"><h2>{title.heading}</h2>{head}{_paragraphs(said)}{_rows(part["rows"], folder)}'
            f'{_table(*table(part["facts"])) if part["facts"] else ""}</section>')


def _behind(behind: dict[str, Any], folder: Path) -> str:
    """What stands behind the page, folded; nothing if it was not measured."""
    if not behind:
        return ""
    said = ""
    for name, part in behind.items():
        told = ["This part is missing: " + part["why"] + "."] if part["why"] else part["told"]
        table = "" if part["why"] or not part["table"] else _table(part["head"], part["table"])
        said += f"<h3>{HEADINGS[name]}</h3>{_paragraphs(told)}{table}{_rows(part['rows'], folder)}"
    return (f"<section><h2>Behind it</h2><details><summary>{', '.join(HEADINGS[name] for name in behind).capitalize()}"
            f"</summary>{said}</details></section>\n")


def _paragraphs(told: list[str]) -> str:
    return "".join(f"<p>{html.escape(one)}</p>" for one in told)


def _rows(rows: list[list[dict[str, str]]], folder: Path) -> str:
    shown = "".join(f'<div class="row">{"".join(_figure(shot, folder) for shot in row)}</div>' for row in rows)
    return f'<div class="rows">{shown}</div>' if rows else ""


def _figure(shot: dict[str, str], folder: Path) -> str:
    data = base64.b64encode((folder / Path(shot["file"]).name).read_bytes()).decode()
    return (f'<figure><img src="data:image/png;base64,{data}" alt="{html.escape(shot["alt"])}">'
            f'<figcaption>{html.escape(shot["caption"])}</figcaption></figure>')


def _changes(facts: dict[str, Any]) -> Rows:
    """A row for each change: how many positives turn negative, and how many negatives turn positive."""
    def cell(both: dict[str, list[float]], whose: str) -> Any:
        one = both[whose]
        return [one[0], f"{percent(one[0])} {bracket(one)}"] if one else "none is right"

    return (["change", "positives that turn negative", "negatives that turn positive"],
            [[change, *(cell(both, whose) for whose in ("positives", "negatives"))]
             for change, both in facts["by"].items()])


def _people(facts: dict[str, Any]) -> Rows:
    """A row for each patient."""
    order = sorted(facts["by"].items(), key=lambda one: (one[1][0] / one[1][1], one[0]))
    return ["patient", "right"], _by_name([[name, [good / of, f"{good} of {of}"]] for name, (good, of) in order])


def _by_name(rows: list[list[Any]]) -> list[list[Any]]:
    """Patients from the lowest number on → those that are shown in the order of their names, patient 2 before 10."""
    return sorted(rows[:PEOPLE], key=lambda row: re.sub(r"\d+", lambda n: n[0].zfill(9), row[0])) + rows[PEOPLE:]


def _table(head: list[str], rows: list[list[Any]]) -> str:
    """Rows of a name and cells: words, or a share with words, which gets a bar; a long table ends after ``PEOPLE``."""
    if not rows:
        return ""

    def cell(one: Any) -> str:
        if isinstance(one, list):
            return f'<td class="number">{_bar(one[0])}{html.escape(one[1])}</td>'
        return f"<td>{html.escape(NONE if one is None else one)}</td>"

    heads = "".join(f'<th scope="col">{html.escape(one)}</th>' for one in head)
    body = "".join(f'<tr><th scope="row">{html.escape(name)}</th>{"".join(map(cell, cells))}</tr>'
                   for name, *cells in rows[:PEOPLE])
    left = f"<p>{len(rows) - PEOPLE} further rows are left out; they have more.</p>" if len(rows) > PEOPLE else ""
    return f'<table class="bars"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{left}'


def _small(report: dict[str, Any]) -> str:
    parts, outlined = report["parts"], report["outlines"]
    maps = sum(len(part["maps"]) for part in parts.values())
    times = ", ".join(f"{name} {part['seconds']:g} s" for name, part in (parts | report["behind"]).items())
    memory = f"{report['memory']:.2g} GB" if report["memory"] else "not known"
    lines = [
        f"Pictures: {report['pictures']}, {report['positives']} positive, of {'×'.join(map(str, report['sides']))} "
        f"(channels first); outlines: {'none' if outlined is None else outlined}; patients: "
        f"{report['patients'] or 'not named'}; patients named as learnt from: {report['trained'] or 'none'}.",
        f"Class of the finding: {report['class']}. Seed: {report['seed']}. Settings: "
        + ", ".join(f"{name} {value}" for name, value in report["settings"].items())
        + f". Changes: shift by {percent(SHIFT)} of a side, blur of σ {BLUR} pixels, noise of {percent(NOISE)} of "
        f"white, window with {percent(WINDOW)} more contrast.",
        *([f"Maps: {maps} NIfTI files in the folder {MAPS}, to be laid over the scans; occlusion is in log-odds, and "
           "what is filled in has the scan’s own values."] if maps else []),
        "Intervals draw whole patients where they are named, else pictures; that of the best fixed place draws pairs. "
        "Pictures shown are the first that were asked about, and none was chosen for what it shows, but for the pair "
        "of the best fixed place.",
        f"Time: {times}. Largest memory of the process: {memory}. Versions: u3lab "
        f"{report['u3lab']}, torch {report['torch']}, Python {report['python']}. Made {report['made']}. "
        f"Network and cases: {report['stamp']}."]
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _bar(share: float) -> str:
    return f'<span class="bar" aria-hidden="true"><span style="width:{100 * min(max(share, 0), 1):.0f}%"></span></span>'


def _floor(floor: list[float] | float) -> str:
    return f"{percent(floor[0])} {bracket(floor)}" if isinstance(floor, list) else percent(floor)


def _id(name: str) -> str:
    return name.replace(" ", "-")
