"""Slips in chapters 5 and 5b."""

ERROR = """
def my_error(code, wanted):
    return ((code - wanted) ** 2).sum() / (wanted ** 2).sum()
"""
VARIATION = """
def my_variation(image, beta):
    pad = torch.nn.functional.pad
    dy = pad(image[:, :, 1:] - image[:, :, :-1], (0, 0, 0, 1))
    dx = pad(image[:, :, :, 1:] - image[:, :, :, :-1], (0, 1))
    return ((dx ** 2 + dy ** 2 + 1e-8) ** (beta / 2)).mean()
"""
INVERSE = """
def my_inverse(matrix, y, lam):
    N = matrix.shape[1]
    A = matrix.T @ matrix + lam * torch.eye(N, dtype=matrix.dtype)
    return torch.linalg.solve(A, matrix.T @ y)
"""
CHAIN = """
def my_chain(denoise, energy, x, noises, sigma, lam, delta):
    for n in noises:
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(energy(x), x)
        drift = denoise(x) - x - lam * gradient
        x = x + delta / 2 * drift + delta ** 0.5 * sigma * n
    return x.detach()
"""
EXCITATION = """
def my_excitation(code, unit):
    return code[:, unit].mean()
"""
CLIMB = """
def my_climb(scores, x, k, shifts, rate):
    for dy, dx in shifts:
        x = x.detach().requires_grad_()
        seen = torch.roll(x, (dy, dx), dims=(2, 3))
        score = scores(seen)[0, k]
        (g,) = torch.autograd.grad(score, x)
        x = (x.detach() + rate * g).clamp(0, 1)
    return x
"""

