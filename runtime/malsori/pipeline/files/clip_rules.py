"""How long clips are, and which pauses the gate leaves in them, for an engine and what was asked for."""

from __future__ import annotations

import math
from dataclasses import replace

from ...engines.base import Engine
from ...option import non_defaults
from ...sound_options import DEFAULT_GATE, SpeechOptions
from ...vad import GateOptions
from ...vad.gate import FILLING

LEAST_FILLED = 5.0  # seconds of `max_speech_s`, below which the gate pads stretches as for single clips


def longest_clip(engine: Engine, speech: SpeechOptions) -> float:
    """Return the seconds that a clip may have: `max_speech_s`, or else what suits the engine."""
    if speech.gate.max_speech_s is not None:
        return speech.gate.max_speech_s
    return math.inf if engine.long_form and not is_gated(speech) else engine.longest_clip


def is_gated(speech: SpeechOptions) -> bool:
    """Return whether the gate chooses the clips."""
    return speech.vad and not speech.clip_timestamps


def gate_for(engine: Engine, speech: SpeechOptions) -> GateOptions:
    """Return the gate's options: those given, the others as they suit the engine."""
    longest = longest_clip(engine, speech)
    usual = FILLING if engine.fills_windows and longest >= LEAST_FILLED else DEFAULT_GATE
    return replace(usual, **{**non_defaults(speech.gate), "max_speech_s": longest})
