"""A report as one page: five numbers with their pictures, what must not be concluded, and the small print.

The page holds all that it shows, and asks for nothing from elsewhere.
"""

from __future__ import annotations

import base64
import html
import json
import os
from pathlib import Path
from typing import Any

from u3lab._system import paths
from u3lab.audit.flips import BLUR, NOISE, SHIFT, WINDOW
from u3lab.audit.running import FOLDER
from u3lab.audit.wording import NOT_SAID, TITLES, first, percent, sentences, thresholds, together
from u3lab.checks import is_a, place
from u3lab.errors import U3Error

PEOPLE = 40  # patients with a bar of their own: those with the lowest accuracy
NAME = "report"

STYLE = """
:root { color-scheme: light dark; --page: #fcfcfa; --ink: #222; --soft: #595959; --line: #c9c9c4; --bar: #0072b2;
  --note: #fff3e0; }
@media (prefers-color-scheme: dark) { :root { --page: #16181b; --ink: #e8e8e4; --soft: #b0b0aa; --line: #4a4d52;
  --bar: #56b4e9; --note: #3a2c14; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 60rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 0; }
.first { background: var(--note); border-left: .3rem solid #d55e00; padding: .5rem .8rem; margin: 0 0 1rem; }
.soft, figcaption, .small { color: var(--soft); font-size: .875rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); font-weight: normal;
  vertical-align: top; }
thead th { color: var(--soft); font-size: .875rem; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
section { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: 1rem; }
.big { font-size: 2rem; line-height: 1.2; margin: .25rem 0 0; font-variant-numeric: tabular-nums; }
p { margin: .4rem 0; max-width: 46rem; } a { color: inherit; }
.rows { display: flex; flex-wrap: wrap; gap: .75rem 1.5rem; margin-top: .75rem; }
.row { display: flex; gap: .5rem; }
figure { margin: 0; width: 8.7rem; } figure img { width: 100%; height: auto; display: block; background: #000; }
.bar { display: inline-block; width: 7rem; height: .7rem; border: 1px solid var(--line); margin-right: .5rem; }
.bar span { display: block; height: 100%; background: var(--bar); print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; max-width: 46rem; }
@media (max-width: 40rem) { body { padding: 1rem; } figure { width: calc((100vw - 3rem) / 3); } .bar { display: block;
  width: 4rem; } .bars .number { white-space: normal; } }
@media print { :root { color-scheme: light; --page: #fff; --ink: #000; --soft: #444; --line: #bbb; --bar: #0072b2;
  --note: #fff; }
  html { font-size: 13px; } body { font-size: 10pt; padding: 0; max-width: none; }
  section, figure, tr, dt { break-inside: avoid; }
  dt { break-after: avoid; } figure { width: 3.2cm; } }
"""


def write(report: dict[str, Any], out: str | os.PathLike[str]) -> Path:
    """Write OUT/report.html and OUT/report.json, and return the path of the page.

    Raises
    ------
    U3Error
        A report that ``run`` did not make, or for another folder; or a folder that cannot be written.
    """
    out = place("out", out, "the folder of the report")
    if "parts" not in is_a("report", report, dict, "audit.run(…) makes one"):
        raise U3Error("the report has no parts; audit.run(…) makes one")
    file = out / f"{NAME}.html"
    try:
        paths.write_atomically(file, page(report, out / FOLDER).encode())
        paths.write_atomically(out / f"{NAME}.json", json.dumps(
            report | {"first": first(report), "thresholds": thresholds(len(report["sides"]) - 1), "sentences": {
                name: sentences(name, part) for name, part in report["parts"].items()}},
            indent=1, ensure_ascii=False).encode())
    except OSError as error:
        raise U3Error(f"the report cannot be written to {out} ({error.strerror}); give run and write the same folder, "
                      "one that is yours") from None
    return file


def page(report: dict[str, Any], folder: Path) -> str:
    """The page as HTML; ``folder`` holds the pictures."""
    name, parts = html.escape(report["network"]), report["parts"]
    sections = "".join(_section(k, part, folder) for k, part in parts.items())
    note = "".join(f"{html.escape(one)} " for one in first(report)).strip()
    counted = f"{report['pictures']} pictures, {report['positives']} of them positive"
    whose = f", of {report['patients']} patient{'s' * (report['patients'] > 1)}" if report["patients"] else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Audit of {name}</title><style>{STYLE}</style></head>