SLIPS = [
    ("5-code", ERROR, (
        ("(wanted ** 2) → (code ** 2)", "divided by the other code", "wanted|divisor"),
        (" / (wanted ** 2).sum() → ", "not divided", "divi|relative"),
        ("((code - wanted) ** 2).sum() / (wanted ** 2).sum() → (((code - wanted) ** 2) / (wanted ** 2)).sum()",
         "each value is divided", "one division|value by value"),
        ("(code - wanted) ** 2).sum() / (wanted ** 2) → code - wanted).abs().sum() / wanted.abs()", "absolute values",
         "square|abs"),
        ("((code - wanted) ** 2).sum() / → ((code - wanted) ** 2).mean() /", "a mean over a sum", "SCALE|sum"),
        ("((code - wanted) ** 2).sum() / (wanted ** 2).sum() → torch.norm(code - wanted) / torch.norm(wanted)",
         "not squared", "ROOT"),
        ("((code - wanted) ** 2).sum() / (wanted ** 2).sum() → ((code - wanted) ** 2).sum(1) / (wanted ** 2).sum(1)",
         "sums over channels only", "axis|axes|SHAPE|all values"),
        ("(wanted ** 2).sum() → (wanted ** 2).sum", "sum without brackets", "CALL|unsupported"),
    )),
    ("5-variation", VARIATION, (
        ("beta / 2 → beta", "β for β/2", "β/2|beta / 2|twice `beta`"),
        (", (0, 0, 0, 1)) → , (0, 1))", "dy is padded like dx", "pad|add the zeros"),
        (" + 1e-8 → ", "no 1e-8", "1e-8"),
        ("dx ** 2 + dy ** 2 + 1e-8) ** (beta / 2) → dx.abs() ** beta + dy.abs() ** beta)",
         "each difference to the power", "one by one|dx²"),
        ("dx ** 2 + dy ** 2 + 1e-8) → dx + dy) ** 2", "the square of the sum", "square"),
        ("pad(image[:, :, 1:] - image[:, :, :-1], (0, 0, 0, 1)) → image[:, :, 1:] - image[:, :, :-1]",
         "dy is not padded", "pad|add the zeros"),
        ("def my_variation(image, beta):\n    dy = image.diff(dim=-2)[..., :-1]\n    dx = image.diff(dim=-1)[..., :-1, "
         ":]\n    return ((dx ** 2 + dy ** 2 + 1e-8) ** (beta / 2)).mean()",
         "the last row and column are cut off", "last|pad|cut|row"),
        ("def my_variation(image, beta):\n    dy = image.roll(-1, 2) - image\n    dx = image.roll(-1, 3) - image\n    "
         "return ((dx ** 2 + dy ** 2 + 1e-8) ** (beta / 2)).mean()", "wraps round", "no ring"),
    )),
    ("5-tikhonov", INVERSE, (
        ("lam *  → ", "λ is not used", "λ|lam|UNUSED"),
        ("lam * torch.eye(N, dtype=matrix.dtype) → lam", "λ on every entry", r"identity|eye|diagonal|I\b"),
        ("matrix.T @ matrix + → matrix @ matrix.T +", "M Mᵀ", "transpos|MᵀM|Mᵀ"),
        ("matrix.shape[1] → matrix.shape[0]", "the identity of size K", "identity|size N|eye"),
        ("solve(A, matrix.T @ y) → solve(A, y)", "Mᵀ is missing on the right", r"Mᵀ|matrix\.T"),
        ("return torch.linalg.solve(A, matrix.T @ y) → return torch.linalg.solve(matrix, y)", "solves M x = y",
         "square|Mᵀ|λ|UNUSED"),
        ("lam * → lam ** 2 *", "λ²", "λ|lam|square"),
        ("torch.linalg.solve(A, → torch.solve(A,", "torch.solve", "ATTRIBUTE|linalg|removed|deprecated"),
    )),
    ("5-sample", CHAIN, (
        ("delta / 2 * drift → delta * drift", "no half", r"\b2\b|half|twice|δ/2"),
        ("delta ** 0.5 → delta", "δ for √δ", "root|√|sqrt"),
        (" * sigma * n →  * n", "no σ", "σ|sigma"),
        (" + delta ** 0.5 * sigma * n → ", "no noise", "noise|UNUSED"),
        ("denoise(x) - x - lam → denoise(x) - lam", "−x is missing", r"D\(x\) − x|minus x"),
        ("x = x.detach().requires_grad_() → x = x.detach()", "no requires_grad", "REQUIRES"),
        ("x + delta / 2 * drift → delta / 2 * drift", "x is not kept", r"\bx\b|x \+"),
        ("x = x + delta → y = x + delta", "x never changes", "never|as it was given"),
    )),
    ("5-excitation", EXCITATION, (
        ("code[:, unit] → code[unit]", "the batch is forgotten", r"batch|first two axes|\[:, ?unit"),
        (".mean() → ", "no mean", "mean|SHAPE|scalar"),
        (".mean() → .sum()", "the sum", "SCALE|sum"),
        (".mean() → .max()", "the largest", "mean|max"),
        ("code[:, unit].mean() → code[:, unit].mean", "mean without brackets", "CALL"),
        ("code[:, unit] → code[..., unit]", "the last axis", "axis|channel|second|last"),
        ("code[:, unit].mean() → code[0, unit, :, :].mean()", "right for channels only",
         r"class|\(1,K\)|too many indices"),
        ("code[:, unit].mean() → code.softmax(1)[:, unit].mean()", "a softmax", "softmax|probability"),
    )),
    ("5b-climb", CLIMB, (
        ("+ rate * g → - rate * g", "down", "DOWN"),
        ("scores(seen) → scores(x)", "no shift", "roll|shift"),
        ("dims=(2, 3) → dims=(3, 2)", "down and right exchanged", "PLACES|down|axes|axis"),
        ("(x.detach() + → (seen.detach() +", "the picture itself moves", "stays|itself|roll|moves|where it is"),
        ("[0, k] → [k]", "the batch is forgotten", r"batch|\[0, k\]|index|axis"),
        ("scores(seen)[0, k] → scores(seen).log_softmax(1)[0, k]", "the log of the probability", "softmax|score"),
        ("(score, x) → (score, seen)", "the gradient by what is seen", "seen|rolled|roll|`?now"),
        ("scores(seen)[0, k] → scores(seen).max()", "the largest score, not that of k", r"class|\bk\b|UNUSED"),
    )),
]
