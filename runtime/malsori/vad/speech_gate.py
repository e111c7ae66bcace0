"""A detector and a gate in one: sound in, spans of speech out, for clips and for streams; both also by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from ..errors import OptionError
from ..sound_options import DEFAULT_GATE, GateOptions
from ..types import Audio, Span
from .detector import Detector
from .gate import Gate
from .silero import SileroDetector
from .webrtc import TwoStageDetector, WebRtcDetector

ENDPOINTINGS: MappingProxyType[str, GateOptions] = MappingProxyType(
    {
        # For commands. The padding is shorter than the silence: a pause that it fills ends nothing. A speaker who goes
        # on at once was cut off within a sentence, which costs Whisper words: the next pause must be longer.
        "eager": replace(DEFAULT_GATE, min_silence_ms=250, padding_ms=200, hesitation_ms=500),
        "normal": replace(DEFAULT_GATE, min_silence_ms=500, padding_ms=200),
        # For people who think while they speak. Speech as short as a cough is dropped: it would cost a second's wait.
        "relaxed": replace(DEFAULT_GATE, min_silence_ms=1_000, min_speech_ms=150, padding_ms=300),
    }
)
DETECTORS: MappingProxyType[str, Callable[[], Detector]] = MappingProxyType(
    {"silero": SileroDetector, "two-stage": TwoStageDetector, "webrtc": WebRtcDetector}
)


def endpointing(preset: str = "normal", **changes: Any) -> GateOptions:
    """Return the gate's options of a preset, "eager", "normal" or "relaxed", with single fields changed.

    eager    ends an utterance after 250 ms of silence     answers sooner; after 500 ms if the speaker hesitates
    normal   after 500 ms
    relaxed  after 1,000 ms                                keeps slow sentences whole

    Raises `OptionError` for an unknown preset or field, and for values that contradict each other.
    """
    known = ENDPOINTINGS.get(preset) if isinstance(preset, str) else None
    if known is None:
        raise OptionError(f"no endpointing named {preset!r}; there are {', '.join(ENDPOINTINGS)}")
    names = [spec.name for spec in fields(GateOptions)]
    if unknown := sorted(changes.keys() - set(names)):
        raise OptionError(f"endpointing has no {', '.join(unknown)}; it has {', '.join(names)}")
    return replace(known, **changes)


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

    def end(self) -> list[Span]:
        """Return the span that is open, if `speaking`, ended behind the last whole frame; the sound goes on there."""
        return self._gate.end()

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


def detector_named(name: str) -> Callable[[], Detector]:
    """Return the constructor of the detector of that name. Raises `OptionError`, which lists all names."""
    try:
        return DETECTORS[name]
    except (KeyError, TypeError):
        raise OptionError(f"no detector named {name!r}; there are {', '.join(DETECTORS)}") from None
