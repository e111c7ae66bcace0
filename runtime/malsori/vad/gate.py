"""From speech probabilities to spans: hysteresis, shortest speech and silence, padding, longest span.

One state machine for files and streams. It is a pure function of the sequence of probabilities: however the sequence is
cut, the spans are the same, and a span once returned is never altered. It knows no detector and no sound.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable

from ..sound_options import DEFAULT_GATE, GateOptions
from ..types import SAMPLE_RATE, Span

RESUMED = SAMPLE_RATE  # samples: speech that begins within them behind a span is taken for its continuation

# For files whose spans fill windows. What is cut out of a pause leaves 0.8 s of its own room tone: stock base makes
# fewer errors so than with 0.5 s and 0.2 s, and with pauses of 2 s left whole (docs/measured.md).
FILLING = GateOptions(min_silence_ms=1_000, padding_ms=400)


class Gate:
    """Turns the probabilities of one recording or stream into spans; `frame` is the detector's samples per frame.

    p   .1 .9 .8 .2 .1 .1 .1        threshold .5, min_silence 3 frames, no padding
    span    [-----)                 returned by the push that brings the third quiet frame
    """

    _start: int | None  # of the open span, padding included
    _onset: int  # where its speech begins
    _voiced: int  # where its speech ends, so far
    _loud: bool  # whether the last frame was speech
    _continued: bool  # whether it is the rest of a span that was cut

    def __init__(self, frame: int, options: GateOptions = DEFAULT_GATE) -> None:
        self._frame = frame
        self._threshold, self._release = options.threshold, options.release
        self._min_speech = _samples(options.min_speech_ms / 1_000)
        self._padding = _samples(options.padding / 1_000)
        self._quick = max(_samples(options.silence / 1_000), self._padding)
        self._patient = max(_samples(options.hesitation_ms / 1_000), self._quick)
        self._longest = _samples(options.longest)
        # The frames among which a cut may fall: the last third of the longest span, so they are always of one span.
        searched = 0 if self._longest == sys.maxsize else max(1, self._longest // 3 // frame)
        self._recent: deque[float] = deque(maxlen=searched)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the clock starts at 0 again."""
        self._clock = 0  # samples seen
        self._floor = 0  # where the last span ended: padding may not reach behind it
        self._spoken: int | None = None  # where the speech of that ended
        self._hangover = self._quick  # the pause that ends the open span
        self._close()

    @property
    def speaking(self) -> bool:
        """Whether a span is open whose speech is long enough to be kept, whatever comes."""
        return self._kept(self._voiced)

    @property
    def start(self) -> int | None:
        """Where the open span begins, padding included; None unless `speaking`."""
        return self._start if self.speaking else None

    @property
    def ending(self) -> Span | None:
        """The span that will be returned if the pause so far lasts; None before the pause is as long as the padding."""
        if not self.speaking or self._loud or self._start is None or self._clock - self._voiced < self._padding:
            return None
        return Span(self._start, self._voiced + self._padding)

    @property
    def reach(self) -> int:
        """The earliest sample that a span yet to be returned may hold."""
        return max(self._floor, self._clock - self._padding) if self._start is None else self._start

    def push(self, probabilities: Iterable[float]) -> list[Span]:
        """Take the probabilities of the next frames; return the spans that end with them, in order."""
        spans = (self._step(float(probability)) for probability in probabilities)
        return [span for span in spans if span is not None]

    def end(self) -> list[Span]:
        """Return the span that is open, if `speaking`, ended here whatever comes; the clock goes on."""
        span = self._ended(min(self._voiced + self._padding, self._clock), self._voiced) if self.speaking else None
        return [span] if span else []

    def flush(self, stop: int | None = None) -> list[Span]:
        """Return the span still open, if any, when the sound ends after `stop` samples (default: all); start over."""
        stop = self._clock if stop is None else min(stop, self._clock)
        span = self._ended(min(self._voiced + self._padding, stop), min(self._voiced, stop))
        self.reset()
        return [span] if span else []

    def _step(self, probability: float) -> Span | None:
        begin = self._clock
        self._clock += self._frame
        self._loud = probability >= (self._release if self._loud else self._threshold)
        if self._start is None:
            if not self._loud:
                return None
            self._start, self._onset = max(self._floor, begin - self._padding), begin
            hesitates = self._spoken is not None and begin - self._spoken <= RESUMED
            self._hangover = self._patient if hesitates else self._quick
        if self._loud:
            self._voiced = self._clock
        self._recent.append(probability)
        if not self._loud and self._clock - self._voiced >= self._hangover:
            return self._ended(self._voiced + self._padding, self._voiced)
        if self._clock + self._frame - self._start > self._longest:
            return self._cut()
        return None

    def _ended(self, stop: int, voiced: int) -> Span | None:
        """Close the span at `stop`; None when its speech, up to `voiced`, is too short to be kept."""
        start, kept = self._start, self._kept(voiced)
        self._close()
        if start is None or not kept:
            return None
        self._floor, self._spoken = stop, voiced
        return Span(start, stop)

    def _cut(self) -> Span | None:
        """End the span where it is least like speech; open a new one there if there was speech since."""
        assert self._start is not None
        at = self._clock - self._frames_behind_cut() * self._frame
        if self._voiced <= at and not self._loud:
            return self._ended(min(self._voiced + self._padding, at), self._voiced)
        span = Span(self._start, at)
        self._start = self._onset = self._floor = at
        self._continued = True  # the rest of long speech is kept, however short
        return span

    def _frames_behind_cut(self) -> int:
        """Return how many frames ago the cut falls: in the middle of the longest pause, else behind the weakest frame.

        Of equal ones the latest, so that sound without any difference is cut as late as possible.
        """
        longest = run = behind = 0
        for age, probability in enumerate(reversed(self._recent)):
            run = run + 1 if probability < self._release else 0
            if run > longest:
                longest, behind = run, age + 1 - (run + 1) // 2
        if longest:
            return behind
        weakest = min(self._recent)
        return next(age for age, probability in enumerate(reversed(self._recent)) if probability == weakest)

    def _kept(self, voiced: int) -> bool:
        return voiced > self._onset and (self._continued or voiced - self._onset >= self._min_speech)

    def _close(self) -> None:
        self._start = None
        self._onset = self._voiced = 0
        self._loud = self._continued = False


def _samples(seconds: float) -> int:
    return sys.maxsize if seconds * SAMPLE_RATE > sys.maxsize else round(seconds * SAMPLE_RATE)
