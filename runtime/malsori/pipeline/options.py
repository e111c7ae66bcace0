"""What a caller may ask of a transcription, checked once before any work is done."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from ..bundles.manifest import Manifest
from ..engines.base import DecodeOptions, Task
from ..errors import OptionError
from ..vad import GateOptions

if TYPE_CHECKING:
    from .transcriber import Transcriber

DECODING = DecodeOptions()


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """The options of `transcribe` and `transcribe_many`; both also take each one as a keyword.

    language: ISO 639-1 code of what is spoken; None detects it, once per recording.
    task: "transcribe", or "translate" to English where the model can.
    word_timestamps: also give each word its times and probability.
    align_with: a CTC bundle (name, path, or loaded) that finds the words' times anew, where Whisper's are coarse.
    vad: recognise only where speech is found; False hands the whole recording to the engine.
    gate: how speech is found (thresholds, shortest and longest stretch, padding).
    initial_prompt, beam_size, temperature: for Whisper models; temperatures are tried in order until one passes.
    batch_size: how many stretches of speech at most share one engine call; of memory and speed, never of the words.
    allow_truncated: transcribe what is there of a file that was cut off, with a warning, instead of an error.
    sample_rate: Hz of the samples when the source is an array (16,000); files say theirs.
    """

    language: str | None = DECODING.language
    task: Task = DECODING.task
    word_timestamps: bool = DECODING.word_timestamps
    align_with: str | os.PathLike[str] | Transcriber | None = None
    vad: bool = True
    gate: GateOptions = field(default_factory=GateOptions)
    initial_prompt: str | None = DECODING.initial_prompt
    beam_size: int = DECODING.beam_size
    temperature: float | tuple[float, ...] = DECODING.temperature
    batch_size: int = DECODING.batch_size
    allow_truncated: bool = False
    sample_rate: int | None = None

    def check(self, manifest: Manifest) -> None:
        """Raise `OptionError` for what no model has or the manifest rules out, whether or not there will be speech.

        What only one family has (a prompt, beams, temperatures) its engine refuses itself, at the first speech.
        """
        if self.task not in get_args(Task):
            raise OptionError(f"no task {self.task!r}; there are {', '.join(get_args(Task))}")
        if self.task not in manifest.tasks:
            there = ", ".join(manifest.tasks)
            way_out = "; a Whisper model such as nano-whisper can" if self.task == "translate" else ""
            raise OptionError(f"{manifest.name} cannot {self.task}, only {there}{way_out}")
        if self.align_with is not None and self.task != "transcribe":
            raise OptionError(f"align_with finds the words that were spoken, and the task {self.task} writes others")
        if self.language is not None and manifest.languages and self.language not in manifest.languages:
            known = ", ".join(manifest.languages)
            raise OptionError(f"{manifest.name} does not know the language {self.language!r}; it knows {known}")
        for name in ("batch_size", "beam_size"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1, found {getattr(self, name)}")
        if not all(math.isfinite(heat) and heat >= 0 for heat in self.decoding(None).temperature):
            raise OptionError(f"temperature must be 0 or more, found {self.temperature}")

    def decoding(self, language: str | None) -> DecodeOptions:
        """Return the engine's share of the options, for clips spoken in `language`."""
        return DecodeOptions(
            language=language,
            task=self.task,
            word_timestamps=self.word_timestamps or self.align_with is not None,
            initial_prompt=self.initial_prompt,
            beam_size=self.beam_size,
            temperature=self.temperature if isinstance(self.temperature, tuple) else (self.temperature,),
            batch_size=self.batch_size,
        )
