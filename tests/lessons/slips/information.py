"""Slips in chapter 2c."""

JOINT = """
def my_joint(z):
    v, n, k = z.shape
    P = torch.zeros(k, k, dtype=z.dtype)
    for a in range(v):
        for b in range(v):
            if a != b:
                P = P + z[a].T @ z[b]
    return P / (n * v * (v - 1))
"""
SUMS = """
def my_joint(z):
    v, n, k = z.shape
    total = z.sum(0)
    same = torch.einsum("vni,vnj->ij", z, z)
    return (total.T @ total - same) / (n * v * (v - 1))
"""
LOSS = """
def my_loss(P, lam):
    P = P.clamp_min(1e-12)
    Pa = P.sum(-1, keepdim=True)
    Pb = P.sum(-2, keepdim=True)
    return -(P * (P.log() - lam * Pa.log() - lam * Pb.log())).sum((-2, -1))
"""
JOINTAT = """
def my_joint_at(z, z_moved, t):
    dy, dx = t
    n, k, h, w = z.shape
    P = torch.zeros(k, k, dtype=z.dtype)
    count = 0
    for y in range(h):
        for x in range(w):
            if 0 <= y + dy < h and 0 <= x + dx < w:
                P = P + z[:, :, y, x].T @ z_moved[:, :, y + dy, x + dx]
                count += n
    return P / count
"""

SLIPS = [
    ("2c-joint", JOINT, (
        ("            if a != b:\n                P = P →             P = P", "views with themselves too",
         "itself|different|a ≠ b|a != b|themselves"),
        ("n * v * (v - 1) → n", "not divided by the pairs", "pairs of views|SCALE"),
        ("n * v * (v - 1) → v * (v - 1)", "not divided by n", "number of pictures|SCALE"),
        ("n * v * (v - 1) → n * v * v", "divided by all pairs", r"v·\(v|pairs of views"),
        ("z[a].T @ z[b] → z[a] @ z[b].T", "the other product", r"transpos|\.T\b"),
        ("if a != b → if a < b", "each pair once", "ordered|both|symmetric|transpose|twice"),
        ("z[a].T @ z[b] → z[a].T * z[b]", "* for @", "@|matri"),
        ("return P / (n * v * (v - 1)) → return 0 * P", "all is 0", "0 everywhere"),
    )),
    ("2c-joint", SUMS, (
        (" - same → ", "a view with itself too", "itself|different|a ≠ b|themselves|same view"),
    )),
    ("2c-iic", LOSS, (
        ("    P = P.clamp_min(1e-12)\n → ", "ln 0", "nan|NaN|ln 0|log"),
        (".sum((-2, -1)) → .sum()", "one number for all joints", "axis|axes|each|SHAPE"),
        ("- lam * Pb.log() → - Pb.log()", "λ before one marginal", "λ|lam"),
        ("P.log() - lam → lam * P.log() - lam", "λ before P too", "λ|lam"),
        ("P.sum(-1, keepdim=True) → P.sum(-1)", "no keepdim", "KEEP|broadcast|rows"),
        (" - lam * Pb.log() → ", "one marginal", "marginal|P_b|both|column|lam|twice|two"),
        ("P.sum(-1, → P.sum(0, ;; P.sum(-2, → P.sum(1,", "axes from the start", "axis|axes|end|-1"),
        ("sum((-2, -1)) → mean((-2, -1))", "the mean of cells", "SCALE|sum"),
    )),
    ("2c-displaced", JOINTAT, (
        ("y + dy, x + dx] → y - dy, x - dx]", "the other way", "SIGN|other way|direction|−t|-t|outside|range"),
        ("if 0 <= y + dy < h and 0 <= x + dx < w → if y + dy < h and x + dx < w", "negative indices wrap round",
         "wrap|negative|comes back on the other"),
        ("count += n → count += 1", "pictures are not averaged", "SCALE|pictures|mean"),
        ("P / count → P / (n * h * w)", "divided by all places", "places|SCALE|on the map|partner"),
        (".T @ z_moved[:, :, y + dy, x + dx] → .T @ z[:, :, y + dy, x + dx]", "z with itself", "z_moved|z′|UNUSED"),
        ("def my_joint_at(z, z_moved, t):\n    moved = z_moved.roll((-t[0], -t[1]), (2, 3))\n    return "
         "torch.einsum('nihw,njhw->ij', z, moved) / z[:, 0].numel()",
         "rolls, so that places wrap round", "wrap|roll|border|still on|partner|off the map"),
        ("def my_joint_at(z, z_moved, t):\n    y, x = t\n    h, w = z.shape[2:]\n    a, b = z[..., :h - y, :w - x], "
         "z_moved[..., y:, x:]\n    return torch.einsum('nihw,njhw->ij', a, b) / a[:, 0].numel()",
         "right for t ≥ 0 only", "negative"),
        ("def my_joint_at(z, z_moved, t):\n    return torch.einsum('nihw,njhw->ij', z, z_moved) / z[:, 0].numel()",
         "t is not used", r"`?\bt\b|UNUSED|displace"),
    )),
]
