"""What belongs to the notebook of chapter 4."""
