"""The state of one clip while its windows are read: position, prompt for the next window, segments so far.

As in openai/whisper's `transcribe` (arXiv 2212.04356, section 4.5), the last complete time token of a window says where
the next window begins. A clip shorter than 30 s has a window of its own length, if the model bears that.
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
from .features import HOP, MEL_RATE, WINDOW, LogMel, padded
from .guards import SHORT_FRAMES, Reading, drop_implausible
from .options import WhisperOptions
from .segments import WindowSegment, split
from .sounding import sounding
from .tokens import Tokens
from .window import Context

LEAST_STEP = MEL_RATE // 10  # 10 mel frames, by which a track advances at least; a shorter rest holds no word
LEAST_CUT = MEL_RATE  # mel frames, 1 s, left unread behind the last time that count as cut off: less is padding
INAUDIBLE = 1e-4  # of full scale, -80 dB: three steps of 16 bits


@dataclass(slots=True, eq=False)
class Track:
    """One clip; positions and sizes are mel frames. `spoken` are the tokens of the prompt for the next window.

    With `timed` the decoder writes time tokens, and the next window begins at the last one.
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
    cut_off: int = 0  # readings that ended at their limit of tokens, with sound behind them unread
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
        """Mel frames of the next window, by the length of what is left of the clip and the model's floor."""
        return self.context.window(len(self.clip) - self.seek * HOP)

    @property
    def inaudible(self) -> bool:
        """Whether no sample of the next window exceeds `INAUDIBLE`; such a window is not decoded."""
        sound = self.clip[self.seek * HOP : (self.seek + self.size) * HOP]
        return not len(sound) or float(np.abs(sound).max()) <= INAUDIBLE

    def sound(self) -> list[tuple[float, float]]:
        """Return where the next window is not silent, in seconds from its start."""
        return sounding(self.clip[self.seek * HOP : (self.seek + self.size) * HOP])

    def features(self, window: int) -> NDArray[np.float32]:
        """Return the log-mel features of the next window, float32 `(n_mels, window)`, silence behind the sound."""
        if window < WINDOW:
            rest = self.clip[self.seek * HOP :]
            return self.mel(padded(rest, window))
        if self._whole is None:
            self._whole = self.mel(padded(self.clip, WINDOW + self.frames))
        return self._whole[:, self.seek : self.seek + WINDOW]

    def skip(self, why: Why) -> None:
        """Advance behind the window without words, for the reason `why`."""
        self._pass(why, 0, self.size)
        self.seek += self.size

    def _pass(self, why: Why, start: int, stop: int) -> None:
        """Note that the sound between two frames of the window gave no words."""
        first, last = ((self.seek + frame) * HOP for frame in (start, min(stop, self.size)))
        if first < last:
            self.passed.append(LeftOut(why, (Span(first, min(last, len(self.clip))),)))

    def window_segments(self, reading: Reading, timestamp_begin: int) -> tuple[list[WindowSegment], int]:
        """Return the segments of a reading, and the frame of the window from which to read on.

        Segments that start behind the sound are dropped: alignment would pull them back into it.
        """
        whole = reading.ended and self.seek + self.size == self.frames
        segments, following = split(reading.tokens, timestamp_begin, self.size, whole=whole)
        limit = self.size / MEL_RATE
        return [segment for segment in segments if segment.start < min(segment.end, limit)], following

    def take(
        self,
        reading: Reading,
        segments: Sequence[WindowSegment],
        following: int,
        tokens: Tokens,
        options: WhisperOptions,
        *,
        window: int,
        retried: bool,
    ) -> None:
        """Add the window's segments to the clip's, and advance to frame `following` of the window."""
        begin = self.seek / MEL_RATE
        reached = self._reached(segments)
        if not reading.ended and following >= self.size and (not reached or self.size - reached >= LEAST_CUT):
            self.cut_off += 1
            self._pass("cut_off", reached, self.size)
        kept, following = drop_implausible(segments, begin, self.size, following, self.frames - self.seek, options)
        if len(kept) < len(segments):
            self._pass("implausible", round(kept[-1].end * MEL_RATE) if kept else 0, following)
        confidence = min(1.0, math.exp(reading.log_probability))
        for segment in kept:
            text = spaced_once(tokens.decode(segment.tokens))
            if not text:
                continue
            words = tuple(word.shifted(begin) for word in segment.words)
            self.segments.append(
                Segment(
                    text,
                    begin + segment.start,
                    begin + segment.end,
                    confidence,
                    words,
                    reading.no_speech_prob,
                    reading.compression_ratio,
                    window_s=window / MEL_RATE,
                    retried=retried,
                    language=self.language if options.multilingual else None,
                    tokens=tuple(token for token in segment.tokens if token < tokens.eot),
                    temperature=reading.temperature,
                )
            )
            self.spoken += segment.tokens
        alone = options.condition_on_previous_text not in (None, True)  # numpy's False is not the False
        if alone or reading.temperature > options.prompt_reset_on_temperature:
            self.spoken.clear()
        self.seek += max(following, LEAST_STEP)

    def _reached(self, segments: Sequence[WindowSegment]) -> int:
        """Return the frame of the window up to which a reading without an end token has surely read.

        It is the start of its last word, whose end by attention is the window's, or without words the last time token.
        """
        words = [word for segment in segments for word in segment.words]
        ends = [words[-1].start] if words else [segment.end for segment in segments]
        return max((round(end * MEL_RATE) for end in ends if end * MEL_RATE < self.size), default=0)

    def heard(self) -> tuple[Segment, ...]:
        """Return the segments that start within the clip, none of whose times lies beyond it."""
        return tuple(cut(self.segments, len(self.clip) / SAMPLE_RATE))


def timed(samples: int, options: DecodeOptions) -> bool:
    """Return whether the decoder is to write time tokens in a clip of `samples` samples.

    Several windows need them, and translations, which attention cannot align. Very short clips are read better with
    them: of 87 clips of less than 2 s stock base has 51 words wrong without and 42 with them, of 58 clips of 3 to 5 s
    47 and 73.
    """
    cut_off = options.whisper.max_new_tokens is not None  # attention does not show up to where such a reading came
    needed = cut_off or samples > WINDOW * HOP or samples < SHORT_FRAMES * HOP or options.task == "translate"
    return not options.whisper.without_timestamps and (needed or options.whisper.time_tokens)


def cut(segments: Sequence[Segment], duration: float) -> list[Segment]:
    """Return the segments that start before `duration` seconds, with all times clipped to it.

    Whisper may place words into the silence behind the sound.
    """
    return [_shortened(segment, duration) for segment in segments if segment.start < duration]


def _shortened(segment: Segment, duration: float) -> Segment:
    if segment.end <= duration and all(word.end <= duration for word in segment.words):
        return segment
    words = tuple(replace(word, start=min(word.start, duration), end=min(word.end, duration)) for word in segment.words)
    return replace(segment, end=min(segment.end, duration), words=words)
