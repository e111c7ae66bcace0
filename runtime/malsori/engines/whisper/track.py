"""One clip on its way through the windows: where it is, what leads the next one, and what has been heard.

The way of openai/whisper's `transcribe` (arXiv 2212.04356, section 4.5): a window is read, its last complete time says
where the next one begins. A clip that fits in one has a window of its own length, if the model bears that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...types import SAMPLE_RATE, Audio, LeftOut, Segment, Span, Why
from ..base import DecodeOptions
from ..word_breaks import spaced_once
from .features import HOP, MEL_RATE, WINDOW, LogMel
from .guards import BRIEF, Reading, plausible
from .options import WhisperOptions
from .segments import WindowSegment, split
from .sounding import sounding
from .tokens import Tokens
from .window import Context

LEAST_STEP = MEL_RATE // 10  # 10 mel frames a track goes on by at least, so that it ends; a shorter rest holds no word
LEAST_CUT = MEL_RATE  # mel frames, 1 s, behind the last time of a reading without an end: less is padding and breath
INAUDIBLE = 1e-4  # of full scale, -80 dB: three steps of 16 bits


@dataclass(slots=True, eq=False)
class Track:
    """One clip; positions and sizes are mel frames. `spoken` are tokens that lead the next window.

    Where it is `timed`, the decoder writes the times between its words, and the next window begins at the last one.
    """

    clip: Audio
    mel: LogMel
    context: Context
    language: str | None
    spoken: list[int]
    timed: bool
    languages: dict[str, float] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    seek: int = 0
    cut_off: int = 0  # readings that a limit of tokens ended, with nothing read behind them
    passed: list[LeftOut] = field(default_factory=list)
    _whole: NDArray[np.float32] | None = None

    @property
    def frames(self) -> int:
        """Mel frames that hold sound."""
        return -(-len(self.clip) // HOP)

    @property
    def done(self) -> bool:
        """Whether everything has been read."""
        return self.frames - self.seek < (LEAST_STEP if self.seek else 1)

    @property
    def first(self) -> bool:
        """Whether nothing has been read yet."""
        return self.seek == 0 and not self.segments

    @property
    def size(self) -> int:
        """Mel frames of sound in the next window."""
        return min(WINDOW, self.frames - self.seek)

    @property
    def window(self) -> int:
        """Mel frames of the next window: what is left of the clip has one of its length, if the model bears that."""
        return self.context.window(len(self.clip) - self.seek * HOP)

    @property
    def inaudible(self) -> bool:
        """Whether there is nothing to be heard in the next window: no model needs to be asked."""
        sound = self.clip[self.seek * HOP : (self.seek + self.size) * HOP]
        return not len(sound) or float(np.abs(sound).max()) <= INAUDIBLE

    def sound(self) -> list[tuple[float, float]]:
        """Return where something sounds in the window, in seconds from its start."""
        return sounding(self.clip[self.seek * HOP : (self.seek + self.size) * HOP])

    def features(self, window: int) -> NDArray[np.float32]:
        """Return the log-mel features of the next window, `(n_mels, window)`, silence behind the sound.

        The silence is put into the waveform, before the features are taken. Zeros appended to the features would be
        moderate white noise; with that, a published word error rate was 26.3 instead of 14.8 (faster-whisper PR 1101).
        """
        if window < WINDOW:
            rest = self.clip[self.seek * HOP :]
            return self.mel(np.pad(rest, (0, window * HOP - len(rest))))
        if self._whole is None:
            self._whole = self.mel(np.pad(self.clip, (0, (WINDOW + self.frames) * HOP - len(self.clip))))
        return self._whole[:, self.seek : self.seek + WINDOW]

    def skip(self, why: Why) -> None:
        """Go on behind the window: nothing that is said in it is known."""
        self._pass(why, 0, self.size)
        self.seek += self.size

    def _pass(self, why: Why, start: int, stop: int) -> None:
        """Remember that what lies between two frames of the window gave no words."""
        first, last = ((self.seek + frame) * HOP for frame in (start, min(stop, self.size)))
        if first < last:
            self.passed.append(LeftOut(why, (Span(first, min(last, len(self.clip))),)))

    def pieces(self, reading: Reading, timestamp_begin: int) -> tuple[list[WindowSegment], int]:
        """Return the pieces of what was read, and the frame of the window from which to go on.

        What starts behind the sound was not heard; aligned, it would be pulled back into the sound.
        """
        whole = reading.ended and self.seek + self.size == self.frames
        pieces, following = split(reading.tokens, timestamp_begin, self.size, whole=whole)
        limit = self.size / MEL_RATE
        return [piece for piece in pieces if piece.start < min(piece.end, limit)], following

    def take(
        self,
        reading: Reading,
        pieces: Sequence[WindowSegment],
        following: int,
        tokens: Tokens,
        options: WhisperOptions,
        *,
        window: int,
        retried: bool,
    ) -> None:
        """Keep what was read in the window, pieces with their words, and go on from frame `following` of it."""
        begin = self.seek / MEL_RATE
        reached = self._reached(pieces)
        if not reading.ended and following >= self.size and (not reached or self.size - reached >= LEAST_CUT):
            self.cut_off += 1
            self._pass("cut_off", reached, self.size)
        kept, following = plausible(pieces, begin, self.size, following, self.frames - self.seek, options)
        if len(kept) < len(pieces):
            self._pass("implausible", round(kept[-1].end * MEL_RATE) if kept else 0, following)
        confidence = min(1.0, math.exp(reading.log_probability))
        for piece in kept:
            text = spaced_once(tokens.decode(piece.tokens))
            if not text:
                continue
            words = tuple(word.shifted(begin) for word in piece.words)
            self.segments.append(
                Segment(
                    text,
                    begin + piece.start,
                    begin + piece.end,
                    confidence,
                    words,
                    reading.no_speech_prob,
                    reading.compression_ratio,
                    window_s=window / MEL_RATE,
                    retried=retried,
                    language=self.language if options.multilingual else None,
                )
            )
            self.spoken += piece.tokens
        if reading.temperature > options.prompt_reset_on_temperature or options.condition_on_previous_text is False:
            self.spoken.clear()
        self.seek += max(following, LEAST_STEP)

    def _reached(self, pieces: Sequence[WindowSegment]) -> int:
        """Return the frame of the window that a reading without an end is known to have come to.

        That is where its last word begins, which by attention lasts as long as the window; else the last time in it.
        """
        words = [word for piece in pieces for word in piece.words]
        ends = [words[-1].start] if words else [piece.end for piece in pieces]
        return max((round(end * MEL_RATE) for end in ends if end * MEL_RATE < self.size), default=0)

    def heard(self) -> tuple[Segment, ...]:
        """Return the segments that start within the clip, none of whose times lies beyond it."""
        return tuple(cut(self.segments, len(self.clip) / SAMPLE_RATE))


def timed(samples: int, options: DecodeOptions) -> bool:
    """Return whether the decoder is to write times in a clip of so many samples.

    Only they tell where the next window begins, and a translation has no word for each that it listens to. One word or
    two are heard better with them: of 87 clips of less than 2 s stock base has 51 words wrong without them and 42 with
    them, of 58 clips of 3 to 5 s 47 and 73.
    """
    cut_off = options.whisper.max_new_tokens is not None  # what was said up to there is not known by attention
    needed = cut_off or samples > WINDOW * HOP or samples < BRIEF * HOP or options.task == "translate"
    return not options.whisper.without_timestamps and (needed or options.whisper.time_tokens)


def cut(segments: Sequence[Segment], duration: float) -> list[Segment]:
    """Return the segments that start before `duration` seconds, none of whose times lies beyond it.

    Whisper counts in steps of 0.02 s over a window with silence behind the sound, and may place words into it.
    """
    return [_shortened(segment, duration) for segment in segments if segment.start < duration]


def _shortened(segment: Segment, duration: float) -> Segment:
    if segment.end <= duration and all(word.end <= duration for word in segment.words):
        return segment
    words = tuple(replace(word, start=min(word.start, duration), end=min(word.end, duration)) for word in segment.words)
    return replace(segment, end=min(segment.end, duration), words=words)