<body><main>{f'<p class="first" role="note">{note}</p>' if note else ''}
<h1>Audit of {name}</h1>
<p>{counted}{whose}. A bracket is a 95 % interval. A floor, named below each
number, is what to compare it with. Below a picture stand the network’s log-odds: above 0 it answers positive.</p>
<table><thead><tr><th scope="col">number</th><th scope="col">value</th><th scope="col">interval</th>
<th scope="col">floor</th></tr></thead><tbody>{''.join(_line(k, part) for k, part in parts.items())}</tbody></table>
{''.join(f'<p>{html.escape(one)}</p>' for one in together(report))}
{sections}
<section><h2>What must not be concluded</h2>
<p>From none of these numbers, and not from all of them together, follows:</p>
<dl>{''.join(f'<dt>“{html.escape(what)}”</dt><dd>{html.escape(why)}</dd>' for what, why in NOT_SAID)}</dl></section>
<section class="small"><h2>Small print</h2>{_small(report)}</section>
</main></body></html>
"""


def _line(name: str, part: dict[str, Any]) -> str:
    title = TITLES[name]
    head = f'<th scope="row"><a href="#{_id(name)}">{title.heading}</a></th>'
    if part["value"] is None:
        return f'<tr>{head}<td class="number">missing</td><td>–</td><td>–</td></tr>'
    return (f'<tr>{head}<td class="number"><strong>{percent(part["value"][0])}</strong></td>'
            f'<td class="number">{_bracket(part["value"])}</td><td class="number">{_floor(part["floor"])}</td></tr>')


def _section(name: str, part: dict[str, Any], folder: Path) -> str:
    title = TITLES[name]
    told = "".join(f"<p>{html.escape(one)}</p>" for one in sentences(name, part))
    if part["value"] is None:
        head = '<p class="big">missing</p>'
    else:
        head = (f'<p class="big">{percent(part["value"][0])} <span class="soft">{_bracket(part["value"])}</span></p>'
                f'<p class="soft">{title.unit}. Floor: {_floor(part["floor"])}, {title.floor}.</p>')
    rows = "".join(f'<div class="row">{"".join(_figure(shot, folder) for shot in row)}</div>' for row in part["rows"])
    bars = {"flips": _changes, "accuracy by patient": _people}.get(name)
    return (f'<section id="{_id(name)}"><h2>{title.heading}</h2>{head}{told}'
            f'{f"<div class=rows>{rows}</div>" if rows else ""}{bars(part["facts"]) if bars and part["facts"] else ""}'
            "</section>")


def _figure(shot: dict[str, str], folder: Path) -> str:
    data = base64.b64encode((folder / Path(shot["file"]).name).read_bytes()).decode()
    return (f'<figure><img src="data:image/png;base64,{data}" alt="{html.escape(shot["alt"])}">'
            f'<figcaption>{html.escape(shot["caption"])}</figcaption></figure>')


def _changes(facts: dict[str, Any]) -> str:
    """A row for each change: how many positives turn negative, and how many negatives turn positive."""
    rows = "".join(f'<tr><th scope="row">{change}</th>' + "".join(
        f"<td class=number>{_bar(both[whose][0])}{percent(both[whose][0])} {_bracket(both[whose])}</td>"
        if both[whose] else "<td>none is right</td>" for whose in ("positives", "negatives")) + "</tr>"
        for change, both in facts["by"].items())
    return ('<table class="bars"><thead><tr><th scope="col">change</th>'
            '<th scope="col">positives that turn negative</th>'
            f'<th scope="col">negatives that turn positive</th></tr></thead><tbody>{rows}</tbody></table>')


def _people(facts: dict[str, Any]) -> str:
    """A row for each patient, from the lowest accuracy on."""
    if not facts["by"]:
        return ""
    order = sorted(facts["by"].items(), key=lambda one: (one[1][0] / one[1][1], one[0]))
    rows = "".join(f'<tr><th scope="row">{html.escape(name)}</th><td class="number">{_bar(good / of)}{good} of {of}'
                   "</td></tr>" for name, (good, of) in order[:PEOPLE])
    left = f"<p>{len(order) - PEOPLE} further patients have a higher accuracy.</p>" if len(order) > PEOPLE else ""
    return ('<table class="bars"><thead><tr><th scope="col">patient</th><th scope="col">right</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>{left}")


def _small(report: dict[str, Any]) -> str:
    parts, outlined = report["parts"], report["outlines"]
    times = ", ".join(f"{name} {part['seconds']:g} s" for name, part in parts.items())
    lines = [
        f"Pictures: {report['pictures']}, {report['positives']} positive, of {'×'.join(map(str, report['sides']))} "
        f"(channels first); outlines: {'none' if outlined is None else outlined}; patients: "
        f"{report['patients'] or 'not named'}; patients named as learnt from: {report['trained'] or 'none'}.",
        f"Class of the finding: {report['class']}. Seed: {report['seed']}. Settings: "
        + ", ".join(f"{name} {value}" for name, value in report["settings"].items())
        + f". Changes: shift by {percent(SHIFT)} of a side, blur of σ {BLUR} pixels, noise of {percent(NOISE)} of "
        f"white, window with {percent(WINDOW)} more contrast.",
        "Intervals draw whole patients where they are named, else pictures; that of the best fixed place draws pairs. "
        "One without width, as [0, 0], means that no picture answered otherwise; it is not certain for others. "
        "Pictures shown are the first that were asked about; none was chosen for what it shows.",
        f"Time: {times}. Versions: u3lab {report['u3lab']}, torch {report['torch']}, Python {report['python']}. Made "
        f"{report['made']}. Network and cases: {report['stamp']}."]
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)


def _bar(share: float) -> str:
    return f'<span class="bar" aria-hidden="true"><span style="width:{100 * min(max(share, 0), 1):.0f}%"></span></span>'


def _bracket(value: list[float]) -> str:
    return f"[{percent(value[1])[:-2]}, {percent(value[2])[:-2]}]"


def _floor(floor: list[float] | float) -> str:
    return percent(floor[0]) if isinstance(floor, list) else percent(floor)


def _id(name: str) -> str:
    return name.replace(" ", "-")
