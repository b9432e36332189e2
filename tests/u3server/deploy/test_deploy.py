"""deploy/ and binder/: what cannot be run here is held to its schema, to the linter, and to the table of the README."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
import yaml
from jupyterhub.traitlets import ByteSpecification
from traitlets import HasTraits
from traitlets.config import Config, PyFileConfigLoader

from tests.helpers import slip
from tests.test_readme import largest_notebook
from u3server import copies, start, warming

ROOT = Path(__file__).resolve().parent.parent.parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
SCHEMA = Path(__file__).parent / "zero-to-jupyterhub-4.4.0.schema.json"
VALUES = yaml.safe_load((DEPLOY / "values.yaml").read_text(encoding="utf-8"))
SERVER = 160  # MiB that a student's server itself takes, measured; docs/deploying.md says so
HIDDEN = re.compile(r"(?i)(password|passwd|secret|token|api_?key|client_?id)\s*[:=]")
unix = pytest.mark.skipif(os.name == "nt", reason="the server of a class runs on Linux")


def config_of(name: str) -> Config:
    return PyFileConfigLoader(name, path=str(DEPLOY)).load_config()


class Room(HasTraits):
    """A number of bytes as JupyterHub and KubeSpawner read it."""

    size = ByteSpecification()


def mebibytes(written: str) -> float:
    return Room(size=written).size / 2**20


@unix
def test_limits_hold_two_of_the_largest_notebooks_and_guarantees_one():
    one, two = SERVER + largest_notebook(), SERVER + 2 * largest_notebook()
    memory, cpu = VALUES["singleuser"]["memory"], VALUES["singleuser"]["cpu"]
    for limit in (memory["limit"], config_of("jupyterhub_config.py").Spawner.mem_limit):
        assert two <= mebibytes(limit) <= 1.1 * two
    assert one <= mebibytes(memory["guarantee"]) <= 1.2 * one
    assert cpu["limit"] == config_of("jupyterhub_config.py").Spawner.cpu_limit == 2, "README's table is of two cores"


@unix
def test_every_setting_of_the_hub_has_a_trait_that_takes_it():
    """JupyterHub only warns of an unknown one, and systemd's are not tried when the hub runs in a test."""
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import PAMAuthenticator
    from jupyterhub.spawner import Spawner
    from systemdspawner import SystemdSpawner

    config = config_of("jupyterhub_config.py")
    owners = {owner.__name__: owner for owner in (JupyterHub, PAMAuthenticator, Spawner, SystemdSpawner)}
    assert set(config) == set(owners) and all(config.values())
    for name, owner in owners.items():
        for trait, value in config[name].items():
            owner.class_traits(config=True)[trait].validate(HasTraits(), value)


class Spawner:
    """A student's server before it starts, as the hub keeps it."""

    def __init__(self):
        self.environment, self.args = {"A": "b"}, ["--debug"]
        self.orm_spawner = SimpleNamespace(user_options={"chapter": "kept"})


@unix
@pytest.mark.parametrize("options, says", [({"chapter": "../99"}, "there is no chapter"), ({}, ""),
                                           ({"chapter": "01"}, "")])
def test_a_wish_for_a_chapter_is_that_of_one_start(options: dict, says: str):
    """A student can ask for one, too: whatever it is, the next start does not inherit it."""
    config, spawner = config_of("jupyterhub_config.py").Spawner, Spawner()
    with slip(says) if says else nullcontext():
        config.apply_user_options(spawner, options)
    assert not spawner.orm_spawner.user_options
    if options == {"chapter": "01"}:
        assert spawner.environment == {"A": "b", warming.NAME: "01"}
        extensions = ast.literal_eval(spawner.args.pop().removeprefix("--ServerApp.jpserver_extensions="))
        assert extensions == {**start.UNUSED, warming.__name__: True}
    else:
        assert spawner.environment == {"A": "b"}
    assert spawner.args == ["--debug"] and warming.NAME not in config.environment


