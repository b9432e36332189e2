"""Make the outputs of all calls; keep them, or compare them with those that were kept."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from tools import golden
from tools.golden import (  # noqa: F401 — each notes its calls
    classes,
    data,
    drawn,
    inverting,
    landmarks,
    lessons,
    pictures,
    pretexts,
    tables,
    understanding,
    universal,
)
from tools.golden.comparing import Value, parts, same, told
from tools.golden.kept import CALLS

NOTHING = "nothing"  # where one version has a value and the other none

def made(function: Callable[[], object]) -> dict[str, Value]:
    """What a call gives, whatever was called before it."""
    random.seed(0), np.random.seed(0), torch.manual_seed(0)
    return dict(parts(function()))


def main() -> int:
    """Save or compare; 1 if anything differs or fails."""
    parser = argparse.ArgumentParser(prog="python -m tools.golden", description=golden.__doc__.splitlines()[0])
    parser.add_argument("--save", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--only", default="", help="titles that contain this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    before = torch.load(options.against, weights_only=True) if options.against else {}
    outputs, wrong, costs = {}, 0, {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["U3LAB_CACHE"] = folder  # all is drawn anew, nothing read that an earlier version has kept
        for title in [title for title in dict.fromkeys((*CALLS, *before)) if options.only in title]:
            begun = time.process_time()
            try:
                outputs[title] = made(CALLS[title]) if title in CALLS else {}
                failed = [] if title in CALLS else [f"{title}: there is no such call now"]
            except Exception as error:  # the other calls have their say
                outputs[title], failed = {}, [f"{title}: {type(error).__name__}: {error}"]
            costs[title] = time.process_time() - begun
            old, new = before.get(title, {}), outputs[title]
            differing = failed or (options.against and [
                f"{title} at {place}: {told(old.get(place, NOTHING), new.get(place, NOTHING))}"
                for place in sorted(old.keys() | new.keys())
                if not same(old.get(place, NOTHING), new.get(place, NOTHING))]) or []
            wrong += bool(differing)
            print(*differing or [f"{'the same' if before else 'made'}: {title} ({costs[title]:.1f} s)"], sep="\n",
                  flush=True)
    if options.save:
        torch.save(outputs, options.save)
    print(f"{len(outputs)} calls, {sum(map(len, outputs.values()))} outputs, {sum(costs.values()):.0f} s of a core; "
          f"{wrong} {'differ' if before else 'failed'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
