"""Which of the forms of int8 this machine computes best: measured, because it depends on the instructions it has.

On AVX2 without VNNI signed weights saturate 16-bit sums, which costs accuracy, and unsigned ones may cost time: 20-40 %
on Zen 3, nothing on Zen 2. With VNNI or on ARM signed ones do neither. Weights for our own operator (`native.py`) do
neither on AVX2 and are the fastest there; they are coarser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.graph.builder import Weights
from export.graph.encoder import Encoder
from export.graph.frontend import Arrays
from export.graph.linear import Float32, Int8, Linear
from export.graph.native import Bounded, Kept, Native, all_fit
from export.graph.write import shape_of
from export.proof import cosine, timed
from malsori.engines.machine.cpus import cpu_threads
from malsori.engines.onnx.graph import Graph
from malsori.engines.onnx.native import native_of, preferred
from malsori.engines.wav2vec2.graphs import ENCODER, WEIGHTS

OWN = "signed, per channel, for our own operator"
FORMS: Mapping[str, Int8] = {
    "unsigned, per channel": Int8(signed=False, per_channel=True),
    "signed, per channel": Int8(signed=True, per_channel=True),
    "signed, per tensor": Int8(signed=True, per_channel=False),
    OWN: Bounded(),
}
NOISE = 1.05  # a form this much slower than the fastest counts as equally fast
# Each form is tried so often, and for so many seconds; the fastest counts: whatever else the machine does only adds.
ROUNDS, LEAST = 5, 1.0
LAYERS = 6  # of the encoder are tried; all are alike


@dataclass(frozen=True, slots=True)
class Trial:
    """What one form took (seconds) and how near it came to float32 (cosine of the logits)."""

    seconds: float
    cosine: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures as they stand in a manifest."""
        return {"seconds": round(self.seconds, 4), "cosine": round(self.cosine, 6)}


def choose_int8(
    arrays: Arrays, config: Any, features: NDArray[np.float32], native: bool | None = None
) -> tuple[str, dict[str, Trial]]:
    """Return the name of the form to use, and the trial of each on `features`, `(1, frames, channels)` of speech.

    Of the forms that are as fast as the fastest, the nearest to float32. `native` True tries the one for our own
    operator alone, False leaves it out; None tries it where that operator makes this machine faster.
    """
    wanted = preferred() if native is None else native
    names = [OWN] if native else [name for name in FORMS if name != OWN or (wanted and all_fit(arrays))]
    trials = _tried(arrays, config, features, names)
    return best(trials), trials


def _tried(arrays: Arrays, config: Any, features: NDArray[np.float32], names: Sequence[str]) -> dict[str, Trial]:
    shape = replace(shape_of(config), num_hidden_layers=min(config.num_hidden_layers, LAYERS), masked=False)

    def logits_of(linear: Linear, folder: Path) -> Callable[[], NDArray[np.float32]]:
        own = isinstance(linear, Bounded)
        path = folder / (native_of(ENCODER) if own else ENCODER)
        Encoder(arrays, shape, Native(Kept(linear)) if own else linear).build().save(path, Weights(folder / WEIGHTS))
        network = Graph(path, "cpu", cpu_threads())
        return lambda: network.run(["logits"], {"features": features})[0]

    with ExitStack() as stack:
        forms: dict[str, Linear] = {"": Float32(), **{name: FORMS[name] for name in names}}
        run = {name: logits_of(form, Path(stack.enter_context(TemporaryDirectory()))) for name, form in forms.items()}
        exact = run.pop("")()
        times: dict[str, list[float]] = {name: [] for name in names}
        while len(times[names[0]]) < ROUNDS or sum(times[names[0]]) < LEAST:
            for name, work in run.items():
                times[name].append(timed(work)[1])
        return {name: Trial(min(times[name]), cosine(exact, run[name]())) for name in names}


def best(trials: Mapping[str, Trial]) -> str:
    """Return the most accurate of those that are as fast as the fastest."""
    fastest = min(trial.seconds for trial in trials.values())
    fast = [name for name, trial in trials.items() if trial.seconds <= NOISE * fastest]
    return max(fast, key=lambda name: trials[name].cosine)
