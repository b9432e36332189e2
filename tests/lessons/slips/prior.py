"""Slips in chapter 4."""

PRIOR = """
def my_prior(psi, w, image, visible, rate, steps):
    for step in range(steps):
        w = w.detach().requires_grad_()
        error = visible * (psi(w) - image)
        loss = (error ** 2).sum() / visible.expand_as(image).sum()
        loss.backward()
        w = w.detach() - rate * w.grad
    return psi(w).detach()
"""
ERROR = """
def my_error(x, target, visible):
    squares = ((x - target) * visible) ** 2
    return squares.sum() / visible.expand_as(x).sum()
"""
PSNR = """
def my_psnr(x, truth):
    mse = ((x - truth) ** 2).mean()
    return -10 * torch.log10(mse)
"""
MISSING = """
def my_missing(x, target):
    mean = target.mean(dim=(2, 3), keepdim=True)
    return ((x - target) ** 2).sum() / ((target - mean) ** 2).sum()
"""
MEAN = """
def my_mean(mean, now, average):
    return average * mean + (1 - average) * now
"""
STOP = """
def my_stop(losses, sigma):
    for step, loss in enumerate(losses):
        if loss <= sigma ** 2:
            return step
    return len(losses) - 1
"""

SLIPS = [
    ("4-loop", PRIOR, (
        ("return psi(w).detach() → return w", "the weights, not the picture", r"psi\(w\)|Ψ|picture|draw"),
        ("/ visible.expand_as(image).sum() → / visible.sum()", "one channel is counted", "channel|colour|expand"),
        ("(error ** 2).sum() / visible.expand_as(image).sum() → (error ** 2).mean()", "the mean over all values",
         "visible values|hidden|hole|mean"),
        ("return psi(w).detach() → return visible * image + (1 - visible) * psi(w).detach()",
         "the known part is pasted", "past|Ψ|all of the picture|hole"),
        ("        w = w.detach().requires_grad_()\n →  ;; for step in range(steps): → w = w.detach().requires_grad_()\n"
         "    for step in range(steps):", "w is a leaf once only", "GRAPH"),
        ("w = w.detach().requires_grad_()\n → w = w.detach()\n", "no requires_grad", "REQUIRES"),
        ("range(steps) → range(steps - 1)", "a step less", "step"),
        ("        w = w.detach() - rate * w.grad\n →         new = w.detach() - rate * w.grad\n", "w is never changed",
         "never|no step|`rate` = 0|as well"),
    )),
    ("4-masked", ERROR, (
        (" / visible.expand_as(x).sum() →  / visible.sum()", "one channel is counted", "channel|expand"),
        ("squares.sum() / visible.expand_as(x).sum() → squares.mean()", "the mean over all values",
         "visible values|hidden|hole|mean"),
        ("(x - target) * visible → x - target", "no mask", "mask|hole|visible|hidden"),
        (" / visible.expand_as(x).sum() → ", "not divided", "divid|number of|sum|mean"),
        ("(x - target) * visible → (x - target) * (1 - visible)", "the hole, not what is known",
         "other way|hole|1 -|known|hidden"),
        ("squares.sum() / visible.expand_as(x).sum() → (squares.sum() / visible.expand_as(x).sum()).sqrt()", "a root",
         "ROOT"),
        ("((x - target) * visible) ** 2 → ((x - target) * visible).abs()", "absolute values", "square|abs"),
        ("visible.expand_as(x).sum() → (visible.sum() * 3)", "right for three channels and one picture only",
         "channel|batch|expand|every picture|each picture"),
    )),
    ("4-psnr", PSNR, (
        ("-10 → 10", "the sign", "SIGN"),
        ("log10 → log", "the natural logarithm", "log10|log₁₀|natural"),
        ("-10 → -20", "20 for 10", "10|twice|SCALE"),
        ("(x - truth) ** 2 → (x - truth).abs()", "absolute values", "square|abs"),
        ("return -10 * torch.log10(mse) → return (-10 * torch.log10((x - truth) ** 2)).mean()",
         "the logarithm before the mean", "mean|first|inf"),
        ("torch.log10(mse) → np.log10(mse)", "numpy is not imported", "NAME|TENSOR"),
        (").mean() → ).mean((2, 3))", "a mean for each channel", "SHAPE|axis|colours|all values"),
        ("-10 * torch.log10(mse) → -10 * torch.log(mse) / torch.log(10)", "log of a plain number",
         "Tensor, not int|log10|tensor"),
    )),
    ("4-missing", MISSING, (
        ("target.mean(dim=(2, 3), keepdim=True) → target.mean(dim=(2, 3))", "no keepdim", "KEEP"),
        ("((target - mean) ** 2).sum() → (target ** 2).sum()", "divided by the squares", "mean|variance|subtract"),
        ("((target - mean) ** 2).sum() → target.var()", "the variance of all values", "channel|SCALE|variance"),
        ("((x - target) ** 2).sum() / → ((x - target) ** 2).mean() /", "a mean over a sum", "SCALE|sum"),
        ("return ((x - target) ** 2).sum() / → return 1 - ((x - target) ** 2).sum() /", "what is there", "1 minus"),
        ("target.mean(dim → x.mean(dim", "the mean of x", r"target|x₀|\bx\b"),
        ("((x - target) ** 2).sum() / ((target - mean) ** 2).sum() → ((target - mean) ** 2).sum() / ((x - target) ** "
         "2).sum()", "upside down", "upside|inver|exchang|1 /|numerator"),
        ("((x - target) ** 2).sum() / ((target - mean) ** 2).sum() → (((x - target) ** 2).sum((2, 3)) / ((target - "
         "mean) ** 2).sum((2, 3))).mean()", "the mean of each channel's share", "one division|a share is a mean"),
    )),
    ("4-mean", MEAN, (
        ("average * mean + (1 - average) * now → (1 - average) * mean + average * now", "α and 1 − α exchanged",
         "PLACES|old mean|remember|belongs"),
        ("(1 - average) * now → now", "the weights are not 1 together", "1 − α|1 - average|together|sum"),
        ("average * mean + (1 - average) * now → (mean + now) / 2", "α is not used", "UNUSED|average|α"),
        ("return average * mean + (1 - average) * now → mean *= average\n    mean += (1 - average) * now\n    return "
         "mean", "in place", "INPLACE"),
        ("+ (1 - average) → - (1 - average)", "the sign", r"SIGN|\+"),
        ("return average → average", "forgot return", "RETURN"),
        ("average * mean + (1 - average) * now → average * mean + 1 - average * now", "brackets",
         "bracket|1 − α|1 - average"),
        ("(1 - average) * now → (1 - average) * nwo", "a typo", "NAME"),
    )),
    ("4-stop", STOP, (
        ("<= → >=", "the wrong way", "more|larger|wrong way|<=|no more|smaller"),
        ("len(losses) - 1 → len(losses)", "the last step is one too far", "count from 0|− 1"),
        ("<= → <", "< for <=", "<=|no more than|≤"),
        ("return step → return loss", "the loss, not the step", "the step|a step|the loss"),
        ("return step → return step + 1", "counts from 1", "count from 0"),
        ("            return step\n    return len(losses) - 1 →             best = step\n        else:\n            "
         "return len(losses) - 1\n    return best", "returns at the first that is not", "else|last|loop|first"),
        ("def my_stop(losses, sigma):\n    good = [i for i, l in enumerate(losses) if l <= sigma ** 2]\n    return "
         "good[0]", "an empty list has no first", "last|never|index|empty"),
        ("def my_stop(losses, sigma):\n    good = [i for i, l in enumerate(losses) if l <= sigma ** 2]\n    return "
         "good[-1] if good else len(losses) - 1", "the last, not the first", "return the first step|neither the last"),
    )),
]
