"""Chapter 6b: adversarial examples. The picture hardly changes, the class does.

Files: ``attacks`` (FGSM, PGD), ``deepfool`` (the smallest change), ``quantisation`` (honest to eight bits),
``transfer`` (does it fool the other network?), ``patch`` and ``placing``, ``detection`` and ``trials``.
"""

from u3lab.adversarial.attacks import AttackSettings, fgsm, pgd
from u3lab.adversarial.deepfool import MinimalSettings, minimal_norm
from u3lab.adversarial.detection import Detector, evade, fit_detector, strengths
from u3lab.adversarial.patch import StickerSettings, shipped_sticker, sticker, success_rate
from u3lab.adversarial.placing import cut_out, paste
from u3lab.adversarial.quantisation import fools, to_bytes, to_bytes_near
from u3lab.adversarial.transfer import fooling_table

__all__ = ["AttackSettings", "Detector", "MinimalSettings", "StickerSettings", "cut_out", "evade", "fgsm",
           "fit_detector", "fooling_table", "fools", "minimal_norm", "paste", "pgd", "shipped_sticker", "sticker",
           "strengths", "success_rate", "to_bytes", "to_bytes_near"]
