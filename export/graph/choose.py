"""Which of the forms of int8 this machine computes best: measured, because it depends on the instructions it has.

On AVX2 without VNNI signed weights saturate 16-bit sums, which costs accuracy, and unsigned ones may cost time: 20-40 %
on Zen 3, nothing on Zen 2. With VNNI or on ARM signed ones do neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.graph.builder import Weights
from export.graph.encoder import Encoder
from export.graph.frontend import Arrays
from export.graph.linear import Float32, Int8, Linear
from export.graph.write import shape_of
from export.proof import cosine, timed
from malsori.engines.cpus import cpu_threads
from malsori.engines.network import Network

FORMS: Mapping[str, Int8] = {
    "unsigned, per channel": Int8(signed=False, per_channel=True),
    "signed, per channel": Int8(signed=True, per_channel=True),
    "signed, per tensor": Int8(signed=True, per_channel=False),
}
NOISE = 1.05  # a form this much slower than the fastest counts as equally fast
ROUNDS = 3
LAYERS = 6  # of the encoder are tried; all are alike


@dataclass(frozen=True, slots=True)
class Trial:
    """What one form took (median seconds) and how near it came to float32 (cosine of the logits)."""

    seconds: float
    cosine: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures as they stand in a manifest."""
        return {"seconds": round(self.seconds, 4), "cosine": round(self.cosine, 6)}


def choose_int8(arrays: Arrays, config: Any, features: NDArray[np.float32]) -> tuple[str, dict[str, Trial]]:
    """Return the name of the form to use, and the trial of each on `features`, `(1, frames, channels)` of speech.

    Of the forms that are as fast as the fastest, the nearest to float32.
    """
    shape = replace(shape_of(config), num_hidden_layers=min(config.num_hidden_layers, LAYERS), masked=False)

    def logits_of(linear: Linear, folder: Path) -> Callable[[], NDArray[np.float32]]:
        weights, path = Weights(folder / "weights.bin"), folder / "encoder.onnx"
        Encoder(arrays, shape, linear).build().save(path, weights)
        network = Network(path, "cpu", cpu_threads())
        return lambda: network.run(["logits"], {"features": features})[0]

    with ExitStack() as stack:
        forms = {None: Float32(), **FORMS}
        run = {name: logits_of(form, Path(stack.enter_context(TemporaryDirectory()))) for name, form in forms.items()}
        exact = run.pop(None)()
        times: dict[str, list[float]] = {name: [] for name in FORMS}
        for name, work in list(run.items()) * ROUNDS:
            times[name].append(timed(work)[1])
        trials = {name: Trial(median(times[name]), cosine(exact, run[name]())) for name in FORMS}
    return best(trials), trials


def best(trials: Mapping[str, Trial]) -> str:
    """Return the most accurate of those that are as fast as the fastest."""
    fastest = min(trial.seconds for trial in trials.values())
    fast = [name for name, trial in trials.items() if trial.seconds <= NOISE * fastest]
    return max(fast, key=lambda name: trials[name].cosine)
