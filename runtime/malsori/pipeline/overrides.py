"""Options given as keywords: fields of `TranscribeOptions`, of its `WhisperOptions`, or faster-whisper's names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any

from ..engines.whisper.options import WhisperOptions
from ..errors import OptionError
from ..vad import GateOptions
from .options import TranscribeOptions

ALIASES = {"vad_filter": "vad", "vad_parameters": "gate", "logprob_threshold": "log_prob_threshold"}
GATE_ALIASES = {  # of the keys of faster-whisper's `vad_parameters`
    "min_speech_duration_ms": "min_speech_ms",
    "max_speech_duration_s": "max_speech_s",
    "min_silence_duration_ms": "min_silence_ms",
    "speech_pad_ms": "padding_ms",
}
WHISPER = frozenset(spec.name for spec in fields(WhisperOptions))
KNOWN = frozenset(spec.name for spec in fields(TranscribeOptions))
GATE = tuple(spec.name for spec in fields(GateOptions))


def overridden(options: TranscribeOptions | None, overrides: Mapping[str, Any]) -> TranscribeOptions:
    """Return the options with the keywords put in.

    Raises `TypeError` for a keyword that there is not, `OptionError` for a key of `vad_parameters` that there is not.
    """
    chosen = options or TranscribeOptions()
    own: dict[str, Any] = {}
    whisper: dict[str, Any] = {}
    for given, value in overrides.items():
        name = ALIASES.get(given, given)
        if name in WHISPER:
            whisper[name] = _whisper(name, value)
        elif name in KNOWN:
            own[name] = _gate(value) if given == "vad_parameters" else _listed(name, value)
        else:
            raise TypeError(f"there is no option {given!r}{_hint(given, [*KNOWN, *WHISPER, *ALIASES])}")
    if whisper:
        own["whisper"] = replace(own.get("whisper", chosen.whisper), **whisper)
    return replace(chosen, **own)


def _whisper(name: str, value: Any) -> Any:
    """Return a value as `WhisperOptions` has it; faster-whisper takes lists, and None for no tokens to suppress."""
    if name == "suppress_tokens" and value is None:
        return ()
    return tuple(value) if isinstance(value, list) else value


def _listed(name: str, value: Any) -> Any:
    """Return hot words and times that stand in one text, with commas between, as the list that they are."""
    if not isinstance(value, str) or name not in ("hotwords", "clip_timestamps"):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return parts if name == "hotwords" else tuple(float(part) for part in parts)
    except ValueError:
        return value  # to be refused with the other options


def _gate(value: Any) -> Any:
    """Return the gate's options of a mapping; anything else is left to be refused."""
    if not isinstance(value, Mapping):
        return value
    named = {GATE_ALIASES.get(str(name), str(name)): each for name, each in value.items()}
    if unknown := [name for name in named if name not in GATE]:
        hint = _hint(unknown[0], [*GATE, *GATE_ALIASES])
        raise OptionError(f"vad_parameters: there is no {unknown[0]!r}{hint or '; there are ' + ', '.join(GATE)}")
    return GateOptions(**named)


def _hint(given: str, there: Sequence[str]) -> str:
    near = get_close_matches(given, there, 1)
    return f"; did you mean {near[0]!r}?" if near else ""
