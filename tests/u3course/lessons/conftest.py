"""As the tests of the course: every test has a state folder of its own, and is not graded."""

from tests.u3course.course.conftest import own_state

__all__ = ["own_state"]
