"""A Ray cluster of several nodes on one machine, each node with processes of its own that a test can end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import malsori
from tests.shipped import ROOT

RUNTIME = Path(malsori.__file__).parents[1]
NODE = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster()
options = dict(num_cpus=1, object_store_memory=80_000_000, include_dashboard=False)
nodes = [cluster.add_node(**options) for _ in range(int(sys.argv[1]))]
print(cluster.address, *(node.all_processes["raylet"][0].process.pid for node in nodes), flush=True)
sys.stdin.read()
cluster.shutdown()
"""


class SmallCluster:
    """Its `address`, and the process numbers of its nodes' raylets, the head's first."""

    def __init__(self, line: str) -> None:
        self.address, *raylets = line.split()
        self.raylets = [int(number) for number in raylets]


def environment() -> dict[str, str]:
    """The environment of a node: it finds malsori and these tests, and Ray reports nothing."""
    path = os.pathsep.join([str(RUNTIME), str(ROOT)])
    # Ray's own limit of memory is one for the machine, whatever else runs on it.
    more = {"PYTHONPATH": path, "RAY_USAGE_STATS_ENABLED": "0", "RAY_memory_monitor_refresh_ms": "0"}
    # A node that was killed is noticed in seconds.
    return os.environ | more | {"RAY_health_check_initial_delay_ms": "0", "RAY_health_check_period_ms": "500"}


@contextmanager
def cluster(nodes: int) -> Iterator[SmallCluster]:
    """A cluster of so many nodes with a core each; it and all its processes end with the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", NODE, str(nodes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(),
    )
    try:
        assert process.stdout is not None
        yield SmallCluster(process.stdout.readline())
    finally:
        process.communicate(timeout=60)
