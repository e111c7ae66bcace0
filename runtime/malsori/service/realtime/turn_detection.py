"""How a session finds out that somebody has finished: by silence of a given length, or by the client's own word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ...bundles.families import FAMILIES
from ...bundles.manifest import Manifest
from ...vad import GateOptions, endpointing

Eagerness: TypeAlias = Literal["low", "medium", "high", "auto"]
# Pauses are all that is listened to: an eager turn ends after a short one, and after a longer one where the speaker had
# gone on at once.
PRESETS: dict[str, str] = {"low": "relaxed", "medium": "normal", "auto": "normal", "high": "eager"}
# Within an item that the client commits: as in files for CTC models, which write a space where an utterance ends;
# others hear long utterances as well as short ones, with half of the work (docs/measured.md, live_words).
SHORT_UTTERANCES, LONG_UTTERANCES = endpointing("normal"), endpointing("relaxed", min_speech_ms=100)


@dataclass(frozen=True, slots=True)
class ServerVad:
    """Speech ends with a silence.

    threshold: probability from which on sound is speech.
    prefix_padding_ms: sound before the speech that belongs to it.
    silence_duration_ms: the silence that ends it.
    idle_timeout_ms: silence after which an item without speech is committed; None is never.
    """

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None

    @property
    def gate(self) -> GateOptions:
        """The gate's options. It pads both sides alike, and a silence that the padding fills would end nothing."""
        padding = min(self.prefix_padding_ms, self.silence_duration_ms)
        return GateOptions(self.threshold, min_silence_ms=self.silence_duration_ms, padding_ms=padding)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "type": "server_vad",
            "threshold": self.threshold,
            "prefix_padding_ms": self.prefix_padding_ms,
            "silence_duration_ms": self.silence_duration_ms,
            "idle_timeout_ms": self.idle_timeout_ms,
        }


@dataclass(frozen=True, slots=True)
class SemanticVad:
    """Speech ends with a silence whose length `eagerness` says; what was said is not considered."""

    eagerness: Eagerness = "auto"
    idle_timeout_ms: None = None

    @property
    def gate(self) -> GateOptions:
        """The gate's options."""
        return endpointing(PRESETS[self.eagerness])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"type": "semantic_vad", "eagerness": self.eagerness}


TurnDetection: TypeAlias = ServerVad | SemanticVad


def gate_of(turns: TurnDetection | None, manifest: Manifest) -> GateOptions:
    """Return the gate's options for a model; without turns, the client commits."""
    if turns is not None:
        return turns.gate
    return SHORT_UTTERANCES if FAMILIES[manifest.kind].logits else LONG_UTTERANCES
