"""Slips in chapter 8."""

FILL = """
def my_fill(x, where, steps):
    for _ in range(steps):
        p = F.pad(x, (1, 1, 1, 1), mode="replicate")
        up, down = p[..., :-2, 1:-1], p[..., 2:, 1:-1]
        left, right = p[..., 1:-1, :-2], p[..., 1:-1, 2:]
        around = (up + down + left + right) / 4
        x = torch.where(where, around, x)
    return x
"""
TRANSPLANT = """
def my_transplant(score, healthy, ill, cell):
    rows, cols = cell
    h, i = healthy.clone(), ill.clone()
    h[:, :, rows, cols] = ill[:, :, rows, cols]
    i[:, :, rows, cols] = healthy[:, :, rows, cols]
    rise = score(h) - score(healthy)
    fall = score(ill) - score(i)
    return rise, fall
"""
FLIPS = """
def my_flips(before, after, ill):
    right = (before > 0) == ill
    flipped = (before > 0) != (after > 0)
    a = flipped[right & ill].float().mean()
    b = flipped[right & ~ill].float().mean()
    return torch.stack([a, b])
"""

SLIPS = [
    ("8-fill", FILL, (
        (', mode="replicate" → , mode="reflect"', "reflected", "border|replicate|reflect"),
        (" / 4 → ", "the sum of four", "not their sum"),
        ("left + right) / 4 → left + right + x) / 5", "its own value too", "the pixel itself"),
        ("torch.where(where, around, x) → around", "where is not used", "where|UNUSED|outside"),
        ("around = (up + down + left + right) / 4 → around = (up + down) / 2", "two neighbours",
         "mean of the four"),
        ("x = torch.where(where, around, x) → y = torch.where(where, around, x) ;; return x → return y",
         "each step begins anew", "next step|one step"),
        ("p[..., :-2, 1:-1], p[..., 2:, 1:-1] → p[..., :-1, 1:-1], p[..., 1:, 1:-1]", "shifted by one, of another size",
         "-2|2:|same size"),
        ("def my_fill(x, where, steps):\n    for _ in range(steps):\n        around = (x.roll(1, 2) + x.roll(-1, 2) + "
         "x.roll(1, 3) + x.roll(-1, 3)) / 4\n        x = torch.where(where, around, x)\n    return x",
         "wraps round", "border|wrap|roll|replicate"),
    )),
    ("8-transplant", TRANSPLANT, (
        ("healthy.clone(), ill.clone() → healthy, ill", "no copies", "INPLACE|cop(y|ies)"),
        ("= healthy[:, → = h[:,", "the cell that was carried already", "already|original|before|copy|carried|healthy"),
        ("rows, cols = cell → cols, rows = cell", "rows and columns exchanged", "PLACES|rows|columns"),
        ("score(h) - score(healthy) → score(h) - score(ill)", "compared with the ill one", "healthy|compar|before"),
        ("return rise, fall → return torch.stack([rise, fall])", "one tensor", "2 tensors|two|a, b"),
        ("h[:, :, rows, cols] = ill[:, :, rows, cols] → h[:, :, cell] = ill[:, :, cell]", "a tuple as an index",
         "tuple|rows, columns"),
        ("score(h) - score(healthy) → score(h)", "nothing is subtracted", "SIGN|subtract|how far they have moved"),
        ("ill[:, :, rows, cols]\n    i → ill\n    i", "the whole slice", r"\bcell\b|rows, columns"),
    )),
    ("8-flips", FLIPS, (
        ("right & ill] → ill] ;; right & ~ill] → ~ill]", "wrong answers count too", "right|found|before|cleared|were"),
        ("(after > 0)\n → after\n", "compares with log-odds", "> 0|log-odds|bool"),
        (".float().mean()\n    b → .sum()\n    b ;; ~ill].float().mean() → ~ill].sum()", "numbers, not shares",
         "share|mean|SCALE|float"),
        ("flipped[right & ill].float().mean() → (flipped & right & ill).float().mean() ;; flipped[right & "
         "~ill].float().mean() → (flipped & right & ~ill).float().mean()",
         "shares of all slices", "share of|of the|among|SCALE|all"),
        ("(before > 0) == ill → (after > 0) == ill", "right after the change", "wrong before"),
        (" != (after →  == (after", "those that stay", "!=|1 minus the right one"),
        ("flipped[right & ill].float().mean() → flipped[right & ill].mean()", "the mean of bools", "float|bool|Bool"),
        ("right & ~ill → right & -ill", "minus of bools", "~|bool"),
        ("(before > 0) != (after > 0) → (before - after).abs() > 0", "any change", "> 0|the side"),
    )),
]
