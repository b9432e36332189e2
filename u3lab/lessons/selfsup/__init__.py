"""Exercises, quiz, drawn examples and trials on representations learnt without labels."""

from u3lab.lessons.selfsup import exercises, pretext_exercises, pretext_questions, questions

EXERCISES = (*pretext_exercises.EXERCISES, *exercises.EXERCISES)
QUIZ = (*pretext_questions.QUIZ, *questions.QUIZ)

__all__ = ["EXERCISES", "QUIZ"]
