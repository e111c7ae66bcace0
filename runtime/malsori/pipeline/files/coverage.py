"""Accounts for a recording's sound: each sample was read, or left out for one reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ...types import SAMPLE_RATE, WORDLESS_S, Coverage, Hypothesis, LeftOut, Segment, Span, Why
from ..clip import Clip
from .recording import Recording


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the samples that lie in any of the spans, which may overlap and be in any order."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.stop > span.start):
        if found and span.start <= found[-1].stop:
            found[-1] = Span(found[-1].start, max(found[-1].stop, span.stop))
        else:
            found.append(span)
    return found


def common(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the samples that lie in both sets."""
    found: list[Span] = []
    left, right = 0, 0
    while left < len(some) and right < len(others):
        start = max(some[left].start, others[right].start)
        stop = min(some[left].stop, others[right].stop)
        if start < stop:
            found.append(Span(start, stop))
        if some[left].stop <= others[right].stop:
            left += 1
        else:
            right += 1
    return found


def minus(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the samples of one set that are not in the other."""
    if not some:
        return []
    edges = [some[0].start, *(edge for span in others for edge in (span.start, span.stop)), some[-1].stop]
    holes = [Span(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
    return common(some, [hole for hole in holes if hole.stop > hole.start])


def total(spans: Iterable[Span]) -> int:
    """Return the number of samples in the spans."""
    return sum(map(len, spans))


def covered(recording: Recording, heard: Sequence[tuple[Clip, Hypothesis]]) -> Coverage:
    """Return the coverage of a recording that is done. The sums are exact: no sample counts twice."""
    whole, filled = [Span(0, recording.samples)], merged(recording.filled)
    given = common(merged(span for clip, _ in heard for span in clip.clock.spans), whole)
    parts: dict[Why, list[Span]] = defaultdict(list)
    parts[recording.outside] += minus(whole, given)
    for clip, found in heard:
        for each in passed_over(len(clip.audio), found):
            parts[each.why] += (part for span in each.spans for part in clip.clock.part(span.start, span.stop).spans)
    left = _without_overlap({why: minus(merged(spans), filled) for why, spans in parts.items()} | {"filled": filled})
    out = merged(span for each in left for span in each.spans)
    return Coverage(
        decoded=recording.samples / SAMPLE_RATE,
        spoken=total(given) / SAMPLE_RATE if recording.gated else None,
        read=total(minus(whole, out)) / SAMPLE_RATE,
        left_out=left,
    )


def passed_over(length: int, found: Hypothesis) -> list[LeftOut]:
    """Return the spans of a clip of `length` samples that gave no words, with reasons, on the clip's clock.

    These are the spans that the engine passed over, and gaps of at least `WORDLESS_S` between segments, or the whole
    clip where there are none.
    """
    whole = [Span(0, length)]
    said = common(said_in(found.segments), whole)
    gaps = [gap for gap in minus(whole, said) if not said or len(gap) >= WORDLESS_S * SAMPLE_RATE]
    parts: dict[Why, list[Span]] = defaultdict(list)
    for each in found.passed:
        parts[each.why] += common(merged(each.spans), whole)
    parts["no_words"] += gaps
    return list(_without_overlap(parts))


def _without_overlap(parts: Mapping[Why, Sequence[Span]]) -> tuple[LeftOut, ...]:
    """Return the spans by reason, without empty ones; of two reasons for the same sound the first counts."""
    apart: list[LeftOut] = []
    for why, spans in parts.items():
        taken = merged(span for each in apart for span in each.spans)
        if own := minus(merged(spans), taken):
            apart.append(LeftOut(why, tuple(own)))
    return tuple(apart)


def said_in(segments: Iterable[Segment]) -> list[Span]:
    """Return the spans of the segments that have text, in samples."""
    return merged(
        Span(round(segment.start * SAMPLE_RATE), round(segment.end * SAMPLE_RATE))
        for segment in segments
        if segment.text.strip()
    )
