"""Slips in chapters 6b and 6c."""

STEP = """
def my_step(image, gradient, original, step_size, eps):
    moved = image - step_size * gradient.sign()
    change = torch.clamp(moved - original, -eps, eps)
    return torch.clamp(original + change, 0, 1)
"""
LOSS = """
def my_loss(scores, target):
    return -torch.log_softmax(scores, dim=1)[0, target]
"""
SUMS = """
def my_loss(scores, target):
    return torch.logsumexp(scores, 1)[0] - scores[0, target]
"""
ATTACK = """
def my_attack(scores, x, target, eps, rate, steps):
    x_hat = x.clone()
    for _ in range(steps):
        x_hat = x_hat.detach().requires_grad_()
        loss = -scores(x_hat).log_softmax(1)[0, target]
        (g,) = torch.autograd.grad(loss, x_hat)
        x_hat = x_hat.detach() - rate * g.sign()
        x_hat = x + (x_hat - x).clamp(-eps, eps)
        x_hat = x_hat.clamp(0, 1)
    return x_hat
"""
FLIP = """
def my_filters(filters):
    return torch.flip(filters, dims=(3,))
"""
STITCH = """
def my_stitch(x, y):
    ones = torch.ones(len(x), 1, dtype=x.dtype)
    a = torch.cat([x, ones], dim=1)
    s = torch.linalg.lstsq(a, y).solution
    return s[:-1].T, s[-1]
"""
CENTRED = """
def my_stitch(x, y):
    mx, my = x.mean(0), y.mean(0)
    W = torch.linalg.lstsq(x - mx, y - my).solution.T
    return W, my - W @ mx
"""

SLIPS = [
    ("6b-step", STEP, (
        ("moved - original → moved - image ;; original + change → image + change", "the ball is about image",
         "original|ball|about"),
        ("return torch.clamp(original + change, 0, 1) → return original + change", "no box",
         r"box|\[0, ?1\]|below 0|clamp"),
        ("torch.clamp(original + change, 0, 1) → torch.clamp(moved, 0, 1)", "no ball", "ball|eps|ε|UNUSED"),
        ("step_size *  → ", "no α", "step_size|α|UNUSED"),
        ("-eps, eps → 0, eps", "only upwards", "-eps|−ε|negative|both|ball|±"),
        ("original + change → change", "the change, not the picture", "original|change|add"),
        ("gradient.sign() → gradient / gradient.norm()", "the direction of L2", "sign|L2|length"),
        ("(moved - original, -eps, eps) → (moved, -eps, eps)", "clamps the picture", "change|ball|original"),
    )),
    ("6b-target", LOSS, (
        ("-torch.log_softmax(scores, dim=1)[0, target] → -torch.log(scores.softmax(1)[0, target])", "log of 0",
         "inf|log 0|log_softmax"),
        ("dim=1 → dim=0", "a softmax over the batch", "axis|classes|dim"),
        ("-torch.log_softmax(scores, dim=1)[0, target] → -scores[0, target]", "the score alone",
         "softmax|Σ|log|other classes"),
        ("-torch.log_softmax(scores, dim=1)[0, target] → -scores.softmax(1)[0, target]", "no logarithm", "log"),
        ("-torch.log_softmax(scores, dim=1)[0, target] → torch.nn.functional.cross_entropy(scores, target)",
         "a number for a tensor of classes", "tensor|Tensor|int"),
        ("-torch.log_softmax(scores, dim=1)[0, target] → -torch.log(scores.softmax(1)[0, target] + 1e-8)",
         "a small number stops the loss", "1e-8|log_softmax|small|inf"),
        ("-torch.log_softmax(scores, dim=1)[0, target] → -scores.log_softmax(1)[0].max()", "the largest",
         "target|UNUSED"),
    )),
    ("6b-target", SUMS, (
        ("torch.logsumexp(scores, 1)[0] → scores.exp().sum(1).log()[0]", "exp overflows",
         "inf|exp|overflow|logsumexp|log_softmax"),
    )),
    ("6b-loop", ATTACK, (
        ("- rate * g.sign() → + rate * g.sign()", "away from the target", "DOWN|away|`scores"),
        ("        x_hat = x_hat.clamp(0, 1)\n → ", "no box", r"box|\[0, ?1\]|clamp|below 0"),
        ("        x_hat = x + (x_hat - x).clamp(-eps, eps)\n → ", "no ball", "ball|eps|ε|UNUSED"),
        ("        x_hat = x_hat.detach() - rate * g.sign()\n        x_hat = x + (x_hat - x).clamp(-eps, eps) →         "
         "old = x_hat.detach()\n        x_hat = old - rate * g.sign()\n        x_hat = old + (x_hat - old).clamp(-eps, "
         "eps)", "the ball is about the last picture", r"ball|about|original|\bx\b"),
        ("= -scores → = scores", "the sign of the loss", "SIGN|away|down"),
        ("x_hat = x_hat.detach().requires_grad_() → x_hat = x_hat.detach()", "no requires_grad", "REQUIRES"),
        ("        x_hat = x_hat.detach().requires_grad_()\n →  ;; x.clone() → x.clone().requires_grad_()",
         "a leaf once only", "GRAPH|REQUIRES"),
        ("(g,) = → g =", "a tuple", "tuple"),
    )),
    ("6c-flip", FLIP, (
        ("dims=(3,) → dims=(2,)", "rows", "column|row|axis|upside"),
        ("dims=(3,) → dims=(2, 3)", "rows and columns", "column|row|axis|both|upside|half a turn"),
        ("torch.flip(filters, dims=(3,)) → filters.transpose(2, 3)", "transposed", "transpos|flip|mirror"),
        ("torch.flip(filters, dims=(3,)) → filters", "nothing", "as they were|as it was given"),
        ("dims=(3,) → dims=(0,)", "output channels", "column|axis|channel"),
        ("torch.flip(filters, dims=(3,)) → filters[..., ::-1]", "a negative step", "step|flip"),
        ("torch.flip(filters, dims=(3,)) → filters.rot90(2, (2, 3))", "a half turn", "half a turn|axis 2"),
        ("torch.flip(filters, dims=(3,)) → torch.fliplr(filters)", "fliplr flips axis 1", "axis|column|channel"),
    )),
    ("6c-stitch", STITCH, (
        ("s[:-1].T → s[:-1]", "W is (p,q)", r"transpos|\.T|SHAPE"),
        ("return s[:-1].T, s[-1] → s = torch.linalg.lstsq(x, y).solution\n    return s.T, torch.zeros_like(y[0])",
         "no offset", r"offset|bias|ones|\bb\b"),
        ("return s[:-1].T, s[-1] → s = torch.linalg.lstsq(x, y).solution\n    return s.T, (y - x @ s).mean(0)",
         "the offset comes too late", r"mean|ones|offset|\bb\b"),
        (".solution → ", "the whole result of lstsq", "solution|named|tuple|ATTRIBUTE|lstsq"),
        ("dim=1) → dim=0)", "ones as a row", "column|beside|dim=1"),
        ("s[:-1].T, s[-1] → s[1:].T, s[0]", "the first row for the last", r"last row|the last|first row|\[ones, x\]"),
        ("s[:-1].T, s[-1] → s[:-1].T, s[-1:]", "b has an axis too many", "SHAPE|axis"),
    )),
    ("6c-stitch", CENTRED, (
        ("my - W @ mx → my", "b is the mean of y", r"mean|W|offset|\bb\b|mx"),
    )),
]
