"""A recording in blocks to clips: stretches of speech found by the gate, or without it clips cut where it is quietest.

Only the samples that a later clip may still need are held.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ...types import SAMPLE_RATE, Audio, Span
from ...vad import Detector, GateOptions, SpeechGate
from ..clip import Clip

SEARCHED_S = 10.0  # seconds at the end of a clip in which a cut may lie; of a clip below 30 s its last third
LOUDNESS_STEP = SAMPLE_RATE * 20 // 1000  # 320 samples
PAUSE_STEPS = 10  # steps, 200 ms: the closure of a stop is as quiet as a pause but shorter


def stretches_of(
    blocks: Iterable[Audio], detector: Detector, options: GateOptions, *, ungated_below: int = 0
) -> Iterator[Clip]:
    """Yield the stretches of speech in the blocks, in order, as soon as each is closed.

    A recording of less than `ungated_below` samples in which the gate finds none is yielded whole: a single word may be
    too short for the gate.
    """
    cutter = Cutter(detector, options)
    kept: list[Audio] = []
    samples, found = 0, False
    for block in blocks:
        samples += len(block)
        kept = [*kept, block] if samples < ungated_below else []
        for stretch in cutter.push(block):
            found = True
            yield stretch
    last = cutter.flush()
    yield from last
    if kept and samples and not (found or last):
        yield replace(Clip.of(np.concatenate(kept), Span(0, samples)), gate_missed=True)


def first_seconds(stretches: Iterable[Clip], seconds: float) -> list[Clip]:
    """Take from an iterator the stretches that hold the first `seconds` of speech, or all when there is less."""
    taken: list[Clip] = []
    for stretch in stretches:
        taken.append(stretch)
        if sum(clip.seconds for clip in taken) >= seconds:
            break
    return taken


class Cutter:
    """Blocks of any size in, stretches of speech out; samples that may still become speech are held."""

    def __init__(self, detector: Detector, options: GateOptions) -> None:
        self._gate = SpeechGate(detector, options)
        self._blocks: deque[Audio] = deque()
        self._start = self._stop = 0  # what of the recording `_blocks` holds

    @property
    def held(self) -> int:
        """Samples held."""
        return self._stop - self._start

    def push(self, block: Audio) -> list[Clip]:
        """Take a block; return the stretches that it closes."""
        self._blocks.append(block)
        self._stop += len(block)
        stretches = [Clip.of(self._copy(span), span) for span in self._gate.push(block)]
        self._drop_unneeded()
        return stretches

    def flush(self) -> list[Clip]:
        """End the recording; return the stretch that was open."""
        return [Clip.of(self._copy(span), span) for span in self._gate.flush()]

    def _copy(self, span: Span) -> Audio:
        """Return a copy of the samples in a span: a view of two seconds would keep all of its block alive."""
        parts, start = [], self._start
        for block in self._blocks:
            parts.append(block[max(0, span.start - start) : max(0, span.stop - start)])
            start += len(block)
        sound = np.concatenate(parts)
        assert len(sound) == len(span), "a span of samples that are no longer held"
        return sound

    def _drop_unneeded(self) -> None:
        while self._blocks and self._start + len(self._blocks[0]) <= self._gate.reach:
            self._start += len(self._blocks.popleft())


def clips_without_gate(blocks: Iterable[Audio], longest: float) -> Iterator[Clip]:
    """Yield all of a recording in clips of at most `longest` seconds, without gap or overlap.

    The cuts do not depend on the blocks. With `inf` there is one clip; an empty recording has none.
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
            at = quietest_place(held[: int(longest * SAMPLE_RATE)])
            yield Clip.of(held[:at].copy(), Span(start, start + at))
            held, start = held[at:], start + at
        waiting, count = [held.copy()], len(held)  # a view would keep alive what was cut off
    if count:
        yield Clip.of(np.concatenate(waiting), Span(start, start + count))


def clips_between(blocks: Iterable[Audio], times: Sequence[float], longest: float) -> Iterator[Clip]:
    """Yield the sound between each pair of ascending `times` in seconds, cut as `clips_without_gate` does.

    Without the last time it is all to the recording's end.
    """
    marks = [round(time * SAMPLE_RATE) for time in times]
    spans = [Span(*pair) for pair in zip(marks[::2], [*marks[1::2], sys.maxsize][: len(marks[::2])], strict=True)]
    reader = _BlockReader(blocks)
    for span in spans:
        for clip in clips_without_gate(reader.between(span), longest):
            yield Clip.of(clip.audio, Span(clip.span.start + span.start, clip.span.stop + span.start))
    for _ in reader.between(Span(reader.position, sys.maxsize)):
        pass  # read to its end, for its length and its errors


class _BlockReader:
    """Reads ascending spans out of blocks."""

    def __init__(self, blocks: Iterable[Audio]) -> None:
        self._blocks = iter(blocks)
        self._rest: Audio = np.zeros(0, np.float32)
        self.position = 0  # of `_rest`, in samples

    def between(self, span: Span) -> Iterator[Audio]:
        """Yield the samples of a span, which must not start before the end of the one read before."""
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


def quietest_place(audio: Audio) -> int:
    """Return the sample at which to cut a clip that may be as long as `audio`: amid its quietest 200 ms.

    Searched in the last 10 s, in steps of 20 ms; of equal places the latest.
    """
    steps = min(round(SEARCHED_S * SAMPLE_RATE), len(audio) // 3) // LOUDNESS_STEP
    first = len(audio) - steps * LOUDNESS_STEP
    energies = np.square(audio[first:], dtype=np.float64).reshape(steps, LOUDNESS_STEP).sum(axis=1)
    width = min(PAUSE_STEPS, steps)
    loudness = np.convolve(energies, np.ones(width), "valid")
    quietest = len(loudness) - 1 - int(loudness[::-1].argmin())
    return first + (2 * quietest + width) * LOUDNESS_STEP // 2
