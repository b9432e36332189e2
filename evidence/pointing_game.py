"""The long table of the pointing game: every saliency method on both networks.

    python -m evidence pointing_game                             # results/pointing_game.json
    python -m evidence pointing_game --only "method=Grad-CAM"    # a method that is new
"""

from collections.abc import Iterator
from typing import NamedTuple

from evidence._table import Chart, Plan, Rows, Summary, Table, Work, by_cell, only
from u3lab import nets
from u3lab.nets import Classifier
from u3lab.saliency.pointing import Mosaic, mosaics, pointing_game
from u3lab.saliency.registry import METHODS

NETWORKS = ("squeezenet1_1", "efficientnet_lite0")
PLAYED = ("edges (no network)", "gradient", "deconvnet", "guided", "smooth grad", "integrated gradients",
          "modulated gradient", "LRP ε", "LRP z⁺", "LRP α2β1", "excitation", "contrastive excitation", "Grad-CAM",
          "guided Grad-CAM", "mask")  # by name: a method more in METHODS breaks no table
MOSAICS, SIZE = 24, 128  # how many; pixels of a tile's side

Run = NamedTuple("Run", [("network", str), ("method", str)])
"""One method on one network."""

Row = NamedTuple("Row", [("share", float), ("low", float), ("high", float), ("games", int)])
"""The mean share of the map on the right tile, its interval over pictures, and how many tiles were asked for."""


def summary(rows: Rows) -> Summary:
    """The share of each method, by network."""
    return by_cell(((run.method, run.network, row[:3]) for run, row in rows.items()), only)


TABLE = Table(
    "pointing_game", Run, Row, summary=summary, facts={"mosaics": MOSAICS, "size": SIZE},
    again={"network": "squeezenet1_1", "method": "Grad-CAM"},
    chart=Chart("bars", "share of the map on the right tile", chance=0.25,
                alt="Bars for two networks and each saliency method, with intervals; a dashed line at chance, 0.25."))


def work(plan: Plan) -> Iterator[Work]:
    """A method on a network is a piece of work."""
    networks = {name: nets.load(name) for name in plan.networks(NETWORKS)}
    games = {name: mosaics(net, 2 if plan.short else MOSAICS, size=SIZE, seed=plan.seed)
             for name, net in networks.items()}
    plan.judge(photos=sorted({name for some in games.values() for game in some for name in game.names}))
    yield from (Work(Run(name, method), measured, net, games[name], method, plan.seed)
                for name, net in networks.items() for method in plan.few(PLAYED, 2))


def measured(net: Classifier, games: list[Mosaic], method: str, seed: int) -> Row:
    """The row of a method."""
    # An optimisation of its own for each tile: a third of the games, and a wider interval
    played = games[: max(1, len(games) // 3)] if METHODS[method].optimises else games
    return Row(*pointing_game(net, played, method, seed=seed), 4 * len(played))
