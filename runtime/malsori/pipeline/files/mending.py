"""Second readings: sound of a clip that no segment covers is read again alone, a poor clip stretch by stretch.

Whisper may end a window early, so that speech found by the gate has no words. A second reading is kept only where its
confidence is enough; `uncovered` gives the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...engines.base import DecodeOptions, Engine
from ...types import SAMPLE_RATE, UNKNOWN, WORDLESS_S, Hypothesis, LeftOut, Segment, Span
from ..clip import JOIN_TOLERANCE_S, Clip
from .coverage import merged, minus, said_in

LEAST_CONFIDENCE = (
    0.37  # confidence from which on a reading stands: a mean log-probability of -1, as in the temperature fallback
)
MOST_COMPRESSION = 2.4  # compression ratio above which it is one thing said over and over


def uncovered(clip: Clip, hypothesis: Hypothesis) -> list[tuple[int, int]]:
    """Return the parts of a clip that no segment covers, in samples, each at least `WORDLESS_S` long.

    Shorter ones are padding and pauses. Segments are split at long silences between words, so that none covers sound
    that was not read.
    """
    edges = [edge for segment in hypothesis.segments for edge in (segment.start, segment.end)]
    marks = [0, *(round(edge * SAMPLE_RATE) for edge in edges)]
    gaps = zip(marks[::2], [*marks[1::2], len(clip.audio)], strict=True)
    return [(start, stop) for start, stop in gaps if stop - start >= WORDLESS_S * SAMPLE_RATE]


@dataclass(frozen=True, slots=True)
class _Part:
    """Samples `[start, stop)` of the clip with index `clip`."""

    clip: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Mender:
    """Reads again what the first reading of some clips left out; `decoding` are the options of that reading."""

    engine: Engine
    decoding: DecodeOptions

    def mended(self, clips: Sequence[Clip], heard: Sequence[Hypothesis]) -> list[Hypothesis]:
        """Return the hypotheses completed by second readings. Raises as the engine does."""
        parts = [
            _Part(index, start, stop)
            for index, (clip, found) in enumerate(zip(clips, heard, strict=True))
            for start, stop in _parts_to_reread(clip, found)
        ]
        if not parts:
            return list(heard)
        again = self._read_again(clips, heard, parts)
        mended = list(heard)
        for index in sorted({part.clip for part in parts}):
            own = [(part, found) for part, found in zip(parts, again, strict=True) if part.clip == index]
            mended[index] = _with_rereadings(heard[index], own)
        return mended

    def _read_again(
        self, clips: Sequence[Clip], heard: Sequence[Hypothesis], parts: Sequence[_Part]
    ) -> list[Hypothesis]:
        """Return a hypothesis of each part in its clip's language, without the recording's prefix.

        With time tokens, since the decoder skips a second language without them, and with words, which say in which
        stretch each lies.
        """
        whisper = replace(self.decoding.whisper, prefix=None, time_tokens=True)
        plain = replace(self.decoding, whisper=whisper, word_timestamps=True)
        told = [None if plain.whisper.multilingual else heard[part.clip].language for part in parts]
        languages = [None if language == UNKNOWN else language for language in told]
        found: dict[int, Hypothesis] = {}
        for language in dict.fromkeys(languages):
            chosen = [index for index, own in enumerate(languages) if own == language]
            sounds = [clips[parts[index].clip].audio[parts[index].start : parts[index].stop] for index in chosen]
            options = replace(plain, language=language or plain.language)
            found |= zip(chosen, self.engine.transcribe(sounds, options), strict=True)
        return [found[index] for index in range(len(parts))]


def _parts_to_reread(clip: Clip, found: Hypothesis) -> list[tuple[int, int]]:
    """Return the parts of a clip to read again: all stretches where it is poor, else what no segment covers."""
    stretches = list(_stretch_bounds(clip))
    if len(stretches) > 1 and (not found.segments or not all(map(_is_likely, found.segments))):
        return stretches
    gaps = uncovered(clip, found)
    return [] if gaps == [(0, len(clip.audio))] else gaps


def _with_rereadings(found: Hypothesis, again: Sequence[tuple[_Part, Hypothesis]]) -> Hypothesis:
    """Return a hypothesis with its likely segments, those of second readings between them, and poor ones elsewhere."""
    said = [
        segment.shifted(part.start / SAMPLE_RATE)
        for part, heard in again
        for segment in heard.segments
        if _is_likely(segment) and segment.text.strip()
    ]
    good = [segment for segment in found.segments if _is_likely(segment)]
    good += [segment for segment in said if not _overlaps(segment, good)]
    poor = [segment for segment in found.segments if not _is_likely(segment) and not _overlaps(segment, good)]
    segments = tuple(sorted([*good, *poor], key=lambda segment: segment.start))
    passed = tuple(each for each in _still_left_out(found, again, said_in(segments)) if each.spans)
    return replace(found, segments=segments, passed=passed, cut_off=sum(each.why == "cut_off" for each in passed))


def _still_left_out(
    found: Hypothesis, again: Sequence[tuple[_Part, Hypothesis]], said: Sequence[Span]
) -> Iterator[LeftOut]:
    """Yield the spans still passed over: outside the second readings as before, inside as these say, less `said`."""
    parts = merged(Span(part.start, part.stop) for part, _ in again)
    for each in found.passed:
        yield replace(each, spans=tuple(minus(merged(each.spans), parts)))
    for part, heard in again:
        for each in heard.passed:
            spans = merged(Span(part.start + span.start, part.start + span.stop) for span in each.spans)
            yield replace(each, spans=tuple(minus(spans, said)))


def _overlaps(segment: Segment, others: Sequence[Segment]) -> bool:
    """Return whether a segment overlaps one of the others by more than `JOIN_TOLERANCE_S`."""
    return any(min(segment.end, other.end) - max(segment.start, other.start) > JOIN_TOLERANCE_S for other in others)


def _is_likely(segment: Segment) -> bool:
    return segment.confidence >= LEAST_CONFIDENCE and (segment.compression_ratio or 0.0) <= MOST_COMPRESSION


def _stretch_bounds(clip: Clip) -> Iterator[tuple[int, int]]:
    start = 0
    for span in clip.clock.spans:
        yield start, start + len(span)
        start += len(span)
