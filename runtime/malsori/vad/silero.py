"""The Silero detector: the network that faster-whisper ships as an ONNX file, run by ONNX Runtime on one thread.

Model: https://github.com/snakers4/silero-vad (v6, MIT). 2.4 ms per second of sound when a whole file is pushed at once.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError, MissingDependency, brief
from ..types import SAMPLE_RATE, Audio
from .detector import Framer, Probabilities

QUIET = 10 ** (-35 / 20)  # RMS of a frame, -35 dBFS; recordings with a louder one need no gain
MOST_GAIN = 10 ** (40 / 20)  # 40 dB; what is quieter than -75 dBFS is no speech
DECAY = 10 ** (-0.5 / 20 * 0.032)  # of the loudest level per frame of 32 ms: half a dB in a second
FRAME = SAMPLE_RATE * 32 // 1_000  # 512 samples, the only length that the network knows
_CONTEXT = 64  # samples of the frame before that the network sees again
_STATE = (1, 1, 128)  # of the LSTM: hidden and cell
_BATCH = 1_024  # frames per run: bounds memory (about 33 s of sound), gives away no speed
_ASSET = "silero_vad_v6.onnx"


class AutomaticGain:
    """Makes a quiet recording or stream louder: frames get the gain that brings the loudest one so far to `QUIET`."""

    def __init__(self) -> None:
        self._loudest = 0.0

    def push(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return frames, float32 `(n, samples)`, with their gain."""
        levels = np.sqrt(np.square(frames, dtype=np.float64).mean(axis=1))
        gains = np.empty(len(levels), np.float32)
        loudest = self._loudest
        for index, level in enumerate(levels.tolist()):
            loudest = max(level, loudest * DECAY)
            gains[index] = min(QUIET / loudest, MOST_GAIN) if 0 < loudest < QUIET else 1.0
        self._loudest = loudest
        return frames if not len(frames) or gains.max() == 1 else frames * gains[:, np.newaxis]


class SileroDetector:
    """Speech probabilities from Silero. All detectors of a process share the network; each has its own state.

    Frames go through the network in the same order and with the same state however they are pushed, so streaming and
    batched probabilities agree (to about 1e-6: kernels sum in another order for other batch sizes).
    """

    frame = FRAME

    def __init__(self, *, levelled: bool = True) -> None:
        """With `levelled`, make quiet recordings louder."""
        self._levelled = levelled
        self._session = open_network(_asset())
        self.reset()

    def push(self, block: Audio) -> Probabilities:
        """Return the probability of each frame of 512 samples that `block` completes."""
        frames = self._framer.push(block)
        if self._levelled:
            frames = self._level.push(frames)
        parts = [self._run(frames[start : start + _BATCH]) for start in range(0, len(frames), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def flush(self) -> Probabilities:
        """Return the probability of the rest, filled up with silence, and start over."""
        rest = self.push(np.zeros(-self._framer.held % FRAME, np.float32))
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget all that was pushed."""
        self._framer = Framer(FRAME)
        self._level = AutomaticGain()
        self._context = np.zeros((1, _CONTEXT), np.float32)
        self._hidden = np.zeros(_STATE, np.float32)
        self._cell = np.zeros(_STATE, np.float32)

    def _run(self, frames: NDArray[np.float32]) -> Probabilities:
        """Return the probabilities of `(frames, 512)`, whose first axis the network takes as time; keep its state."""
        tails = frames[:, -_CONTEXT:]
        before = np.concatenate([self._context, tails[:-1]])
        feed = {"input": np.concatenate([before, frames], axis=1), "h": self._hidden, "c": self._cell}
        probabilities, self._hidden, self._cell = self._session.run(None, feed)
        self._context = tails[-1:].copy()
        return np.asarray(probabilities, np.float32)


@lru_cache(maxsize=1)
def open_network(path: Path) -> Any:
    """Return the network in a file. Raises `EngineError` for a damaged one."""
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    refusals = (state.Fail, state.InvalidGraph, state.InvalidProtobuf, state.NoSuchFile, state.RuntimeException)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the network is too small to share out
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (*refusals, MemoryError) as error:
        raise EngineError(f"{path}: the Silero detector cannot be opened, {brief(error)}") from error


def _asset() -> Path:
    """Return the path of the network without importing faster-whisper, which would load its engine."""
    spec = find_spec("faster_whisper")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, "assets", _ASSET)
        if path.is_file():
            return path
    raise MissingDependency("'faster-whisper>=1.2.1'", "the Silero detector")
