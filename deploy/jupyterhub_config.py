"""JupyterHub for a class on one server: Linux with systemd, students are users of the machine. See docs/deploying.md.

The hub and the students' servers run from one environment, the one that holds this hub; it belongs to root.
"""

import sys
from pathlib import Path

BIN = Path(sys.executable).parent
DRAWN = Path(sys.prefix, "share", "u3lab")  # what chapters draw the first time, drawn once for all; root fills it
HERE = Path(__file__).resolve().parent

c = get_config()  # noqa: F821

# A web server with a certificate stands in front and answers the world: passwords must not travel in the clear.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# Who may log in: by the machine's own passwords, and only members of two groups. Admins can open a student's server.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"students"}
c.PAMAuthenticator.admin_groups = {"teachers"}

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
c.JupyterHub.load_roles = [
    {"name": "idle-culler", "services": ["idle-culler"],
     "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"]},
]
