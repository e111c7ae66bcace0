"""How far a finished wav2vec2 bundle is from its PyTorch checkpoint, graph by graph, and how far it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.proof import Difference, Tolerance, compare, judge, timed
from export.speech import size
from export.wav2vec2_checkpoint import Checkpoint
from malsori.bundles.manifest import Manifest
from malsori.engines.machine.cpus import cpu_threads
from malsori.engines.onnx.native import native_of
from malsori.engines.wav2vec2.acoustic import AcousticModel, normalize
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.engines.wav2vec2.graphs import ENCODER, PLAIN, STREAM, SplitGraphs
from malsori.engines.wav2vec2.live.cached import CachedReader, Sizes
from malsori.engines.wav2vec2.live.running import FrontEnd
from malsori.types import SAMPLE_RATE

TOLERANCES = {
    # fp32: the same arithmetic in another order. 1e-3 of the largest logit is far above what 24 layers gather
    # (about 1e-5) and far below what moves a decision; every frame must decide the same.
    "none": Tolerance(relative=1e-3, agreement=1.0),
    # int8: measured 0.9996 at the size of XLSR-large, 0.998 with our own operator; below 0.99 something else is wrong.
    # Frames change sides only where two tokens were close.
    "int8": Tolerance(cosine=0.99, agreement=0.95),
    # 4 bits: measured 0.974 at that size.
    "int4": Tolerance(cosine=0.95, agreement=0.85),
    # float16 on a CPU, where only what is stored between operators is rounded: measured 0.001 of the largest logit at
    # that size. A GPU rounds more often; tests/test_gpu.py has its bound.
    "float16": Tolerance(relative=0.01, cosine=0.9999, agreement=0.99),
}
LABELS = {  # of what is compared, in a refusal
    "logits": "logits",
    "logits_batch": "logits of a batch",
    "hidden": "hidden states",
    "logits_tensorrt": "logits of the graph for TensorRT",
    "logits_stream": "logits of the graph for streams",
    "logits_portable": "logits without our own operator",
    "logits_native": "logits with our own operator",
    "logits_stream_portable": "logits of the graph for streams, without our own operator",
    "logits_stream_native": "logits of the graph for streams, with our own operator",
}


def prove(
    engine: Wav2Vec2Engine, folder: Path, checkpoint: Checkpoint, clips: Sequence[NDArray[np.float32]], force: bool
) -> dict[str, Any]:
    """Compare the loaded bundle with the checkpoint, clip by clip and in one call; return the figures and the times.

    Raises `ExportRefused` outside the tolerance of its quantization unless `force`.
    """
    tolerance = TOLERANCES[engine.manifest.quantization]
    found = _compared(engine, folder, [checkpoint(clip) for clip in clips], clips)
    # The largest of the hidden values decides nothing, so their frames need not agree on it.
    lenient = replace(tolerance, agreement=0.0)
    limits = {what: lenient if what == "hidden" else tolerance for what in found}
    judge([line for what, each in found.items() for line in limits[what].complaints(LABELS[what], each)], force)
    _, pytorch = timed(lambda: checkpoint(clips[0]))
    _, bundle = timed(lambda: engine.logits(clips[:1]))
    return {what: each.to_dict() for what, each in found.items()} | {
        "seconds_of_audio": round(len(clips[0]) / SAMPLE_RATE, 2),
        "seconds_pytorch": round(pytorch, 4),
        "seconds_bundle": round(bundle, 4),
        "bytes": size(folder),
    }


def _compared(
    engine: Wav2Vec2Engine,
    folder: Path,
    expected: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    clips: Sequence[NDArray[np.float32]],
) -> dict[str, Difference]:
    """Return how far each graph is from the logits and hidden states `expected`, also those not in use here."""
    theirs = [logits for logits, _ in expected]
    model = engine.acoustic
    found = {
        "logits": compare(theirs, [engine.logits([clip])[0] for clip in clips]),
        "logits_batch": compare(theirs, engine.logits(clips)),
        "hidden": compare([states for _, states in expected], engine.hidden(clips)),
    }
    others: dict[str, AcousticModel] = {"": model}
    open_graphs = partial(SplitGraphs, folder, engine.manifest, "cpu", cpu_threads(), "normal")
    if (folder / PLAIN).exists():
        others["_tensorrt"] = replace(model, graphs=open_graphs(encoder=PLAIN))
    if (folder / native_of(ENCODER)).exists():
        others["_portable" if engine.native else "_native"] = replace(
            model, graphs=open_graphs(native=not engine.native)
        )
    for name, other in others.items():
        if name:
            found[f"logits{name}"] = compare(theirs, [other.run(["logits"], [clip], 1)[0][0] for clip in clips])
        if (folder / STREAM).exists():
            found[f"logits_stream{name}"] = compare(theirs, [_streamed(engine.manifest, other, clip) for clip in clips])
    return found


def _streamed(manifest: Manifest, model: AcousticModel, clip: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the graph for streams gives when all frames come at once, with nothing before them."""
    assert isinstance(model.graphs, SplitGraphs)
    front = FrontEnd(model.graphs, model.frames, None)
    reader = CachedReader(model.graphs.stream(), front, Sizes.of(manifest), lookahead=0, left=1)
    return reader.read(normalize(clip) if model.normalizes else clip).committed
