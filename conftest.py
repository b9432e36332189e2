"""What holds for every test: one thread for torch, no connection beyond this machine, a small network and a picture."""

import gc
import ipaddress
import os
import socket

import pytest

# Before torch is loaded, here and in child processes. With two threads a busy neighbour slows a test thirtyfold.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ["U3LAB_RESULTS"] = os.devnull  # no test reads what its user has measured, or writes there


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Ten thousand tests are a million objects: Python's collector need not look at them while they are made."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what took half a second or more when it was measured, and what of it make test runs all the same."""
    from tests import times

    slow, gate = times.recorded(), times.gate()
    config.stash[times.COLLECTED] = {item.nodeid for item in items}  # before -m leaves any out
    for item in items:
        if item.nodeid in slow:
            item.add_marker("slow")
        if gate & {item.nodeid, item.nodeid.partition("[")[0], item.nodeid.partition("::")[0]}:
            item.add_marker("gate")


class NetworkBlocked(OSError):
    """A test reached for the network. It is an OSError, so that code under test sees a network that is down."""


def is_here(host: object) -> bool:
    """Whether a host is this machine; an empty host means "any of mine"."""
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return name == "localhost"
    return address.is_loopback or address.is_unspecified


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Refuse connections and name look-ups beyond this machine. Jupyter's kernels talk over loopback."""
    patch = pytest.MonkeyPatch()
    look_up = socket.getaddrinfo

    def guarded(method):
        def call(self, *arguments):
            address = arguments[-1]
            if isinstance(address, tuple) and not is_here(address[0]):
                raise NetworkBlocked(f"the tests use no network, but something called {method.__name__} for {address}")
            return method(self, *arguments)
        return call

    def guarded_look_up(host, *arguments, **named):
        if not is_here(host):
            raise NetworkBlocked(f"the tests use no network, but something looked up {host!r}")
        return look_up(host, *arguments, **named)

    for name in "connect", "connect_ex", "sendto":
        patch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


@pytest.fixture
def net():
    """SqueezeNet 1.1 with its weights, of which nothing is changed."""
    from tests.helpers import squeezenet  # torch is loaded after the environment is set

    return squeezenet()


@pytest.fixture
def picture():
    """A real photograph, (1,3,96,96), float32."""
    from tests.helpers import cat

    return cat(96).float()