@unix
@pytest.mark.parametrize("host", ["", "hub.example.org"])
def test_nobody_is_an_admin_in_a_browser_and_roles_stay_within_the_class(monkeypatch, tmp_path: Path, host: str):
    """tests/browser/test_hub_attack.py says why. No role reaches into a server or to tokens."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("U3LAB_HUB_HOST", host)
    groups = {"students": (["ada", "gone"], 7), "teachers": (["tom"], 8)}
    monkeypatch.setattr("grp.getgrnam", lambda name: SimpleNamespace(gr_mem=groups[name][0], gr_gid=groups[name][1]))
    users = [SimpleNamespace(pw_name=name, pw_gid=gid) for name, gid in (("ada", 1), ("ben", 7), ("tom", 1), ("x", 1))]
    monkeypatch.setattr("pwd.getpwall", lambda: users)
    (token := tmp_path / "warm-up.token").write_text("a token of the class\n")
    token.chmod(0o600)
    config = config_of("jupyterhub_config.py")
    hub, roles = config.JupyterHub, {role["name"]: role for role in config.JupyterHub.load_roles}
    assert "admin_groups" not in config.PAMAuthenticator and "admin_users" not in config.Authenticator
    assert roles["admin"] == {"name": "admin", "users": [], "services": []}
    assert hub.load_groups == {"students": {"users": ["ada", "ben"]}}
    assert roles["teacher"]["users"] == (["tom"] if host else [])
    assert hub.get("subdomain_host") == (f"https://{host}" if host else None)
    assert bool(hub.get("cookie_host_prefix_enabled")) == bool(host)
    for name in ("teacher", "warm-up"):
        assert all(scope in ("admin-ui",) or scope.endswith("!group=students") for scope in roles[name]["scopes"])
        assert not [scope for scope in roles[name]["scopes"] if re.match("access|admin:|tokens|users|shares", scope)]
    assert {"name": "warm-up", "api_token": "a token of the class"} in hub.services
    token.chmod(0o640)
    with pytest.raises(SystemExit, match="others can read .*warm-up.token"):
        config_of("jupyterhub_config.py")
    token.unlink()
    assert "warm-up" not in {service["name"] for service in config_of("jupyterhub_config.py").JupyterHub.services}


@unix
def test_what_is_drawn_once_for_all_is_where_the_instructions_put_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    guide = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    folder = Path("share", "u3lab")
    assert f"mkdir -p .venv/{folder.as_posix()} " in guide
    assert f"\nU3LAB_CACHE=.venv/{folder.as_posix()} .venv/bin/u3lab prepare\n" in guide
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert "U3LAB_CACHE" not in config_of("jupyterhub_config.py").Spawner.environment  # else all draw, and keep nothing
    (tmp_path / folder).mkdir(parents=True)
    assert config_of("jupyterhub_config.py").Spawner.environment["U3LAB_CACHE"] == str(tmp_path / folder)


def test_a_server_does_without_the_package_that_is_taken_away():
    without = "import sys; sys.modules['rfc3987_syntax'] = None; import jupyterlab.labapp; print('there')"
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert done.stdout == "there\n", done.stderr
    assert all("uv pip uninstall --python" in text and "rfc3987-syntax" in text
               for text in (DOCKERFILE, (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")))


@unix
def test_idle_kernels_end_before_idle_servers():
    servers = config_of("jupyter_server_config.py")
    command = config_of("jupyterhub_config.py").JupyterHub.services[0]["command"]
    timeout = int(command[-1].removeprefix("--timeout="))
    assert VALUES["cull"]["enabled"] and VALUES["cull"]["timeout"] == timeout
    assert 0 < servers.MappingKernelManager.cull_idle_timeout < timeout
    assert servers.ServerApp.contents_manager_class == start.CONTENTS
    assert servers.ServerApp.tornado_settings == start.TORNADO


def test_no_debugger_opens_a_port_of_a_class_server(monkeypatch: pytest.MonkeyPatch):
    """What is off in `u3lab start` is off, too."""
    from jupyterlab_server.config import get_page_config

    def off() -> set[str]:
        return set(get_page_config([], str(start.SETTINGS))["disabledExtensions"])

    usual = off()
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(DEPLOY))
    assert usual and off() - usual == {"@jupyterlab/debugger-extension"}


def server(home: Path, command: str) -> str:
    """What the log has of a student's start in a home, with a shell script as u3lab; JupyterHub's notes its call."""
    for name, script in (("u3lab", command), ("jupyterhub-singleuser", 'echo "$@" > "$HOME/then"')):
        (home / name).write_text(f"#!/bin/sh\n{script}\n")
        (home / name).chmod(0o755)
    environment = {"HOME": str(home), "PATH": f"{home}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([DEPLOY / "start-singleuser", "--debug", "a b"], env=environment, check=True,
                          capture_output=True, text=True, timeout=300)
    assert (home / "then").read_text() == "--debug a b\n"
    return done.stderr


@unix
@pytest.mark.parametrize("place", ["a folder", "no folder", "a full disk"])
def test_a_server_starts_with_private_copies_even_if_some_cannot_be_made(tmp_path: Path, place: str):
    """The command notes how it was called, and fails."""
    folder = tmp_path / "u3lab-notebooks"
    if place != "no folder":
        folder.mkdir()
    if place == "a full disk":
        (folder / "NEWS.txt").symlink_to("/dev/full")
    log = server(tmp_path, 'echo "$@" > "$HOME/first"; echo "u3lab: no room" >&2; exit 1')
    assert (tmp_path / "first").read_text() == f"start --copy-only {folder}\n"
    assert not (tmp_path / "first").stat().st_mode & 0o077
    assert log.startswith("u3lab: no room\n") and (log.count("\n") > 1) == (place != "a folder"), "why not beside"
    if place == "a folder":
        assert re.fullmatch(r"\d{4}-\d\d-\d\d u3lab: no room\n", (folder / "NEWS.txt").read_text())
        assert not (folder / "NEWS.txt").stat().st_mode & 0o077


@unix
def test_a_student_reads_beside_the_copies_what_befell_them(tmp_path: Path):
    """Nothing while all is well; then that a worked copy has a newer original; then what is wrong with the folder."""
    def start() -> str:
        server(tmp_path, f'exec "{sys.executable}" -m u3lab "$@"')
        return (folder / "NEWS.txt").read_text() if (folder / "NEWS.txt").exists() else ""

    folder = tmp_path / "u3lab-notebooks"
    record, copy = folder / ".u3lab-copies.json", folder / "06c_equivariance.ipynb"
    assert start() == "" and start() == "" and len(list(folder.glob("*.ipynb"))) > 10
    copy.write_text('{"cells": []}')
    record.write_text(json.dumps({**json.loads(record.read_bytes()), copy.name: "that of an older one"}))
    told = start()
    assert re.fullmatch(rf"[-\d]+ {copy.name}: your own stays as it is; its newer version lies beside it, .*\n", told)
    assert start() == told and copy.read_text() == '{"cells": []}', "once, and it stays"
    record.rename(tmp_path / "elsewhere")
    record.symlink_to(tmp_path / "elsewhere")
    assert start().removeprefix(told).endswith(" is a link; delete it, or name another folder: `u3lab start FOLDER`\n")


@unix
def test_warnings_of_others_are_not_for_the_student_and_nothing_is_told_twice(tmp_path: Path):
    """Of the log, whose first line is the command's, all stays in the log."""
    news = tmp_path / "u3lab-notebooks" / "NEWS.txt"
    news.parent.mkdir()
    news.write_text("my own\n2025-01-02 06.ipynb: busy\n")
    command = """echo "nothing new: all"; echo "06.ipynb: busy"; echo "copied to x"; echo "06.ipynb: beside [a-z]*"
{ echo "Traceback (most recent call last):"; echo "  File u3lab: x"; echo "u3lab: no room"; echo "w: warned"; } >&2"""
    log = server(tmp_path, command)
    assert sorted(log.splitlines()) == sorted(
        ["nothing new: all", "06.ipynb: busy", "copied to x", "06.ipynb: beside [a-z]*",
         "Traceback (most recent call last):", "  File u3lab: x", "u3lab: no room", "w: warned"])
    told = news.read_text()
    own, *lines = told.splitlines()
    assert own == "my own" and lines[0] == "2025-01-02 06.ipynb: busy"
    assert sorted(line.partition(" ")[2] for line in lines[1:]) == ["06.ipynb: beside [a-z]*", "u3lab: no room"]
    server(tmp_path, command)
    assert news.read_text() == told


