"""Nothing left out: what no segment of a clip covers is read again alone, and a poor clip stretch by stretch.

Whisper ends a window early where it loses the thread: speech that the gate vouches for has then no words. What is read
again must be better than nothing by the decoder's own word, or stays out; `uncovered` then says how much that is.
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
    """Return what of a clip no segment covers, in samples, each at least `WORDLESS_S` long.

    Padding and pauses, which are not worth a second reading, have up to 2 s. Segments end before a
    long silence between two of their words, so that none covers what was not read.
    """
    edges = [edge for segment in hypothesis.segments for edge in (segment.start, segment.end)]
    marks = [0, *(round(edge * SAMPLE_RATE) for edge in edges)]
    gaps = zip(marks[::2], [*marks[1::2], len(clip.audio)], strict=True)
    return [(start, stop) for start, stop in gaps if stop - start >= WORDLESS_S * SAMPLE_RATE]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of one of the clips, in samples of it."""

    clip: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Mender:
    """Reads again what one reading of some clips left out; `decoding` is how they were read."""

    engine: Engine
    decoding: DecodeOptions

    def mended(self, clips: Sequence[Clip], heard: Sequence[Hypothesis]) -> list[Hypothesis]:
        """Return what was heard, completed. Raises as the engine does."""
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
        """Return a reading of each part in its clip's language, without the prefix that its recording began with.

        The decoder writes times: without, it passes over a second language. Words say which stretch each belongs to.
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
    """Return what is to be read again of a clip: its stretches where it is poor, else what no segment covers."""
    stretches = list(_stretch_bounds(clip))
    if len(stretches) > 1 and (not found.segments or not all(map(_is_likely, found.segments))):
        return stretches
    gaps = uncovered(clip, found)
    return [] if gaps == [(0, len(clip.audio))] else gaps


def _with_rereadings(found: Hypothesis, again: Sequence[tuple[_Part, Hypothesis]]) -> Hypothesis:
    """Return the reading with what its parts say where nothing stands, and what is poor where they say nothing."""
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
    """Yield what was passed over at last: of what was read again what that passed over, where nothing stands."""
    parts = merged(Span(part.start, part.stop) for part, _ in again)
    for each in found.passed:
        yield replace(each, spans=tuple(minus(merged(each.spans), parts)))
    for part, heard in again:
        for each in heard.passed:
            spans = merged(Span(part.start + span.start, part.start + span.stop) for span in each.spans)
            yield replace(each, spans=tuple(minus(spans, said)))


def _overlaps(segment: Segment, others: Sequence[Segment]) -> bool:
    """Whether a segment is spoken at the same time as one of the others, but for the edges of both."""
    return any(min(segment.end, other.end) - max(segment.start, other.start) > JOIN_TOLERANCE_S for other in others)


def _is_likely(segment: Segment) -> bool:
    return segment.confidence >= LEAST_CONFIDENCE and (segment.compression_ratio or 0.0) <= MOST_COMPRESSION


def _stretch_bounds(clip: Clip) -> Iterator[tuple[int, int]]:
    start = 0
    for span in clip.clock.spans:
        yield start, start + len(span)
        start += len(span)
