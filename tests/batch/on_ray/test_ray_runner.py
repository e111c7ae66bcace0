"""The runner on real Ray clusters of several nodes on this machine; nodes, actors and items that die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from malsori.batch.batch_items import BatchItem, ItemEvent, ItemResult
from malsori.batch.on_ray import RayRunner
from malsori.batch.settings import WorkerSettings
from malsori.errors import ClusterUnreachable, DeviceUnavailable, ModelNotFound
from malsori.pipeline.options import Loading, TranscribeOptions
from tests.batch.on_ray.clusters import SmallCluster, cluster, environment
from tests.shipped import ROOT

pytest.importorskip("ray", reason="needs pip install 'malsori[ray]'")
pytestmark = pytest.mark.ray
AGED = """
import json, sys, ray
from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put
ray.init(address=sys.argv[1], log_to_driver=False)
told = json.loads(_internal_kv_get("CLUSTER_METADATA", namespace="cluster"))
told["ray_version"] = "2.1.0"
_internal_kv_put("CLUSTER_METADATA", json.dumps(told), overwrite=True, namespace="cluster")
"""
DEEDS = "tests.batch.on_ray.faked:NamedDeeds"


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(ROOT)])  # of the process that talks to Ray, which unpickles


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[SmallCluster]:
    with cluster(2) as small:
        yield small


def _settings(folder: Path, model: str = "fake", **loading: object) -> WorkerSettings:
    told = Loading(**({"threads": 1} | loading))  # type: ignore[arg-type]
    return WorkerSettings(model, TranscribeOptions(), ("txt",), str(folder), loading=told)


def _run(runner: RayRunner, sources: list[str]) -> Iterator[ItemEvent]:
    return runner.run(BatchItem(number, source, f"{number}") for number, source in enumerate(sources))


def _results(runner: RayRunner, sources: list[str]) -> dict[int, ItemResult]:
    results = [event for event in _run(runner, sources) if isinstance(event, ItemResult)]
    assert len({result.number for result in results}) == len(results)
    return {result.number: result for result in results}


def test_each_item_has_a_result_and_a_bad_one_is_a_row_of_its_own(two_nodes: SmallCluster, tmp_path: Path) -> None:
    sources = ["bad" if number % 50 == 7 else "ok" for number in range(300)]
    results = _results(RayRunner(_settings(tmp_path), address=two_nodes.address, entry=DEEDS), sources)
    assert Counter(result.cause for result in results.values()) == {"": 294, "CorruptAudio": 6}
    assert len(list(tmp_path.glob("*.txt"))) == 294
    assert len(list(tmp_path.glob("pid-*"))) == 2  # both nodes worked, each with a model that it loaded once


def test_an_item_that_ends_each_of_its_actors_costs_no_other(two_nodes: SmallCluster, tmp_path: Path) -> None:
    sources = ["ok"] * 40
    sources[3] = sources[25] = "poison"
    results = _results(RayRunner(_settings(tmp_path), address=two_nodes.address, entry=DEEDS), sources)
    assert {number for number, result in results.items() if result.failed} == {3, 25}
    assert results[3].cause == results[25].cause == "WorkerDied"
    assert len(results) == 40


def test_an_actor_that_is_killed_costs_nothing(two_nodes: SmallCluster, tmp_path: Path) -> None:
    events = _run(RayRunner(_settings(tmp_path), address=two_nodes.address, entry=DEEDS), ["slow"] * 24)
    numbers = []
    for event in events:
        if isinstance(event, ItemResult):
            if not numbers:
                os.kill(int(next(tmp_path.glob("pid-*")).name[4:]), signal.SIGKILL)
            assert not event.failed, event
            numbers.append(event.number)
    assert sorted(numbers) == list(range(24))


def test_a_node_that_is_killed_in_the_middle_costs_nothing(tmp_path: Path) -> None:
    with cluster(3) as small:
        events = _run(RayRunner(_settings(tmp_path), address=small.address, entry=DEEDS), ["slow"] * 40)
        numbers = []
        for event in events:
            if isinstance(event, ItemResult):
                if not numbers:
                    os.kill(small.raylets[2], signal.SIGKILL)
                assert not event.failed, event
                numbers.append(event.number)
    assert sorted(numbers) == list(range(40))


def test_a_model_that_a_node_lacks_ends_the_run_with_the_name_of_the_node(
    two_nodes: SmallCluster, tmp_path: Path
) -> None:
    runner = RayRunner(_settings(tmp_path, "missing"), address=two_nodes.address, entry=DEEDS)
    with pytest.raises(ModelNotFound, match=f"on node {socket.gethostname()}: no model named 'missing'"):
        _results(runner, ["ok"])


def test_what_no_node_has_is_an_error_before_any_work(two_nodes: SmallCluster, tmp_path: Path) -> None:
    for wanted, found in (({"threads": 3}, "3 CPU"), ({"device": "cuda"}, "1 GPU")):
        runner = RayRunner(_settings(tmp_path, **wanted), address=two_nodes.address, entry=DEEDS)
        with pytest.raises(DeviceUnavailable, match=found):
            _results(runner, ["ok"])


def test_closing_the_events_ends_the_work(two_nodes: SmallCluster, tmp_path: Path) -> None:
    events = _run(RayRunner(_settings(tmp_path), address=two_nodes.address, entry=DEEDS), ["slow"] * 500)
    next(event for event in events if isinstance(event, ItemResult))
    events.close()  # type: ignore[attr-defined]
    workers = [int(path.name[4:]) for path in tmp_path.glob("pid-*")]
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in workers if os.path.exists(f"/proc/{pid}")]


def test_a_cluster_of_this_machine_is_started_and_leaves_no_process(tmp_path: Path) -> None:
    before = _processes_of_ray()
    results = _results(RayRunner(_settings(tmp_path), entry=DEEDS), ["ok", "bad"])
    assert [results[0].cause, results[1].cause] == ["", "CorruptAudio"]
    deadline = time.monotonic() + 20
    while _processes_of_ray() - before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _processes_of_ray() - before


def test_a_place_where_nothing_listens_is_named_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(ClusterUnreachable, match=address):
        _results(RayRunner(_settings(tmp_path), address=address, entry=DEEDS), ["ok"])


def test_a_place_that_never_answers_is_given_up_within_half_a_minute(tmp_path: Path) -> None:
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterUnreachable, match=f"{address}.*no answer within"):
            _results(RayRunner(_settings(tmp_path), address=address, entry=DEEDS), ["ok"])
    assert time.monotonic() - began < 30


def test_a_cluster_of_another_version_says_which_both_are(tmp_path: Path) -> None:
    with cluster(1) as small:
        subprocess.run([sys.executable, "-c", AGED, small.address], check=True, env=environment(), timeout=60)
        with pytest.raises(ClusterUnreachable, match=r"it runs Ray 2\.1\.0 and Python 3.*this process Ray 2\."):
            _results(RayRunner(_settings(tmp_path), address=small.address, entry=DEEDS), ["ok"])


def test_ray_client_is_refused_with_what_to_give_instead(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnreachable, match="give HOST:PORT of its GCS"):
        _results(RayRunner(_settings(tmp_path), address="ray://127.0.0.1:10001", entry=DEEDS), ["ok"])


def _processes_of_ray() -> set[int]:
    """Raylets and GCS servers of this machine."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")[0]
        except OSError:
            continue
        if command.rpartition(b"/")[2] in (b"raylet", b"gcs_server"):
            found.add(int(folder.name))
    return found
