"""What an engine hears in clips, for comparing: its words, and where the family has them its logits per frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...engines.base import DecodeOptions, Engine
from ...engines.wav2vec2 import Wav2Vec2Engine
from ...errors import OptionError
from ...types import SAMPLE_RATE, Audio, Hypothesis

LANGUAGE = 30 * SAMPLE_RATE  # samples from which Whisper tells the language
CERTAIN = (0.0,)  # temperature: sampling would give other words each time


@dataclass(frozen=True, slots=True)
class Heard:
    """The text of a clip; `logits` are float32 `(frames, vocabulary)` from a CTC model, None from Whisper."""

    text: str
    logits: NDArray[np.float32] | None = None


def check_comparable(engine: Engine, against: Engine) -> None:
    """Raise `OptionError` for two models that do not speak of the same frames and tokens."""
    names = f"{against.manifest.name} cannot be compared with {engine.manifest.name}"
    if engine.manifest.kind != against.manifest.kind:
        raise OptionError(f"{names}: {against.manifest.kind} is not {engine.manifest.kind}")
    ours, theirs = ((getattr(one, "vocabulary", None), getattr(one, "frames", None)) for one in (engine, against))
    if ours != theirs:
        raise OptionError(f"{names}: their vocabularies or their frames differ, so they are not one model")


def options_for(engine: Engine, clips: Sequence[Audio]) -> DecodeOptions:
    """Return how to listen to the clips of one recording: in its one language, without chance."""
    if isinstance(engine, Wav2Vec2Engine):
        return DecodeOptions()
    language = next(iter(engine.detect_language(np.concatenate(clips)[:LANGUAGE]))) if clips else None
    return DecodeOptions(language=language, temperature=CERTAIN)


def listen(engine: Engine, clips: Sequence[Audio], options: DecodeOptions) -> list[Heard]:
    """Return what is heard in each clip when they are given in one call."""
    if isinstance(engine, Wav2Vec2Engine):
        pairs = zip(clips, engine.logits(clips, options.batch_size), strict=True)
        return [Heard(_text(engine.decode(logits, len(clip), options)), logits) for clip, logits in pairs]
    return [Heard(_text(hypothesis)) for hypothesis in engine.transcribe(clips, options)]


def work(engine: Engine, clip: Audio) -> Callable[[], object]:
    """Return what to time for one clip: the graphs of a CTC model, all of Whisper's way to its words."""
    if isinstance(engine, Wav2Vec2Engine):
        return lambda: engine.logits([clip])
    options = options_for(engine, [clip])
    return lambda: engine.transcribe([clip], options)


def _text(hypothesis: Hypothesis) -> str:
    return " ".join(" ".join(segment.text for segment in hypothesis.segments).split())
