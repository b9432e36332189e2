"""Chapter 6b: adversarial examples. The picture hardly changes, the class does.

Files: ``attacks`` (FGSM, PGD), ``deepfool`` (the smallest change), ``quantisation`` (honest to eight bits, and pictures
that several networks know), ``patch`` (made and put down), ``detection``.
"""

from u3lab.adversarial.attacks import AttackSettings, fgsm, pgd
from u3lab.adversarial.deepfool import DeepFoolSettings, deepfool
from u3lab.adversarial.detection import Detector, evade, fit_detector, layer_saliency
from u3lab.adversarial.patch import PatchSettings, adversarial_patch, apply_patch, cut_out, shipped_patch, success_rate
from u3lab.adversarial.quantisation import fools, quantise, quantise_near
