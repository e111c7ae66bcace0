"""What a session does: format, model, language, hints, turns. It is kept whole, and shown in both dialects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ...bundles.manifest import Manifest
from ...pipeline import TranscribeOptions
from .turn_detection import ServerVad, TurnDetection, gate_of

Delay: TypeAlias = Literal["minimal", "low", "medium", "high", "xhigh"]
LOGPROBS = "item.input_audio_transcription.logprobs"
PCM, MULAW, ALAW = "audio/pcm", "audio/pcmu", "audio/pcma"
ENCODING = {PCM: "pcm_s16le", MULAW: "mulaw", ALAW: "alaw"}
BETA_FORMATS = {"pcm16": PCM, "g711_ulaw": MULAW, "g711_alaw": ALAW}
RATES = (24_000, 8_000, 16_000, 48_000)  # Hz of PCM; the first is the hosted service's only one
TELEPHONE = 8_000  # Hz of both laws


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """How the client writes its sound: mono, `rate` Hz."""

    type: str = PCM
    rate: int = RATES[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"type": self.type, "rate": self.rate} if self.type == PCM else {"type": self.type}

    @property
    def beta(self) -> str:
        """Its name in the beta dialect."""
        return next(name for name, kind in BETA_FORMATS.items() if kind == self.type)


@dataclass(frozen=True, slots=True)
class Hints:
    """What the client says of its speech. `languages` are possible ones, `keywords` are listened for."""

    model: str
    language: str | None = None
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    prompt: str | None = None
    delay: Delay | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "model": self.model,
            "language": self.language,
            "languages": list(self.languages) or None,
            "keywords": list(self.keywords) or None,
            "prompt": self.prompt,
            "delay": self.delay,
        }


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """The effective configuration of a session; `turns` None means that the client commits."""

    hints: Hints
    sound: SoundFormat = field(default_factory=SoundFormat)
    turns: TurnDetection | None = field(default_factory=ServerVad)
    logprobs: bool = False

    @property
    def tells_early(self) -> bool:
        """Whether words are told while they are spoken, as a `delay` asks for that is not high, and revised later.

        Whisper's often are, in a comma or a capital: a final hears the whole utterance. So where nobody asks, words are
        told when they are final, and the deltas are the transcript.
        """
        return self.hints.delay in ("minimal", "low", "medium")

    def options_for(self, manifest: Manifest) -> TranscribeOptions:
        """Return the options of the stream that hears it with its model."""
        hints = self.hints
        only = hints.languages[0] if len(hints.languages) == 1 else None
        return TranscribeOptions(
            language=hints.language or only,
            languages=() if hints.language or only else hints.languages,
            initial_prompt=hints.prompt,
            hotwords=list(hints.keywords),
            word_timestamps=self.logprobs,
            gate=gate_of(self.turns, manifest),
        )

    def hears_like(self, other: SessionConfig) -> bool:
        """Return whether the same is heard and told with another configuration; the sound's format may differ."""
        mine, others = (self.hints, self.turns, self.logprobs), (other.hints, other.turns, other.logprobs)
        return mine == others

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the general-availability dialect, without the session's own fields."""
        heard = {
            "format": self.sound.to_dict(),
            "transcription": self.hints.to_dict(),
            "noise_reduction": None,
            "turn_detection": None if self.turns is None else self.turns.to_dict(),
        }
        return {"type": "transcription", "audio": {"input": heard}, "include": self._include}

    def to_beta(self) -> dict[str, Any]:
        """Return the JSON form of the beta dialect."""
        return {
            "input_audio_format": self.sound.beta,
            "input_audio_transcription": self.hints.to_dict(),
            "input_audio_noise_reduction": None,
            "turn_detection": None if self.turns is None else self.turns.to_dict(),
            "include": self._include,
        }

    @property
    def _include(self) -> list[str] | None:
        return [LOGPROBS] if self.logprobs else None
