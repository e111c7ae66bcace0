"""The cluster: how it is reached, and how many actors it bears."""

from __future__ import annotations

import os
import re
import socket
import sys
from contextlib import suppress
from typing import Any

from ...engines.machine.cpus import cpu_threads
from ...errors import ClusterUnreachable, DeviceUnavailable, EngineError, MissingDependency, brief
from ..settings import WorkerSettings

TCP_S = 5.0  # to open a connection
_VERSIONS = re.compile(r"Version mismatch.*Ray: (\S+)\s+Python: (\S+).*Ray: (\S+)\s+Python: (\S+)", re.DOTALL)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # the value that will be Ray's default; without it Ray warns
}


def quiet() -> None:
    """Keep Ray's usage report and progress bars off; called before `import ray`."""
    os.environ.update({name: os.environ.get(name, value) for name, value in _QUIET.items()})


def check_address(address: str) -> None:
    """Raise `ClusterUnreachable` where nothing can listen at an address; Ray itself would try for minutes."""
    if address.startswith("ray://"):
        reason = (
            "ray:// is Ray Client, over which Ray Data does not run; give HOST:PORT of its GCS (port 6379 as a rule)"
        )
        raise ClusterUnreachable(address, f"{reason}, on a machine that is itself one of its nodes")
    if address in ("", "auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ClusterUnreachable(address, "expected HOST:PORT or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), TCP_S).close()
    except OSError as error:
        raise ClusterUnreachable(address, error.strerror or str(error) or "no answer") from error


def connect(address: str) -> Any:
    """Return the module `ray`, connected. Raises `ClusterUnreachable`, `MissingDependency`."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingDependency("ray", "--engine ray", "ray") from error
    options: dict[str, Any] = {"address": address or "local"}
    if options["address"] == "local":
        options |= {"include_dashboard": False, "num_cpus": cpu_threads()}
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))  # its workers find what this process finds
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", configure_logging=True, **options)
    except (RuntimeError, OSError, ValueError) as error:  # ConnectionError is an OSError
        raise ClusterUnreachable(address or "a cluster of this machine", _reason(error)) from error
    return ray


def _reason(error: Exception) -> str:
    if found := _VERSIONS.search(str(error)):
        theirs, our = (f"Ray {found[at]} and Python {found[at + 1]}" for at in (1, 3))
        return f"it runs {theirs}, this process {our}; install the same on both"
    return brief(error)


def error_of(error: Exception) -> EngineError:
    """Return the error for an exception of Ray, which has no base class, in one line without colours."""
    text = _COLOURS.sub("", str(error))
    if lacking := re.search(r"No module named '(malsori|ray)[^']*'", text):
        return EngineError(
            f"a node of the cluster lacks {lacking[0].split()[-1]}; install the same malsori, Ray and Python on all "
            "nodes"
        )
    return EngineError(f"Ray: {brief(Exception(text))}")


def resources_of(settings: WorkerSettings) -> dict[str, float]:
    """Return what an actor takes: a core for each thread of its engine, and a GPU where it is to run on one."""
    if settings.loading.device in ("cuda", "tensorrt"):
        return {"CPU": settings.loading.threads or 1, "GPU": 1}
    return {"CPU": settings.loading.threads or 0}


def settled(settings: WorkerSettings, nodes: list[dict[str, float]], address: str) -> tuple[dict[str, float], int]:
    """Return what an actor takes, and how many of them the nodes hold. Raises `DeviceUnavailable` for none.

    Where no number of threads is asked for, an actor has the cores of the smallest node with any.
    """
    wanted = resources_of(settings)
    wanted["CPU"] = wanted["CPU"] or min((node["CPU"] for node in nodes if node.get("CPU", 0) >= 1), default=1)
    held = sum(int(min(node.get(name, 0) // amount for name, amount in wanted.items())) for node in nodes)
    if not held:
        asked = ", ".join(f"{amount:g} {name}" for name, amount in wanted.items())
        most = {name: max((node.get(name, 0) for node in nodes), default=0) for name in wanted}
        offered = ", ".join(f"{amount:g} {name}" for name, amount in most.items())
        raise DeviceUnavailable(
            f"cluster {address or 'of this machine'}: expected a node with {asked} for an actor, found at most "
            f"{offered}; give fewer --threads or another --device"
        )
    return wanted, held


def nodes_of(ray: Any) -> list[dict[str, float]]:
    """Return what each living node offers."""
    with suppress(KeyError):
        return [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return []
