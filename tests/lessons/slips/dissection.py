"""Slips in chapters 7 and 7b."""

THRESHOLD = """
def my_threshold(activations, share):
    U = activations.shape[1]
    values = activations.transpose(0, 1).reshape(U, -1)
    return torch.quantile(values, 1 - share, dim=1)
"""
IOU = """
def my_iou(predicted, masks):
    both = (predicted & masks).sum()
    either = (predicted | masks).sum()
    return both / either
"""
LAYER = """
def my_dissection(activations, masks, share):
    N, U = activations.shape[:2]
    C = masks.shape[1]
    T = activations.movedim(1, 0).reshape(U, -1).quantile(1 - share, dim=1)
    big = torch.nn.functional.interpolate(activations, size=masks.shape[2:], mode="bilinear", align_corners=False)
    M = big > T[:, None, None]
    result = torch.zeros(U, C)
    for u in range(U):
        for c in range(C):
            both = (M[:, u] & masks[:, c]).sum()
            either = (M[:, u] | masks[:, c]).sum()
            result[u, c] = both / either
    return result
"""
LOSS = """
def my_loss(p, masks):
    y = masks.float().to(p.dtype)
    alpha = 1 - y.mean()
    inside = alpha * y * p
    outside = (1 - alpha) * (1 - y) * (1 - p)
    return -(inside + outside).mean()
"""
DESCENT = """
def my_net2vec(active, masks, rate, steps):
    A, y = active.float(), masks.float()
    alpha = 1 - y.mean()
    w = torch.zeros(A.shape[1])
    for _ in range(steps):
        w.requires_grad_()
        p = torch.sigmoid((w[None, :, None, None] * A).sum(1))
        loss = -(alpha * y * p + (1 - alpha) * (1 - y) * (1 - p)).mean()
        (g,) = torch.autograd.grad(loss, w)
        w = w.detach() - rate * g
    return w
"""
SPARSE = """
def my_sparse(w, filters):
    idx = w.abs().topk(filters).indices
    out = torch.zeros_like(w)
    out[idx] = w[idx]
    return out
"""
SIMILARITY = """
def my_similarity(first, second):
    off = ~torch.eye(len(first), dtype=torch.bool)
    a, b = first[off], second[off]
    return (a * b).sum() / (a.norm() * b.norm())
"""

