"""What an experiment is told (short or whole, which seed, where files go), and what it says: what fits, what judges."""

import hashlib
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from u3lab._system import paths
from u3lab.errors import U3Error
from u3lab.nets import checkpoints

ROLES = ("fit", "choose", "judge")
T = TypeVar("T")


class Plan:
    """One call of an experiment.

    Attributes:
        short: A few steps on a few pictures, to prove the form.
        seed: Of ``--seed``, 0 unless it is given.
        out: The folder that gets ``results``, ``weights`` …: the user's own, or for a short run a new one.
        data: The public set that ``--data`` names, for an experiment that takes one.
        names: For an experiment that makes several files: those asked for.
        uses: Role → kind → what was declared by :meth:`fit`, :meth:`choose` and :meth:`judge`.
    """

    def __init__(self, name: str, *, short: bool = False, seed: int = 0, out: Path | None = None,
                 data: Path | None = None, only: Mapping[str, set[str]] | None = None,
                 networks: Sequence[str] = (), names: Sequence[str] = ()) -> None:
        self.name, self.short, self.seed, self.data, self.names = name, short, seed, data, names
        self.out = out or (Path(tempfile.mkdtemp(prefix="u3lab-")) if short else paths.own())
        self.uses: dict[str, dict[str, Any]] = {}
        self._only, self._networks = only or {}, tuple(networks)
        self._things: dict[str, dict[str, set[str]]] = {}
        self._filled: dict[type, Any] = {}  # set by the runner

    @property
    def command(self) -> str:
        """What is recorded as the command that made a file."""
        return f"python -m evidence {self.name}" + (f" --seed {self.seed}" if self.seed else "")

    def few(self, items: Sequence[T], count: int = 1) -> Sequence[T]:
        """All of them; for a short run the first ``count``."""
        return items[:count] if self.short else items

    def steps(self, count: T) -> T | int:
        """So many steps; for a short run two."""
        return 2 if self.short else count

    def networks(self, names: Sequence[str]) -> list[str]:
        """These networks, and those that ``--networks`` names; for a short run the first."""
        return list(self.few(list(dict.fromkeys((*names, *self._networks)))))

    def asks(self, run: tuple) -> bool:
        """Whether a run is among those that ``--only`` and ``--networks`` leave."""
        return all(str(getattr(run, field)) in values for field, values in self._only.items() if field in run._fields)

    def rows(self, key: type) -> dict[tuple, tuple]:
        """The rows so far of the table with this key, for an experiment whose later runs depend on earlier ones."""
        self._filled[key].wait()
        return dict(self._filled[key].rows)

    # ---- what fits, chooses and judges

    def fit(self, **kinds: Sequence[str] | Tensor) -> None:
        """Say on what something is trained or fitted: kind → names (photos, patients …), or pictures."""
        self._declare("fit", kinds)

    def choose(self, **kinds: Sequence[str] | Tensor) -> None:
        """Say by what a setting, a rate, a step is chosen."""
        self._declare("choose", kinds)

    def judge(self, **kinds: Sequence[str] | Tensor) -> None:
        """Say on what the numbers of the table are measured."""
        self._declare("judge", kinds)

    def splits(self, names: Sequence[str]) -> None:
        """Say that of these domains the split "train" fits, "val" chooses, and "test" judges."""
        for role, split in zip(ROLES, ("train", "val", "test"), strict=True):
            self._declare(role, {"splits": [f"{name}, {split}" for name in names]})

    def _declare(self, role: str, kinds: Mapping[str, Sequence[str] | Tensor]) -> None:
        for kind, given in kinds.items():
            if isinstance(given, Tensor):
                things = [hashlib.sha256(one.detach().cpu().contiguous().numpy()).hexdigest() for one in given]
                said: Any = {"count": len(things), "sha256": hashlib.sha256("".join(things).encode()).hexdigest()}
            else:
                said = things = list(dict.fromkeys(given))
            if not things:
                raise U3Error(f"{self.name} says that nothing of the kind {kind!r} does {role!r}; leave it out")
            self.uses.setdefault(role, {})[kind] = said
            self._things.setdefault(role, {})[kind] = set(things)

    def overlaps(self) -> dict[str, int]:
        """"fit & judge: photos" → how many do both, for all that are not 0."""
        return {f"{a} & {b}: {kind}": count for a, b in itertools.combinations(ROLES, 2)
                for kind, things in self._things.get(a, {}).items()
                if (count := len(things & self._things.get(b, {}).get(kind, set())))}

    def refuse_leaks(self, shared: Mapping[str, str]) -> None:
        """U3Error if nothing judges, if something does two things without a reason, or a reason is without its case."""
        found = self.overlaps()
        if "judge" not in self.uses:
            raise U3Error(f"{self.name} does not say on what it is judged; call plan.judge(…) before the first row")
        if leaks := [one for one in found if one not in shared]:
            raise U3Error(f"{self.name}: {leaks[0]}, {found[leaks[0]]} in common; separate them, or say why in shared=")
        if idle := [one for one in shared if one not in found]:
            raise U3Error(f"{self.name} gives a reason for {idle[0]!r}, where nothing is shared; leave it out")

    # ---- files

    def file(self, *parts: str) -> Path:
        """Where a file goes that ships as data/parts."""
        return self.out.joinpath(*parts)

    def write(self, *parts: str, content: bytes) -> None:
        """Write a file, and print what data/README.md says of it."""
        paths.write_atomically(self.file(*parts), content)
        said(self.file(*parts))

    def weights(self, name: str, net: nn.Module, *, eight_bits: bool = False, **facts: object) -> None:
        """Write weights/NAME.safetensors with the facts of how they were made; command and torch are among them."""
        file = self.file("weights", f"{name}.safetensors")
        checkpoints.save(net, file, eight_bits=eight_bits,
                         **{"recipe": self.command, "torch": torch.__version__} | facts)
        said(file)

    def pictures(self, name: str) -> Path:
        """The folder of the cache where pictures are kept until all are there; for a short run a new one."""
        return Path(tempfile.mkdtemp(prefix="u3lab-")) if self.short else paths.cache(name)


def said(file: Path) -> None:
    """Print what data/README.md says of a file."""
    print(file, file.stat().st_size, "bytes", paths.sha256(file), flush=True)
