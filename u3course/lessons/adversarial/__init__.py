"""What belongs to notebook 06b."""
