"""Options given as keywords: fields of `TranscribeOptions`, of its `WhisperOptions`, or faster-whisper's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from ..engines.whisper.options import WhisperOptions
from ..vad import GateOptions
from .options import TranscribeOptions

ALIASES = {"vad_filter": "vad", "vad_parameters": "gate"}
GATE_ALIASES = {  # of the keys of faster-whisper's `vad_parameters`
    "min_speech_duration_ms": "min_speech_ms",
    "max_speech_duration_s": "max_speech_s",
    "min_silence_duration_ms": "min_silence_ms",
    "speech_pad_ms": "padding_ms",
}
WHISPER = frozenset(spec.name for spec in fields(WhisperOptions))
KNOWN = frozenset(spec.name for spec in fields(TranscribeOptions))


def overridden(options: TranscribeOptions | None, overrides: Mapping[str, Any]) -> TranscribeOptions:
    """Return the options with the keywords put in. Raises `TypeError` for a keyword that there is not."""
    chosen = options or TranscribeOptions()
    own: dict[str, Any] = {}
    whisper: dict[str, Any] = {}
    for given, value in overrides.items():
        name = ALIASES.get(given, given)
        if name in WHISPER:
            whisper[name] = tuple(value) if isinstance(value, list) else value
        elif name in KNOWN:
            own[name] = _gate(value) if given == "vad_parameters" else value
        else:
            near = get_close_matches(given, [*KNOWN, *WHISPER, *ALIASES], 1)
            raise TypeError(f"there is no option {given!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if whisper:
        own["whisper"] = replace(own.get("whisper", chosen.whisper), **whisper)
    return replace(chosen, **own)


def _gate(value: Any) -> Any:
    """Return the gate's options of a mapping; anything else is left to be refused."""
    if not isinstance(value, Mapping):
        return value
    return GateOptions(**{GATE_ALIASES.get(str(name), str(name)): each for name, each in value.items()})
