"""Right answers to the exercises, by other ways than the references: loops, other libraries, other formulas."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial.transform import Rotation
from torch import Tensor

from u3lab.selfsup import mutual_information

# Chapter 0

def matched(x, w):
    """Place by place."""
    _, k, wide = w.shape
    return torch.stack([torch.stack([(w * x[:, :, i:i + k, j:j + wide]).sum((1, 2, 3))
                                     for j in range(x.shape[3] - wide + 1)], -1)
                        for i in range(x.shape[2] - k + 1)], -2)


def occluded(score, x, side, step):
    """All pictures with a square in one batch."""
    height, width = x.shape[2:]
    places = [(i, j) for i in range(0, height - side + 1, step) for j in range(0, width - side + 1, step)]
    covered = x.repeat(len(places), 1, 1, 1)
    for one, (i, j) in zip(covered, places, strict=True):
        one[:, i:i + side, j:j + side] = 0.5
    return (score(x) - score(covered)).view(-1, len(range(0, width - side + 1, step)))


def dual(y, labels, new, lam):
    """By the N×N matrix of inner products: W = yᵀ (y yᵀ + λ)⁻¹ t."""
    t = torch.eye(int(labels.max()) + 1, dtype=y.dtype)[labels]
    return new @ (y.T @ torch.linalg.inv(y @ y.T + lam * torch.eye(len(y), dtype=y.dtype)) @ t)


# Chapters 1 and 1b

def learnt(net, own, shared, batches, lr, **more):
    """By log-softmax, with the gradients set to None at the end of a step, and what is shared left out."""
    moving = torch.optim.AdamW(list(own), lr=lr, weight_decay=0.0)
    for x, y in batches:
        loss = F.nll_loss(net(x).log_softmax(1), y)
        loss.backward()
        moving.step()
        for weight in [*own, *shared]:
            weight.grad = None
        yield float(loss.detach())


def slid(x, f, alpha, stride):
    """f ∗ x from the windows one after the other, and α as a product of matrices at each place that is left."""
    k = f.shape[-1]
    around = F.pad(x, [k // 2] * 4)
    rows, columns = range(0, around.shape[2] - k + 1, stride), range(0, around.shape[3] - k + 1, stride)
    shared = torch.stack([torch.stack([torch.einsum("bcij,dcij->bd", around[:, :, i:i + k, j:j + k], f)
                                       for j in columns], -1) for i in rows], -2)
    return shared + torch.einsum("dc,bchw->bdhw", alpha, x[..., ::stride, ::stride])


def folded(f, alpha):
    k = f.shape[-1]
    return f + torch.einsum("dc,ij->dcij", alpha, F.one_hot(torch.tensor(k * k // 2), k * k).view(k, k).to(f))


def priced(ce, weights, centres, sigma, labels):
    return ce + torch.cat([(a - b).flatten() for a, b in zip(weights, centres, strict=True)]).norm() ** 2 / (
        2 * labels * sigma * sigma)


def scaled(z, P, M, M_out):
    """α of each domain in turn, with diagonal matrices."""
    return torch.stack([torch.linalg.multi_dot([M_out, torch.diag_embed(torch.mv(P, one)), M]) for one in z])


def masked_mean(losses, m, price):
    """Picture after picture."""
    found = [loss for loss, there in zip(losses.unbind(), m.tolist(), strict=True) if there]
    return price * torch.stack(found).mean() if found else losses.new_tensor(0.0)


# Chapters 2, 2b and 2c

def upright(net, x, g):
    """Picture by picture, turned by index."""
    total = 0
    for one, k in zip(x, g.tolist(), strict=True):
        for _ in range(k):
            one = one.transpose(1, 2).flip(1)  # a quarter turn to the left
        total = total - net(one[None]).log_softmax(1)[0, k]
    return total / len(x)


def contrast(a, b, tau):
    """Pair by pair, in double precision."""
    s = (F.cosine_similarity(a.double()[:, None], b.double()[None], dim=2) / tau)
    own = s.diag()
    return ((s.exp().sum(1).log() - own).mean() + (s.exp().sum(0).log() - own).mean()).to(a.dtype) / 2


def gained(val, test, floor_val, floor_test):
    ours, theirs = (max(range(len(one)), key=lambda layer, one=one: sum(one[layer].tolist()))
                    for one in (val, floor_val))
    return torch.tensor([float(test[ours, s]) - float(floor_test[theirs, s]) for s in range(test.shape[1])],
                        dtype=test.dtype)


def stepped(y_hat, y, lr):
    """By autograd."""
    y_hat = y_hat.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(sum((y_hat - one).pow(2).sum() for one in y) / len(y), y_hat)
    return (y_hat - lr * gradient).detach()


def turned(p: Tensor, eta: int) -> Tensor:
    """A sound turned round, by cutting it in two."""
    cut = (p.shape[-1] - eta) % p.shape[-1]
    return torch.cat([p[..., cut:], p[..., :cut]], -1)


def shifted(p, y, lr):
    """By autograd through the smallest of all losses."""
    p = p.clone().requires_grad_()
    every = torch.stack([(y - turned(p, eta)).pow(2).sum(-1) for eta in range(len(p))], 1)
    (gradient,) = torch.autograd.grad(every.min(1).values.mean(), p)
    return (p - lr * gradient).detach()


def correlated(p, y, lr):
    """η is where the correlation is largest, by spectra; then each sound comes back."""
    eta = torch.fft.irfft(torch.fft.rfft(y) * torch.fft.rfft(p).conj(), len(p)).max(1).indices
    back = torch.stack([turned(one, -int(k) % len(p)) for one, k in zip(y, eta, strict=True)])
    return torch.lerp(p, back.mean(0), 2 * lr)


def switched(score, x, y, same, lr):
    """By autograd."""
    score = score.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.binary_cross_entropy_with_logits(score[x, y], same), score)
    return (score - lr * gradient).detach()


def pair_by_pair(score, x, y, same, lr):
    found = score.clone()
    for a, b, one in zip(x.tolist(), y.tolist(), same.tolist(), strict=True):
        found[a, b] += lr * (one - 1 / (1 + float((-score[a, b]).exp()))) / len(x)
    return found


def joint(z):
    return torch.stack([torch.outer(z[a, n], z[b, n]) for a, b in permutations(range(len(z)), 2)
                        for n in range(z.shape[1])]).mean(0)


def cell_by_cell(P, lam):
    if P.ndim > 2:
        return torch.stack([cell_by_cell(one, lam) for one in P])
    rows, columns = P.sum(1).tolist(), P.sum(0).tolist()
    return torch.tensor(-sum(p * (math.log(p) - lam * math.log(rows[i]) - lam * math.log(columns[j]))
                             for i, row in enumerate(P.tolist()) for j, p in enumerate(row) if p > 0), dtype=P.dtype)


def place_by_place(z, moved, t):
    n, _, h, w = z.shape
    return torch.stack([torch.outer(z[i, :, y, x], moved[i, :, y + t[0], x + t[1]])
                        for y in range(h) for x in range(w) if 0 <= y + t[0] < h and 0 <= x + t[1] < w
                        for i in range(n)]).mean(0)


# Chapters 3, 3b and 3c

def pixel_by_pixel(x, A, t, u):
    """gx by looking up each pixel, four neighbours weighted; beyond the borders everything is 0."""
    B, _, H, W = x.shape
    gx, gu = torch.zeros_like(x), torch.zeros_like(u)
    for b in range(B):
        (a, c), (d, e) = A[b].tolist()
        p, q = t[b].tolist()
        for j in range(H):
            for i in range(W):
                X, Y = (2 * i + 1) / W - 1 - p, (2 * j + 1) / H - 1 - q
                X, Y = (e * X - c * Y) / (a * e - c * d), (a * Y - d * X) / (a * e - c * d)
                col, row = ((X + 1) * W - 1) / 2, ((Y + 1) * H - 1) / 2
                left, top = math.floor(col), math.floor(row)
                for m, n in ((left, top), (left + 1, top), (left, top + 1), (left + 1, top + 1)):
                    if 0 <= m < W and 0 <= n < H:
                        gx[b, :, j, i] += (1 - abs(col - m)) * (1 - abs(row - n)) * x[b, :, n, m]
        for n, (X, Y) in enumerate(u[b].tolist()):
            gu[b, n] = torch.tensor([a * X + c * Y + p, d * X + e * Y + q])
    return gx, gu


def number_by_number(a, b):
    return torch.tensor([[sum((p - q) ** 2 for p, q in zip(one, other, strict=True))
                          for one, other in zip(ours, theirs, strict=True)]
                         for ours, theirs in zip(a.tolist(), b.tolist(), strict=True)], dtype=a.dtype)


def point_by_point(query, codes, gu, tau, gamma):
    B, N, _ = query.shape
    h, w = codes.shape[2:]
    where = [((2 * i + 1) / w - 1, (2 * j + 1) / h - 1) for j in range(h) for i in range(w)]
    p, away = query.new_zeros(B, N, h * w), query.new_zeros(B, N)
    for b in range(B):
        for n in range(N):
            scores = [float(query[b, n] @ codes[b, :, m // w, m % w]) / tau for m in range(h * w)]
            parts = [math.exp(score - max(scores)) for score in scores]
            shares = [part / sum(parts) for part in parts]
            X, Y = gu[b, n].tolist()
            p[b, n] = torch.tensor(shares)
            away[b, n] = sum(s * math.hypot(x - X, y - Y) ** gamma for s, (x, y) in zip(shares, where, strict=True))
    return p, away


def by_qr(code):
    """Gram and Schmidt are a QR decomposition whose R has a positive diagonal."""
    Q, R = torch.linalg.qr(torch.stack([code[:, :3], code[:, 3:]], 2))
    Q = Q * torch.diagonal(R, dim1=1, dim2=2).sign()[:, None]
    return torch.cat([Q, torch.linalg.cross(Q[..., 0], Q[..., 1])[..., None]], 2)


def by_scipy(found, true):
    """h with Φ h ≈ R: its rows are those of the transposes; in the plane by the angle of the mean."""
    if found.shape[1] == 2:
        M = (found.mT @ true).sum(0)
        angle = torch.atan2(M[1, 0] - M[0, 1], M[0, 0] + M[1, 1])
        return torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).view(2, 2)
    around, _ = Rotation.align_vectors(true.double().reshape(-1, 3).numpy(), found.double().reshape(-1, 3).numpy())
    return torch.from_numpy(around.inv().as_matrix()).to(found)


def mean_place(maps, cells):
    """The mean place of each map, cell by cell."""
    made = maps.new_zeros(*maps.shape[:2], 2)
    for b in range(maps.shape[0]):
        for k in range(maps.shape[1]):
            heat = [math.exp(score) for score in maps[b, k].flatten().tolist()]
            made[b, k] = torch.tensor([sum(h * place for h, place in zip(heat, cells[:, axis].tolist(), strict=True))
                                       / sum(heat) for axis in (0, 1)])
    return made


def bump(points, cells, sigma):
    made = torch.zeros(*points.shape[:2], len(cells), dtype=points.dtype)
    for n, (x, y) in enumerate(cells.tolist()):
        made[..., n] = torch.exp(-torch.hypot(points[..., 0] - x, points[..., 1] - y) ** 2 / (2 * sigma**2))
    return made


# Chapters 4 and 5

def visible_error(x, target, visible):
    """The values of the visible pixels, picked one by one."""
    seen = visible.bool().expand_as(x)
    return (x.masked_select(seen) - target.masked_select(seen)).pow(2).mean()


def restored(psi, w, image, visible, rate, steps):
    """By SGD on a leaf."""
    leaf = w.clone().requires_grad_()
    descent = torch.optim.SGD([leaf], lr=rate)
    for _ in range(steps):
        descent.zero_grad()
        visible_error(psi(leaf), image, visible).backward()
        descent.step()
    return psi(leaf.detach())


def missing(x, target):
    """Mean square over the mean of the channels' variances, by explicit sums."""
    mean = target.sum((2, 3), keepdim=True) / (target.shape[2] * target.shape[3])
    return F.mse_loss(x, target) / ((target - mean).pow(2).sum() / target.numel())


