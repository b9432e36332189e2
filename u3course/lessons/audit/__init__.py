"""Notebook 08: exercises and figures of many patients' slices at once."""
