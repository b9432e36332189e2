"""What belongs to the notebooks of chapter 3: pairs of pictures that move, and trials."""
