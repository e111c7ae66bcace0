"""An utterance heard behind what was said before it: the sound of both in one window, the earlier words given.

A word or two by themselves are a guess, to Whisper more than to anyone. With the seconds before them in the window, and
what was heard there, each line between its times, for the beginning of the reading, the decoder only reads on, from a
time of its own. Nothing of what was given is read again, so nothing has to be cut apart: no word of the utterance can
be lost at a cut, or be heard twice.

    <|0.40|> It is easy to overlook<|2.00|><|2.60|> the dangers<|3.40|>   <|4.20|> of travel by rocket.<|5.60|>
    given, as far as the sound before the utterance goes                  read
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...types import SAMPLE_RATE, Audio, Segment, Word
from ..base import DecodeOptions
from ..said import Line, Said
from .decoding import BEAM, SURE
from .features import HOP, MEL_RATE, LogMel
from .guards import Reading, compression_ratio, is_silence, led_astray, token_budget
from .network import Encoded, Network, room
from .options import CLOSING, LONGEST
from .prompt import MOST_PREFIX, Prompts
from .segments import PRECISION, Piece
from .sounding import sounding
from .tokens import UNSPACED, Tokens
from .track import INAUDIBLE
from .window import Context
from .word_times import AlignRow, align_rows, place

EARLY = 0.5  # seconds before its utterance at which a reading may begin: what begins sooner was said before
UNREAD = 1.5  # seconds at the end of an utterance that may be left unread


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


class Following:
    """Reads clips behind what was said, with one model and one set of options."""

    def __init__(self, network: Network, tokens: Tokens, mel: LogMel, context: Context, options: DecodeOptions) -> None:
        whisper = replace(options.whisper, max_initial_timestamp=LONGEST)
        self._options = replace(options, whisper=whisper)
        self._network = network
        self._tokens = tokens
        self._mel = mel
        self._context = context
        self._prompts = Prompts(tokens, self._options)
        self._suppressed = tokens.suppressed(options.whisper.suppress_tokens)
        # A space by itself, which written text has only where a rare letter follows: behind words that are given, stock
        # base writes one at a hesitation, and what it then makes up ("navigating ive the") leads all that follows.
        self._spaces = tokens.encode(" ")

    def read(self, clip: Audio, said: Said) -> tuple[Segment, ...]:
        """Return what was heard in the clip, times from its start; nothing where that does not stand."""
        given = self._given(said.lines)
        sound = np.concatenate([said.sound, clip])
        window = self._context.window(len(sound))
        margin = round(self._context.margin_s * SAMPLE_RATE)
        if len(given) > MOST_PREFIX or len(sound) + margin > window * HOP or np.abs(clip).max(initial=0) <= INAUDIBLE:
            return ()
        encoded = self._network.encode(self._mel(np.pad(sound, (0, window * HOP - len(sound))))[np.newaxis])
        seen = _Window(encoded, sound, len(said.sound), given, said.language)
        reading = self._reading(seen)
        if reading is None or self._fails(reading, seen):
            return ()
        return tuple(self._segments(reading, seen, window))

    def _given(self, lines: Sequence[Line]) -> tuple[int, ...]:
        """Return the tokens of what was said, each line between its times, which only rise."""
        given: list[int] = []
        latest = 0.0
        for line in lines:
            start = max(line.start, latest)
            latest = max(start, line.end)
            given += [self._time(start), *self._tokens.encode(" " + line.text.strip()), self._time(latest)]
        return tuple(given)

    def _time(self, seconds: float) -> int:
        return self._tokens.timestamp_begin + round(min(seconds, LONGEST) / PRECISION)

    def _reading(self, seen: _Window) -> Reading | None:
        """Return the likeliest reading behind what is given, greedily where that is sure enough."""
        beam = self._options.beam_size
        found = self._read(seen, beam or 1)
        if beam is None and found is not None and (found.log_probability < SURE or self._fails(found, seen)):
            return self._read(seen, BEAM)
        return found

    def _read(self, seen: _Window, beam: int) -> Reading | None:
        """Return a reading without what is given; None where there is no room for one."""
        self._options.check_cancelled()
        whisper = self._options.whisper
        prefix = len(seen.given)
        prompt = [
            *self._prompts.leading(self._prompts.first),
            *self._prompts.start(seen.language, timed=True),
            *seen.given,
        ]
        frames = -(-(seen.end - seen.begin) // HOP)
        budget = min(token_budget(frames, whisper, full=False), room(len(prompt), prefix))
        if budget < 1:
            return None
        (found,) = self._network.generate(
            seen.encoded,
            [prompt],
            whisper,
            beam_size=beam,
            temperature=self._options.temperature[0],
            prefix=prefix,
            budget=budget,
            suppressed=[*self._suppressed, *(self._spaces if seen.language not in UNSPACED else ())],
        )
        own = found.tokens[prefix:]
        text = self._tokens.decode(own).strip()
        ratio = compression_ratio(text)
        return Reading(own, text, found.log_probability, found.no_speech_prob, 0.0, ratio, budget)

    def _fails(self, reading: Reading, seen: _Window) -> bool:
        """Whether the clip is to be read alone. What has no word is, too: alone it may be heard."""
        whisper = self._options.whisper
        said = any(letter.isalnum() for letter in reading.text)
        if not said or is_silence(reading, whisper) or not self._covers(reading, seen):
            return True
        frames = -(-seen.end // HOP)
        return whisper.window_guards and bool(led_astray(reading, frames, self._tokens.timestamp_begin, whisper))

    def _covers(self, reading: Reading, seen: _Window) -> bool:
        """Whether a reading is of the utterance, and of all of it, by the times that it has."""
        lines = list(self._lines(reading.tokens, seen))
        begin, end = seen.begin / SAMPLE_RATE, seen.end / SAMPLE_RATE
        return bool(lines) and lines[0].start >= begin - EARLY and lines[-1].end >= end - UNREAD

    def _lines(self, tokens: Sequence[int], seen: _Window) -> Iterator[Piece]:
        """Yield the stretches of text with the times around them; where there are none, those of the utterance."""
        start, text = seen.begin / SAMPLE_RATE, list[int]()
        for token in tokens:
            if token < self._tokens.timestamp_begin:
                text.append(token)
                continue
            time = (token - self._tokens.timestamp_begin) * PRECISION
            if text:
                yield Piece(start, max(start, time), tuple(text))
            start, text = time, []
        if text:
            yield Piece(start, max(start, seen.end / SAMPLE_RATE), tuple(text))

    def _segments(self, reading: Reading, seen: _Window, window: int) -> Iterator[Segment]:
        """Yield a reading's stretches with words; times count from where the utterance begins and lie within it."""
        pieces = list(self._lines(reading.tokens, seen))
        if self._options.word_timestamps:
            pieces = self._timed(pieces, seen)
        begin, end = seen.begin / SAMPLE_RATE, seen.end / SAMPLE_RATE
        confidence = min(1.0, math.exp(reading.log_probability))
        for piece in pieces:
            text = self._tokens.decode(piece.tokens).strip().lstrip(CLOSING).strip()
            if text:
                start, stop = (min(max(at, begin), end) - begin for at in (piece.start, piece.end))
                yield Segment(
                    text,
                    start,
                    stop,
                    confidence,
                    tuple(_within(word, begin, end) for word in piece.words),
                    reading.no_speech_prob,
                    reading.compression_ratio,
                    window_s=window / MEL_RATE,
                )

    def _timed(self, pieces: Sequence[Piece], seen: _Window) -> list[Piece]:
        """Return the pieces with their words, aligned along with what was given."""
        before = Piece(0.0, seen.begin / SAMPLE_RATE, tuple(token for token in seen.given if token < self._tokens.eot))
        tokens = (*before.tokens, *(token for piece in pieces for token in piece.tokens))
        row = AlignRow(tokens, -(-seen.end // HOP))
        (aligned,) = align_rows(self._network, self._tokens, seen.encoded, seen.language, self._options.task, [row])
        placed = place(aligned, [before, *pieces], sounding(seen.sound), self._options.whisper)
        return [
            replace(piece, words=tuple(word for word in piece.words if any(map(str.isalnum, word.text))))
            for piece in placed[1:]
        ]


def _within(word: Word, begin: float, end: float) -> Word:
    """Return a word on the clock that starts at `begin`, moved between there and `end`."""
    start, stop = (min(max(at, begin), end) - begin for at in (word.start, word.end))
    return replace(word, start=start, end=stop)
