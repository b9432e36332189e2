"""``python -m tests.bench [--quick] [--json FILE] [--latency] [--drawing] [--dissection] [--adapters]
[--pretexts] [--labelling] [--plain] [--threads] [--only WORD] [--network NAME]``.

See the package. Without --only and --network the live figures are measured as well, where there is a browser.
"""

import argparse
import dataclasses
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, when torch is loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")


def main() -> None:
    """Measure and print; nothing is asserted about times."""
    arguments = _arguments()
    if arguments.latency:
        _write(arguments.json, {"latency": _latency(arguments.quick)})
    elif arguments.drawing:
        _write(arguments.json, {"drawing": _drawing(arguments.quick)})
    elif arguments.dissection:
        _write(arguments.json, {"dissection": _dissection(arguments.quick)})
    elif arguments.adapters:
        _write(arguments.json, _with_rows("adapters", _adapters(arguments.quick)))
    elif arguments.pretexts:
        _write(arguments.json, _with_rows("pretexts", _pretexts(arguments.quick)))
    elif arguments.labelling:
        _write(arguments.json, _with_rows("labelling", _labelling(arguments.quick)))
    elif arguments.plain:
        _write(arguments.json, _with_rows("plain", _plain(arguments.quick, arguments.only or "")))
    else:
        _maps(arguments)


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
        data["dissection"] = _dissection(arguments.quick)
        for name, race in {"adapters": _adapters, "pretexts": _pretexts, "labelling": _labelling,
                           "plain": _plain}.items():
            data[name] = race(arguments.quick)
            data["rows"] += data[name].pop("rows")
        data["drawing"] = _drawing(arguments.quick)
        data["latency"] = _latency(arguments.quick)
    _write(arguments.json, data)
    if arguments.threads:
        print(threads.report())


def _latency(quick: bool) -> list[dict]:
    from tests.bench import latency

    return [latency.as_data(row) for row in latency.report(quick)]


def _drawing(quick: bool) -> list[dict]:
    import torch

    from tests.bench import drawing

    torch.set_num_threads(1)
    return [dataclasses.asdict(race) for race in drawing.report(quick)]


def _dissection(quick: bool) -> dict:
    import torch

    from tests.bench import dissection

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    return dissection.report(quick)


def _adapters(quick: bool) -> dict:
    import torch

    from tests.bench import adapters

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    return adapters.report(quick)


def _pretexts(quick: bool) -> dict:
    import torch

    from tests.bench import pretexts

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    return pretexts.report(quick)


def _labelling(quick: bool) -> dict:
    import torch

    from tests.bench import labelling

    torch.set_num_threads(1)
    return labelling.report(quick)


def _plain(quick: bool, only: str = "") -> dict:
    import torch

    from tests.bench import plain

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    return plain.report(quick, only)


def _with_rows(name: str, found: dict) -> dict:
    """A race with the machine, and its rows as those of maps are written: the site reads both alike."""
    from tests.bench import table

    return {"machine": table.facts(), "rows": found.pop("rows"), name: found}


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
    parser.add_argument("--latency", action="store_true", help="the live figures in a browser, and nothing else")
    parser.add_argument("--drawing", action="store_true", help="the deep image prior's race, and nothing else")
    parser.add_argument("--dissection", action="store_true", help="network dissection's race, and nothing else")
    parser.add_argument("--adapters", action="store_true", help="adapters against fine-tuning, and nothing else")
    parser.add_argument("--labelling", action="store_true", help="the dense labelling loss, and nothing else")
    parser.add_argument("--plain", action="store_true", help="ours against plain versions, and nothing else")
    parser.add_argument("--pretexts", action="store_true", help="pretext tasks and SimCLR, and nothing else")
    parser.add_argument("--threads", action="store_true", help="OpenMP's waiting policy beside a busy core as well")
    parser.add_argument("--only", metavar="WORD", help="rows whose name contains this word; with --plain, methods")
    parser.add_argument("--network", choices=("squeezenet1_1", "efficientnet_lite0"), help="one network only")
    return parser.parse_args()


if __name__ == "__main__":
    main()
