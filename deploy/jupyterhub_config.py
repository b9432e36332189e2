"""JupyterHub for a class on one server: Linux with systemd, students are users of the machine. See docs/deploying.md.

The hub and the students' servers run from one environment, the one that holds this hub; it belongs to root.
"""

import grp
import os
import pwd
import sys
from pathlib import Path

from jupyterhub.scopes import scope_definitions

from u3server import start, warming

BIN = Path(sys.executable).parent
DRAWN = Path(sys.prefix, "share", "u3lab")  # what chapters draw the first time, drawn once for all; root fills it
HERE = Path(__file__).resolve().parent
STARTER = Path("warm-up.token")  # in the hub's own folder
HOST = os.environ.get("U3LAB_HUB_HOST", "").removeprefix("https://")  # where *.HOST, too, leads to this machine

c = get_config()  # noqa: F821


def members(group):
    """The users of the machine who belong to one of its groups; none if there is no such group."""
    try:
        there = grp.getgrnam(group)
    except KeyError:
        return []
    return sorted(user.pw_name for user in pwd.getpwall()
                  if user.pw_name in there.gr_mem or user.pw_gid == there.gr_gid)


def wait_for_student(spawner, options):
    """A server that begins with a kernel of a chapter, as warm_up.py asks; an unknown chapter is refused."""
    spawner.orm_spawner.user_options = {}  # the hub would keep the wish for later starts, and refuse those too
    if "chapter" in options:
        warming.find(options["chapter"])
        spawner.environment = {**spawner.environment, warming.NAME: options["chapter"]}
        extensions = {**start.UNUSED, warming.__name__: True}
        spawner.args = [*spawner.args, f"--ServerApp.jpserver_extensions={extensions}"]


# A web server with a certificate stands in front and answers the world: passwords must not travel in the clear.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# A student's server shows any page that its student writes. With a domain for each, a browser keeps such a page away
# from the hub and from other servers, as it does with any two sites. Login cookies then belong to one domain alone.
if HOST:
    c.JupyterHub.subdomain_host = f"https://{HOST}"
    c.JupyterHub.cookie_host_prefix_enabled = True

# Who may log in: by the machine's own passwords, and only members of two groups. Nobody is an admin, for a student's
# page in an admin's browser would be one, too. The hub knows all of the class from its start.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"students", "teachers"}
c.JupyterHub.load_groups = {"students": {"users": members("students")}}

# systemd runs each server as its student and holds it to the limits. A kernel that wants more is ended, nothing else.
c.JupyterHub.spawner_class = "systemd"
c.Spawner.mem_limit = "2.5G"  # two of the largest notebooks at once; docs/deploying.md has the sum
c.Spawner.cpu_limit = 2.0  # a kernel, and beside it the server that answers the browser: as README's table was measured
c.SystemdSpawner.unit_extra_properties = {
    "MemorySwapMax": "0",  # one student who swaps makes the disk slow for all
    "TasksMax": "512",  # threads and processes: enough for notebooks, not for a program that multiplies
}
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True
c.SystemdSpawner.disable_user_sudo = True
# Read by all, written by nobody: the disk's cache then holds the libraries once for the whole class.
c.SystemdSpawner.readonly_paths = [sys.prefix]

# Each server begins by bringing the student's own copies of the notebooks up to date, as that student.
c.Spawner.cmd = [str(HERE / "start-singleuser")]
c.Spawner.apply_user_options = wait_for_student
c.Spawner.notebook_dir = "~/u3lab-notebooks"
c.Spawner.default_url = "/lab/tree/00_start_here.ipynb"
c.Spawner.environment = {
    "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin",
    "JUPYTER_CONFIG_PATH": str(HERE),  # jupyter_server_config.py: idle kernels, large pictures
    "OMP_WAIT_POLICY": "PASSIVE",  # threads that wait must not spin while thirty others compute
    "U3LAB_THREADS": "1",  # u3lab would count the cores of the whole machine
    # Players take their first steps after the cells, so that a lesson begins at once; idle kernels give memory back.
    "U3LAB_SHARED": "1",
    **({"U3LAB_CACHE": str(DRAWN)} if DRAWN.is_dir() else {}),  # else each student's kernel draws for half a minute
}
c.Spawner.start_timeout = c.Spawner.http_timeout = 300  # when a lesson begins, all start in the same minute

# A server nobody has used for two hours is stopped; files stay. Kernels end sooner, by jupyter_server_config.py.
c.JupyterHub.services = [
    {"name": "idle-culler", "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=7200"]},
]
CLASS = "!group=students"
STARTS = "start:servers" if "start:servers" in scope_definitions else "servers"  # JupyterHub 5 cannot part these
c.JupyterHub.load_roles = [
    {"name": "idle-culler", "services": ["idle-culler"],
     "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"]},
    {"name": "admin", "users": [], "services": []},  # who was one is one no more
    # On the hub's page Admin, and only where students' pages cannot get there: who is here, start and stop a server.
    # Not to look into one, which would be access:servers.
    {"name": "teacher", "users": members("teachers") if HOST else [],
     "scopes": ["admin-ui", *(scope + CLASS for scope in ("list:users", "read:servers", "servers"))]},
]
# warm_up.py begins the servers of the class, and can do nothing else.
if STARTER.exists():
    if STARTER.stat().st_mode & 0o077:
        sys.exit(f"others can read {STARTER.resolve()}; make it anew, as docs/deploying.md says")
    c.JupyterHub.services.append({"name": "warm-up", "api_token": STARTER.read_text().strip()})
    c.JupyterHub.load_roles.append(
        {"name": "warm-up", "services": ["warm-up"],
         "scopes": [scope + CLASS for scope in ("list:users", "read:servers", STARTS)]})
