"""What belongs to the notebooks of chapter 2: exercises, quizzes, drawn examples and trials."""
