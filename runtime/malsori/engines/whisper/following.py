"""An utterance heard behind what was said before it: the sound of both in one window, the earlier words given.

A word or two by themselves are a guess, to Whisper more than to anyone. With the seconds before them in the window, and
what was heard there for the beginning of the reading, the decoder only reads on. Nothing of what was given is read
again, so nothing has to be cut apart: no word of the utterance can be lost at a cut, or be heard twice.

    It is easy to overlook the dangers                             of travel by rocket.
    given, as far as the sound before the utterance goes           read

Neither has times in it: where the words were said is what the decoder listened to for each, given ones too.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, dropwhile

import numpy as np

from ...joining import lasting, written
from ...types import SAMPLE_RATE, Audio, Segment, Word
from ..base import DecodeOptions, LeftContext
from ..word_breaks import CLOSING
from .decoding import BEAM
from .features import HOP, MEL_RATE, LogMel
from .guards import Reading, compression_ratio, is_silence, token_budget, why_rejected
from .network import Encoded, Network, room
from .prompt import MOST_PREFIX, Prompts
from .segments import WindowSegment
from .sentences import sentences
from .sounding import sounding
from .tokens import UNSPACED, Tokens
from .track import INAUDIBLE
from .window import Context
from .word_times import AlignRow, WordTiming, align_rows, place

EARLY_S = 0.5  # seconds before its utterance at which a reading's first word may end: what ends sooner was said before
UNREAD_S = 1.5  # seconds at the end of an utterance that may be left unread


@dataclass(frozen=True, slots=True)
class _Window:
    """The sound of both in the network: `begin` and `end` of the utterance in samples, and the tokens before it."""

    encoded: Encoded
    sound: Audio
    begin: int
    given: tuple[int, ...]
    language: str

    @property
    def end(self) -> int:
        return len(self.sound)


@dataclass(frozen=True, slots=True)
class _Found:
    """A reading with the words of what was given, `before`, and its `own`, all on the window's clock."""

    reading: Reading
    before: tuple[WordTiming, ...]
    own: tuple[WordTiming, ...]


