"""What belongs to the notebooks of chapter 2: exercises, drawn examples and trials."""
