"""What belongs to a notebook and not to a method: exercises and figures. A room a chapter.

``course`` finds a room here by its name; its ``exercises.EXERCISES`` has those of each chapter. Quizzes are text in
data/quiz.
"""
