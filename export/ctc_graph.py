"""int8 for a plain ONNX graph that another exporter made; our own graphs are written in int8 at once (`graph/`)."""

from __future__ import annotations

import logging
from pathlib import Path

LARGEST_FILE = 2_000_000_000  # bytes; one protobuf file ends at 2 GiB


def quantize(path: Path) -> None:
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
