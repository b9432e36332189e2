"""The network of notebook 03c that judges drawn faces: it was taught the landmarks of 8,000 made faces.

    python -m evidence landmark_detector   # weights/landmark_detector.safetensors
"""

import torch

from evidence import _parts as parts
from evidence._parts import FINDER, LABELLED
from evidence._plan import Plan
from u3course.lessons.landmarks.trials import points
from u3lab.landmarks import KeypointAutoencoder, marginal_soft_argmax


def make(plan: Plan) -> None:
    """Teach it and write the weights of its encoder."""
    count, steps = (20, 2) if plan.short else (FINDER["faces"], FINDER["steps"])
    model = taught_by_labels(count, steps, plan.seed)
    plan.weights("landmark_detector", model.pose_encoder, faces=count, steps=steps)


def taught_by_labels(count: int, steps: int, seed: int = 0) -> KeypointAutoencoder:
    """A network whose encoder was taught the landmarks of so many faces; ``keypoints`` finds them.

    They are further pictures of the people from whom all networks here learn.
    """
    some = [parts.whole(min(LABELLED, count), "train", 77 + n) for n in range(-(-count // LABELLED))]  # less memory
    images, true = (torch.cat(one)[:count] for one in ([made.images for made in some], [points(made) for made in some]))
    model = KeypointAutoencoder(8, width=parts.WIDTH, seed=seed)
    draw = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.pose_encoder.parameters(), lr=FINDER["lr"])
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    model.pose_encoder.train()
    for _ in range(steps):
        chosen = torch.randint(len(true), (FINDER["batch"],), generator=draw)
        found = marginal_soft_argmax(model.pose_encoder(2 * images[chosen] - 1))
        optimiser.zero_grad()
        (found - true[chosen]).square().mean().backward()
        optimiser.step(), falls.step()
    return model.eval()
