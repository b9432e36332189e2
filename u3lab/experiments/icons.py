"""The Deep Quiz of chapter 5b: pictures that were made to excite one class. Which class is it?

    python -m u3lab.experiments icons       # data/quiz/5: the pictures and index.json

Each picture is the deep image prior's answer for SqueezeNet and EfficientNet-Lite0 at once. EfficientNet-Lite1, which
had no part in it, says what it takes it for; that stands in the explanations. Of 33 classes that were tried, it had 32
among its first five; 26 of these make the quiz, and the names of the other six were not kept. How pictures do that are
made for one network alone, and for classes that were drawn by chance: :mod:`~u3lab.experiments.icon_table`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from u3lab import images, nets, pixels
from u3lab.descent import last
from u3lab.experiments._plan import Plan
from u3lab.inversion.maximising import MaximiseSettings, maximise
from u3lab.lessons.inversion.icon_table import JUDGE, MAKERS, SIZE, places
from u3lab.nets import Classifier

STEPS, QUALITY = 200, 80  # of the optimisation; of the JPEG


@dataclass(frozen=True)
class Riddle:
    """One class of ImageNet. ``sight`` says what one sees, for the alt text, without a word that gives it away.

    ``truth`` says what the parts are; ``wrong`` has three other classes and what speaks against each. ``garish`` marks
    a picture that its makers could not tell themselves, looked at without its name.
    """

    name: str
    sight: str
    truth: str
    wrong: dict[str, str]
    garish: bool = False


RIDDLES = (
    Riddle("giant panda", "black patches and dark ears on a pale, furry form before green plants",
           "Black patches round the eyes, black ears on pale fur: nobody else wears this.",
           {"ice bear": "It is white all over, and has no patches.", "koala": "It is grey all over.",
            "skunk": "Its pattern is a stripe along the back."}, garish=True),
    Riddle("strawberry", "two red, dotted lumps that end in a tip, with green at their upper end",
           "Red, with yellow seeds in rows, and a green calyx.",
           {"pomegranate": "Its seeds are inside.", "fig": "It is violet and smooth.",
            "bell pepper": "It is smooth and shines."}),
    Riddle("daisy", "a yellow, grainy disc with pale, narrow tongues round it",
           "A yellow middle and white petals around it.",
           {"sea anemone": "Its middle is not a yellow disc.", "cardoon": "Its flower is violet and has no petals.",
            "buckeye": "It is a brown nut."}),
    Riddle("monarch", "two orange fans with black rims and veins, on a blurred ground",
           "Orange wings with black veins and a black rim with white dots.",
           {"cabbage butterfly": "Its wings are white.", "ringlet": "It is brown with small rings.",
            "tiger beetle": "Its back is hard and green."}),
    Riddle("lemon", "one large, bright yellow, dimpled oval with a nipple at its end",
           "A yellow peel with pores, and a pointed end.",
           {"Granny Smith": "An apple is green and smooth.", "banana": "It is long and bent.",
            "tennis ball": "It is round and has a seam."}),
    Riddle("volcano", "a dark cone with red and yellow fire that runs down from its top",
           "A cone, and lava that flows down its side.",
           {"alp": "Snow lies on it, and no fire.", "geyser": "It throws up steam, without red.",
            "torch": "Its flame goes up from a stick."}),
    Riddle("jellyfish", "four blue caps with dark threads that hang down, on a plain ground",
           "A bell, and tentacles that hang from it.",
           {"umbrella": "It has one stick and no threads.", "mushroom": "It stands on a thick stem.",
            "chambered nautilus": "Its shell is striped and coiled."}),
    Riddle("goldfish", "two orange bodies with fins and tails in grey-green water",
           "An orange fish with soft, long fins.",
           {"anemone fish": "It has white bands.", "rock beauty": "It is yellow with a black flank.",
            "American lobster": "It has claws and legs."}),
    Riddle("black swan", "a dark bird's neck and head with a red beak over rippled water",
           "A long dark neck and a red bill, on water.",
           {"American coot": "Its bill is white, its neck short.", "goose": "Its neck is pale, its bill orange.",
            "spoonbill": "It is white or pink, its bill flat."}),
    Riddle("flamingo", "a bent pink neck and a hooked, dark-tipped bill, on one thin leg in water",
           "Pink, a bent bill with a dark tip, and a very thin leg.",
           {"crane bird": "It is grey, its bill straight.", "little blue heron": "It is blue.",
            "spoonbill": "Its bill is a spoon, not a hook."}),
    Riddle("school bus", "a yellow box with dark windows in a row and lamps in front",
           "Yellow, with a black line under a row of windows.",
           {"fire engine": "It is red.", "tow truck": "It has a crane and no row of windows.",
            "cab": "A car has two windows on a side."}),
    Riddle("zebra", "an animal in dark and light bands stands on a bright plain",
           "Black and white stripes on an animal with four thin legs.",
           {"tiger": "Its ground colour is orange.", "gazelle": "It has one dark line along its side.",
            "sorrel": "A horse of one brown."}, garish=True),
    Riddle("tiger", "orange fur with black bands, close by",
           "Black stripes on orange fur.",
           {"leopard": "It has rosettes, no stripes.", "tabby": "Its fur is grey-brown, its stripes are thin.",
            "zebra": "It has no orange."}),
    Riddle("pineapple", "a round orange-green body with a tuft of pointed leaves on top",
           "A patterned body, and a crown of stiff leaves.",
           {"artichoke": "All of it is green scales.", "custard apple": "It has no crown.",
            "cauliflower": "It is white."}),
    Riddle("snail", "a small brown body with a stalk-like head before a coiled, blue-grey form",
           "A shell, and stalks with eyes at the head.",
           {"slug": "It has no shell.", "hermit crab": "It has claws.", "conch": "A shell with nobody in it."},
           garish=True),
    Riddle("king penguin", "two upright birds with dark heads, a yellow patch at the neck and pale bellies",
           "Upright, a white belly, and yellow at the neck.",
           {"albatross": "It has long wings, and nothing yellow at its neck.", "magpie": "It has a long tail.",
            "oystercatcher": "Its bill is long and red."}),
    Riddle("hummingbird", "a small green-grey bird in the air with a long thin beak and a spread tail",
           "Tiny, in the air, with a needle for a bill.",
           {"bee eater": "It is orange, green and blue.", "jacamar": "It sits on a branch, and is larger.",
            "dragonfly": "An insect with four clear wings."}),
    Riddle("jack-o'-lantern", "bright yellow flames in dark hollows, and an orange, glowing patch below",
           "Light from within that falls through cut eyes, at night.",
           {"candle": "Its flame is free, on wax.", "lampshade": "It shines evenly, without holes.",
            "theater curtain": "It falls in red folds."}, garish=True),
    Riddle("ostrich", "three grey, downy necks with small flat heads and large eyes, before trees",
           "A bare long neck, a flat head, a broad short bill.",
           {"crane bird": "Its bill is long and thin.", "vulture": "Its bill is a hook.",
            "llama": "It has ears and wool."}),
    Riddle("umbrella", "three small domes in blue and green, each on a stick, over a wet street",
           "A dome of cloth on a stick, in the rain.",
           {"parachute": "A man hangs from it by many lines.", "mosque": "Its dome is of stone.",
            "jellyfish": "It has threads and no stick."}, garish=True),
    Riddle("violin", "red-brown, waisted bodies with a dark middle line, on a pale ground",
           "Varnished wood with a waist.",
           {"acoustic guitar": "It has a round hole and a wider body.", "banjo": "Its body is a round drum.",
            "oboe": "A black pipe with keys."}, garish=True),
    Riddle("banana", "a long, thick, yellow form with brown specks, upright, that ends in a point",
           "Long, yellow and bent, with a dark end.",
           {"corn": "It has rows of grains.", "lemon": "It is short and has pores.",
            "spaghetti squash": "It is a thick oval."}),
    Riddle("peacock", "two bright blue birds with small crests and thin legs on bare ground, one large, one small",
           "A shining blue neck, and eyes in the tail.",
           {"drake": "Its head is green, its bill yellow and flat.", "macaw": "Its bill is a thick hook.",
            "quail": "It is small and brown."}),
    Riddle("ladybug", "a small, round, shining red back with dark specks on a green blade",
           "A round red back with black dots.",
           {"leaf beetle": "It has no dots.", "strawberry": "Its dots are many and yellow.",
            "weevil": "It has a snout."}),
    Riddle("traffic light", "two bright round lights, one above the other, in a dark pole before a pale sky",
           "Round lamps in a dark box, one above the other.",
           {"spotlight": "One lamp, which throws a beam.", "torch": "A flame on a stick.",
            "street sign": "A plate with words, without light."}, garish=True),
    Riddle("starfish", "a brown, grainy form with five arms and bright rims over blue water",
           "Arms round a middle, on the sea's ground.",
           {"sea cucumber": "It has no arms.", "sea urchin": "It is a ball of spines.",
            "American lobster": "It has claws."}),
)


def make(plan: Plan) -> None:
    """Make the pictures and their index."""
    riddles, steps = (RIDDLES[:2], 2) if plan.short else (RIDDLES, STEPS)
    makers, index = [nets.load(name, device="cpu") for name in MAKERS], []
    for jpeg, entry in quiz(makers, nets.load(JUDGE, device="cpu"), steps=steps, seed=plan.seed, riddles=riddles):
        plan.write("quiz", "5", entry["file"], content=jpeg)
        index.append(entry)
    plan.write("quiz", "5", "index.json", content=(json.dumps(index, indent=1, ensure_ascii=False) + "\n").encode())


def quiz(makers: Sequence[Classifier], judge: Classifier, *, steps: int = STEPS, seed: int = 0,
         riddles: Sequence[Riddle] = RIDDLES) -> Iterator[tuple[bytes, dict]]:
    """Each riddle's JPEG and its entry of index.json; ``seed`` shuffles the riddles and their options."""
    draw = random.Random(seed)
    for number, riddle in enumerate(draw.sample(riddles, len(riddles)), 1):
        jpeg = pixels.jpeg(iconic(makers, riddle.name, steps=steps, seed=seed), quality=QUALITY)
        options = [riddle.name, *riddle.wrong]
        found = places(judge, images.load(jpeg), options)
        why = [f"{riddle.truth} The third network has it at place {found[0]} of 1000.",
               *(f"{against} The third network has this class at place {place} of 1000."
                 for against, place in zip(riddle.wrong.values(), found[1:], strict=True))]
        order = draw.sample(range(len(options)), len(options))
        yield jpeg, {
            "file": f"{number}.jpg", "alt": f"A made picture: {riddle.sight}.", "options": [options[i] for i in order],
            "answer": order.index(0), "place": found[0], "why": [why[i] for i in order], "garish": riddle.garish}


def iconic(makers: Sequence[Classifier], name: str, *, steps: int = STEPS, seed: int = 0) -> Tensor:
    """The picture (1,3,160,160) that excites a class most in all of these networks."""
    settings = MaximiseSettings(steps=steps, seed=seed)
    return last(maximise(makers, "logits", name, size=SIZE, settings=settings)).value
