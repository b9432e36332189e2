"""What each student's server has, on one machine and in the image: JUPYTER_CONFIG_PATH names this folder."""

from u3server import start

c = get_config()  # noqa: F821

# A kernel holds up to 1.2 GiB. One that has computed nothing for an hour ends, also while its page is open somewhere:
# what was written and drawn stays on the page, its variables come back with Run All.
c.MappingKernelManager.cull_idle_timeout = 3600
c.MappingKernelManager.cull_interval = 300
c.MappingKernelManager.cull_connected = True

# What a cell prints is nobody else's to hear: kernels publish it by sockets in a folder that only the student enters.
# JupyterLab's debugger is off (labconfig/): it listens on a port, also when it is closed again, and whoever connects
# there runs code as the student.
c.MappingKernelManager.kernel_manager_class = start.KERNELS

# The same as `u3lab start`: a photo of one's own comes as one message, a notebook is saved whole or not at all, nobody
# asks for news and updates, and what no lesson uses is not loaded.
c.ServerApp.tornado_settings = start.TORNADO
c.ServerApp.contents_manager_class = start.CONTENTS
c.LabApp.app_settings_dir = str(start.SETTINGS)
c.ServerApp.jpserver_extensions = start.UNUSED
start.import_jupyterlab()
