"""``python -m evidence.bench [--quick] [--json FILE] [--latency] [--drawing] [--dissection] [--adapters]
[--pretexts] [--labelling] [--only WORD] [--network NAME]``.

See the package. Without --only and --network the live figures are measured as well, where there is a browser.
"""

import argparse
import importlib
import json
import os
import warnings
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch is loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")


PARTS = {"latency": "the live figures in a browser", "drawing": "the deep image prior's race",
         "dissection": "network dissection's race", "adapters": "adapters against fine-tuning",
         "pretexts": "pretext tasks and SimCLR", "labelling": "the dense labelling loss"}
WITH_ROWS = ("adapters", "pretexts", "labelling")  # written as those of maps are: the site reads both alike


def main() -> None:
    """Measure and print; nothing is asserted about times."""
    arguments = _arguments()
    import torch

    from evidence.bench import table

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the peers warn at every call
    data = {"machine": table.facts(), "rows": []}
    alone = next((name for name in PARTS if getattr(arguments, name)), None)
    if alone is None:
        data["rows"] += _maps(arguments)
    for name in [alone] if alone else [] if arguments.only or arguments.network else PARTS:
        print(f"\n# {PARTS[name]}\n\n{table.brief()}", flush=True)
        data[name] = importlib.import_module(f"evidence.bench.{name}").report(arguments.quick)
        data["rows"] += data[name].pop("rows") if name in WITH_ROWS else []
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def _maps(arguments: argparse.Namespace) -> list[dict]:
    """Ours against captum, zennit and TorchRay, map by map.

    Peers get the torchvision or timm module in the default memory format and a picture that is normalised already; for
    relevance rules, batch norms are folded. If there are peers with equal maps, a target means these. Memory is
    measured first: before this process has computed anything that a fork could reuse.
    """
    from evidence.bench import measure, table
    from evidence.bench.rows import ROWS
    from evidence.bench.scene import LAYERS, Scene

    print(table.brief())
    chosen = [row for row in ROWS if not arguments.only or arguments.only.lower() in row.name.lower()]
    scenes = [Scene.load(name) for name in ([arguments.network] if arguments.network else LAYERS)]
    results = [measure.prepare(row, scene) for scene in scenes for row in chosen]
    for side in [side for result in results for side in (result.ours, *result.peers)]:
        side.peak = measure.peak(side.run) if side.run and not arguments.quick else None
    rows = []
    for result in results:
        measure.compare(result)
        measure.clock(result, *((0.1, 2) if arguments.quick else (1.2, 3)))
        rows.append(table.as_data(result))
        table.show(rows[-1], head=len(rows) == 1)
    judged = [row["met"] for row in rows if row["met"] != "–"]
    print(f"\n{judged.count('yes')} of {len(judged)} targets met.")
    return rows


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evidence.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and no memory: two minutes")
    parser.add_argument("--json", metavar="FILE", help="write everything measured to a file")
    for name, what in PARTS.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"{what}, and nothing else")
    parser.add_argument("--only", metavar="WORD", help="rows whose name contains this word")
    parser.add_argument("--network", choices=("squeezenet1_1", "efficientnet_lite0"), help="one network only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