def stopped(losses, sigma):
    late = [step for step, loss in enumerate(losses) if loss <= sigma**2]
    return late[0] if late else len(losses) - 1


def rough(x, beta):
    """‖∇x‖ for every value, to the power β, by repeating the last row and column."""
    down, right = torch.cat([x[..., 1:, :], x[..., -1:, :]], -2), torch.cat([x[..., 1:], x[..., -1:]], -1)
    return (torch.stack([down - x, right - x, torch.full_like(x, 1e-4)]).norm(dim=0) ** beta).mean()


def picked(code, unit):
    """By a product with e_k, as the formula says."""
    e = F.one_hot(torch.tensor(unit), code.shape[1]).to(code)
    return torch.tensordot(e, code.flatten(2).mean(2)[0] if code.ndim == 4 else code[0], 1)


def stacked(m, y, lam):
    """As least squares: the rows √λ I below M, zeros below y."""
    n = m.shape[1]
    return torch.linalg.lstsq(torch.cat([m, lam**0.5 * torch.eye(n, dtype=m.dtype)]),
                              torch.cat([y, torch.zeros(n, dtype=y.dtype)])[:, None]).solution[:, 0]


def climbed(scores, x, k, shifts, rate):
    """By backward(), each shift as a wrap of the rows and then of the columns."""
    now = x.clone()
    for down, right in shifts:
        leaf = now.clone().requires_grad_()
        rows, columns = ((torch.arange(n) - by) % n for n, by in zip(x.shape[2:], (down, right), strict=True))
        scores(leaf[:, :, rows][..., columns])[0][k].backward()
        now = torch.clip(now + rate * leaf.grad, 0, 1)
    return now


