"""What must not be concluded from a report, why, and what was measured of it: on each page and in the documentation."""

from __future__ import annotations

from typing import NamedTuple


class Claim(NamedTuple):
    """What must not be concluded, why, and what was measured of it."""

    claim: str
    why: str
    measured: str = ""


TRIALS = "In trials with findings made on 96×96 slices"
NOT_SAID = (
    Claim("The network takes no shortcut.", "The numbers find cues that lie apart from the finding, stay in one place "
          "or go with a harmless change. A cue on the finding itself, or one that no test varies, shows in none of "
          "them.", f"{TRIALS}, a letter that wandered along the border moved the best fixed place by 1 to 3 %, as in "
          "honest networks."),
    Claim("The network is robust.", "Five mild changes were tried, each at one strength. Other changes were not.",
          f"{TRIALS}, networks that read a marker never flipped under another window; honest ones did on 5 to 11 %."),
    Claim("The map shows the reason.", "An occlusion map shows where blurring a window changes the answer, not "
          "what the network reads there, nor what it reads in several places at once.", f"{TRIALS}, no map located the "
          "blur of a scanner, on which the answer hung wholly: guided backpropagation had on the lesion .9 times its "
          "share of the area, and 22 % of occlusion lay in the air."),
    Claim("Deletion proves what matters.", "A picture with parts deleted is like no picture that the network knows; "
          "edges, which know no network, do well in that test.", f"{TRIALS}, deletion beside random blocks praised "
          "networks that read a marker."),
    Claim("Attention is on the lesion.", "In a network for segmentation the gradient lies near the region even with "
          "shuffled weights, so its place tells nothing of what was learnt.", "In a small U-Net 69 to 73 % of it lay "
          "near the region, and 68 to 75 % with shuffled weights."),
    Claim("A 3-D Grad-CAM locates it.", "On a deep layer such a map has a few cells along each side; a cell covers a "
          "large part of the volume.", "That of a ResNet-18 on 32×64×64 voxels has 2×4×4 cells, each a "
          "thirty-second of the volume."),
    Claim("It is well calibrated, or has a wide margin, so it is honest.", "A cue that is always there makes a network "
          "sure and hard to move: both can praise a network that cheats.", f"{TRIALS}, networks that read a marker had "
          "a calibration error of .001 to .003 and turned at 5 to 7.5 grey levels; honest ones had .05 to .09 and "
          "turned at .75 to 2.75."),
    Claim("The mask is empty, so there is nothing.", "A search for the smallest part that matters can end without one: "
          "the probability after it has to be read beside it.", f"{TRIALS}, masks came out empty for 3 of 6 honest "
          "networks."),
    Claim("It will do as well elsewhere.", "All numbers are of these pictures. Intervals draw among the patients that "
          "are here; other scanners, hospitals and illnesses are not among them."),
    Claim("The patient is ill, or healthy.", "The audit asks about a network on these pictures. It is no diagnosis."),
)
