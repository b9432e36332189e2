"""One mask for many pictures: what the positives have in common at a fixed place. Does it take away those unseen?"""

from typing import NamedTuple

from torch import Tensor, nn

from u3audit.drawing import View, heat, shown
from u3audit.methods import asked_of
from u3audit.parts import Section, answer, settings
from u3audit.wording import sentence
from u3lab.audit.cases import Cases, score, some_of, target
from u3lab.descent import last
from u3lab.errors import U3Error
from u3lab.measures import Interval, mean
from u3lab.nets import ready
from u3lab.saliency import MaskSettings, baseline_like, perturb, pooled_mask

# Nothing is shifted, as the place is fixed; λ is higher than for a single picture: a mask that covers the findings of
# the pictures it learns from, one by one, is to cost more than it gains.
CHOSEN = MaskSettings(lam=4.0, jitter=0, steps=100)


class Pooled(NamedTuple):
    """The mask (1,1,H,W), which pictures it was made on and ``judged`` on, the share of these that stay positive under
    it, and under the same mask moved by half the picture."""

    mask: Tensor
    made: Tensor
    judged: Tensor
    stay: Interval
    moved: Interval


def masked_alike(net: nn.Module, cases: Cases, *, positive: int | str = 1, most: int = 20, seed: int = 0) -> Pooled:
    """Make one mask on half of at most so many positives that the network finds, and judge it on the others.

    Raises:
        U3Error: Less than two such positives.
    """
    net = ready(net)
    seen = (cases.positive & (score(net, cases.images, positive) > 0)).nonzero()[:, 0]
    if len(seen) < 2:
        raise U3Error("the network finds fewer than two positives: a mask is made on some and judged on others")
    seen = some_of(seen, most, seed)
    made, judged = seen[::2], seen[1::2]
    images = cases.images[made]
    mask = last(pooled_mask(net, images, asked_of(net, images, positive), settings=CHOSEN)).value.detach().cpu()
    unseen, groups = cases.images[judged], [cases.groups[n] for n in judged]
    asked, blurred = target(net, unseen, positive), baseline_like(unseen, settings=CHOSEN)
    half = [side // 2 for side in mask.shape[2:]]
    stay, moved = (mean((score(net, perturb(unseen, one, blurred), asked) > 0).double(), groups)
                   for one in (mask, mask.roll(half, (2, 3))))
    return Pooled(mask, made, judged, stay, moved)


def pooled(net: nn.Module, cases: Cases, positive: int | str, seed: int) -> Section:
    """The mask over the first picture that it was not made on, and this picture under it."""
    if cases.images.ndim == 5:
        raise U3Error("a mask takes minutes for a volume")
    found = masked_alike(net, cases, positive=positive, most=settings(cases)["most"], seed=seed)
    k = int(found.judged[0])
    image = cases.images[k : k + 1]
    under = perturb(image, found.mask, baseline_like(image, settings=CHOSEN))
    before, after = (float(score(net, one, target(net, image, positive))) for one in (image, under))
    facts = {"made on": len(found.made), "judged on": len(found.judged), "size": float(found.mask.mean()),
             "stay": found.stay, "moved": found.moved}
    told = [sentence("masks", name, **facts) for name in ("stay", "means")]
    rows = [[View(shown([image[0]])[0], f"Picture {k + 1}, which the mask was not made on.",
                  f"picture {k + 1}: {answer(before)}"),
             View(heat(image[0], found.mask[0], None), f"The mask over picture {k + 1}.", "the mask"),
             View(shown([image[0], under[0]])[1], f"Picture {k + 1} under the mask.",
                  f"under the mask: {answer(after)}")]]
    return Section(told, [], [], rows, facts)
