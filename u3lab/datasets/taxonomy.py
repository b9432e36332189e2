"""What is what: the is-a tree of the concepts, with WordNet's names (Fellbaum, WordNet, MIT Press 1998), shortened.

    ancestors("cat")                            # ("cat", "feline", "carnivore", "placental", "mammal", …, "entity")
    tree_similarity(("cat", "dog", "cup"))      # (3,3): a cat is nearer to a dog than to a cup
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from u3lab.checks import shown, words
from u3lab.errors import U3Error

_TREE = """
entity
 physical entity
  object
   whole
    living thing
     organism
      animal
       vertebrate
        mammal
         placental
          carnivore
           feline
            cat
            big cat
           canine
            dog
           bear
            polar bear
           procyonid
            panda
          ungulate
           bovid
            sheep
            bison
            cattle
            antelope
           equine
            horse
           deer
           pig
          primate
           lemur
           ape
           person
          rodent
          rabbit
         marsupial
          koala
        bird
         aquatic bird
          duck
         gallinaceous bird
          hen
         parrot
          macaw
        fish
         cyprinid
          goldfish
         damselfish
          clownfish
        reptile
         lizard
          komodo dragon
       arthropod
        insect
      mushroom
      plant
       woody plant
        tree
       herb
        grass
       flower
    artifact
     instrumentality
      container
       cup
       plate
      device
       camera
       tripod
       wheel
      conveyance
       rocket
       craft
       vehicle
        motorcycle
      instrument
      plaything
       ball
      implement
       tool
        hammer
        screwdriver
        spoon
       handle
      furnishing
       table
     structure
      building
      wall
      area
       dome
       arch
       tower
      opening
       window
       door
     emblem
      flag
     medium of exchange
      coin
   natural object
    rock
    plant part
     petal
     fruit
     vegetable
   atmosphere
    sky
   land
    ground
  thing
   body part
    external body part
     head
      face
      hair
     extremity
      leg
      hand
      fin
      wing
     tail
     beak
     mouth
    organ
     sense organ
      eye
      nose
      ear
     nervous tissue
      grey matter
      white matter
  matter
   fluid
    water
   material
    mineral
     stone
     metal
    plant material
     wood
    fabric
    ceramic
    animal material
     fur
     feathers
     scales
     skin
 abstract entity
  communication
   text
  attribute
   pattern
    stripes
    waves
    zigzag
    checks
    dots
    lattice
    rings
   texture
    woven
    marbled
    speckled
    brick
    gravel
   colour
    achromatic colour
     black
     grey
     white
    chromatic colour
     red
     orange
     yellow
     green
     blue
     purple
     pink
     brown
   boundary
    pasted edge
    outside of the brain
  scene
   outdoors
    pasture
    monuments
    night
   indoors
    tabletop
"""


def _parents() -> dict[str, str | None]:
    """Name → the name above it; a line's depth is its number of leading spaces."""
    found: dict[str, str | None] = {}
    path: list[str] = []
    for line in _TREE.strip().splitlines():
        name = line.strip()
        path[len(line) - len(line.lstrip()):] = [name]
        found[name] = path[-2] if len(path) > 1 else None
    return found


PARENTS = _parents()


def ancestors(name: str) -> tuple[str, ...]:
    """The name, what it is, and so on up to "entity".

    Raises
    ------
    U3Error
        A name that is not in the tree.
    """
    if not isinstance(name, str) or name not in PARENTS:
        raise U3Error(f"{shown(name)} has no place in the is-a tree; the names are in u3lab.datasets.taxonomy.PARENTS")
    above = PARENTS[name]
    return (name, *ancestors(above)) if above else (name,)


def tree_similarity(names: Sequence[str]) -> Tensor:
    """How near each two names are in the tree, (C,C) in (0,1]: 2 d(lowest common name) / (d(a) + d(b)), d the depth.

    Wu & Palmer, Verb semantics and lexical selection, ACL 1994; the root has depth 1.
    """
    lines = [set(ancestors(name)) for name in words("names", names)]
    return torch.tensor([[2 * len(a & b) / (len(a) + len(b)) for b in lines] for a in lines], dtype=torch.float64)
