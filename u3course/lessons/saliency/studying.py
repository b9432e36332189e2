"""A made study of one healthy retina: photographs with a printed card, a network that reads it, and one that does not.

Both see the card as often. In the study it tells the groups apart; in the control the colour of the light does.
"""

from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from u3lab import images, nets
from u3lab.nets import Classifier

CLASSES = ("home", "referred")
SIDE = 227
CORNERS = ((8, 8), (8, 155), (199, 155), (199, 8))  # row and column of the card's first pixel, clockwise
PHOTOS = 40  # of which half are of patients who were referred


@cache
def card() -> Tensor:
    """PORTABLE in black on white, (20,64) in [0,1]."""
    drawn = Image.new("L", (64, 20), 255)
    ImageDraw.Draw(drawn).text((4, 1), "PORTABLE", fill=0, font_size=12)
    return torch.from_numpy(np.array(drawn)).float() / 255


def photograph(draw: torch.Generator, *, corner: int | None, warm: bool, opacity: float = 1.0) -> Tensor:
    """A crop of the retina (1,3,S,S) in a light of its own, warm or cold, with the card in a corner or without it."""
    side = int(torch.randint(180, 250, (1,), generator=draw))
    y, x = torch.randint(0, 320 - side, (2,), generator=draw).tolist()
    crop = images.load(_retina()[..., y : y + side, x : x + side], size=SIDE)
    tint = torch.tensor([1.12, 1.0, 0.75] if warm else [0.9, 1.0, 1.35]).view(1, 3, 1, 1)
    crop = (crop * tint * (0.8 + 0.4 * torch.rand(1, generator=draw))).clamp(0, 1)
    if corner is not None:
        where = on_card(corner).expand_as(crop)
        crop[where] = opacity * card().expand(3, -1, -1).flatten() + (1 - opacity) * crop[where]
    return crop


@cache
def _retina() -> Tensor:
    return images.load("retina")


def on_card(corner: int) -> Tensor:
    """Where the card lies, (1,1,S,S) bool."""
    found = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    (y, x), (height, width) = CORNERS[corner], card().shape
    found[..., y : y + height, x : x + width] = True
    return found


def sample(count: int, cue: str, seed: int) -> tuple[Tensor, Tensor]:
    """Photographs (N,3,S,S) and groups (N), 1 for referred. The ``cue``, "card" or "light", goes with the group; the
    other is drawn at random, and so is the card's corner."""
    draw = torch.Generator().manual_seed(seed)
    groups, found = torch.arange(count) % 2, []
    for group in groups.tolist():
        other, corner = (int(torch.randint(high, (1,), generator=draw)) for high in (2, 4))
        has_card, warm = (group, other) if cue == "card" else (other, group)
        found.append(photograph(draw, corner=corner if has_card else None, warm=bool(warm)))
    return torch.cat(found), groups


@cache
def trained(cue: str, seed: int = 0) -> Classifier:
    """SqueezeNet's features, averaged over space, with a logistic regression of "home" and "referred" on top."""
    from sklearn.linear_model import LogisticRegression

    net = nets.load("squeezenet1_1")
    photos, groups = sample(PHOTOS, cue, seed)
    with torch.no_grad():
        features = torch.cat([net.features(one, "fire9").mean((2, 3)) for one in photos.split(1)]).cpu().numpy()
    fit = LogisticRegression(max_iter=1000).fit(features, groups.numpy())
    head = torch.nn.Linear(features.shape[1], 2).requires_grad_(False)
    head.weight.copy_(torch.tensor(np.vstack([-fit.coef_, fit.coef_]) / 2))
    head.bias.copy_(torch.tensor(np.hstack([-fit.intercept_, fit.intercept_]) / 2))
    body = torch.nn.Sequential(net.module.features, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), head)
    return Classifier(body.to(net.device), classes=CLASSES, name=f"study of the {cue}", size=SIDE,
                      mean=nets.IMAGENET_MEAN, std=nets.IMAGENET_STD,
                      layers={f"features{k}": f"0.{k}" for k in range(13)}).eval()
