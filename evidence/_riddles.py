"""Riddles of the Deep Quizzes, read from data/quiz: what a picture shows, and what speaks for and against each option.

The recipes ``icons`` and ``mask_riddles`` make pictures and measured explanations of them: data/quiz/5 and data/quiz/6.
"""

from dataclasses import dataclass

from u3course.course.questions import read_questions
from u3lab._system import paths

GARISH = " (garish)"


@dataclass(frozen=True)
class Riddle:
    """A picture to be recognised. Of its words only ``truth`` may give the class away.

    Attributes:
        name: The class that the picture is made for (chapter 5b), or the shipped photo that it is made from (chapter
            6).
        sight: What one sees, for the alt text.
        truth: What the parts are.
        wrong: Three other classes, and what speaks against each.
        garish: Whether its makers could not tell it themselves, looked at without its name.
    """

    name: str
    sight: str
    truth: str
    wrong: dict[str, str]
    garish: bool = False

    @property
    def picture(self) -> str:
        """The photo, in chapter 6: there it is what the riddle is named after."""
        return self.name


def riddles_of(chapter: str) -> tuple[Riddle, ...]:
    """Those of chapter "5" or "6", in the order of their file.

    Raises:
        U3Error: If the file is missing or broken.
    """
    read = []
    for one in read_questions(paths.data("quiz", f"{chapter}-riddles.md")):
        said = dict(zip(one.options, one.why, strict=True))
        truth = said.pop(one.options[one.right[0]])
        read.append(Riddle(one.heading.removesuffix(GARISH), one.text, truth, said, one.heading.endswith(GARISH)))
    return tuple(read)
