"""Slips in chapter 3."""

PAIR = """
def my_pair(x, A, t, u):
    inv = torch.linalg.inv(A)
    shift = -(inv @ t[:, :, None])
    theta = torch.cat([inv, shift], dim=2)
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    gx = F.grid_sample(x, grid, align_corners=False)
    gu = u @ A.mT + t[:, None]
    return gx, gu
"""
INVARIANCE = """
def my_invariance(a, b):
    d = a - b
    return (d ** 2).sum(dim=2)
"""
FIND = """
def my_find(query, codes, gu, tau, gamma):
    scores = torch.einsum("bnd,bdhw->bnhw", query, codes).flatten(2)
    p = torch.softmax(scores / tau, dim=2)
    places = cells(codes)
    dist = (gu[:, :, None, :] - places).norm(dim=-1)
    loss = (p * dist ** gamma).sum(2)
    return p, loss
"""

SLIPS = [
    ("3-pair", PAIR, (
        ("torch.cat([inv, shift], dim=2) → torch.cat([A, t[:, :, None]], dim=2)", "g for g⁻¹", "inver|g⁻¹|comes from"),
        ("-(inv @ t[:, :, None]) → -t[:, :, None]", "−t, not −A⁻¹t", "A⁻¹t|inverse|A⁻¹"),
        ("u @ A.mT + → u @ A +", "u A for u Aᵀ", "transpos|mT|Aᵀ"),
        ("+ t[:, None] → + t", "t for each point, not for each picture", r"\[:, None\]|each picture|axis of length 1"),
        ("gx = F.grid_sample(x, grid, align_corners=False) → gx = F.grid_sample(x, grid, padding_mode='border', "
         "align_corners=False)", "the border is repeated", "black|padding|outside|border"),
        ("F.affine_grid(theta, x.shape, align_corners=False) → F.affine_grid(theta, x.shape, align_corners=True) ;; (x,"
         " grid, align_corners=False) → (x, grid, align_corners=True)", "align_corners", "align_corners|corners"),
        ("inv @ t[:, :, None] → inv @ t", "t is no column", r"column|\(B,2,1\)|None"),
        ("A.mT + t[:, None] → inv.mT + t[:, None]", "the points by the inverse", "inver|go back"),
    )),
    ("3-invariance", INVARIANCE, (
        ("sum(dim=2) → mean(dim=2)", "the mean of the numbers", "SCALE|sum"),
        ("sum(dim=2) → sum(dim=1)", "sums over points", "axis|SHAPE|point"),
        ("sum(dim=2) → sum()", "one number for all", "axis|SHAPE|each point"),
        ("(d ** 2).sum(dim=2) → (d ** 2).sum(dim=2).sqrt()", "the distance, not its square", "ROOT"),
        ("(d ** 2) → d.abs()", "absolute values", "square|abs"),
        ("(d ** 2).sum(dim=2) → d.norm(dim=2)", "the norm", "ROOT|norm"),
        (".sum(dim=2) → .sum(dim=2, keepdim=True)", "an axis too many", "keepdim|SHAPE"),
        ("a - b → a + b", "the sum", r"SIGN|differ|\+"),
    )),
    ("3-find", FIND, (
        ("tau, dim=2 → tau, dim=1", "a softmax over points", "places|axis|dim"),
        ("dist ** gamma → dist", "no γ", "γ|gamma|power"),
        ("(p * dist ** gamma).sum(2) → (p * dist).sum(2) ** gamma", "the power after the mean", "power|γ|gamma|first"),
        (".sum(2)\n → .mean(2)\n", "the mean over places", "SCALE|sum"),
        ("return p, loss → return p, loss.mean()", "one number for all points", "SHAPE|each point|mean over"),
        ("norm(dim=-1) → square().sum(-1)", "the square of the distance", "ROOT|twice `gamma`"),
        ("(scores / tau, dim=2) → (scores / tau)", "softmax without dim", "dim"),
        ("return p, loss → return scores, loss", "scores, not probabilities", "softmax|probabilit|sum to 1|heat map"),
    )),
]
