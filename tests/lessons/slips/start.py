"""Slips in chapter 0."""

CONV = """
def my_match(x, w):
    # x (B,C,H,W), w (C,k,l) → (B,H−k+1,W−l+1)
    return F.conv2d(x, w[None])[:, 0]
"""
LOOP = """
def my_match(x, w):
    C, k, l = w.shape
    rows, cols = x.shape[2] - k + 1, x.shape[3] - l + 1
    out = torch.zeros(len(x), rows, cols, dtype=x.dtype)
    for i in range(k):
        for j in range(l):
            out += (w[:, i, j][:, None, None] * x[:, :, i:i + rows, j:j + cols]).sum(1)
    return out
"""
OCCLUSION = """
def my_occlusion(score, x, side, step):
    s0 = score(x)
    H, W = x.shape[2:]
    result = []
    for top in range(0, H - side + 1, step):
        row = []
        for left in range(0, W - side + 1, step):
            y = x.clone()
            y[:, :, top:top + side, left:left + side] = 0.5
            row.append(s0[0] - score(y)[0])
        result.append(torch.stack(row))
    return torch.stack(result)
"""
PROBE = """
def my_probe(y, labels, new, lam):
    t = F.one_hot(labels).to(y.dtype)
    A = y.T @ y + lam * torch.eye(y.shape[1], dtype=y.dtype)
    W = torch.linalg.solve(A, y.T @ t)
    return new @ W
"""

SLIPS = [
    ("0-match", CONV, (
        ("w[None] → w", "the template is not in a list", r"w\[None\]|\(1,C|of four axes"),
        (")[:, 0] → )", "the axis of the one map is left", r"\[:, 0\]|SHAPE"),
        ("F.conv2d → conv2d", "conv2d without F.", "NAME"),
        (")[:, 0] → )[0]", "the first picture, not the only map", r"batch|\[:, 0\]|picture|SHAPE"),
        (")[:, 0] → )[:, 0].relu()", "a ReLU after it", "[Rr]e[lL][uU]|negative"),
    )),
    ("0-match", LOOP, (
        ("x.shape[2] - k + 1 → x.shape[2] - k ;; x.shape[3] - l + 1 → x.shape[3] - l", "no + 1 in the number of places",
         r"\+ 1|one (row|place|less)|SHAPE"),
        (", dtype=x.dtype → ", "zeros of float32 for float64", "DTYPE"),
        ("    return out →         return out", "returns inside of the loop", "AGAIN"),
    )),
    ("0-occlusion", OCCLUSION, (
        ("H - side + 1 → H - side ;; W - side + 1 → W - side", "the last square is left out",
         r"\+ 1|last (square|row|place)|completely|SHAPE"),
        ("            y = x.clone()\n →  ;; result = [] → result = []\n    y = x.clone()", "squares stay grey",
         "copy|stay grey"),
        ("= 0.5 → = 0", "black, not grey", r"0\.5|grey|black"),
        ("left:left + side → left:left + step", "the square is as wide as a step", "wide|width|side×side"),
        ("H - side + 1, step → H - side + 1 ;; W - side + 1, step → W - side + 1", "the step is forgotten",
         "`?step|SHAPE"),
        ("s0[0] - score(y)[0] → score(y)[0]", "nothing is subtracted", "subtract|less the|differ|minus|drop"),
        ("return torch.stack(result) → return result", "a list of rows", "STACK"),
        ("s0[0] - score(y)[0] → (s0[0] - score(y)[0]).abs()", "the absolute value", "abs|SIGN"),
    )),
    ("0-probe", PROBE, (
        ("lam * → ", "λ is not used", "UNUSED|lam|λ"),
        (" + lam * torch.eye(y.shape[1], dtype=y.dtype) →  + lam", "λ on every entry, not on the diagonal",
         "identity|eye|diagonal"),
        (".to(y.dtype) → ", "one_hot stays whole numbers", r"\.to\(|\.float|whole|DTYPE"),
        ("new @ W → y @ W", "scores of the old codes", "`?new`?|UNUSED"),
        ("torch.eye(y.shape[1] → torch.eye(y.shape[0]", "the identity of size N", "eye|identity"),
        ("y.T @ y + → y @ y.T +", "y yᵀ for yᵀ y", "transpos|y.T|yᵀ|other way round"),
        ("new @ W → W", "the weights, not the scores", "new|scores|UNUSED"),
        ("lam * torch → len(y) * lam * torch", "λ times N", "λ|lam|divided by N"),
    )),
]