def sampled(denoise, energy, x, noises, sigma, lam, delta):
    """By backward(), the two parts of a step one after the other."""
    for n in noises:
        leaf = x.clone().requires_grad_()
        energy(leaf).backward()
        with torch.no_grad():
            x = leaf.detach() + (denoise(leaf) - leaf - lam * leaf.grad) * (delta / 2) + sigma * delta**0.5 * n
    return x


# Chapters 6, 6b and 6c

def tiles(heat):
    h, w = heat.shape[-2] // 2, heat.shape[-1] // 2
    parts = torch.stack([part.sum((1, 2, 3)) for part in (
        heat[..., :h, :w], heat[..., :h, w:], heat[..., h:, :w], heat[..., h:, w:])], 1)
    total = parts.sum(1, keepdim=True)
    return torch.where(total == 0, torch.ones_like(parts) / 4, parts / total)


def slow_price(m, lam, tv, beta):
    """The price cell by cell, with the plain root, without the small constant of the library."""
    h, w = m.shape[-2:]
    at = m[0, 0]
    cells = [torch.hypot(at[min(y + 1, h - 1), x] - at[y, x], at[y, min(x + 1, w - 1)] - at[y, x]) ** beta
             for y in range(h) for x in range(w)]
    return lam * m.abs().mean(), tv * torch.stack(cells).mean()


