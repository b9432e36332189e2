"""Slips in chapter 3c."""

POINT = """
def my_point(maps, cells):
    B, K, h, w = maps.shape
    p = maps.reshape(B, K, h * w).softmax(dim=2)
    return (p[..., None] * cells).sum(2)
"""
BUMP = """
def my_bump(points, cells, sigma):
    diff = points[:, :, None, :] - cells[None, None]
    d2 = (diff ** 2).sum(-1)
    return torch.exp(-d2 / (2 * sigma ** 2))
"""
LOSS = """
def my_loss(look, points, bumps, draw, x, target):
    features = look(x)
    maps = bumps(points(target))
    drawn = draw(features, maps)
    return ((drawn - target) ** 2).mean()
"""

SLIPS = [
    ("3c-point", POINT, (
        ("softmax(dim=2) → softmax(dim=1)", "a softmax over the maps", "cells|axis|dim"),
        (".softmax(dim=2) → ", "no softmax", "softmax|probabilit|sum to 1"),
        (".sum(2) → .mean(2)", "the mean over cells", "SCALE|sum"),
        (".softmax(dim=2) → .sigmoid()", "a sigmoid", "softmax|sum to 1"),
        ("(p[..., None] * cells).sum(2) → cells[p.argmax(2)]", "the hottest cell",
         "mean place|argmax|all cells|hottest"),
        ("maps.reshape → maps.mT.reshape", "column by column", "row by row|order|transpos"),
        ("(p[..., None] * cells).sum(2) → (p * cells).sum(2)", "p without an axis", "None|axis|@|broadcast"),
        ("maps.reshape(B, K, h * w) → maps.view(B, K, h * w)", "view of what is not contiguous",
         "reshape|contiguous|flatten"),
    )),
    ("3c-bump", BUMP, (
        ("/ (2 * sigma ** 2) → / 2 * sigma ** 2", "brackets", "bracket|denominator|1/`sigma`|/ 2 / sigma"),
        ("(diff ** 2).sum(-1) → (diff ** 2).sum(-1).sqrt()", "the distance, not its square", "ROOT"),
        ("(diff ** 2).sum(-1) → (diff ** 2).mean(-1)", "the mean of x and y", "SCALE|sum"),
        ("points[:, :, None, :] → points", "no new axis", "None|axis|broadcast"),
        ("return torch.exp(-d2 / (2 * sigma ** 2)) → y = torch.exp(-d2 / (2 * sigma ** 2))\n    return y / y.sum(-1, "
         "keepdim=True)", "sums to 1", "height|sums? to 1|normal"),
        ("return torch.exp(-d2 / (2 * sigma ** 2)) → y = torch.exp(-d2 / (2 * sigma ** 2))\n    return y / (2 * "
         "math.pi * sigma ** 2)", "math is not imported; a density", "NAME|height|`y` in the place"),
        (".sum(-1) → .sum(2)", "sums over cells", "axis|SHAPE"),
        ("return torch.exp(-d2 / (2 * sigma ** 2)) → return (-d2 / (2 * sigma ** 2)).softmax(-1)", "a softmax",
         "softmax|height|sums? to 1"),
    )),
    ("3c-loss", LOSS, (
        ("points(target) → points(x)", "the points of x", "target|x′|points of"),
        ("look(x) → look(target)", "the look of the target", "target|look|x′"),
        ("look(x) → look(x) ;; drawn - target → drawn - x", "compared with x", "target|x′|compar"),
        ("bumps(points(target)) → points(target)", "no bumps", "bump"),
        ("draw(features, maps) → draw(maps, features)", "exchanged", "`?draw|features, maps"),
        ("return ((drawn - target) ** 2).mean() → return drawn", "the picture", "loss|mean|SHAPE|scalar|square"),
        ("bumps(points(target)) → bumps(points(target)).detach()", "no gradient",
         "`bumps`.*detach"),
    )),
]
