"""Notebook 08: exercises, figures of many patients' slices at once, and a transformer beside a CNN."""