def einsum(a, p):
    return torch.einsum("bchw,bchw->bhw", a, p)[:, None]


def kept(probability, x, blurred, lam, rate, steps):
    """By backward() and .grad, with the mask as a leaf that is changed in place."""
    m = torch.full(x[:, :1].shape, 0.5, dtype=x.dtype, requires_grad=True)
    for _ in range(steps):
        m.grad = None
        (lam * m.mean() - probability(blurred + m * (x - blurred))).backward()
        with torch.no_grad():
            m -= rate * m.grad
            m.clip_(0, 1)
    return m.detach()


def step(image, gradient, original, step_size, eps):
    """The step by the greatest and smallest values that are allowed."""
    moved = torch.where(gradient > 0, image - step_size, torch.where(gradient < 0, image + step_size, image))
    return torch.minimum(torch.maximum(moved.clip(0, 1), original - eps), original + eps)


def attacked(scores, x, target, eps, rate, steps):
    """By cross_entropy and the two bounds as tensors."""
    now = x.clone()
    for _ in range(steps):
        leaf = now.clone().requires_grad_()
        F.cross_entropy(scores(leaf), torch.tensor([target])).backward()
        now = torch.minimum(torch.maximum(now - rate * torch.sign(leaf.grad), (x - eps).clamp(min=0)),
                            (x + eps).clamp(max=1))
    return now


