"""Opening and running ONNX graphs: the voice activity model that faster-whisper ships serves as a small real one."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from malsori.engines.onnx.graph import Graph
from malsori.errors import EngineError, ModelIncompatible

SILERO = Path(str(files("faster_whisper"))) / "assets" / "silero_vad_v6.onnx"


def test_a_file_that_is_no_graph_is_refused_by_name_in_one_line(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a graph at all")
    with pytest.raises(ModelIncompatible, match=r"model\.onnx") as caught:
        Graph(path, "cpu", 1)
    assert "\n" not in str(caught.value)


def test_a_truncated_graph_is_refused_by_name(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(SILERO.read_bytes()[:100_000])
    with pytest.raises(ModelIncompatible, match=r"model\.onnx"):
        Graph(path, "cpu", 1)


def test_a_missing_graph_is_refused_by_name(tmp_path):
    with pytest.raises(ModelIncompatible, match=r"model\.onnx"):
        Graph(tmp_path / "model.onnx", "cpu", 1)


def test_inputs_that_the_graph_does_not_take_are_an_engine_error():
    network = Graph(SILERO, "cpu", 1)
    with pytest.raises(EngineError, match="silero"):
        network.run(list(network.outputs)[:1], {"input": np.zeros((1, 2, 3, 4), np.float64)})


def test_missing_inputs_are_an_engine_error():
    network = Graph(SILERO, "cpu", 1)
    with pytest.raises(EngineError, match="silero"):
        network.run(list(network.outputs)[:1], {})


def test_values_that_are_not_finite_are_an_engine_error():
    network = Graph(SILERO, "cpu", 1)
    shapes = {"input": (1, 576), "h": (1, 1, 128), "c": (1, 1, 128)}
    feeds = {name: np.full(shapes[name], np.nan, np.float32) for name in network.inputs}
    with pytest.raises(EngineError, match="not finite"):
        network.run(list(network.outputs)[:1], feeds)


@pytest.mark.parametrize("shape", [(1 << 20, 1 << 28), (1 << 40, 1 << 40), (-1, 4)])
def test_room_that_there_is_not_is_an_engine_error(shape):
    with pytest.raises(EngineError, match="silero"):
        Graph(SILERO, "cpu", 1).empty(shape)
