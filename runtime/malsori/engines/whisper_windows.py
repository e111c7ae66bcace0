"""What Whisper sees of a clip: its log-mel features, and the encoder's 30 s windows over them. No words here.

The silence that fills the last window is put into the waveform, before the features are taken. Zeros appended to the
features would be moderate white noise; with that, a published word error rate was 26.3 instead of 14.8 (faster-whisper
PR 1101), and the features would differ from those of Hugging Face and of training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import SAMPLE_RATE, Audio

HOP = 160  # samples per mel frame
STRIDE = 2 * HOP  # samples per frame of the encoder, which halves the rate: 320
MEL_RATE = SAMPLE_RATE // HOP  # mel frames per second: 100
WINDOW = 30 * MEL_RATE  # mel frames that the encoder sees at once: 3000


class Windows:
    """The features of one clip with silence behind it, cut into what `model` (faster-whisper's) encodes.

    `frames` counts the mel frames that hold sound. Positions and sizes are mel frames.
    """

    def __init__(self, model: Any, clip: Audio) -> None:
        self._model = model
        self.frames = -(-len(clip) // HOP)
        padding = WINDOW * HOP + self.frames * HOP - len(clip)
        self.features: NDArray[np.float32] = model.feature_extractor(np.pad(clip, (0, padding)), padding=0)
        self._first: Any = None

    def encode(self, start: int) -> Any:
        """Return the encoder's output for the window from `start`, as CTranslate2 holds it.

        The first window is kept: language detection and decoding both begin with it.
        """
        if start > 0:
            return self._encode(start)
        if self._first is None:
            self._first = self._encode(0)
        return self._first

    def states(self) -> NDArray[np.float32]:
        """Return the encoder's output for the whole clip, window by window, float32 `(frames, d_model)`.

        One row per 320 samples, the last one for what is left of them; none of the silence behind.
        """
        rows = [host_array(self.encode(start))[0] for start in range(0, max(self.frames, 1), WINDOW)]
        return np.concatenate(rows)[: -(-self.frames // 2)]

    def _encode(self, start: int) -> Any:
        return self._model.encode(self.features[:, start : start + WINDOW])


def host_array(storage: Any) -> NDArray[np.float32]:
    """Return a CTranslate2 `StorageView` as a float32 array in main memory, whatever device and type it has."""
    from ctranslate2 import DataType, Device

    return np.array(storage.to_device(Device.cpu).to(DataType.float32))
