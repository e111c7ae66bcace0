"""A recording in blocks to its pieces of speech, holding no more of it than the gate may still ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ..types import SAMPLE_RATE, Audio, Span
from ..vad import Detector, GateOptions, SpeechGate
from .recording import Piece


def pieces_of(blocks: Iterable[Audio], detector: Detector, options: GateOptions) -> Iterator[Piece]:
    """Yield the pieces of speech in the blocks, in order, as soon as each is closed."""
    cutter = Cutter(detector, options)
    for block in blocks:
        yield from cutter.push(block)
    yield from cutter.flush()


def whole(blocks: Iterable[Audio]) -> Iterator[Piece]:
    """Yield the whole recording as one piece, nothing when there is none."""
    parts = list(blocks)
    if parts:
        audio = np.concatenate(parts)
        yield Piece(Span(0, len(audio)), audio)


def opening(pieces: Iterable[Piece], seconds: float) -> list[Piece]:
    """Take from an iterator the pieces that hold the first `seconds` of speech, or all when there is less."""
    taken: list[Piece] = []
    for piece in pieces:
        taken.append(piece)
        if sum(len(piece.span) for piece in taken) >= seconds * SAMPLE_RATE:
            break
    return taken


class Cutter:
    """Blocks of any size in, pieces of speech out; what may still become speech is kept inside."""

    def __init__(self, detector: Detector, options: GateOptions) -> None:
        self._gate = SpeechGate(detector, options)
        # A span ends at most one pause before it is told, and began at most the longest span before its end.
        pause = max(options.min_silence_ms, options.padding_ms) / 1000
        self._reach = (options.max_speech_s + pause) * SAMPLE_RATE + detector.frame
        self._blocks: list[Audio] = []
        self._start = self._stop = 0  # what of the recording `_blocks` holds

    @property
    def held(self) -> int:
        """Samples kept inside."""
        return self._stop - self._start

    def push(self, block: Audio) -> list[Piece]:
        """Take a block; return the pieces that it closes."""
        self._blocks.append(block)
        self._stop += len(block)
        pieces = self._cut(self._gate.push(block))
        self._forget()
        return pieces

    def flush(self) -> list[Piece]:
        """End the recording; return what was still open."""
        return self._cut(self._gate.flush())

    def _cut(self, spans: list[Span]) -> list[Piece]:
        if not spans:
            return []
        held = np.concatenate(self._blocks)
        # Copied: a view of two seconds would keep the whole of `held` alive.
        return [Piece(span, held[span.start - self._start : span.stop - self._start].copy()) for span in spans]

    def _forget(self) -> None:
        while self._blocks and self._start + len(self._blocks[0]) < self._stop - self._reach:
            self._start += len(self._blocks.pop(0))
