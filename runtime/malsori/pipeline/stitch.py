"""From what the engine heard in each stretch of speech to one transcript on the recording's clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..types import SAMPLE_RATE, UNKNOWN, Hypothesis, Transcript
from .clip import Clip
from .mending import unheard
from .recording import Recording

UNSURE = 0.4  # probability of a language below which it is a guess
TOLD = 1.0  # seconds; shorter stretches without words are breaths and clicks, which nobody needs to be told of


def stitch(recording: Recording, *, model: str, certain: str | None, words: bool) -> Transcript:
    """Return the transcript of a recording that is done.

    `words` asks for them; `certain` is the language that was given or is the model's only one. Without it the one
    detected holds; a recording in which nothing was spoken has the language `und`, with probability 0.
    """
    heard = sorted(recording.heard, key=lambda found: found[0].span)
    segments = tuple(
        segment for clip, hypothesis in heard for segment in clip.clock.placed(hypothesis.segments, words=words)
    )
    language, probability = (certain, 1.0) if certain else _detected(recording, heard)
    return Transcript(
        text=" ".join(segment.text.strip() for segment in segments),
        language=language,
        language_probability=probability,
        duration=recording.samples / SAMPLE_RATE,
        segments=segments,
        model=model,
        warnings=(*recording.warnings, *_told(recording, heard), *_uncertain(language, probability)),
    )


def _told(recording: Recording, heard: Sequence[tuple[Clip, Hypothesis]]) -> Iterator[str]:
    if recording.gated:
        yield from _wordless(heard)
        yield from _left_out(heard)
    yield from _not_aligned(recording.not_aligned)


def _uncertain(language: str, probability: float) -> Iterator[str]:
    """Tell of a language that the model took in want of a better one: its words are mostly nonsense then."""
    if language != UNKNOWN and probability < UNSURE:
        yield f"the language is not certain ({language}, {probability:.0%}); say which it is, as in --language ko"


def _wordless(heard: Sequence[tuple[Clip, Hypothesis]]) -> Iterator[str]:
    """Tell of stretches of speech in which the model heard no words: it failed, or the gate took noise for speech."""
    silent = (clip for clip, found in heard if not any(segment.text.strip() for segment in found.segments))
    empty = [clip.span for clip in silent if clip.seconds >= TOLD]
    if empty:
        first = empty[0].start / SAMPLE_RATE
        yield f"no words were heard in {len(empty)} of {len(heard)} stretches of speech, the first at {first:.1f} s"


def _left_out(heard: Sequence[tuple[Clip, Hypothesis]]) -> Iterator[str]:
    """Tell of speech between segments that the model heard nothing in."""
    parts = [
        clip.part(*gap)
        for clip, found in heard
        if found.segments and found.segments[0].window_s is not None
        for gap in unheard(clip, found)
    ]
    if parts:
        seconds, first = sum(part.seconds for part in parts), parts[0].span.start / SAMPLE_RATE
        yield f"no words were heard in {seconds:.1f} s of speech, the first at {first:.1f} s"


def _not_aligned(segments: int) -> Iterator[str]:
    if segments:
        yield f"the words of {segments} segment(s) were not found in the sound and keep the times of their own model"


def _detected(recording: Recording, heard: Sequence[tuple[Clip, Hypothesis]]) -> tuple[str, float]:
    """Return the language settled for the recording, or else of the first stretch, in time, that told one."""
    if recording.language is not None:
        return recording.language, recording.language_probability
    told = [(each.language, each.language_probability) for _, each in heard if each.language != UNKNOWN]
    return next(iter(told), (UNKNOWN, 0.0))
