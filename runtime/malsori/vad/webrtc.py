"""The WebRTC detector: nearly free (4 microseconds per frame) and credulous; noise passes for speech often."""

from __future__ import annotations

import numpy as np

from ..audio.pcm import to_pcm16
from ..errors import OptionError
from ..types import SAMPLE_RATE, Audio
from .detector import Framer, Probabilities

FRAME_MS = 30  # the longest of the three that WebRTC knows
FRAME = SAMPLE_RATE * FRAME_MS // 1_000  # 480 samples


class WebRtcDetector:
    """WebRTC's Gaussian mixture detector. Its answers are yes or no, so probabilities are 0 or 1.

    `mode` 0 to 3: how readily a frame is called noise. A detector serves one clip or stream at a time.
    """

    frame = FRAME

    def __init__(self, mode: int = 1) -> None:
        if mode not in range(4):
            raise OptionError(f"the WebRTC detector has modes 0 to 3, not {mode!r}")
        self._mode = mode
        self.reset()

    def push(self, block: Audio) -> Probabilities:
        """Return 1.0 or 0.0 for each frame of 480 samples that `block` completes."""
        frames = self._framer.push(block)
        return np.array([self._vad.is_speech(to_pcm16(frame), SAMPLE_RATE) for frame in frames], np.float32)

    def flush(self) -> Probabilities:
        """Return the answer for the remainder, filled up with silence, and start over."""
        rest = self.push(np.zeros(-self._framer.held % FRAME, np.float32))
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget the clip, its noise estimates included."""
        import webrtcvad

        self._framer = Framer(FRAME)
        self._vad = webrtcvad.Vad(self._mode)
