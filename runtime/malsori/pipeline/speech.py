"""A recording in blocks to its pieces of speech, holding no more of it than the gate may still ask for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from ..types import Audio, Span
from ..vad import Detector, GateOptions, SpeechGate
from .clip import Clip


def pieces_of(blocks: Iterable[Audio], detector: Detector, options: GateOptions, *, moment: int = 0) -> Iterator[Clip]:
    """Yield the pieces of speech in the blocks, in order, as soon as each is closed.

    Blocks of less than `moment` samples together, in which there is none, are one: a single word may be too short for
    the gate, and who hands over no more than that means it to be heard.
    """
    cutter = Cutter(detector, options)
    kept: list[Audio] = []
    samples, found = 0, False
    for block in blocks:
        samples += len(block)
        kept = [*kept, block] if samples < moment else []
        for piece in cutter.push(block):
            found = True
            yield piece
    last = cutter.flush()
    yield from last
    if kept and samples and not (found or last):
        yield replace(Clip.of(np.concatenate(kept), Span(0, samples)), vouched=False)


def opening(pieces: Iterable[Clip], seconds: float) -> list[Clip]:
    """Take from an iterator the clips that hold the first `seconds` of speech, or all when there is less."""
    taken: list[Clip] = []
    for piece in pieces:
        taken.append(piece)
        if sum(clip.seconds for clip in taken) >= seconds:
            break
    return taken


class Cutter:
    """Blocks of any size in, pieces of speech out; what may still become speech is kept inside."""

    def __init__(self, detector: Detector, options: GateOptions) -> None:
        self._gate = SpeechGate(detector, options)
        self._blocks: deque[Audio] = deque()
        self._start = self._stop = 0  # what of the recording `_blocks` holds

    @property
    def held(self) -> int:
        """Samples kept inside."""
        return self._stop - self._start

    def push(self, block: Audio) -> list[Clip]:
        """Take a block; return the pieces that it closes."""
        self._blocks.append(block)
        self._stop += len(block)
        pieces = [Clip.of(self._sound(span), span) for span in self._gate.push(block)]
        self._forget()
        return pieces

    def flush(self) -> list[Clip]:
        """End the recording; return what was still open."""
        return [Clip.of(self._sound(span), span) for span in self._gate.flush()]

    def _sound(self, span: Span) -> Audio:
        """Return a copy of what lies in a span: a view of two seconds would keep all of its block alive."""
        parts, start = [], self._start
        for block in self._blocks:
            parts.append(block[max(0, span.start - start) : max(0, span.stop - start)])
            start += len(block)
        sound = np.concatenate(parts)
        assert len(sound) == len(span), "a span of what is no longer held"
        return sound

    def _forget(self) -> None:
        while self._blocks and self._start + len(self._blocks[0]) <= self._gate.reach:
            self._start += len(self._blocks.popleft())