class Following:
    """Reads clips behind what was said, with one model and one set of options; whatever they say, without times."""

    def __init__(self, network: Network, tokens: Tokens, mel: LogMel, context: Context, options: DecodeOptions) -> None:
        self._options = options
        self._network = network
        self._tokens = tokens
        self._mel = mel
        self._context = context
        self._prompts = Prompts(tokens, options)
        self._suppressed = tokens.suppressed(options.whisper.suppress_tokens)
        # A space by itself, which written text has only where a rare letter follows: behind words that are given, stock
        # base writes one at a hesitation, and what it then makes up ("navigating ive the") leads all that follows.
        self._spaces = tokens.encode(" ")

    def read(self, clip: Audio, said: LeftContext) -> tuple[Segment, ...]:
        """Return what was heard in the clip, with words, times from its start; nothing where that does not stand."""
        given = tuple(self._tokens.encode(" " + said.text))
        sound = np.concatenate([said.sound, clip])
        window = self._context.window(len(sound))
        margin = round(self._context.margin_s * SAMPLE_RATE)
        if len(given) > MOST_PREFIX or len(sound) + margin > window * HOP or np.abs(clip).max(initial=0) <= INAUDIBLE:
            return ()
        encoded = self._network.encode(self._mel(np.pad(sound, (0, window * HOP - len(sound))))[np.newaxis])
        seen = _Window(encoded, sound, len(said.sound), given, said.language)
        found = self._found(seen)
        return tuple(self._segments(found, seen, window)) if found else ()

    def _found(self, seen: _Window) -> _Found | None:
        """Return the reading with its words; None where the clip is to be read alone."""
        reading = self._read(seen)
        if reading is None or self._is_rejected(reading, seen):
            return None
        found = self._aligned(reading, seen)
        return found if _covers(found, seen) else None

    def _read(self, seen: _Window) -> Reading | None:
        """Return the likeliest reading without what is given; None where there is no room for one.

        With a beam, also where a greedy one would be sure: an utterance cut at a hesitation is sure of the wrong words
        ("the god He spring"). Stock base has 0.4 to 0.5 points of WER less for it, at `normal` and at `eager` endings.
        """
        self._options.check_cancelled()
        whisper = self._options.whisper
        given = len(seen.given)
        prompt = [
            *self._prompts.leading(self._prompts.first),
            *self._prompts.start(seen.language, timed=False),
            *seen.given,
        ]
        frames = -(-(seen.end - seen.begin) // HOP)
        budget = min(token_budget(frames, whisper, full=False), room(len(prompt), given))
        if budget < 1:
            return None
        (found,) = self._network.generate(
            seen.encoded,
            [prompt],
            whisper,
            beam_size=self._options.beam_size or BEAM,
            temperature=self._options.temperature[0],
            given=given,
            budget=budget,
            suppressed=[*self._suppressed, *(self._spaces if seen.language not in UNSPACED else ())],
        )
        own = found.tokens[given:]
        text = self._tokens.decode(own).strip()
        ratio = compression_ratio(text)
        return Reading(own, text, found.log_probability, found.no_speech_prob, 0.0, ratio, budget)

    def _is_rejected(self, reading: Reading, seen: _Window) -> bool:
        """Whether a reading does not stand, by itself. What has no word does not: alone the clip may be heard."""
        whisper = self._options.whisper
        if not any(letter.isalnum() for letter in reading.text) or is_silence(reading, whisper):
            return True
        if self._prompts.echoed(reading.text, seen.language):  # heard alone, it is also heard without its prompt
            return True
        frames = -(-seen.end // HOP)
        return whisper.window_guards and bool(why_rejected(reading, frames, self._tokens.timestamp_begin, whisper))

    def _aligned(self, reading: Reading, seen: _Window) -> _Found:
        """Return the reading with its words; one that began in what was given belongs there."""
        row = AlignRow((*seen.given, *reading.tokens), -(-seen.end // HOP))
        task = self._options.task
        (words,) = align_rows(self._network, self._tokens, seen.encoded, seen.language, task, [row])
        begins = accumulate((len(word.tokens) for word in words), initial=0)
        before = bisect_left(list(begins), len(seen.given))
        return _Found(reading, tuple(words[:before]), tuple(words[before:]))

    def _segments(self, found: _Found, seen: _Window, window: int) -> Iterator[Segment]:
        """Yield a reading's sentences with words; times count from where the utterance begins and lie within it."""
        sound = sounding(seen.sound)
        begin, end = seen.begin / SAMPLE_RATE, seen.end / SAMPLE_RATE
        before = WindowSegment(0.0, begin, tuple(token for word in found.before for token in word.tokens))
        segments = [before, *sentences(found.own, sound)]
        confidence = min(1.0, math.exp(found.reading.log_probability))
        timings = [*found.before, *found.own]
        for segment in place(timings, segments, sound, seen.language, self._options.whisper)[1:]:
            if words := _within(_without_leading_marks(segment.words), begin, end):
                start, stop = (min(max(at, begin), end) - begin for at in (segment.start, segment.end))
                yield Segment(
                    written(words),
                    start,
                    stop,
                    confidence,
                    words,
                    found.reading.no_speech_prob,
                    found.reading.compression_ratio,
                    window_s=window / MEL_RATE,
                )


def _covers(found: _Found, seen: _Window) -> bool:
    """Whether a reading is of the utterance, and of all of it, by where the decoder listened for its words."""
    begin, end = seen.begin / SAMPLE_RATE, seen.end / SAMPLE_RATE
    return bool(found.own) and found.own[0].end >= begin - EARLY_S and found.own[-1].end >= end - UNREAD_S


def _without_leading_marks(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words of a sentence without the marks in front, which belong to what was said before it."""
    kept = tuple(dropwhile(lambda word: not word.text.lstrip(CLOSING).strip(), words))
    return tuple(replace(word, text=word.text.lstrip(CLOSING).strip(), spaced=True) for word in kept[:1]) + kept[1:]


def _within(words: Sequence[Word], begin: float, end: float) -> tuple[Word, ...]:
    """Return words on the clock that starts at `begin`, moved between there and `end`."""
    times = [(min(max(word.start, begin), end) - begin, min(max(word.end, begin), end) - begin) for word in words]
    lasts = lasting(times, 0.0, end - begin)
    return tuple(replace(word, start=start, end=stop) for word, (start, stop) in zip(words, lasts, strict=True))
