"""The WebRTC detector: nearly free (4 microseconds per frame) and credulous; noise passes for speech often."""

from __future__ import annotations

import numpy as np

from ..audio.pcm import to_pcm16
from ..errors import OptionError
from ..types import SAMPLE_RATE, Audio
from .detector import Framer, Probabilities

_LENGTHS = (10, 20, 30)  # ms, of the frames that WebRTC knows


class WebRtcDetector:
    """WebRTC's Gaussian mixture detector. Its answers are yes or no, so probabilities are 0 or 1.

    `mode` 0 to 3: how readily a frame is called noise; `frame_ms` 10, 20 or 30. A detector serves one clip or stream at
    a time.
    """

    def __init__(self, mode: int = 1, frame_ms: int = 30) -> None:
        if mode not in range(4):
            raise OptionError(f"the WebRTC detector has modes 0 to 3, not {mode!r}")
        if frame_ms not in _LENGTHS:
            raise OptionError(f"the WebRTC detector has frames of 10, 20 and 30 ms, not {frame_ms!r}")
        self._mode = mode
        self.frame = SAMPLE_RATE * frame_ms // 1_000
        self.reset()

    def push(self, block: Audio) -> Probabilities:
        """Return 1.0 or 0.0 for each frame that `block` completes."""
        frames = self._framer.push(block)
        data, size = to_pcm16(frames.reshape(-1)), 2 * self.frame
        pieces = (data[start : start + size] for start in range(0, len(data), size))
        return np.array([self._vad.is_speech(piece, SAMPLE_RATE) for piece in pieces], np.float32)

    def flush(self) -> Probabilities:
        """Return the answer for the remainder, filled up with silence, and start over."""
        rest = self.push(np.zeros(-self._framer.held % self.frame, np.float32))
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget the clip, its noise estimates included."""
        import webrtcvad

        self._framer = Framer(self.frame)
        self._vad = webrtcvad.Vad(self._mode)
