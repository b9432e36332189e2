"""``python -m tests.bench [--quick] [--json FILE] [--latency] [--drawing] [--dissection] [--adapters]
[--pretexts] [--labelling] [--plain] [--threads] [--only WORD] [--network NAME]``.

See the package. Without --only and --network the live figures are measured as well, where there is a browser.
"""

import argparse
import dataclasses
import importlib
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch is loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")


PARTS = {"latency": "the live figures in a browser", "drawing": "the deep image prior's race",
         "dissection": "network dissection's race", "adapters": "adapters against fine-tuning",
         "pretexts": "pretext tasks and SimCLR", "labelling": "the dense labelling loss",
         "plain": "ours against plain versions"}
WITH_ROWS = ("adapters", "pretexts", "labelling", "plain")  # written as those of maps are: the site reads both alike


def main() -> None:
    """Measure and print; nothing is asserted about times."""
    arguments = _arguments()
    part = next((name for name in PARTS if getattr(arguments, name)), None)
    if part is None:
        _maps(arguments)
        return
    found = _part(part, arguments.quick, arguments.only or "")
    if part in WITH_ROWS:
        from tests.bench import table

        _write(arguments.json, {"machine": table.facts(), "rows": found.pop("rows"), part: found})
    else:
        _write(arguments.json, {part: found})


def _maps(arguments: argparse.Namespace) -> None:
    import torch

    from tests.bench import measure, table, threads
    from tests.bench.rows import ROWS
    from tests.bench.scene import LAYERS, Scene

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the peers warn at every call
    start, machine = time.perf_counter(), table.facts()
    print(table.header(machine), "\n", flush=True)
    rows = [row for row in ROWS if not arguments.only or arguments.only.lower() in row.name.lower()]
    prepared = []
    for name in [arguments.network] if arguments.network else list(LAYERS):
        scene = Scene.load(name)
        prepared += [(row, scene) for row in rows]
    seconds, least = (0.1, 2) if arguments.quick else (1.2, 3)
    print(table.head(), flush=True)
    results = []
    peaks = {} if arguments.quick else _peaks(prepared)
    for row, scene in prepared:
        result = measure.prepare(row, scene)
        for side, megabytes in zip([result.ours, *result.peers], peaks.get((row.name, scene.name), ()), strict=False):
            side.peak = megabytes
        measure.compare(result)
        measure.clock(result, seconds, least)
        print(table.line(result), flush=True)
        results.append(result)
    print("\n" + table.notes(results))
    judged = [table.verdict(result) for result in results if table.verdict(result) != "–"]
    print(f"\n{judged.count('yes')} of {len(judged)} targets met; measured in {time.perf_counter() - start:.0f} s.")
    data = {"machine": machine, "rows": [table.as_data(result) for result in results]}
    if not arguments.only and not arguments.network:
        for name in PARTS:
            data[name] = _part(name, arguments.quick)
            data["rows"] += data[name].pop("rows") if name in WITH_ROWS else []
    _write(arguments.json, data)
    if arguments.threads:
        print(threads.report())


def _part(name: str, quick: bool, only: str = "") -> dict | list[dict]:
    """What a file of the bench measures by itself."""
    file = importlib.import_module(f"tests.bench.{name}")
    if name == "latency":
        return [file.as_data(row) for row in file.report(quick)]
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    found = file.report(quick, *([only] if name == "plain" else []))
    return [dataclasses.asdict(race) for race in found] if name == "drawing" else found


def _write(file: str | None, data: dict) -> None:
    if file:
        Path(file).write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def _peaks(prepared: list) -> dict[tuple[str, str], list[float | None]]:
    """Memory of every side of every row, before this process has computed anything that a fork could reuse."""
    from tests.bench import measure

    peaks = {}
    for row, scene in prepared:
        result = measure.prepare(row, scene)
        measure.memory(result)
        peaks[row.name, scene.name] = [side.peak for side in (result.ours, *result.peers)]
    return peaks


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and no memory: two minutes")
    parser.add_argument("--json", metavar="FILE", help="write everything measured to a file")
    for name, what in PARTS.items():
        parser.add_argument(f"--{name}", action="store_true", help=f"{what}, and nothing else")
    parser.add_argument("--threads", action="store_true", help="OpenMP's waiting policy beside a busy core as well")
    parser.add_argument("--only", metavar="WORD", help="rows whose name contains this word; with --plain, methods")
    parser.add_argument("--network", choices=("squeezenet1_1", "efficientnet_lite0"), help="one network only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
