"""The bench: all rows that ``make bench ARGS="--json FILE"`` wrote into docs/bench.

A section for each file, with the machine that it was measured on. What all rows of a section share stands above them.
"""

import json
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
EQUAL = 1e-3  # numbers are the same if they differ by less than this part of the greatest
SECTIONS = {"squeezenet1_1": "Saliency, attacks and inversion on SqueezeNet",
            "efficientnet_lite0": "The same on EfficientNet-Lite0",
            "adapters": "Adapters", "pretexts": "Pretext tasks", "labelling": "Dense labelling",
            "own_networks": "Networks of other makers"}
WORDS = ("work", "methods", "network or size", "beside")  # columns of a row that hold no numbers


@cache
def files() -> dict[str, dict[str, Any]]:
    """Section → what its file holds: the machine, and the rows."""
    known = {file.stem: file for file in (ROOT / "docs" / "bench").glob("*.json")}
    assert known.keys() == SECTIONS.keys(), f"a section for each file: {sorted(known.keys() ^ SECTIONS.keys())}"
    return {name: json.loads(known[name].read_text(encoding="utf-8")) for name in SECTIONS}


@cache
def methods() -> set[str]:
    """All methods with a row, as "room/name"."""
    return {method for file in files().values() for row in file["rows"] for method in row["methods"]}


def rival(row: dict) -> dict | None:
    """Of the peers with the same numbers the fastest; else of those whose numbers were compared; else of all."""
    peers = [peer for peer in row["peers"] if peer["ratios"]]
    compared = [peer for peer in peers if peer["difference"] is not None]
    equal = [peer for peer in compared if peer["difference"] < EQUAL]
    return max(equal or compared or peers, key=lambda peer: median(peer["ratios"]), default=None)


def cells(row: dict) -> dict[str, str]:
    """Column → what a row says there."""
    peer = rival(row) or {"name": "none", "times_ms": [], "ratios": [], "peak_mb": None, "difference": None}
    low, _, high = quantiles(peer["ratios"], n=4) if len(peer["ratios"]) > 1 else 3 * (peer["ratios"] or [None])
    memory = [row["ours"]["peak_mb"], peer["peak_mb"]]
    return {"work": row["row"], "methods": ", ".join(row["methods"]) or "–",
            "network or size": row["network"], "beside": peer["name"],
            "ours, ms": _time(row["ours"]["times_ms"]), "theirs, ms": _time(peer["times_ms"]),
            "ours/theirs": f"{median(peer['ratios']):.2f} ({low:.2f}–{high:.2f})" if peer["ratios"] else "–",
            "difference": "not compared" if peer["difference"] is None else f"{peer['difference']:.1g}",
            "goal": "none" if row["target"] is None else f"{row['target']}: {row['met']}",
            "MB, ours/theirs": "–" if None in memory else "/".join(f"{one:.0f}" for one in memory)}


def _time(times: list[float]) -> str:
    return f"{median(times):.3g}" if times and median(times) < 100 else f"{median(times):.0f}" if times else "–"


def section(name: str) -> str:
    """One file: its machine, its rows, and what has to be said of some of them."""
    machine, rows = files()[name]["machine"], files()[name]["rows"]
    lines = [cells(row) for row in rows]
    same = {column: value for column, value in lines[0].items() if all(line[column] == value for line in lines)}
    columns = [column for column in lines[0] if column not in same]
    shared = [f"{column}: {same[column]}" for column in (*WORDS, "difference", "goal") if column in same]
    table = [columns, ["---" if column in WORDS else "---:" for column in columns],
             *([line[column] for column in columns] for line in lines)]
    notes = dict.fromkeys(f"* {line['work']} ({line['methods']}): {note}" for row, line in zip(rows, lines, strict=True)
                          for note in _notes(row))
    return "\n".join([f"## {SECTIONS[name]}", "",
                      f"{machine['date'][:10]}, {machine['machine']}, {machine['cores']} cores, {machine['threads']} "
                      f"thread, load {machine['load'][0]}, torch {machine['torch']}."
                      + (f" The same in all rows: {'; '.join(shared)}." if shared else ""), "",
                      *(f"| {' | '.join(line)} |" for line in table), "", *notes, ""])


def _notes(row: dict) -> list[str]:
    """Why ours takes longer, where that is known; and why the numbers of the peer differ."""
    peer = rival(row)
    apart = peer is not None and (peer["difference"] or 0) >= EQUAL
    return [note for note in (row.get("why"), peer["note"] if apart else "") if note]


def missed() -> list[str]:
    """The rows that miss their goal."""
    found = [cells(row) | {"goal": str(row["target"])} for file in files().values() for row in file["rows"]
             if row["met"] == "no"]
    return [f"* {row['methods']} ({row['network or size']}) beside {row['beside']}: {row['ours/theirs']}, "
            f"goal {row['goal']}" for row in found]


def page() -> str:
    """The whole page."""
    return "\n".join(["""# The bench

Our time beside that of others for the same work, in one run, in turns. *Ours/theirs* is the median of the ratios of
neighbours, with its quartiles: below 1, ours takes less time. Of several peers the table has the fastest whose numbers
are the same as ours; if there is none, the fastest whose numbers were compared; else the fastest. *Difference* is the
greatest, as a part of the greatest number. This page is made from the files in `docs/bench`, which
`make bench ARGS="--json FILE"` writes; [what else was measured](docs/speed.md), and how to measure it.

A method that only tests compare, with a plainer way, has no row.

## Where a goal is missed
""", *missed(), "", *map(section, SECTIONS)])
