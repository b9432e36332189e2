"""How good found landmarks are: errors in parts of the distance of the eyes.

A method without labels finds points of its own choice. Whether they are tied to the thing shows in how well a linear
map, such as scikit-learn's ridge regression, fitted on few labelled pictures, makes from them the landmarks that people
mark (Thewlis et al. 2017; Jakab et al. 2018).
"""

from torch import Tensor

from u3lab.checks import tensors, wholes
from u3lab.errors import U3Error


def landmark_error(found: Tensor, true: Tensor, eyes: tuple[int, int]) -> Tensor:
    """100 · ‖found − true‖ / ‖true_i − true_j‖: errors in % of the inter-ocular distance of each face.

    Args:
        found, true: (N,L,2), landmarks of N pictures, in any unit that x and y have in common: [−1,1] of square
            pictures, or pixels.
        eyes: The numbers i, j of the two landmarks whose distance is 100 %.

    Returns:
        Tensor: (N,L), float64. Its mean is the number in the papers.

    Raises:
        U3Error: Shapes that differ, numbers of eyes that are no landmarks, or eyes at one point.
    """
    tensors(found=(found, "NL2"), true=(true, "NL2"))
    if found.is_complex() or true.is_complex():
        raise U3Error("found and true are points (x, y); give real numbers")
    pair = wholes("eyes", eyes, 0, true.shape[1] - 1)
    if len(pair) != 2 or pair[0] == pair[1]:
        raise U3Error(f"eyes = {pair}; give the numbers of two landmarks")
    i, j = pair
    found, true = found.detach().double(), true.detach().double().to(found.device)
    apart = (true[:, i] - true[:, j]).norm(dim=-1)
    if not apart.all():
        raise U3Error(f"in picture {int(apart.argmin())} the eyes, landmarks {i} and {j}, are at one point; leave it "
                      "out, or choose other landmarks")
    return 100 * (found - true).norm(dim=-1) / apart[:, None]
