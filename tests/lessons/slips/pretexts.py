"""Slips in chapter 2."""

UPRIGHT = """
def my_upright(net, x, g):
    turned = []
    for i in range(len(x)):
        turned.append(torch.rot90(x[i], int(g[i]), (1, 2)))
    scores = net(torch.stack(turned))
    return F.cross_entropy(scores, g)
"""
CONTRAST = """
def my_contrast(a, b, tau):
    a = a / a.norm(dim=1, keepdim=True)
    b = b / b.norm(dim=1, keepdim=True)
    s = a @ b.T / tau
    target = torch.arange(len(a))
    return 0.5 * (F.cross_entropy(s, target) + F.cross_entropy(s.T, target))
"""
LOGS = """
def my_contrast(a, b, tau):
    s = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / tau
    one = -s.log_softmax(1).diag().mean()
    two = -s.log_softmax(0).diag().mean()
    return (one + two) / 2
"""
GAIN = """
def my_gain(val, test, floor_val, floor_test):
    best = val.mean(1).argmax()
    floor_best = floor_val.mean(dim=1).argmax()
    return test[best] - floor_test[floor_best]
"""

SLIPS = [
    ("2-upright", UPRIGHT, (
        ("net(torch.stack(turned)) → net(x)", "asks about the pictures as they were", "turned|views"),
        ("int(g[i]) → -int(g[i])", "turns to the right", "to the right|to the left|other way"),
        ("(scores, g) → (scores.softmax(1), g)", "a softmax before cross_entropy", "softmax"),
        ("int(g[i]), (1, 2) → int(g[i]), (0, 1)", "the wrong axes", r"\(1, ?2\)|\(-2, -1\)|channel"),
        ("int(g[i]), (1, 2) → 1, (1, 2)", "all by one turn", r"own|each|`?g\b"),
        ("net(torch.stack(turned)) → net(turned)", "a list of pictures", "STACK|'list' object|a list"),
        ("(scores, g) → (g, scores)", "exchanged arguments", "PLACES|order|scores.*first|target"),
        ("F.cross_entropy(scores, g) → (scores.argmax(1) == g).float().mean()", "the share that is right",
         "accuracy|share|argmax|cross.entropy"),
    )),
    ("2-contrast", CONTRAST, (
        ("a / a.norm(dim=1, keepdim=True) → a ;; b / b.norm(dim=1, keepdim=True) → b", "no cosine",
         "cosine|normal|length 1"),
        ("a.norm(dim=1, keepdim=True) → a.norm() ;; b.norm(dim=1, keepdim=True) → b.norm()", "the norm of all codes",
         "length|each code|its own|each row"),
        ("(s, target) → (s.softmax(1), target)", "a softmax", "softmax"),
        ("a @ b.T → a @ a.T", "a with itself", r"\bb\b|itself"),
        ("a.norm(dim=1, keepdim=True) → a.norm(dim=0, keepdim=True) ;; b.norm(dim=1, → b.norm(dim=0,",
         "norms of columns", "axis|dim|each code|row|length 1"),
    )),
    ("2-contrast", LOGS, (
        (".diag().mean()\n    two →  .mean()\n    two", "no diagonal", "diag|own|pairs"),
        ("one = - → one = ", "one sign", "SIGN"),
        ("-s.log_softmax(1).diag().mean() → -s.softmax(1).diag().mean()", "no logarithm", "log"),
    )),
    ("2-gain", GAIN, (
        ("best = val.mean(1) → best = test.mean(1)", "the layer is chosen by the test", "test"),
        ("floor_val.mean(dim=1) → floor_test.mean(dim=1)", "the floor's layer is chosen by the test", "test"),
        ("floor_test[floor_best] → floor_test[best]", "the floor at the task's layer", "floor"),
        ("val.mean(1).argmax()\n → val.argmax(0)\n", "a layer for each seed", "seed|one layer|one for all|SHAPE"),
        ("val.mean(1).argmax() → val.mean(0).argmax() ;; floor_val.mean(dim=1) → floor_val.mean(dim=0)",
         "the mean over layers", "axis|layer|seed"),
        ("test[best] - → test[:, best] -", "a seed's column", r"row|axis|layer|\[best, :\]|`test` transposed"),
        ("val.mean(1).argmax() → val.mean(1).max()", "the value, not its place", "argmax|its place"),
        ("test[best] - → val[best] -", "the gain on validation", "test|val"),
    )),
]
