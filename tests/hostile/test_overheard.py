"""A true neighbour on the same machine listens at all ports and sockets while a cell of a student prints."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("transport, heard", [("tcp", True), ("", False)], ids=["Jupyter's own way", "as deployed"])
def test_what_a_cell_prints_is_for_its_student_alone(transport: str, heard: bool):
    pytest.importorskip("pwd", reason="there are no users of Unix")
    from tests.load.users import without_users

    if lacking := without_users():
        pytest.skip(lacking)
    done = subprocess.run([sys.executable, "-m", "tests.hostile.overheard", *[transport] * bool(transport)], cwd=ROOT,
                          capture_output=True, text=True, timeout=300)
    if heard:
        assert done.returncode == 0 and done.stdout == "the password was heard\n", done.stderr
    else:
        assert done.returncode == 1 and done.stderr.startswith("nothing heard: ") and done.stdout == "", done.stderr
        assert "Permission denied" in done.stderr
