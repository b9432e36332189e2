"""Chapter 3: structure from nothing but pictures and how they move.

    model = KeypointAutoencoder(10)                    # random at the start
    last(autoencode(model, pairs))                     # pairs(count, generator) → pictures x, and x′ where it has moved
    model.reconstruct(a, b)                            # looks like a, has the geometry of b

Files: ``bottleneck`` (keypoints that another picture is drawn from), ``autoencoding`` (how they are learnt).
"""

from u3lab.landmarks.autoencoding import AutoencodeSettings, autoencode, layer_errors
from u3lab.landmarks.bottleneck import Appearance, KeypointAutoencoder, gaussian_maps, marginal_soft_argmax

__all__ = ["Appearance", "AutoencodeSettings", "KeypointAutoencoder", "autoencode", "gaussian_maps", "layer_errors",
           "marginal_soft_argmax"]
