"""The score of a game in a notebook: the first answer to each question counts, beside a rival's and a guess."""

from collections.abc import Hashable


class Tally:
    """First answers, question by question.

    Attributes:
        answers: Question → (the answer, the right one, the rival's).
        place: Where the picture was clicked on last; a figure begins with a place that is no click.
    """

    def __init__(self, place: Hashable = (0.5, 0.0)) -> None:
        self.answers: dict[Hashable, tuple] = {}
        self.place = place

    def clicked(self, place: Hashable) -> bool:
        """Whether this is a new place: another control that moves is no click."""
        self.place, before = place, self.place
        return place != before

    def add(self, question: Hashable, answer: object, right: object, rival: object = None) -> None:
        """Keep an answer, unless the question has one."""
        self.answers.setdefault(question, (answer, right, rival))

    def judged(self, question: Hashable, verdict: Hashable, right: object, rival: object) -> bool:
        """Keep a verdict that is new, not one left from the last question, nor "look"; whether there is one."""
        if self.clicked(verdict) and verdict != "look":
            self.add(question, verdict, right, rival)
        return question in self.answers

    def points(self, safe: object) -> str:
        """A point for each right answer; a wrong one loses a point, but for the answer that is ``safe``."""
        mine, rivals = (sum(1 if one[k] == one[1] else -(one[k] != safe) for one in self.answers.values())
                        for k in (0, 2))
        return f"{len(self.answers)} judged, points: you {mine}, the rival {rivals}"

    def score(self, *of: Hashable) -> str:
        """What the answers are worth, of all questions or of those that are tuples beginning with these."""
        some = [one for key, one in self.answers.items() if not of or key[:len(of)] == of]
        mine, rivals = (sum(one[k] == one[1] for one in some) for k in (0, 2))
        told = f"you {mine} of {len(some)}"
        return told if all(one[2] is None for one in some) else f"{told}, the rival {rivals} of {len(some)}"
