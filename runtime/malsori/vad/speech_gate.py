"""A detector and a gate in one: sound to spans of speech, for recordings and streams; detectors by name."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from ..errors import OptionError
from ..types import Audio, Span
from .detector import Detector
from .gate import DEFAULT_GATE, Gate, GateOptions
from .silero import SileroDetector
from .webrtc import TwoStageDetector, WebRtcDetector


class SpeechGate:
    """Finds speech in one recording or stream, pushed in blocks of any size. Spans count from its first sample."""

    def __init__(self, detector: Detector, options: GateOptions = DEFAULT_GATE) -> None:
        self._detector = detector
        self._gate = Gate(detector.frame, options)
        self._samples = 0

    @property
    def speaking(self) -> bool:
        """Whether a span is open that is sure to be returned."""
        return self._gate.speaking

    @property
    def start(self) -> int | None:
        """Where the open span begins, padding included; None when there is none."""
        return self._gate.start

    @property
    def ending(self) -> Span | None:
        """The span that will be returned if the pause so far lasts; None during speech, and when no span is open."""
        return self._gate.ending

    @property
    def reach(self) -> int:
        """The earliest sample that a span yet to be returned may hold."""
        return self._gate.reach

    def push(self, block: Audio) -> list[Span]:
        """Return the spans that end with `block`. They end at or before the last sample pushed."""
        self._samples += len(block)
        return self._gate.push(self._detector.push(block))

    def flush(self) -> list[Span]:
        """Return the spans still open at the end of the sound, and start over."""
        stop, self._samples = self._samples, 0
        # The last frame is filled up with silence: a span that it closes may end within the filling.
        closed = [Span(span.start, min(span.stop, stop)) for span in self._gate.push(self._detector.flush())]
        return closed + self._gate.flush(stop)


def speech_spans(audio: Audio, detector: Detector, options: GateOptions = DEFAULT_GATE) -> list[Span]:
    """Return the spans of speech in a whole recording, in order, none overlapping another."""
    detector.reset()
    gate = SpeechGate(detector, options)
    return gate.push(audio) + gate.flush()


DETECTORS: MappingProxyType[str, Callable[[], Detector]] = MappingProxyType(
    {"silero": SileroDetector, "two-stage": TwoStageDetector, "webrtc": WebRtcDetector}
)


def detector_named(name: str) -> Callable[[], Detector]:
    """Return the constructor of the detector of that name. Raises `OptionError`, which lists all names."""
    try:
        return DETECTORS[name]
    except (KeyError, TypeError):
        raise OptionError(f"no detector named {name!r}; there are {', '.join(DETECTORS)}") from None
