"""Sets of samples as spans that ascend and are apart: what two have in common, what one has alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..types import Span


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
    """Return how many samples they have."""
    return sum(map(len, spans))
