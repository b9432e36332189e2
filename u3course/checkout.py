"""The git checkout that the package runs from, if it does: which notebooks were changed, and what to do.

Whoever runs a notebook changes its file, and `git pull` refuses to write over it. Merging is no way out: it leaves
conflict marks in the file's JSON. So one's own version moves aside whole, into a second work tree. README says so too.
"""

import os
import shutil
import subprocess
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_UNMERGED = ("DD", "AU", "UD", "UA", "DU", "AA", "UU")


def changed() -> tuple[str, str] | None:
    """Finding and advice, empty if there is nothing to mend; None if no notebook was changed since it came."""
    states = notebooks()
    torn = " ".join(f"notebooks/{name}" for name, state in states.items() if state in _UNMERGED)
    if torn:
        return (f"git left conflict marks in {torn}", "run `git merge --abort`; if there is no merge to abort, run "
                f"`git checkout HEAD {torn}`, then `git worktree add mine stash`: yours are in mine/notebooks")
    if states:
        return (f"changed since they came: {', '.join(states)}; to update, close them, then run `git stash`, "
                "`git pull`, `git worktree add mine stash`: yours are in mine/notebooks", "")
    return None


def notebooks() -> dict[str, str]:
    """The changed ones, each with git's two letters for it.

    Empty without a checkout, without git, and where git gives no answer. Nothing is written, the index neither.
    """
    git = shutil.which("git")
    if git is None or not (_ROOT / ".git").exists():
        return {}
    command = [git, "-C", str(_ROOT), "status", "--porcelain", "-z", "--no-renames", "-uno", "--", "notebooks"]
    try:
        answer = subprocess.run(command, env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"}, capture_output=True,
                                encoding="utf-8", errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    if answer.returncode:
        return {}
    records = filter(None, answer.stdout.split("\0"))  # two letters, a space, the path
    return {record[3:].rpartition("/")[2]: record[:2] for record in records if record.endswith(".ipynb")}
