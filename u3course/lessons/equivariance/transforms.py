"""The transforms, layers and guesses of chapter 6c."""

from u3lab.equivariance import HFLIP, VFLIP, Transform, rotation, scaling

TRANSFORMS: dict[str, Transform] = {
    "mirrored": HFLIP, "upside down": VFLIP, "turned by 90°": rotation(90), "turned by 15°": rotation(15),
    "made smaller, 0.7": scaling(0.7)}
LAYERS = ("conv1", "fire3", "fire5", "fire7", "fire9")
GUESSES = ("do nothing", "moved", "M_g")  # as equivariance.errors has them
