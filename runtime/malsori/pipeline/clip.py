"""A clip: one or several stretches of a recording, joined to be read at once, with a clock that says where each lies.

recording  ...[ a ]..........[  b  ]...[ c ]....
clip          [ a ][  b  ][ c ]                     times of the clip, on the recording's clock again
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, pairwise

import numpy as np

from ..joining import lasting, written
from ..types import SAMPLE_RATE, Audio, Segment, Span, Word

# Seconds by which a time may lie on the wrong side of a join of two stretches: Whisper's times come in steps of 0.02 s
# and are off by a few of them, and at a join there is silence on both sides, the padding of speech.
JOIN_TOLERANCE_S = 0.2
LONG_PAUSE_S = 2.0  # seconds between two stretches at which a segment is split


@dataclass(frozen=True, slots=True)
class Clock:
    """Where in its recording each stretch of a clip lies: `spans`, ascending, none overlapping another."""

    spans: tuple[Span, ...]

    def placed(self, segments: Iterable[Segment], *, words: bool = True) -> Iterator[Segment]:
        """Yield the segments that have text, on the recording's clock, each word inside its own stretch.

        Words do not overlap, and each lasts a step if there is room; without `words` they are left out at last. A
        segment is split where its words lie in stretches with a pause of at least `LONG_PAUSE_S` between them. Times
        beyond the clip are clipped to its stretches, so that segments do not overlap.
        """
        parts = [part for segment in segments if segment.text.strip() for part in self._split_at_pauses(segment)]
        times = self._word_times([word for part in parts for word in part.words])
        for part in parts:
            placed = self._placed(part, times)
            yield placed if words else replace(placed, words=())

    def part(self, start: int, stop: int) -> Clock:
        """Return the clock of the samples `[start, stop)` of the clip."""
        inside = []
        for begin, span in zip(self._stretch_begins, self.spans, strict=True):
            first, last = max(start - begin, 0), min(stop - begin, len(span))
            if first < last:
                inside.append(Span(span.start + first, span.start + last))
        return Clock(tuple(inside))

    def _split_at_pauses(self, segment: Segment) -> Iterator[Segment]:
        """Yield a segment split at the long pauses of the recording between its words."""
        stretches = [self._stretch_at((word.start + word.end) / 2) for word in segment.words]
        cuts = [
            index
            for index, (before, after) in enumerate(pairwise(stretches), 1)
            if self.spans[after].start - self.spans[before].stop >= LONG_PAUSE_S * SAMPLE_RATE
        ]
        if not cuts or written(segment.words) != segment.text.strip():
            yield segment
            return
        for first, stop in pairwise([0, *cuts, len(segment.words)]):
            words = (replace(segment.words[first], spaced=True), *segment.words[first + 1 : stop])
            yield replace(segment, text=written(words), words=words, tokens=())

    def _placed(self, segment: Segment, times: Iterator[tuple[float, float]]) -> Segment:
        """Return a segment on the recording's clock, taking the times of its words from the iterator `times`."""
        own = zip(segment.words, times, strict=False)
        if words := tuple(replace(word, start=start, end=end) for word, (start, end) in own):
            return replace(segment, start=words[0].start, end=words[-1].end, words=words)
        middle = (segment.start + segment.end) / 2
        first = self._stretch_at(min(segment.start + JOIN_TOLERANCE_S, middle))
        last = self._stretch_at(max(segment.end - JOIN_TOLERANCE_S, middle))
        return replace(segment, start=self._time(segment.start, first), end=self._time(segment.end, last))

    def _word_times(self, words: Sequence[Word]) -> Iterator[tuple[float, float]]:
        """Yield the times of consecutive words on the recording's clock, each inside its own stretch."""
        stretches = accumulate((self._stretch_at((word.start + word.end) / 2) for word in words), max)
        for stretch, group in groupby(zip(stretches, words, strict=True), key=lambda pair: pair[0]):
            span = self.spans[stretch]
            times = [(self._time(word.start, stretch), self._time(word.end, stretch)) for _, word in group]
            yield from lasting(times, span.start / SAMPLE_RATE, span.stop / SAMPLE_RATE)

    def _stretch_at(self, seconds: float) -> int:
        """Return the index of the stretch at a time of the clip."""
        return max(bisect_right(self._stretch_begins, round(seconds * SAMPLE_RATE)) - 1, 0)

    def _time(self, seconds: float, stretch: int) -> float:
        """Return a time of the clip on the recording's clock, clipped to the stretch with index `stretch`."""
        span, begin = self.spans[stretch], self._stretch_begins[stretch] / SAMPLE_RATE
        return span.start / SAMPLE_RATE + min(max(seconds - begin, 0.0), span.seconds)

    @property
    def _stretch_begins(self) -> list[int]:
        """Where in the clip each stretch begins, in samples."""
        return list(accumulate((len(span) for span in self.spans[:-1]), initial=0))


@dataclass(frozen=True, slots=True)
class Clip:
    """Sound to be read at once, as long as the spans of its clock together.

    `gate_missed` marks a short recording that is read although the gate found no speech in it.
    """

    audio: Audio
    clock: Clock
    gate_missed: bool = False

    @classmethod
    def of(cls, audio: Audio, span: Span) -> Clip:
        """Return the clip of a single stretch."""
        return cls(audio, Clock((span,)))

    @property
    def span(self) -> Span:
        """From the start of its first stretch to the stop of its last one."""
        return Span(self.clock.spans[0].start, self.clock.spans[-1].stop)

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.audio) / SAMPLE_RATE

    def part(self, start: int, stop: int) -> Clip:
        """Return the samples `[start, stop)` as a clip."""
        return replace(self, audio=self.audio[start:stop], clock=self.clock.part(start, stop))


def joined(clips: Sequence[Clip]) -> Clip:
    """Return consecutive clips as one."""
    if len(clips) == 1:
        return clips[0]
    spans = tuple(span for clip in clips for span in clip.clock.spans)
    return Clip(np.concatenate([clip.audio for clip in clips]), Clock(spans))


def fill_clips(stretches: Iterable[Clip], longest: float) -> Iterator[Clip]:
    """Yield neighbouring stretches joined to clips of at most `longest` seconds, unless a single one is longer."""
    held: list[Clip] = []
    for stretch in stretches:
        if held and sum(clip.seconds for clip in held) + stretch.seconds > longest:
            yield joined(held)
            held = []
        held.append(stretch)
    if held:
        yield joined(held)
