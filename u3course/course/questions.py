"""Read what a quiz asks from its text in data/quiz, which anybody can edit: one file a quiz, in Markdown.

    ## What happens to a picture when σ goes up?

    - [x] Each pixel becomes a mean over more of its neighbours.
      > What is said to somebody who chooses this, right or wrong.
    - [ ] The picture becomes darker.
      > The weights of the bell sum to 1.

A line without a mark goes on with what is above it; what stands before the first ``##`` is for people. A question may
end with ``{#id}``, by which readers' progress knows it wherever it stands; with ``{#id 2}`` if older versions noted it
as the third of the quiz, and with ``{#id 2 retired}`` if it is no longer asked.
"""

import re
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from u3course.course.definitions import Question
from u3lab.errors import U3Error

ID = re.compile(r"(.*?)\s*\{#([a-z][a-z-]*)(?: (\d+))?( retired)?\}")
MARK = re.compile(r"\s*(## |- \[[ xX]\] |> ?|)(.*)")


@dataclass
class Asked:
    """One heading with its options as the file has them; ``right`` holds the numbers of those marked with an x."""

    line: int
    heading: str
    text: str = ""
    options: list[str] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    def question(self) -> Question:
        """The question, without the braces that end its text."""
        text = _joined(self.heading, self.text)
        marked = ID.fullmatch(text)
        text, name, was, retired = marked.groups() if marked else (text, "", "", "")
        return Question(text, tuple(self.options), self.right[0], tuple(self.why), id=name, was=was or "",
                        retired=bool(retired))


def questions(file: Path) -> tuple[Question, ...]:
    """The questions of a file, in its order, those that are no longer asked as well.

    Raises U3Error that says what is wrong with the file, with the number of the line.
    """
    return tuple(one.question() for one in read_questions(file))


def read_questions(file: Path) -> list[Asked]:
    """What a file asks, with exactly one right option each and a sentence on every option.

    Raises U3Error as :func:`questions`.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise U3Error(f"{file.name} is no text in UTF-8; save it as UTF-8") from error
    found: list[Asked] = []
    for number, line in enumerate(lines, 1):
        mark, words = MARK.fullmatch(line).groups()
        if mark == "## ":
            found.append(Asked(number, words.strip()))
        elif found and line.strip():
            if slip := _taken(found[-1], mark, words.strip()):
                raise U3Error(f"{file.name}, line {number}: {slip}")
    for one in found:
        if slip := _slip(one):
            raise U3Error(f"{file.name}, line {one.line}: the question {one.heading[:60]!r} {slip}")
    names = [one.question().id for one in found]
    if twice := next((name for name in names if name and names.count(name) > 1), ""):
        raise U3Error(f"{file.name} has two questions {{#{twice}}}; give one of them another id")
    if not found:
        raise U3Error(f"{file.name} asks nothing; write '## ' before each question")
    return found


def _taken(one: Asked, mark: str, words: str) -> str:
    """Put a line where it belongs; what is wrong with it otherwise."""
    if mark.startswith("- ["):
        if mark != "- [ ] ":
            one.right.append(len(one.options))
        one.options.append(words)
    elif mark:
        if not one.options:
            return "nothing is above this that it could be said of; first '- [ ] ' and an option, then '> '"
        one.why += [""] * (len(one.options) - len(one.why))
        one.why[-1] = _joined(one.why[-1], words)
    elif re.match(r"[-*] |-\[|#", words):
        return f"{words[:40]!r} is neither a question ('## ') nor an option ('- [ ] ', or '- [x] ' if it is right)"
    elif not one.options:
        one.text = _joined(one.text, words)
    else:
        above = one.why if len(one.why) == len(one.options) else one.options
        above[-1] = _joined(above[-1], words)
    return ""


def _slip(one: Asked) -> str:
    """What keeps this from being a question."""
    if not one.heading:
        return "has no words after '## '"
    if len(one.options) < 2 or not all(one.options) or len(set(one.options)) < len(one.options):
        return "needs two options or more, no two alike and none empty"
    if len(one.right) != 1:
        return f"has {len(one.right) or 'no'} right options; write '- [x] ' before exactly one"
    if silent := [option for option, why in zip_longest(one.options, one.why) if not why]:
        return f"says nothing to {silent[0][:40]!r}; write '  > ' and a sentence below it"
    return ""


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
