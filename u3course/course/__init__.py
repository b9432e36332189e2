"""Exercises that check themselves, hints in steps, solutions from the library, quizzes, and what is done.

A notebook shows a task, leaves a stub that returns ``...``, and checks it::

    course.exercise("6-guided")             # the task, with buttons for a hint and for the solution
    course.check("6-guided", my_guided)     # one box: not tried yet, what is wrong, or passed; it never raises
    course.hint("6-guided")                 # one hint more at each call
    course.solution("6-guided")             # the library's own source
    course.yours("6-guided")                # the reader's own function once it has passed, else the library's
    course.quiz("6")                        # questions, with a word on every option
    course.progress()                       # what is done, chapter by chapter
    course.first_answers("5-deep", folder)  # how many of a class could tell each riddle at first

A chapter writes its tasks with ``task`` of ``course.words``, and its questions as text in data/quiz.
"""

from u3course.course import cells
from u3course.course.definitions import Exercise, Mistake, NotTried, Question
from u3course.course.judging import by_cases
from u3course.course.pieces import yours
from u3course.course.reports import Report, check
from u3course.course.state import first_answers, progress
from u3course.course.widgets import exercise, hint, quiz, solution

cells.watch()
