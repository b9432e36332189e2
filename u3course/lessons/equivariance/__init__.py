"""What belongs to notebook 06c."""
