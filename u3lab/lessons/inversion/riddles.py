"""The riddles of chapter 5b's Deep Quiz: classes, what their pictures show, and what speaks for and against."""

from u3lab.lessons.riddles import riddles_of

RIDDLES = riddles_of("5")
