"""The WebRTC detector, alone and in front of Silero.

It is nearly free (4 microseconds per frame) and often takes noise for speech. `TwoStageDetector` runs Silero only while
WebRTC finds speech: for streams that are quiet most of the time.
"""

from __future__ import annotations

from collections import deque
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..audio.samples import to_pcm16
from ..errors import OptionError
from ..types import SAMPLE_RATE, Audio
from .detector import Framer, Probabilities
from .silero import FRAME, SileroDetector

_LENGTHS = (10, 20, 30)  # ms, of the frames that WebRTC knows
MODE = 1  # stricter ones save little and miss speech: `bench/detectors.py`
_WEBRTC_MS = 20  # 30 ms frames say yes later, 10 ms cost half as much again
_HANGOVER = SAMPLE_RATE * 300 // 1_000  # samples for which Silero runs on after WebRTC's last yes
_WARM_UP = 16  # frames, 512 ms, that Silero gets first when it runs again


class WebRtcDetector:
    """WebRTC's Gaussian mixture detector. Its answers are yes or no, so probabilities are 0 or 1.

    `mode` 0 to 3: how readily a frame is called noise; `frame_ms` 10, 20 or 30. A detector serves one recording or
    stream at a time.
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
        """Return the answer for the rest, filled up with silence, and start over."""
        rest = self.push(np.zeros(-self._framer.held % self.frame, np.float32))
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget all that was pushed, noise estimates included."""
        import webrtcvad

        self._framer = Framer(self.frame)
        self._vad = webrtcvad.Vad(self._mode)


class TwoStageDetector:
    """Silero's probabilities within 300 ms after WebRTC has said yes; 0 otherwise, when Silero does not run.

    A frame's probability depends on the samples up to its end and on nothing else, so any chunking gives the same.
    Silero starts again with the last 512 ms of what it has missed: after a shorter rest nothing is missing, after a
    longer one the probabilities are close to those without any (its state remembers seconds, so it is kept and not
    cleared: measured, this is closer). A detector serves one recording or stream at a time.
    """

    frame = FRAME

    def __init__(self, mode: int = MODE) -> None:
        self._webrtc = WebRtcDetector(mode, _WEBRTC_MS)
        self._silero = SileroDetector(levelled=False)  # WebRTC, which starts it, finds no quiet speech either
        self.reset()

    def push(self, block: Audio) -> Probabilities:
        """Return the probability of each frame of 512 samples that `block` completes."""
        answers = self._webrtc.push(block)
        frames = self._framer.push(block)
        probabilities = np.zeros(len(frames), np.float32)
        start = 0
        for awake, run in groupby(self._awake(answers, len(frames))):
            stop = start + sum(1 for _ in run)
            if awake:
                probabilities[start:stop] = self._listen(frames[start:stop])
            else:
                self._missed.extend(frames[max(start, stop - _WARM_UP) : stop].copy())
            start = stop
        return probabilities

    def flush(self) -> Probabilities:
        """Return the probability of the rest, filled up with silence, and start over."""
        rest = self.push(np.zeros(-self._framer.held % FRAME, np.float32))
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget all that was pushed."""
        self._webrtc.reset()
        self._silero.reset()
        self._framer = Framer(FRAME)
        self._judged = 0  # samples of the frames that WebRTC has answered for
        self._seen = 0  # samples of the frames that have their probability
        self._yes = -_HANGOVER  # where the last frame ends that WebRTC called speech
        self._missed: deque[Audio] = deque(maxlen=_WARM_UP)  # the last frames that Silero has not got
        self.listened = 0  # frames that Silero gave the probability of

    def _awake(self, answers: Probabilities, frames: int) -> list[bool]:
        """Return for each of the next frames whether WebRTC has said yes within `_HANGOVER` before its end."""
        # Plain numbers: of one frame, which a small block holds, NumPy would take longer than WebRTC.
        size, awake = self._webrtc.frame, []
        said = deque(self._judged + size * place for place, yes in enumerate(answers.tolist(), 1) if yes)
        for end in range(self._seen + FRAME, self._seen + FRAME * frames + 1, FRAME):
            while said and said[0] <= end:
                self._yes = said.popleft()
            awake.append(end - self._yes < _HANGOVER)
        self._judged += len(answers) * size
        self._seen += frames * FRAME
        self._yes = said[-1] if said else self._yes  # known before the end of every frame to come
        return awake

    def _listen(self, frames: NDArray[np.float32]) -> Probabilities:
        """Return Silero's probabilities of the frames; it gets the last frames that it has missed first."""
        self.listened += len(frames)
        if not self._missed:
            return self._silero.push(frames.reshape(-1))
        missed = list(self._missed)
        self._missed.clear()
        return self._silero.push(np.concatenate([*missed, *frames]))[len(missed) :]