SLIPS = [
    ("7-threshold", THRESHOLD, (
        ("1 - share → share", "the other end", "other end|1 − `share`"),
        ("activations.transpose(0, 1).reshape → activations.reshape", "units and pictures are mixed",
         "mix|units?.*(front|first)|movedim|axis"),
        (", dim=1) → )", "one threshold for all units", "each unit|pooled all units|SHAPE"),
        ("1 - share → 1 - share / 100", "a percentage", "percent|100|fraction"),
        ("1 - share → 100 * (1 - share)", "percent", "between 0 and 1|percent|fraction|range"),
        ("torch.quantile(values, 1 - share, dim=1) → (1 - share) * values.amax(1)", "a share of the maximum",
         "quantile|max"),
        ("reshape → view", "view of what is not contiguous", "reshape|contiguous|flatten"),
        ("torch.quantile(values, 1 - share, dim=1) → torch.quantile(values, 1 - share, dim=0)", "the wrong axis",
         "axis|SHAPE|dim"),
    )),
    ("7-iou", IOU, (
        ("predicted | masks).sum() → predicted).sum() + masks.sum()", "both are counted twice", r"twice|\||union|∪"),
        ("(predicted & masks).sum()\n → (predicted & masks).sum((1, 2))\n ;; (predicted | masks).sum()\n → (predicted "
         "| masks).sum((1, 2))\n ;; both / either → (both / either).mean()",
         "the mean of the pictures' IoU", "picture|one division"),
        ("predicted & masks → predicted and masks", "and for &", "ambiguous|&"),
        ("predicted & masks).sum() → predicted & masks).float().mean()", "a share over a number", "SCALE|sum"),
        ("both / either → both / masks.sum()", "the share of the concept", r"union|either|∪|masks|\|"),
        ("(predicted & masks) → (predicted == masks)", "agreement", "==|neither|∩|&|agree"),
        ("both / either → 2 * both / (predicted.sum() + masks.sum())", "Dice", r"Dice|twice|union|∪|\|"),
        ("predicted & masks → predicted + masks", "+ is |", r"&|∩|in both|predicted \* masks"),
    )),
    ("7-layer", LAYER, (
        ("T[:, None, None] → T", "T without axes", "None"),
        ("activations.movedim(1, 0).reshape → big.movedim(1, 0).reshape ;;     T = → \n    big = "
         "torch.nn.functional.interpolate(activations, size=masks.shape[2:], mode='bilinear')\n    T =",
         "thresholds of the enlarged maps", "small|before|enlarge|places"),
        ("align_corners=False → align_corners=True", "align_corners", "align_corners|corners"),
        ('mode="bilinear", align_corners=False → mode="nearest"', "nearest", "bilinear|nearest"),
        (".movedim(1, 0).reshape(U, -1).quantile → .reshape(U, -1).quantile", "units and pictures are mixed",
         "mix|movedim|your T is another"),
        ("big > T → big < T", "< for >", r">|above|below|~\(big"),
        ("quantile(1 - share, dim=1) → quantile(1 - share)", "one threshold for all units",
         "each unit|pooled|one number"),
        ("    M = big > T[:, None, None]\n →     M = (activations > T[:, None, None]).float()\n    M = "
         "torch.nn.functional.interpolate(M, size=masks.shape[2:], mode='bilinear', align_corners=False) > 0.5\n",
         "thresholds before enlarging", "first and enlarged|before"),
    )),
    ("7b-loss", LOSS, (
        ("masks.float().to(p.dtype) → masks", "bools", "bool|~|float"),
        ("1 - y.mean()\n → y.mean()\n", "α and 1 − α exchanged", "α|alpha|1 −|exchang"),
        (" * (1 - p) →  * p", "p, not 1 − p, outside", "1 − p|1 - p|outside"),
        (".mean()\n    inside → .mean((1, 2), keepdim=True)\n    inside", "an α for each picture",
         "one number|each picture|all pictures|α"),
        ("(1 - alpha) * (1 - y) → (1 - y)", "no 1 − α", "1 − α|alpha|α"),
        ("return -(inside + outside).mean() → return torch.nn.functional.binary_cross_entropy(p, y)", "cross-entropy",
         "log|cross.entropy|linear"),
        ("inside + outside → inside - outside", "a sign", "SIGN|term of the pixels outside"),
        ("return -(inside + outside).mean() → return -inside.mean()", "the outside is forgotten",
         "outside|1 − y|second|other term"),
    )),
    ("7b-descent", DESCENT, (
        ("- rate * g → + rate * g", "up", "DOWN"),
        ("torch.sigmoid((w[None, :, None, None] * A).sum(1)) → (w[None, :, None, None] * A).sum(1)", "no sigmoid",
         "sigmoid|between 0 and 1"),
        ("        w.requires_grad_()\n → ", "no requires_grad", "REQUIRES"),
        ("active.float(), masks.float() → active, masks", "bools", r"bool|\.float|numbers"),
        ("* A).sum(1) → * A).mean(1)", "the mean of the votes", "SCALE|sum"),
        ("loss = - → loss = ", "the sign of the loss", "DOWN"),
        ("alpha = 1 - y.mean() → alpha = y.mean()", "α and 1 − α exchanged", "α|alpha|exchang"),
        ("w[None, :, None, None] * A → w * A", "w without axes", "None|axes|axis|einsum"),
    )),
    ("7b-sparse", SPARSE, (
        ("w.abs().topk → w.topk", "the largest, not of largest size", "negative|against|abs|size"),
        ("= w[idx] → = w[idx].abs()", "the sizes", "sign|abs|negative|as they are"),
        ("= w[idx] → = 1", "ones", "as they are|the mask|multiply w"),
        ("torch.zeros_like(w) → w", "w itself is changed", "INPLACE|as it was given"),
        ("topk(filters) → topk(filters, largest=False)", "the smallest", "smallest|largest"),
        (".topk(filters).indices → .topk(filters)", "topk's pair", r"\.indices|tuple|pair"),
        ("w.abs().topk(filters).indices → w.abs().argsort()[:filters]", "sorted the other way",
         "smallest|largest|descending"),
        ("torch.zeros_like(w) → torch.zeros(len(w))", "float32", "DTYPE|Float|Double"),
    )),
    ("7b-similarity", SIMILARITY, (
        ("first[off], second[off] → first, second", "the diagonal counts", "diagonal"),
        ("a.norm() * b.norm() → first.norm() * second.norm()", "the diagonal counts in the norms", "diagonal|norm"),
        ("/ (a.norm() * b.norm()) → / a.norm() * b.norm()", "brackets", "bracket|denominator|divid|norm|multipl"),
        ("(a * b).sum() → (a * b).mean()", "the mean", "SCALE|nor a mean"),
        ("(a.norm() * b.norm()) → (a.norm() + b.norm())", "the sum of the norms", r"product|times|\*|norm"),
        ("~torch.eye(len(first), dtype=torch.bool) → torch.eye(len(first), dtype=torch.bool)", "the diagonal only",
         "diagonal|i ≠ j|~"),
        ("(a.norm() * b.norm()) → (a.norm() * b.norm()) ** 2", "squared norms", "ROOTd?"),
        ("def my_similarity(first, second):\n    a, b = first.triu(), second.triu()\n    return (a * b).sum() / "
         "(a.norm() * b.norm())", "triu holds the diagonal", "diagonal"),
    )),
]
