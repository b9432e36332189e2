"""Slips in chapter 6."""

GUIDED = """
def my_guided(p, through):
    return through(p.clamp(min=0))
"""
WHERE = """
def my_guided(p, through):
    passed = through(p)
    return torch.where(p > 0, passed, torch.zeros_like(p))
"""
RELEVANCE = """
def my_relevance(activation, gradient):
    return (activation * gradient).sum(dim=1, keepdim=True)
"""
PRICE = """
def my_price(mask, lam, tv, beta):
    pad = torch.nn.functional.pad
    dy = pad(mask.diff(dim=2), (0, 0, 0, 1))
    dx = pad(mask.diff(dim=3), (0, 1, 0, 0))
    size = lam * mask.mean()
    variation = tv * (dx ** 2 + dy ** 2 + 1e-8).pow(beta / 2).mean()
    return size, variation
"""
TILES = """
def my_tile_shares(heat):
    h, w = heat.shape[2] // 2, heat.shape[3] // 2
    tiles = [heat[..., :h, :w], heat[..., :h, w:], heat[..., h:, :w], heat[..., h:, w:]]
    sums = torch.stack([tile.sum((1, 2, 3)) for tile in tiles], dim=1)
    total = sums.sum(1, keepdim=True)
    return torch.where(total > 0, sums / total, torch.full_like(sums, 0.25))
"""
CAM = """
def my_grad_cam(activation, gradient):
    weights = gradient.mean((2, 3), keepdim=True)
    cam = (weights * activation).sum(1, keepdim=True)
    return torch.relu(cam)
"""
KEEP = """
def my_keep(probability, x, blurred, lam, rate, steps):
    m = torch.full_like(x[:, :1], 0.5)
    for _ in range(steps):
        m.requires_grad_()
        kept = m * x + (1 - m) * blurred
        energy = lam * m.mean() - probability(kept)
        (gradient,) = torch.autograd.grad(energy, m)
        m = (m.detach() - rate * gradient).clamp(0, 1)
    return m
"""

