"""Slips in chapter 2b."""

STEP = """
def my_step(y_hat, y, lr):
    grad = 2 * (y_hat - y).mean(0)
    return y_hat - lr * grad
"""
SHIFT = """
def my_shift(y_hat, y, lr):
    B, S = y.shape
    nearest = []
    for one in y:
        back = torch.stack([one.roll(-eta) for eta in range(S)])
        eta = ((back - y_hat) ** 2).sum(1).argmin()
        nearest.append(back[eta])
    mean = torch.stack(nearest).mean(0)
    return y_hat - lr * 2 * (y_hat - mean)
"""
SWITCH = """
def my_switch(score, x, y, same, lr):
    s = score[x, y]
    grad = (torch.sigmoid(s) - same) / len(same)
    return score.index_put((x, y), -lr * grad, accumulate=True)
"""

SLIPS = [
    ("2b-step", STEP, (
        ("y_hat - lr → y_hat + lr", "up", "DOWN"),
        ("2 *  → ", "no 2", r"\b2\b|half|twice|SCALE"),
        (".mean(0) → .mean()", "the mean over pixels too", "axis|pixel"),
        (".mean(0) → .sum(0)", "the sum of the batch", "SCALE|sum"),
        ("(y_hat - y).mean(0) → (y_hat - y)", "no mean", "mean|batch|SHAPE"),
        ("return y_hat - lr * grad → return grad", "the gradient", "gradient|step|y_hat"),
        ("(y_hat - y) → (y - y_hat)", "the sign", "DOWN"),
        (".mean(0) → .mean(1)", "the wrong axis", "axis|first two axes"),
    )),
    ("2b-shift", SHIFT, (
        (".argmin() → .argmax()", "the farthest", "argmin|nearest|smallest|farthest|largest"),
        (".sum(1).argmin() → .sum(0).argmin()", "sums over η", "axis|over its samples"),
        ("(y_hat - mean) → (y_hat - y.mean(0))", "a step of L2", "L2|best|η|mean of"),
        ("lr * 2 * → lr *", "no 2", r"\b2\b|half|twice|SCALE"),
        ("range(S) → range(1, S)", "η = 0 is left out", "η = 0|all η|range"),
        ("        nearest.append →     nearest.append", "the last sound only", "last sound|loop|each sound"),
        ("((back - y_hat) ** 2).sum(1).argmin() → ((back - y_hat) ** 2).sum(1).min()", "the distance, not its place",
         "argm|its place"),
        ("(back - y_hat) ** 2).sum(1).argmin() → back @ y_hat).argmin()", "the least product",
         "argmin|nearest|smallest|distance|product"),
    )),
    ("2b-switch", SWITCH, (
        (" / len(same) → ", "not divided by M", r"\bM\b|mean|SCALE"),
        (", accumulate=True → ", "repeated pairs are lost", "accumulate"),
        ("torch.sigmoid(s) - same → s - same", "no sigmoid", "σ|sigmoid"),
        ("return score.index_put((x, y), -lr * grad, accumulate=True) → return torch.zeros_like(score).index_put((x, "
         "y), -lr * grad, accumulate=True)", "the change, not the new scores", "change|gradient|add|score"),
        ("(x, y), -lr → (y, x), -lr", "x and y exchanged", "PLACES|order|transpos|x and y|rows"),
        ("s = score[x, y] → s = score[x][y]", "rows twice", r"\[x, y\]|pair|row"),
        ("- same) / len(same) → - same) / score.numel()", "divided by all scores", r"\bM\b|mean|SCALE"),
        ("return score.index_put((x, y), -lr * grad, accumulate=True) → new = score.clone()\n    new[x, y] -= lr * "
         "grad\n    return new", "-= loses repeated pairs", "accumulate|repeat"),
    )),
]
