"""A recording without the gate to pieces that an engine takes, cut where it is quietest, holding one piece of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ..types import SAMPLE_RATE, Audio, Span
from .clip import Clip

SEARCHED = 10.0  # seconds at the end of the longest piece among which the cut falls; of a short one its last third
HOP = SAMPLE_RATE * 20 // 1000  # 320 samples: the steps in which loudness is looked at
PAUSE = 10  # steps, 200 ms: the hold of a consonant, amid a word, is as quiet as a pause but shorter


def slices(blocks: Iterable[Audio], longest: float) -> Iterator[Clip]:
    """Yield all of a recording in pieces of at most `longest` seconds, which follow each other without gap or overlap.

    The cuts do not depend on the blocks. With `inf` the recording is one piece; an empty one has none.
    """
    waiting: list[Audio] = []
    count = start = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count <= longest * SAMPLE_RATE:
            continue
        held = np.concatenate(waiting)
        while len(held) > longest * SAMPLE_RATE:
            at = cut(held[: int(longest * SAMPLE_RATE)])
            yield Clip.of(held[:at].copy(), Span(start, start + at))
            held, start = held[at:], start + at
        waiting, count = [held.copy()], len(held)  # a view would keep alive what was cut off
    if count:
        yield Clip.of(np.concatenate(waiting), Span(start, start + count))


def clips(blocks: Iterable[Audio], times: Sequence[float], longest: float) -> Iterator[Clip]:
    """Yield what lies between each pair of ascending `times` in seconds, cut as `slices` does; the last is optional."""
    marks = [round(time * SAMPLE_RATE) for time in times]
    spans = [Span(*pair) for pair in zip(marks[::2], [*marks[1::2], sys.maxsize][: len(marks[::2])], strict=True)]
    feed = _Feed(blocks)
    for span in spans:
        for piece in slices(feed.between(span), longest):
            yield Clip.of(piece.audio, Span(piece.span.start + span.start, piece.span.stop + span.start))
    for _ in feed.between(Span(feed.position, sys.maxsize)):
        pass  # to its end, so that its length is known and what is wrong with it is told


class _Feed:
    """Blocks to be read once, from wherever one stands."""

    def __init__(self, blocks: Iterable[Audio]) -> None:
        self._blocks = iter(blocks)
        self._rest: Audio = np.zeros(0, np.float32)
        self.position = 0  # of `_rest`, in samples

    def between(self, span: Span) -> Iterator[Audio]:
        """Yield what lies in a span behind all that was yielded before."""
        while self.position < span.stop:
            if not len(self._rest):
                block = next(self._blocks, None)
                if block is None:
                    return
                self._rest = block
                continue
            self._take(max(0, span.start - self.position))
            inside = self._take(span.stop - self.position)
            if len(inside):
                yield inside

    def _take(self, samples: int) -> Audio:
        taken, self._rest = self._rest[:samples], self._rest[samples:]
        self.position += len(taken)
        return taken


def cut(audio: Audio) -> int:
    """Return where to end a piece that may be as long as `audio`: amid its quietest 200 ms, of equals the latest.

    Looked for in the last 10 s, in steps of 20 ms.
    """
    steps = min(round(SEARCHED * SAMPLE_RATE), len(audio) // 3) // HOP
    first = len(audio) - steps * HOP
    energies = np.square(audio[first:], dtype=np.float64).reshape(steps, HOP).sum(axis=1)
    width = min(PAUSE, steps)
    loudness = np.convolve(energies, np.ones(width), "valid")
    quietest = len(loudness) - 1 - int(loudness[::-1].argmin())
    return first + (2 * quietest + width) * HOP // 2
