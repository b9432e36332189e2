"""Slips in chapters 1 and 1b."""

PARALLEL = """
def my_parallel(x, f, alpha, stride=1):
    # x (B,C,H,W), f (D,C,k,k) with odd k, alpha (D,C) → (B,D,h,w)
    pad = (f.shape[-1] - 1) // 2
    shared = F.conv2d(x, f, stride=stride, padding=pad)
    own = F.conv2d(x, alpha[:, :, None, None], stride=stride)
    return shared + own
"""
EINSUM = """
def my_parallel(x, f, alpha, stride=1):
    y = F.conv2d(x, f, stride=stride, padding=f.shape[2] // 2)
    return y + torch.einsum("dc,bchw->bdhw", alpha, x[:, :, ::stride, ::stride])
"""
TRAINING = """
def my_training(net, own, shared, batches, lr):
    optimizer = torch.optim.Adam(own, lr=lr)
    for w in shared:
        w.requires_grad = False
    for x, y in batches:
        optimizer.zero_grad()
        scores = net(x)
        loss = F.cross_entropy(scores, y)
        loss.backward()
        optimizer.step()
        yield loss.item()
"""
FOLD = """
def my_fold(f, alpha):
    k = f.shape[-1]
    g = f.clone()
    g[:, :, k // 2, k // 2] += alpha
    return g
"""
PADDED = """
def my_fold(f, alpha):
    p = f.shape[-1] // 2
    return f + F.pad(alpha[:, :, None, None], (p, p, p, p))
"""
ENERGY = """
def my_energy(cross_entropy, weights, centres, sigma, labels):
    total = 0
    for w, w0 in zip(weights, centres):
        total = total + ((w - w0) ** 2).sum()
    return cross_entropy + total / (2 * sigma ** 2 * labels)
"""
ADAPTERS = """
def my_adapters(z, P, M, M_out):
    w = z @ P.T
    return (M_out[None] * w[:, None, :]) @ M
"""
ROWS = """
def my_adapters(z, P, M, M_out):
    result = []
    for row in z:
        w = P @ row
        result.append((M_out * w) @ M)
    return torch.stack(result)
"""
MASKED = """
def my_masked(losses, m, price):
    if m.sum() == 0:
        return losses.new_zeros(())
    return price * losses[m].sum() / m.sum()
"""

