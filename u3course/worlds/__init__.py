"""Pictures and films that a program makes where their truth is needed: deterministic from a seed, never downloaded."""
