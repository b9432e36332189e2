"""What belongs to notebook 00, where everything is met for the first time."""
