"""The hypotheses of a recording's clips to one transcript on the recording's clock, with warnings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...joining import joined
from ...types import SAMPLE_RATE, UNKNOWN, Coverage, Hypothesis, Transcript, Why
from ..clip import Clip
from .coverage import covered, merged
from .mending import uncovered
from .recording import Recording

UNSURE_LANGUAGE = 0.4  # probability of a language below which it is a guess
MISSED_SHARE = 0.1  # of the audible sound; a warning tells where more than that was left out and resembles speech
LEAST_DURATION_S = 10.0  # seconds of a recording from which on it is told
LEAST_MISSED_S = 5.0  # seconds of such sound from which on it is told; less is a door, a cough, somebody who sits down
LEAST_EMPTY_S = 1.0  # seconds; shorter stretches without words are breaths and clicks, and not told

NO_WORDS_REASONS: tuple[Why, ...] = ("no_speech", "made_up", "implausible", "no_words")


def stitch(recording: Recording, *, model: str, certain: str | None, words: bool) -> Transcript:
    """Return the transcript of a recording that is done.

    `words` keeps the segments' words. `certain` is the language given or the model's only one; without it the detected
    one counts. A recording without words has the language `und`, with probability 0.
    """
    heard = sorted(recording.heard, key=lambda found: found[0].span)
    segments = tuple(
        segment for clip, hypothesis in heard for segment in clip.clock.placed(hypothesis.segments, words=words)
    )
    language, probability = (certain, 1.0) if certain else _detected(recording, heard)
    coverage = covered(recording, heard)
    return Transcript(
        text=joined(segments),
        language=language,
        language_probability=probability,
        duration=recording.samples / SAMPLE_RATE,
        segments=segments,
        model=model,
        warnings=(*recording.warnings, *_warnings(recording, heard, coverage), *_uncertain(language, probability)),
        coverage=coverage,
    )


def _warnings(recording: Recording, heard: Sequence[tuple[Clip, Hypothesis]], coverage: Coverage) -> Iterator[str]:
    yield from _missed(recording, coverage)
    if recording.gated:
        yield from _wordless(heard)
        yield from _left_out(heard)
    yield from _cut_off(sum(found.cut_off for _, found in heard))
    yield from _not_aligned(recording.not_aligned)


def _uncertain(language: str, probability: float) -> Iterator[str]:
    """Warn of a language detected with little probability: the words are mostly nonsense then."""
    if language != UNKNOWN and probability < UNSURE_LANGUAGE:
        yield f"the language is not certain ({language}, {probability:.0%}); say which it is, as in --language ko"


def _missed(recording: Recording, coverage: Coverage) -> Iterator[str]:
    """Warn where more than a tenth of the audible sound was left out and resembles speech, and of a silent recording.

    With the gate that is the sound outside of its stretches: `_wordless` warns of stretches without words.
    """
    reasons = ("gate",) if recording.gated else NO_WORDS_REASONS
    left = merged(span for each in coverage.left_out if each.why in reasons for span in each.spans)
    missed = recording.loudness.missed(left)
    if coverage.decoded >= LEAST_DURATION_S and missed.seconds >= LEAST_MISSED_S and missed.share > MISSED_SHARE:
        advice = "; if somebody speaks there, try --vad-threshold 0.2 or --vad false" if recording.gated else ""
        yield (
            f"{_found(coverage)}, and {missed.seconds:.1f} s of the rest come and go as speech does, "
            f"the first at {missed.first:.1f} s{advice}"
        )
    elif recording.gated and recording.loudness.sounds and not coverage.spoken:
        yield f"{_found(coverage)} of sound"
    elif coverage.decoded >= LEAST_DURATION_S and recording.loudness.silent:
        yield f"nothing is to be heard in {coverage.decoded:.1f} s: the recording is silent"


def _found(coverage: Coverage) -> str:
    if coverage.spoken is None:
        return f"words were heard in {coverage.read:.1f} s of {coverage.decoded:.1f} s"
    found = f"speech was found in {coverage.spoken:.1f} s of" if coverage.spoken else "no speech was found in"
    return f"{found} {coverage.decoded:.1f} s"


def _wordless(heard: Sequence[tuple[Clip, Hypothesis]]) -> Iterator[str]:
    """Warn of stretches of speech without words: the model failed, or the gate took noise for speech."""
    stretches = [(clip, found) for clip, found in heard if not clip.gate_missed]
    silent = (clip for clip, found in stretches if not _says(found))
    empty = [clip.span for clip in silent if clip.seconds >= LEAST_EMPTY_S]
    if empty:
        first = empty[0].start / SAMPLE_RATE
        yield f"no words were heard in {len(empty)} of {len(stretches)} stretches of speech, the first at {first:.1f} s"


def _left_out(heard: Sequence[tuple[Clip, Hypothesis]]) -> Iterator[str]:
    """Warn of speech between segments for which the model had no words."""
    parts = [
        clip.part(*gap)
        for clip, found in heard
        if found.segments and found.segments[0].window_s is not None
        for gap in uncovered(clip, found)
    ]
    if parts:
        seconds, first = sum(part.seconds for part in parts), parts[0].span.start / SAMPLE_RATE
        yield f"no words were heard in {seconds:.1f} s of speech, the first at {first:.1f} s"


def _cut_off(readings: int) -> Iterator[str]:
    if readings:
        yield f"{readings} reading(s) ended at the most tokens that they may have: what was said behind that is missing"


def _says(found: Hypothesis) -> bool:
    return any(segment.text.strip() for segment in found.segments)


def _not_aligned(segments: int) -> Iterator[str]:
    if segments:
        yield f"the words of {segments} segment(s) were not found in the sound and keep the times of their own model"


def _detected(recording: Recording, heard: Sequence[tuple[Clip, Hypothesis]]) -> tuple[str, float]:
    """Return the recording's language, or else that of the first clip with words, and its probability.

    Clips without words do not count: in noise, models detect a language at random.
    """
    detected = [(each.language, each.language_probability) for _, each in heard if _says(each)]
    if detected and recording.language is not None:
        return recording.language, recording.language_probability
    return next((each for each in detected if each[0] != UNKNOWN), (UNKNOWN, 0.0))
