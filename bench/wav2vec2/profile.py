"""Where the time of XLSR-large's graphs goes, operator by operator, on this machine's CPU.

    python -m bench.wav2vec2 profile WORK [--quantization int8]     # WORK as for the times

Ten seconds of audio, ONNX Runtime's own profiler. Products of weights also say how many multiplications a second they
reach: what the processor can do at most is the floor of every time in `cpu.py`.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from bench import command
from bench.recordings import sound
from bench.results import Row, write
from bench.wav2vec2 import models
from malsori.engines.machine.cpus import cpu_threads
from malsori.engines.onnx.native import native_of, preferred, register
from malsori.engines.wav2vec2.acoustic import normalize
from malsori.engines.wav2vec2.graphs import ENCODER, FRONTEND

RUNS = 5
PRODUCTS = ("MatMul", "DynamicQuantizeMatMul", "Int8Linear", "MatMulNBits")
LEAST = 1.0  # ms; what takes less is not listed


def profile(graph: Path, feeds: dict[str, Any], output: str) -> tuple[Counter[str], Counter[str]]:
    """Return the milliseconds of each operator in one run, and the multiplications of those that are products."""
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = cpu_threads(), 3
        register(options, graph)
        options.enable_profiling, options.profile_file_prefix = True, f"{folder}/profile"
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        for _ in range(RUNS):
            session.run([output], feeds)
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    took: Counter[str] = Counter()
    products: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            operator = event["args"]["op_name"]
            if operator != "If":  # its branches are listed themselves
                took[operator] += event["dur"] / RUNS / 1e3
                products[operator] += _multiplications(operator, event["args"]) / RUNS
    return took, products


def _multiplications(operator: str, facts: dict[str, Any]) -> float:
    if operator not in PRODUCTS:
        return 0.0
    # Our own operator's convolutions take several frames of what is given, so its weight says how many values a row
    # has; others' weights are packed and not listed.
    row, axis = (1, 0) if operator == "Int8Linear" else (0, -1)
    values = next(iter(facts["input_type_shape"][row].values()))[axis]
    made = next(iter(facts["output_type_shape"][0].values()))
    return float(np.prod(made)) * values


def rows_of(part: str, took: Counter[str], products: Counter[str]) -> list[Row]:
    """Return the rows of one graph: its sum, and each operator above `LEAST`, the longest first."""
    rows = [Row(f"{part}, all", "time", "ms", round(sum(took.values()), 1), runs=RUNS)]
    for operator, spent in took.most_common():
        if spent >= LEAST:
            rows.append(Row(f"{part}, {operator}", "time", "ms", round(spent, 1), runs=RUNS))
            if products[operator]:
                pace = products[operator] / spent / 1e6
                rows.append(Row(f"{part}, {operator}", "pace", "GMAC/s", round(pace, 1), runs=RUNS))
    return rows


def main() -> None:
    """Profile both graphs and write the result file."""
    parser = command.parser(__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--quantization", default="int8", choices=("int8", "none", "int4"))
    asked = parser.parse_args()
    folder = models.bundle(asked.work, asked.quantization)
    name = native_of if preferred() and (folder / native_of(ENCODER)).exists() else str
    audio = normalize(sound(10))[None]
    rows = rows_of("front-end, 10 s at once", *profile(folder / name(FRONTEND), {"audio": audio}, "features"))
    session = onnxruntime.InferenceSession(folder / FRONTEND, providers=["CPUExecutionProvider"])
    features = session.run(None, {"audio": audio})[0]
    mask = np.ones(features.shape[:2], np.int32)
    feeds = {"features": features, "mask": mask}
    rows += rows_of(f"encoder, {asked.quantization}", *profile(folder / name(ENCODER), feeds, "logits"))
    for each in rows:
        print(f"{each.ours:9.1f} {each.unit:7} {each.case}")
    print(write("wav2vec2_profile", rows))
