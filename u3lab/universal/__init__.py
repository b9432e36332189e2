"""Chapter 1."""
from u3lab.universal.adapting import Adapted, adapt
from u3lab.universal.methods import METHODS, Method

__all__ = ["METHODS", "Adapted", "Method", "adapt"]
