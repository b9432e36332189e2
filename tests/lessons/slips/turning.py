"""Slips in chapter 3b."""

TURN = """
def my_turn(before, after):
    # before = Φ(x), after = Φ(gx), (B,n,n) each → g (B,n,n)
    return torch.matmul(after, before.transpose(1, 2))
"""
ROTATION = """
def my_rotation(code):
    a, b = code[:, :3], code[:, 3:]
    e1 = F.normalize(a, dim=1)
    along = (e1 * b).sum(1, keepdim=True) * e1
    e2 = F.normalize(b - along, dim=1)
    e3 = torch.linalg.cross(e1, e2)
    return torch.stack([e1, e2, e3], dim=2)
"""
ALIGN = """
def my_align(found, true):
    M = (found.mT @ true).sum(0)
    U, S, Vh = torch.linalg.svd(M)
    D = torch.eye(len(M), dtype=M.dtype)
    D[-1, -1] = torch.det(U @ Vh)
    return U @ D @ Vh
"""

SLIPS = [
    ("3b-turn", TURN, (
        ("matmul(after, before.transpose(1, 2)) → matmul(before.transpose(1, 2), after)", "from the wrong side",
         "side|from the right"),
        ("before.transpose(1, 2) → before", "no inverse", r"transpos|inverse|Φ\(x\)⁻¹"),
        ("before.transpose(1, 2) → before.T", "T reverses all axes", r"mT|\.T|axes|batch|transpose"),
        ("torch.matmul(after, before.transpose(1, 2)) → after * before.transpose(1, 2)", "* for @", "@|matri"),
        ("torch.matmul(after, before.transpose(1, 2)) → before @ after.mT", "the turn back",
         "back|inverse|transpos|PLACES"),
        ("torch.matmul(after, before.transpose(1, 2)) → after - before", "a difference", "@|product|inverse|differ"),
        ("torch.matmul(after, before.transpose(1, 2)) → torch.linalg.solve(before, after)",
         "solves from the wrong side", "side|from the right"),
        ("before.transpose(1, 2) → befor.transpose(1, 2)", "a typo", "NAME"),
    )),
    ("3b-rotation", ROTATION, (
        ("F.normalize(b - along, dim=1) → F.normalize(b, dim=1)", "not orthogonal",
         "orthogonal|right angle|along|lies"),
        ("F.normalize(b - along, dim=1) → b - along", "the second is not of length 1", "length"),
        ("F.normalize(a, dim=1) → a", "the first is not of length 1", "length"),
        ("cross(e1, e2) → cross(e2, e1)", "left-handed",
         "right-handed|left-handed|order|third|determinant|mirror|SIGN"),
        ("(e1 * b).sum(1, keepdim=True) → (e1 * b).sum(1)", "no keepdim", "KEEP"),
        ("(e1 * b).sum → (a * b).sum", "a, not of length 1", "length"),
        ("b - along → b + along", "adds what lies along", "SIGN|take|along|subtract"),
        ("F.normalize(a, dim=1) → a / a.norm()", "the norm of the batch", "length|each code|its own"),
    )),
    ("3b-align", ALIGN, (
        ("return U @ D @ Vh → return U @ Vh", "a mirror may come out", "mirror|determinant|det"),
        ("found.mT @ true → found @ true.mT", "from the wrong side", r"side|Φᵀ|found\.mT"),
        ("U @ D @ Vh → U @ D @ Vh.T", "V is transposed again", "Vh|Vt|Vᵀ|transpos"),
        (".sum(0) → ", "no sum", "no sum|not summed|SHAPE|all pictures"),
        ("D[-1, -1] → D[0, 0]", "the first entry", "last|smallest|sorted|costs least"),
        ("return U @ D @ Vh → return M", "M itself", "SVD|svd"),
        ("return U @ D @ Vh → return U @ torch.diag(S) @ Vh", "M again", "without S|SVD"),
        ("return U @ D @ Vh → h = U @ Vh\n    return h * torch.det(h)", "the whole matrix changes sign",
         "last|mirror|column"),
    )),
]
