"""Readers of what ships in data/, and of a set that a user has."""