SLIPS = [
    ("1-parallel", PARALLEL, (
        (", padding=pad → ", "f without padding", "padding|padded"),
        ("None], stride=stride) → None], stride=stride, padding=pad)", "α is padded too", "padding|not at all"),
        ("F.conv2d(x, alpha → F.conv2d(shared, alpha", "α behind f: serial", "serial|f ∗ x|sees x|behind"),
        ("shared + own → own", "f is left out", "f ∗ x|UNUSED|left out"),
    )),
    ("1-parallel", EINSUM, (
        ("x[:, :, ::stride, ::stride] → x", "α ∗ x without stride", "stride"),
        ("dc,bchw->bdhw → dc,bchw->bchw", "no sum over channels", "SHAPE|d is|output"),
        ("f.shape[2] // 2 → f.shape[2]", "padded by k", "padding|k − 1|SHAPE"),
        ("y = F.conv2d → y = conv2d", "conv2d without F.", "NAME"),
    )),
    ("1-train", TRAINING, (
        ("Adam(own, lr=lr) → Adam(own + shared, lr=lr) ;; requires_grad = False → requires_grad = True",
         "all weights are trained", "shared"),
        ("loss = F.cross_entropy(scores, y) → loss = F.cross_entropy(scores.softmax(1), y)",
         "a softmax before cross_entropy", "softmax"),
        ("yield loss.item() → yield loss.item", "item without brackets", r"\(\)|brackets|\.item|call"),
        ("torch.optim.Adam(own, lr=lr) → torch.optim.SGD(own, lr=lr)", "SGD for Adam", "Adam|SGD"),
        ("Adam(own, lr=lr) → Adam(own)", "lr is not used", r"`?\blr\b|rate"),
        ("        optimizer.step()\n → ", "no step", r"step\(|no step|`step|moved?"),
        ("        optimizer.zero_grad()\n →  ;; loss.backward() → loss.backward()\n        optimizer.zero_grad()",
         "zero_grad between backward and step", "zero_grad|still there"),
        ("scores, y) → scores.argmax(1), y)", "argmax before the loss", "argmax|scores"),
    )),
    ("1-fold", FOLD, (
        ("f.clone() → f", "f is changed", "INPLACE"),
        ("[:, :, k // 2, k // 2] → ", "α on every tap", "centre|middle|every tap|all taps"),
        ("[:, :, k // 2, k // 2] +=  → [:, :, k // 2, k // 2] = ", "replaces the tap", r"\+=|add|replace"),
        ("[:, :, k // 2, k // 2] → [:, :, k // 2]", "the middle row", "centre|row"),
        ("k // 2, k // 2 → 1, 1", "right for 3×3 only", "k // 2|centre"),
        ("return g → return g[:, :, k // 2, k // 2]", "only the tap", "SHAPE"),
    )),
    ("1-fold", PADDED, (
        ("f + F.pad → F.pad", "f is left out", r"\bf\b|add"),
        ("f + F.pad(alpha[:, :, None, None], (p, p, p, p)) → f + alpha[:, :, None, None]", "α is spread over all taps",
         "centre|middle|every tap|all taps"),
    )),
    ("1b-prior", ENERGY, (
        (" * labels → ", "not divided by N", r"\bN\b|labels"),
        ("(w - w0) → (w)", "the prior around zero", "centre|w₀|w0|zero"),
        (".sum() → .mean()", "the mean of squares", "sum|mean"),
        ("cross_entropy + → cross_entropy / labels +", "the mean is divided again",
         "mean already|already|cross.entropy"),
        ("** 2).sum() → ** 2).sum() ** 0.5", "lengths, not squares", "ROOTd"),
        ("cross_entropy + → ", "no cross-entropy", "cross.entropy"),
        ("cross_entropy + total → cross_entropy - total", "minus the prior", "SIGN|add|total - "),
        ("total = total + → total =", "the last layer only", "last layer|each round forgets"),
    )),
    ("1b-predicted", ADAPTERS, (
        ("z @ P.T → z @ P", "P is not transposed", r"P\.T|transpos"),
        ("w[:, None, :] → w", "w without an axis", "None|axis|each domain|broadcast"),
        (") @ M → )", "M is left out", r"\bM\b|UNUSED"),
        (") @ M → ) @ M.T", "M transposed", "transpos"),
        ("w[:, None, :] → w[:, None, :].softmax(2)", "a softmax of the weights", "softmax|sum to 1"),
        ("w = z @ P.T → w = (z @ P.T).sigmoid()", "a sigmoid", "sigmoid|between 0 and 1"),
    )),
    ("1b-predicted", ROWS, (
        ("M_out * w → M_out @ w", "a product of matrices", r"SHAPE|diag|\* w|place by place|number by number"),
        ("row in z → row in z.T", "loops over columns", "transpos|row|column"),
    )),
    ("1b-masked", MASKED, (
        ("    if m.sum() == 0:\n        return losses.new_zeros(())\n → ", "0 / 0", "nan|0 ?/ ?0"),
        ("losses[m].sum() → (losses * m).sum()", "0 · ∞ is nan", "nan"),
        ("/ m.sum() → / len(m)", "divides by B", "N_t|how many|batch|labell?ed|have a label"),
        ("/ m.sum() → ", "is not divided", "N_t|divid|mean"),
        ("price * losses → losses", "no price", "price|λ"),
        ("losses[m] → losses[~m]", "the other way round", "other|without a label|~|True|missing"),
        ("losses[m].sum() → losses.sum()", "no mask", "what has no label"),
        ("return losses.new_zeros(()) → return 0", "an int", "TENSOR"),
    )),
]
