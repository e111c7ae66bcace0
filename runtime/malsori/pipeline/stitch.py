"""From what the engine heard in each stretch of speech to one transcript on the recording's clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..types import SAMPLE_RATE, UNKNOWN, Hypothesis, Segment, Span, Transcript
from .recording import Recording

TOLD = 1.0  # seconds; shorter stretches without words are breaths and clicks, which nobody needs to be told of


def stitch(recording: Recording, *, model: str, certain: str | None) -> Transcript:
    """Return the transcript of a recording that is done.

    `certain` is the language that was given or is the model's only one. Without it the one detected holds; a recording
    in which nothing was spoken has the language `und`, with probability 0.
    """
    heard = sorted(recording.heard, key=lambda found: found[0])
    segments = tuple(segment for span, hypothesis in heard for segment in on_clock(hypothesis.segments, span))
    language, probability = (certain, 1.0) if certain else _detected(recording, heard)
    return Transcript(
        text=" ".join(segment.text.strip() for segment in segments),
        language=language,
        language_probability=probability,
        duration=recording.samples / SAMPLE_RATE,
        segments=segments,
        model=model,
        warnings=(*recording.warnings, *_told(recording, heard)),
    )


def _told(recording: Recording, heard: Sequence[tuple[Span, Hypothesis]]) -> Iterator[str]:
    if recording.gated:
        yield from _wordless(heard)
    yield from _not_aligned(recording.not_aligned)


def _wordless(heard: Sequence[tuple[Span, Hypothesis]]) -> Iterator[str]:
    """Tell of stretches of speech in which the model heard no words: it failed, or the gate took noise for speech."""
    empty = [span for span, found in heard if span.seconds >= TOLD and not any(s.text.strip() for s in found.segments)]
    if empty:
        first = empty[0].start / SAMPLE_RATE
        yield f"no words were heard in {len(empty)} of {len(heard)} stretches of speech, the first at {first:.1f} s"


def _not_aligned(segments: int) -> Iterator[str]:
    if segments:
        yield f"the words of {segments} segment(s) were not found in the sound and keep the times of their own model"


def _detected(recording: Recording, heard: Sequence[tuple[Span, Hypothesis]]) -> tuple[str, float]:
    """Return the language settled for the recording, or else of the first stretch, in time, that told one."""
    if recording.language is not None:
        return recording.language, recording.language_probability
    told = [(each.language, each.language_probability) for _, each in heard if each.language != UNKNOWN]
    return next(iter(told), (UNKNOWN, 0.0))


def on_clock(segments: Iterable[Segment], span: Span) -> Iterator[Segment]:
    """Yield the segments of a clip on the clock of the recording it was cut from, kept inside their span.

    Whisper may end a segment beyond its clip; spans do not overlap, so neither do the times of the result.
    """
    offset, stop = span.start / SAMPLE_RATE, span.stop / SAMPLE_RATE
    for segment in segments:
        if segment.text.strip():
            yield _ended_by(segment.shifted(offset), stop)


def _ended_by(segment: Segment, stop: float) -> Segment:
    words = tuple(replace(word, start=min(word.start, stop), end=min(word.end, stop)) for word in segment.words)
    return replace(segment, start=min(segment.start, stop), end=min(segment.end, stop), words=words)