SLIPS = [
    ("6-guided", GUIDED, (
        ("p.clamp(min=0) → p", "the gradient", "gradient|nothing acts|sign of"),
        ("through(p.clamp(min=0)) → p.clamp(min=0)", "the deconvnet", "deconv|through|UNUSED"),
        ("p.clamp(min=0) → p.clamp(max=0)", "the negative part", "negative|SIGN|positive"),
        ("through(p.clamp(min=0)) → through(p) + p.clamp(min=0)", "the sum of both", "both|twice|product"),
        ("p.clamp(min=0) → p[p > 0]", "a vector of the positive ones", r"p\[|SHAPE|clamp|flat|vector"),
        ("through(p.clamp(min=0)) → p.clamp(min=0) * through", "through is a function", r"function|CALL|through\("),
    )),
    ("6-guided", WHERE, (
        ("torch.zeros_like(p) → p", "p, not 0, where p is negative", "negative|relu"),
        ("p > 0 → p < 0", "< for >", "negative|SIGN|positive|other"),
    )),
    ("6-modulated-gradient", RELEVANCE, (
        (", keepdim=True → ", "no keepdim", "KEEP|SHAPE"),
        ("sum(dim=1 → mean(dim=1", "the mean over channels", "SCALE|sum"),
        ("dim=1 → dim=0", "sums over pictures", "axis|channel|SHAPE"),
        ("(activation * gradient).sum(dim=1, keepdim=True) → (activation * gradient).sum(dim=1, "
         "keepdim=True).clamp(min=0)", "clipped", "clip|negative|sign"),
        ("activation * gradient → activation @ gradient", "@ for *", "element|place by place|matri|@|number by number"),
        ("(activation * gradient) → gradient", "the activation is not used", "activation|UNUSED"),
        ("activation * gradient → activation * gradient.mean((2, 3), keepdim=True)", "the weights of Grad-CAM",
         "Grad-CAM|mean|each place"),
        ("activation * gradient → activation + gradient", "+ for *", r"times|product|\*|multipl"),
    )),
    ("6-mask-energy", PRICE, (
        ("pad(mask.diff(dim=2), (0, 0, 0, 1)) → mask.diff(dim=2)", "dy is not padded", "pad"),
        ("mask.mean() → mask.sum()", "the sum of the mask", "SCALE|sum"),
        ("pow(beta / 2) → pow(beta)", "β for β/2", "β/2|beta / 2|twice `beta`"),
        ("tv * ( → (", "no γ", "γ|tv|UNUSED"),
        (".pow(beta / 2).mean() → .mean().pow(beta / 2)", "the mean before the power", "power|first|mean"),
        ("lam * mask → tv * mask ;; tv * (dx → lam * (dx", "λ and γ exchanged", "PLACES|λ|γ"),
        ("(0, 0, 0, 1) → (0, 0, 1, 0)", "zeros above", "stand below"),
        ("pow(beta / 2).mean() → pow(beta / 2).sum()", "the sum of the variation", "SCALE|sum"),
    )),
    ("6-pointing", TILES, (
        ("torch.where(total > 0, sums / total, torch.full_like(sums, 0.25)) → sums / total", "0 / 0",
         "nan|0 ?/ ?0|zeros"),
        (", dim=1) → )", "stacked along the first axis", "SHAPE|axis|transpos"),
        ("heat[..., :h, w:], heat[..., h:, :w] → heat[..., h:, :w], heat[..., :h, w:]", "column by column",
         "row by row|order|transposed|PLACES"),
        ("0.25 → 0", "zeros for a map of zeros", r"0\.25|1/4|zeros"),
        ("(1, keepdim=True) → (1)", "no keepdim", "KEEP"),
        ("torch.stack([tile.sum((1, 2, 3)) for tile in tiles], dim=1) → torch.stack([tile.amax((1, 2, 3)) for tile in "
         "tiles], dim=1)", "the largest", "max|sum"),
        ("torch.where(total > 0, sums / total, torch.full_like(sums, 0.25)) → sums.softmax(1)", "a softmax", "softmax"),
        ("torch.where(total > 0, sums / total, torch.full_like(sums, 0.25)) → sums / (total + 1e-8)",
         "a small number under the fraction", r"0\.25|1/4|zeros"),
    )),
    ("6-grad-cam", CAM, (
        ("return torch.relu(cam) → return cam", "no maximum", "maximum|negative"),
        ("weights * activation → torch.relu(weights * activation)", "clipped before the sum",
         "before the sum|end|last|channel"),
        ("mean((2, 3) → sum((2, 3)", "the sum of the gradient", "SCALE|sum"),
        ("(weights * activation).sum → (weights * activation).mean", "the mean of the products", "SCALE|sum"),
        ("(weights * activation).sum(1, keepdim=True) → (weights * activation).sum(1)", "an axis less", "KEEP|SHAPE"),
        ("weights = gradient.mean((2, 3), keepdim=True) → weights = gradient", "the modulated gradient",
         "mean|weights|w_k"),
        ("return torch.relu(cam) → return cam.relu", "relu without brackets", "CALL"),
        ("mean((2, 3), keepdim=True) → mean(keepdim=True)", "a mean over nothing", "dim|axis|axes|arguments"),
    )),
    ("6-keep", KEEP, (
        ("lam * m.mean() - → -lam * m.mean() +", "the sign of the energy", r"SIGN|other way|\+ rate"),
        ("m * x + (1 - m) * blurred → (1 - m) * x + m * blurred", "kept and blurred exchanged",
         "PLACES|kept|m = 1|other way|turn"),
        (".clamp(0, 1) → ", "no clamp", r"clamp|\[0, ?1\]|between 0 and 1"),
        ("        m.requires_grad_()\n → ", "no requires_grad", "REQUIRES"),
        ("0.5 → 1", "starts at 1", r"½|0\.5|start"),
        ("x[:, :1] → x", "a mask for each channel", r"SHAPE|channel|\(1,1,H,W\)"),
        ("- probability(kept) → + probability(kept)", "lowers the probability", "SIGN|probability|other way"),
        ("torch.full_like(x[:, :1], 0.5) → torch.full((1, 1, *x.shape[2:]), 0.5)", "float32", "DTYPE"),
    )),
]
