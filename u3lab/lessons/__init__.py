"""What belongs to a notebook and not to a method: exercises, figures, riddles. One module or folder a topic.

``u3lab.course`` finds a topic here by its name; each has ``EXERCISES``. Its quiz is text in data/quiz.
"""
