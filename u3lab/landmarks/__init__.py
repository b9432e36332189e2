"""Chapter 3: structure from nothing but pictures and how they move.

    net = labeller(seed=0)                             # a code in R³ for every second pixel, random at the start
    last(train_labeller(net, pairs))                   # pairs(count, generator) → x, gx, points u, and gu in gx
    match(net(x), net(other), points).best             # the same parts of another face

A point is (x, y) in [−1,1]; the picture's borders are at ±1. Files: ``dense`` (a code for each pixel: losses, heat
maps, matches), ``sparse`` (K landmarks), ``training`` (the labeller), ``measuring`` (errors, and the regression of
marked landmarks), ``places`` (points and cells); ``factorising`` (turns that are found from turns between pictures),
``posing`` (a network that learns them), ``bottleneck`` (keypoints that another picture is drawn from),
``autoencoding`` (how they are learnt).
"""

from u3lab.landmarks.autoencoding import AutoencodeSettings, autoencode
from u3lab.landmarks.bottleneck import Appearance, KeypointAutoencoder, gaussian_maps, marginal_soft_argmax
from u3lab.landmarks.dense import (
    Matches,
    dense_labelling_loss,
    exchange_descriptors,
    heat_map,
    invariance_loss,
    match,
    sphere,
    virtual_landmarks,
)
from u3lab.landmarks.factorising import DISTANCES, align, as_rotation, factorise, pose_error
from u3lab.landmarks.measuring import landmark_error
from u3lab.landmarks.places import codes_at
from u3lab.landmarks.posing import PoseSettings, learn_pose, pairs_of, pose_encoder, poses, rotated, rotated_pairs
from u3lab.landmarks.sparse import diversity_loss, equivariance_loss, soft_argmax
from u3lab.landmarks.training import LOSSES, LabelSettings, labeller, train_labeller
