"""`align`: a recording and its text to the times of every word. The steps are in `placing.py` and `engines/ctc/`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ...aligned import Alignment
from ...audio import AudioSource, decode
from ...engines.ctc.spelling import WILDCARD, WrittenWord
from ...errors import OptionError
from ...subtitles import is_subtitle
from ...types import SAMPLE_RATE, UNKNOWN, Audio, Span
from ...vad import GateOptions
from ..clip import Clip
from ..files.recording import Progress
from ..files.stretches import stretches_of
from ..loading import load
from ..transcriber import Transcriber
from .placing import Placer, not_found

SILENT = -15.0  # logit of every token but the blank outside of speech, about that of a model that is sure
NAMED = 5  # words or cues that a warning names at most
TOGETHER = 8  # stretches of speech per engine call


def align(
    audio: AudioSource,
    text: str,
    model: str | os.PathLike[str] | Transcriber = "nano-ctc-ko",
    *,
    vad: bool = True,
    sample_rate: float | None = None,
    allow_truncated: bool = False,
    track: int | str | None = None,
    start_at_zero: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Alignment:
    """Return where each word and character of `text` is in the recording, with scores.

    Words are split at white space and come back in order, as they are written. Characters that the model's vocabulary
    lacks take the sound that their neighbours leave over; punctuation takes none. A warning tells where most words have
    so low a score that another text must have been spoken. `model` is a CTC bundle by name or path, or a model loaded
    with `load`. The other parameters are as for `transcribe`; without `vad` the model gets the whole recording at once,
    not its stretches of speech. The recording is held as a whole, with a logit for each token every 20 ms.

    Raises:
        AudioError: the recording cannot be read; `AudioTooShort` where it has no room for the text.
        OptionError: the text is no str or has no word that is said, or the model is not one that can align.
        ModelError, DeviceUnavailable: as `load` does.
        EngineError: the engine failed.
    """
    if not isinstance(text, str):
        raise OptionError(f"text: expected a str, found {type(text).__name__}; the words in one, with spaces between")
    if is_subtitle(text):
        raise OptionError("text: expected what is spoken, found a subtitle; malsori.retime takes one")
    transcriber = model if isinstance(model, Transcriber) else load(model)
    placer = Placer(transcriber.engine)
    words = placer.spell(text)
    if not any(word.said for word in words):
        raise OptionError("text: expected at least one word to align, found none")
    clip = decode(
        audio,
        sample_rate=sample_rate,
        allow_truncated=allow_truncated,
        track=track,
        start_at_zero=start_at_zero,
    )
    whole = [Clip.of(clip.samples, Span(0, len(clip.samples)))]
    stretches = list(stretches_of(_blocks(clip.samples), transcriber.detector(), GateOptions())) if vad else whole
    logits = _logits(placer, clip.samples, stretches, clip.name, progress)
    placed = placer.place(clip.samples, logits, words, clip.name)
    return Alignment(
        text=text,
        language=placer.manifest.only_language or UNKNOWN,
        duration=len(clip.samples) / SAMPLE_RATE,
        words=placed,
        model=placer.manifest.name,
        warnings=(*clip.warnings, *_unspelled(words), *_doubts(*not_found(words, placed), placer.manifest.name)),
    )


def _unspelled(words: Sequence[WrittenWord]) -> Iterator[str]:
    """Warn of spoken words with characters that the model's vocabulary lacks."""
    said = [word for word in words if word.said]
    lacking = [word.text for word in said if any(WILDCARD in grapheme.tokens for grapheme in word.graphemes)]
    if lacking:
        names = some_of(list(dict.fromkeys(lacking)))
        yield (
            f"the model lacks letters for {len(lacking)} of {len(said)} words ({names}), which take the sound "
            "that others leave over; spelled as they are spoken, they are found better"
        )


def some_of(names: Sequence[str]) -> str:
    """Return the first `NAMED` names as a list in a warning."""
    return ", ".join(names[:NAMED]) + ", ..." * (len(names) > NAMED)


def _doubts(missing: int, said: int, model: str) -> Iterator[str]:
    if 2 * missing >= said:
        yield (
            f"{missing} of {said} words were not found in the sound; "
            f"do the text and the recording belong together, and does {model} know their language?"
        )


def _blocks(audio: Audio) -> Iterator[Audio]:
    return (audio[start : start + SAMPLE_RATE] for start in range(0, len(audio), SAMPLE_RATE))


def _logits(
    placer: Placer, audio: Audio, stretches: list[Clip], name: str, progress: Callable[[Progress], None] | None
) -> NDArray[np.float32]:
    """Return the logits of the whole recording: the model's in the stretches of speech, blanks elsewhere.

    Models are better on single sentences, as in training, than on many with pauses between them; and memory is bounded
    by the longest stretch.
    """
    frames = placer.frames
    logits = np.full((frames.count(len(audio)), len(placer.vocabulary)), SILENT, np.float32)
    logits[:, placer.vocabulary.blank] = 0.0
    found, heard = sum(stretch.span.seconds for stretch in stretches), 0.0
    for start in range(0, len(stretches), TOGETHER):
        spans = [stretch.span for stretch in stretches[start : start + TOGETHER]]
        rows = [span.start // frames.stride for span in spans]  # on the recording's frames, up to 20 ms earlier
        clips = [audio[row * frames.stride : span.stop] for row, span in zip(rows, spans, strict=True)]
        for row, part in zip(rows, placer.logits(clips), strict=True):
            logits[row : row + len(part)] = part
        heard += sum(span.seconds for span in spans)
        if progress is not None:
            behind, length = spans[-1].stop / SAMPLE_RATE, len(audio) / SAMPLE_RATE
            progress(Progress(name, found, heard, 1, behind, length, behind / length))
    return logits
