"""CTC encoders through optimum's ONNX exporter: one plain graph, `audio` -> `logits`, `hidden`, without a mask.

The road for what `graph/` cannot write. It exports no attention mask, so the runtime batches clips of equal
length only; `wav2vec2.py` proves the result the same way.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx
from transformers import PreTrainedModel

from export.common import ExportRefused
from export.graph.builder import OPSET

# Those of optimum's list whose frames follow their convolutions and nothing else: sew squeezes them, mctct wants mels.
ARCHITECTURES = ("data2vec-audio", "hubert", "unispeech", "unispeech-sat", "wav2vec2", "wav2vec2-conformer", "wavlm")
INPUT = "input_values"  # optimum's name for `audio`
LARGEST_FILE = 2_000_000_000  # bytes; one protobuf file ends at 2 GiB
QUANTIZATIONS = {
    "none": "float32",
    "int8": "int8 for MatMul (signed, per tensor), float32 for the rest",
}


def write_graph(model: PreTrainedModel, path: Path, quantization: str) -> dict[str, str]:
    """Write `model` to `path`, `quantization` `none` or `int8`; return what the manifest is to say of it.

    Weights go beside the graph only when they are above 2 GB. Raises `ExportRefused` without optimum, for another
    quantization, and for a graph whose hidden states cannot be told from the rest.
    """
    if quantization not in QUANTIZATIONS:
        raise ExportRefused(f"optimum's graphs are quantized to {', '.join(QUANTIZATIONS)}, not to {quantization}")
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        draft = Path(scratch) / path.name
        _export(model, draft)
        graph = onnx.load(draft)
    _rename_input(graph.graph)
    _expose_hidden(graph.graph)
    for output, width in zip(graph.graph.output, (model.config.vocab_size, model.config.hidden_size), strict=True):
        _state_width(output, width)
    large = graph.ByteSize() > LARGEST_FILE
    onnx.save_model(graph, path, save_as_external_data=large, location=f"{path.name}.data")
    if quantization == "int8":
        _quantize(path)
    return {"weights": QUANTIZATIONS[quantization], "exporter": f"optimum-onnx {version('optimum-onnx')}"}


def _export(model: PreTrainedModel, path: Path) -> None:
    try:
        from optimum.exporters.onnx import export
        from optimum.exporters.tasks import TasksManager
    except ImportError as error:
        raise ExportRefused("optimum is not installed; pip install --group export") from error
    task = {"task": "automatic-speech-recognition", "library_name": "transformers"}
    config = TasksManager.get_exporter_config_constructor("onnx", model=model, **task)(model.config)
    level = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's and the TorchScript exporter's; the proof is the check
        logging.disable(logging.WARNING)
        try:
            export(model, config, path, opset=OPSET)
        finally:
            logging.disable(level)


def _rename_input(graph: onnx.GraphProto) -> None:
    for value in graph.input:
        value.name = "audio" if value.name == INPUT else value.name
    for node in graph.node:
        node.input[:] = ["audio" if name == INPUT else name for name in node.input]


def _expose_hidden(graph: onnx.GraphProto) -> None:
    """Make the tensor that the head multiplies an output, `hidden`: MatMul(hidden, weight) + bias = logits."""
    makers = {name: node for node in graph.node for name in node.output}
    add = makers["logits"]
    head = next((makers[name] for name in add.input if name in makers), None)
    if add.op_type != "Add" or head is None or head.op_type != "MatMul":
        raise ExportRefused("the graph does not end in the head's MatMul and Add, so its hidden states are unknown")
    graph.node.append(onnx.helper.make_node("Identity", [head.input[0]], ["hidden"], name="hidden"))
    hidden = onnx.helper.make_tensor_value_info("hidden", onnx.TensorProto.FLOAT, ["batch", "frames", None])
    graph.output.append(hidden)


def _state_width(output: Any, width: int) -> None:
    output.type.tensor_type.shape.dim[2].dim_value = width


def _quantize(path: Path) -> None:
    """Turn the weights of the graph's MatMuls into int8 in place; activations are quantized while it runs.

    Convolutions stay in fp32: ConvInteger made the whole as slow as fp32 (3.84 s against 2.16 s for 10 s of audio).
    Signed per-tensor weights: unsigned gained 0.0001 in cosine and cost 20-40 % more time on AVX2 without VNNI, and
    signed per-channel was worse there. Other machines may differ, so the proof has to run on the one that serves.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().addFilter(_no_preprocessing_advice)
    try:
        quantize_dynamic(
            path,
            path,
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=False,
            use_external_data_format=path.stat().st_size > LARGEST_FILE,
        )
    finally:
        logging.getLogger().removeFilter(_no_preprocessing_advice)


def _no_preprocessing_advice(record: logging.LogRecord) -> bool:
    return "pre-process" not in record.getMessage()
