"""Presets of the gate for streams, by name: how long a silence ends an utterance."""

from __future__ import annotations

from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

from ..errors import OptionError
from .gate import DEFAULT_GATE, GateOptions

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
