"""An utterance decoded behind its left context: the sound of both in one window, the context's words forced.

Whisper reads a word or two by themselves badly. With the sound before them in the window and its words as the forced
beginning of the reading, the decoder only reads on, so no word of the utterance is lost at a cut or read twice.

    It is easy to overlook the dangers            of travel by rocket.
    forced: the words of the left context         decoded

There are no time tokens; words get their times from cross-attention, the forced ones too.
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
from ..word_breaks import CLOSING, spaced_once
from .decoding import BEAM
from .features import HOP, MEL_RATE, LogMel, padded
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

EARLY_S = 0.5  # seconds before the utterance's start at which the first decoded word may end
UNREAD_S = 1.5  # seconds at the end of an utterance that may be left unread


@dataclass(frozen=True, slots=True)
class _Window:
    """Context and utterance in one window: `begin` and `end` of the utterance in samples, `given` tokens forced."""

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
    """A reading with the context's words, `before`, and the utterance's `own`, times from the window's start."""

    reading: Reading
    before: tuple[WordTiming, ...]
    own: tuple[WordTiming, ...]


class Following:
    """Reads clips behind their left context, with one model and set of options, always without time tokens."""

    def __init__(self, network: Network, tokens: Tokens, mel: LogMel, context: Context, options: DecodeOptions) -> None:
        self._options = options
        self._network = network
        self._tokens = tokens
        self._mel = mel
        self._context = context
        self._prompts = Prompts(tokens, options)
        self._suppressed = tokens.suppressed(options.whisper.suppress_tokens)
        # A token of a space alone, which text has only before rare letters: behind forced words stock base emits one at
        # a hesitation, and then words that nobody said ("navigating ive the").
        self._spaces = tokens.encode(" ")

    def read(self, clip: Audio, context: LeftContext) -> tuple[Segment, ...]:
        """Return the clip's segments with words, times from its start; none where the reading is rejected."""
        given = tuple(self._tokens.encode(" " + context.text))
        sound = np.concatenate([context.sound, clip])
        window = self._context.window(len(sound))
        margin = round(self._context.margin_s * SAMPLE_RATE)
        if len(given) > MOST_PREFIX or len(sound) + margin > window * HOP or np.abs(clip).max(initial=0) <= INAUDIBLE:
            return ()
        encoded = self._network.encode(self._mel(padded(sound, window))[np.newaxis])
        seen = _Window(encoded, sound, len(context.sound), given, context.language)
        found = self._found(seen)
        return tuple(self._segments(found, seen, window)) if found else ()

    def _found(self, seen: _Window) -> _Found | None:
        """Return the reading with its words; None where it is rejected and the clip is to be read alone."""
        reading = self._read(seen)
        if reading is None or self._is_rejected(reading, seen):
            return None
        found = self._aligned(reading, seen)
        return found if _covers(found, seen) else None

    def _read(self, seen: _Window) -> Reading | None:
        """Return the likeliest reading behind the forced tokens; None where there is no room for one.

        Always with a beam: greedy readings of utterances cut at a hesitation are sure of wrong words ("the god He
        spring"). Stock base has 0.4 to 0.5 points of WER less for it, at `normal` and at `eager` endings.
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
        heat = self._options.temperature[0]
        return Reading(own, text, found.log_probability, found.no_speech_prob, heat, ratio, budget)

    def _is_rejected(self, reading: Reading, seen: _Window) -> bool:
        """Return whether a reading fails the guards, has no words or echoes the prompt; the clip is then read alone."""
        whisper = self._options.whisper
        if not any(letter.isalnum() for letter in reading.text) or is_silence(reading, whisper):
            return True
        if self._prompts.echoed(
            reading.text, seen.language
        ):  # `WindowReader` reads it without prompt and hot words too
            return True
        frames = -(-seen.end // HOP)
        return whisper.window_guards and bool(why_rejected(reading, frames, self._tokens.timestamp_begin, whisper))

    def _aligned(self, reading: Reading, seen: _Window) -> _Found:
        """Return the reading with its words aligned; a word that begins in the forced tokens counts to those."""
        row = AlignRow((*seen.given, *reading.tokens), -(-seen.end // HOP))
        task = self._options.task
        (words,) = align_rows(self._network, self._tokens, seen.encoded, seen.language, task, [row])
        begins = accumulate((len(word.tokens) for word in words), initial=0)
        before = bisect_left(list(begins), len(seen.given))
        return _Found(reading, tuple(words[:before]), tuple(words[before:]))

    def _segments(self, found: _Found, seen: _Window, window: int) -> Iterator[Segment]:
        """Yield the utterance's sentences with words, times from its start and within it."""
        sound = sounding(seen.sound)
        begin, end = seen.begin / SAMPLE_RATE, seen.end / SAMPLE_RATE
        before = WindowSegment(0.0, begin, tuple(token for word in found.before for token in word.tokens))
        segments = [before, *sentences(found.own, sound)]
        confidence = min(1.0, math.exp(found.reading.log_probability))
        timings = [*found.before, *found.own]
        for segment in place(timings, segments, sound, seen.language, self._options.whisper)[1:]:
            if words := _within(_without_leading_marks(segment.words), begin, end):
                start, stop = (min(max(at, begin), end) - begin for at in (segment.start, segment.end))
                text = written(words)
                own = tuple(token for token in segment.tokens if token < self._tokens.eot)
                yield Segment(
                    text,
                    start,
                    stop,
                    confidence,
                    words,
                    found.reading.no_speech_prob,
                    found.reading.compression_ratio,
                    window_s=window / MEL_RATE,
                    tokens=own if spaced_once(self._tokens.decode(own)) == text else (),  # without marks left out
                    temperature=found.reading.temperature,
                )


def _covers(found: _Found, seen: _Window) -> bool:
    """Return whether the words, by attention, begin in the utterance and leave at most `UNREAD_S` of it unread."""
    begin, end = seen.begin / SAMPLE_RATE, seen.end / SAMPLE_RATE
    return bool(found.own) and found.own[0].end >= begin - EARLY_S and found.own[-1].end >= end - UNREAD_S


def _without_leading_marks(words: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words of a sentence without leading punctuation, which belongs to the context."""
    kept = tuple(dropwhile(lambda word: not word.text.lstrip(CLOSING).strip(), words))
    return tuple(replace(word, text=word.text.lstrip(CLOSING).strip(), spaced=True) for word in kept[:1]) + kept[1:]


def _within(words: Sequence[Word], begin: float, end: float) -> tuple[Word, ...]:
    """Return words with times from `begin` on, clipped between there and `end`, each at least a step long."""
    times = [(min(max(word.start, begin), end) - begin, min(max(word.end, begin), end) - begin) for word in words]
    lasts = lasting(times, 0.0, end - begin)
    return tuple(replace(word, start=start, end=stop) for word, (start, stop) in zip(words, lasts, strict=True))