@unix
def test_a_second_replacement_is_news(tmp_path: Path):
    (tmp_path / "u3lab-notebooks").mkdir()
    original = copies._TOGETHER["replaced"].format(chapters="06")
    for times in (1, 2):
        server(tmp_path, f"echo '{original}'")
        assert (tmp_path / "u3lab-notebooks" / "NEWS.txt").read_text().count(original) == times


def test_values_fit_the_schema_of_the_chart():
    """Helm lays ours over the chart's own values, which have what is required."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    found = [error for error in jsonschema.Draft7Validator(schema).iter_errors(VALUES) if error.validator != "required"]
    assert not found
    wrong = {**VALUES, "singleuser": {**VALUES["singleuser"], "memroy": {"limit": "2G"}}}
    assert any("memroy" in error.message for error in jsonschema.Draft7Validator(schema).iter_errors(wrong))


def test_values_name_the_version_of_the_chart_and_of_its_hub():
    head = (DEPLOY / "values.yaml").read_text(encoding="utf-8").splitlines()[:2]
    chart = re.search(r"zero-to-jupyterhub-(\d+\.\d+)\.", SCHEMA.name)[1]
    hub = re.search(r'"jupyterhub==(\d+\.\d+)\.\*"', DOCKERFILE)[1]
    assert f"chart {chart} (JupyterHub {hub})" in head[0] and f"--version {chart}." in head[1]


@unix
def test_the_image_is_what_the_values_expect():
    copied = re.findall(r"^COPY (deploy/\S+) (\S+)$", DOCKERFILE, re.MULTILINE)
    assert dict(copied) == {"deploy/start-singleuser": "/usr/local/bin/",
                            "deploy/jupyter_server_config.py": "/etc/jupyter/",
                            "deploy/labconfig/page_config.json": "/etc/jupyter/labconfig/"}
    assert all((ROOT / source).is_file() for source, _ in copied) and os.access(DEPLOY / "start-singleuser", os.X_OK)
    assert f'CMD ["{VALUES["singleuser"]["cmd"]}"]' in DOCKERFILE
    notebook = VALUES["singleuser"]["defaultUrl"].removeprefix("/lab/tree/")
    assert (ROOT / "notebooks" / notebook).is_file()
    assert config_of("jupyterhub_config.py").Spawner.default_url == VALUES["singleuser"]["defaultUrl"]
    drawn = re.findall(r"U3LAB_CACHE=(\S+)", DOCKERFILE)  # where root draws, and where students' kernels look
    assert len(drawn) == 2 and drawn[0] == drawn[1] and drawn[0].startswith("/opt/u3lab/")


def test_the_image_is_small_pinned_and_without_root():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases and all(re.fullmatch(r"python:\d\.\d+-slim-\w+", base) for base in bases)
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1] == "1000"
    assert "--torch-backend=cpu" in DOCKERFILE


@pytest.mark.skipif(shutil.which("hadolint", path=Path(sys.executable).parent) is None, reason="hadolint is a peer")
def test_the_linter_of_dockerfiles_finds_nothing():
    hadolint = shutil.which("hadolint", path=Path(sys.executable).parent)
    answer = subprocess.run([hadolint, "-"], input=DOCKERFILE, capture_output=True, text=True)
    assert (answer.returncode, answer.stdout) == (0, "")


@pytest.mark.parametrize("file", [file for file in DEPLOY.iterdir() if file.is_file()], ids=lambda file: file.name)
def test_no_secret_is_in_a_file(file: Path):
    assert not HIDDEN.search(file.read_text(encoding="utf-8"))


def test_binder_takes_the_list_of_packages_from_pyproject():
    """repo2docker reads binder/ alone, and conda runs pip there."""
    ours, root = (yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
                  for name in ("binder/environment.yml", "environment.yml"))
    assert ours["channels"] == root["channels"]
    *conda, tail = ours["dependencies"]
    assert conda == ["python=3.13", "pip", "pytorch", "torchvision"] and tail == {"pip": ["-e .."]}
    assert {file.name for file in (ROOT / "binder").iterdir()} == {"environment.yml"}
