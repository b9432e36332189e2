"""Readers of what ships in data/, and of the public sets and films that a user has."""