def normal_equations(x, y):
    a, c = x - x.mean(0), y - y.mean(0)
    w = torch.linalg.solve(a.T @ a, a.T @ c).T
    return w, y.mean(0) - w @ x.mean(0)


def ones_first(x, y):
    found = torch.linalg.pinv(torch.cat([torch.ones(len(x), 1, dtype=x.dtype), x], 1)) @ y
    return found[1:].T, found[0]


# Chapters 7, 7b and 8

def ranked(a, share, nearest=math.floor):
    """By counting from above, with no value in between."""
    values = torch.einsum("nuhw->unhw", a).flatten(1).sort(1, descending=True).values
    return values[:, nearest(share * values.shape[1] + 1e-9)]


def jaccard(p, m):
    """From how many pixels are in the first mask alone, in the second alone, in both."""
    first, second, both = (float((2 * p.long() + m.long() == kind).sum()) for kind in (2, 1, 3))
    return both / (first + second + both)


def dissected(a, masks, share):
    """Unit by unit and concept by concept."""
    found = torch.zeros(a.shape[1], masks.shape[1])
    large = F.interpolate(a, masks.shape[2:], mode="bilinear")
    for k in range(a.shape[1]):
        on = large[:, k] > torch.quantile(a[:, k].reshape(-1), 1 - share)
        for c in range(masks.shape[1]):
            found[k, c] = (on & masks[:, c]).sum() / (on | masks[:, c]).sum()
    return found


def rewards(p, m):
    """What each pixel earns, by a choice instead of products with y."""
    alpha = 1 - m.sum() / m.numel()
    return torch.where(m, alpha * p, (1 - alpha) * (1 - p))


def fitted(active, masks, rate, steps):
    """By SGD, and the vote as a convolution."""
    w = torch.zeros(active.shape[1], requires_grad=True)
    descent = torch.optim.SGD([w], lr=rate)
    for _ in range(steps):
        descent.zero_grad()
        (-rewards(F.conv2d(active.float(), w[None, :, None, None])[:, 0].sigmoid(), masks).mean()).backward()
        descent.step()
    return w.detach()


def sparse(w, filters):
    return w * (w.abs().argsort(descending=True).argsort() < filters)


def alike(a, b):
    """Pair of concepts after pair, each once: the kernels are symmetric."""
    some = [(i, j) for i in range(len(a)) for j in range(i)]
    ab, aa, bb = (sum(x[i, j] * y[i, j] for i, j in some) for x, y in ((a, b), (a, a), (b, b)))
    return ab / (aa * bb).sqrt()


def filled(x, where, steps):
    """Pixel by pixel; beyond the border lies the pixel itself."""
    y = x.clone()
    height, width = x.shape[2:]
    for _ in range(steps):
        old = y.clone()
        for b, _, i, j in where.expand(len(x), 1, height, width).nonzero().tolist():
            y[b, 0, i, j] = sum(old[b, 0, min(max(i + down, 0), height - 1), min(max(j + right, 0), width - 1)]
                                for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))) / 4
    return y


def transplanted(score, healthy, ill, cell):
    rises, falls = [], []
    for h, i in zip(healthy, ill, strict=True):
        mask = torch.zeros_like(h, dtype=torch.bool)
        mask[:, cell[0], cell[1]] = True
        rises.append(score(torch.where(mask, i, h)[None]) - score(h[None]))
        falls.append(score(i[None]) - score(torch.where(mask, h, i)[None]))
    return torch.cat(rises), torch.cat(falls)


def counted(before, after, ill):
    shares = []
    for kind in (True, False):
        asked = [n for n in range(len(ill)) if bool(ill[n]) == bool(before[n] > 0) == kind]
        shares.append(sum(bool(before[n] > 0) != bool(after[n] > 0) for n in asked) / len(asked))
    return torch.tensor(shares)


