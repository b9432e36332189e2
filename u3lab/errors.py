"""The one exception of the course: a slip, told in a sentence that says what to do next."""


class U3Error(ValueError):
    """A foreseeable slip. The message says what was given, what is wanted and the next step."""

    def _render_traceback_(self) -> list[str]:
        """IPython calls this instead of printing the stack: a student sees the sentence alone."""
        return [f"U3Error: {self}"]
