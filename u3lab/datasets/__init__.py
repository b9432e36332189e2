"""Small data sets that are made from what ships: deterministic from a seed, never downloaded."""