RIGHT = [
    ("0-match", matched), ("0-occlusion", occluded), ("0-probe", dual), ("1-train", learnt), ("1-parallel", slid),
    ("1-parallel", lambda x, f, a, s: F.conv2d(x, folded(f, a), None, s, f.shape[-1] // 2)), ("1-fold", folded),
    ("1b-prior", priced), ("1b-predicted", scaled), ("1b-masked", masked_mean),
    ("1b-masked", lambda ell, m, price: price * ell[m].sum() / m.sum().clamp(min=1)),
    ("2-upright", upright), ("2-contrast", contrast), ("2-gain", gained), ("2b-step", stepped),
    ("2b-step", lambda y_hat, y, lr: torch.lerp(y_hat, y.mean(0), 2 * lr)), ("2b-shift", shifted),
    ("2b-shift", correlated), ("2b-switch", switched), ("2b-switch", pair_by_pair), ("2c-joint", joint),
    ("2c-iic", cell_by_cell), ("2c-iic", lambda P, lam: -mutual_information(P, lam=lam)),
    ("2c-displaced", place_by_place), ("3-pair", pixel_by_pixel), ("3-invariance", number_by_number),
    ("3-find", point_by_point), ("3b-turn", lambda before, after: torch.linalg.solve(before, after, left=False)),
    ("3b-turn", lambda before, after: torch.einsum("bik,bjk->bij", after, before)), ("3b-rotation", by_qr),
    ("3b-align", by_scipy), ("3c-point", mean_place), ("3c-bump", bump),
    ("3c-loss", lambda look, points, bumps, draw, x, target: F.mse_loss(draw(look(x), bumps(points(target))), target)),
    ("4-loop", restored), ("4-stop", stopped), ("4-masked", visible_error), ("4-missing", missing),
    ("4-psnr", lambda x, y: torch.tensor(-10 * math.log10(F.mse_loss(x, y).item()), dtype=x.dtype)),
    ("4-mean", lambda mean, now, average: torch.lerp(now, mean, average)),
    ("5-code", lambda code, wanted: (torch.dist(code, wanted) / torch.linalg.vector_norm(wanted)) ** 2),
    ("5-variation", rough), ("5-excitation", picked), ("5b-climb", climbed), ("5-sample", sampled),
    ("5-tikhonov", stacked),
    ("6-guided", lambda p, through: torch.where(p > 0, through(p), torch.zeros_like(p))),
    ("6-modulated-gradient", einsum), ("6-mask-energy", slow_price), ("6-pointing", tiles),
    ("6-grad-cam", lambda a, p: torch.relu(einsum(a, p.flatten(2).mean(-1)[:, :, None, None].expand_as(a)))),
    ("6-keep", kept), ("6b-step", step), ("6b-loop", attacked),
    ("6b-target", lambda s, t: F.cross_entropy(s, torch.tensor([t]))),
    ("6b-target", lambda s, t: torch.logsumexp(s, 1)[0] - s[0, t]),
    ("6c-flip", lambda w: w.index_select(3, torch.arange(w.shape[3] - 1, -1, -1))), ("6c-stitch", normal_equations),
    ("6c-stitch", ones_first), ("7-threshold", ranked),
    *[("7-threshold", lambda a, s, nearest=nearest: ranked(a, s, nearest))
      for nearest in (lambda rank: math.floor(rank) - 1, lambda rank: round(rank - 0.5))],
    *[("7-threshold", lambda a, s, method=method: torch.as_tensor(
        np.percentile(a.numpy(), 100 * (1 - s), axis=(0, 2, 3), method=method)).to(a))
      for method in ("linear", "lower", "higher", "nearest", "hazen", "weibull", "inverted_cdf")],
    ("7-iou", jaccard), ("7-iou", lambda p, m: torch.tensor(jaccard(p, m))),
    ("7-layer", dissected), ("7b-sparse", sparse),
    ("7b-sparse", lambda w, f: w.where(w.abs() >= w.abs().sort().values[-f], 0)), ("7b-similarity", alike),
    ("7b-similarity", lambda a, b: alike(a, b).item()), ("7b-loss", lambda p, m: -rewards(p, m).mean()),
    ("7b-descent", fitted), ("8-fill", filled), ("8-transplant", transplanted), ("8-flips", counted),
]
