"""Every test has a state folder of its own, as those of the course have."""

from tests.u3course.course.conftest import own_state  # noqa: F401 — a fixture of every test here
