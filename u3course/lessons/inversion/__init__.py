"""What belongs to the notebooks of chapter 5."""
