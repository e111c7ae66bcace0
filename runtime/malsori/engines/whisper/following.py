"""An utterance heard behind what was said before it: the sound of both in one window, the earlier words given.

A word or two by themselves are a guess, to Whisper more than to anyone. With the seconds before them in the window, and
what was heard there for the beginning of the reading, the decoder only reads on. Nothing of what was given is read
again, so nothing has to be cut apart: no word of the utterance can be lost at a cut, or be heard twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...types import SAMPLE_RATE, Audio, Segment, Word
from ..base import DecodeOptions
from ..said import Said
from .decoding import BEAM, SURE
from .features import HOP, MEL_RATE, LogMel
from .guards import Reading, compression_ratio, is_silence, led_astray, token_budget
from .network import Encoded, Network, room
from .options import CLOSING
from .prompt import MOST_PREFIX, Prompts
from .segments import Piece
from .sounding import sounding
from .tokens import UNSPACED, Tokens
from .track import INAUDIBLE
from .window import Context
from .word_times import AlignRow, align_rows, place


class Following:
    """Reads clips behind what was said, with one model and one set of options."""

    def __init__(self, network: Network, tokens: Tokens, mel: LogMel, context: Context, options: DecodeOptions) -> None:
        # Behind words that are given, CTranslate2's rules for times let a sentence go on where it has ended.
        self._options = replace(options, whisper=replace(options.whisper, without_timestamps=True))
        self._network = network
        self._tokens = tokens
        self._mel = mel
        self._context = context
        self._prompts = Prompts(tokens, self._options)
        self._suppressed = tokens.suppressed(options.whisper.suppress_tokens)
        # A space by itself, which written text has only where a rare letter follows: behind words that are given, stock
        # base writes one at a hesitation, and what it then makes up ("navigating ive the") leads all that follows.
        self._spaces = tokens.encode(" ")

    def read(self, clip: Audio, said: Said) -> Segment | None:
        """Return what was heard in the clip, or None where that does not stand."""
        given = self._tokens.encode(" " + said.text.strip())
        sound = np.concatenate([said.sound, clip])
        window = self._context.window(len(sound))
        margin = round(self._context.margin_s * SAMPLE_RATE)
        if len(given) > MOST_PREFIX or len(sound) + margin > window * HOP or np.abs(clip).max(initial=0) <= INAUDIBLE:
            return None
        encoded = self._network.encode(self._mel(np.pad(sound, (0, window * HOP - len(sound))))[np.newaxis])
        frames = -(-len(clip) // HOP)
        reading = self._reading(encoded, said.language, given, frames)
        if reading is None or self._fails(reading, frames):
            return None
        return self._segment(encoded, reading, given, said.language, sound, len(clip), window)

    def _reading(self, encoded: Encoded, language: str, given: Sequence[int], frames: int) -> Reading | None:
        """Return the likeliest reading behind what is given, greedily where that is sure enough."""
        beam = self._options.beam_size
        found = self._read(encoded, language, given, frames, beam or 1)
        if beam is None and found is not None and (found.log_probability < SURE or self._fails(found, frames)):
            return self._read(encoded, language, given, frames, BEAM)
        return found

    def _read(self, encoded: Encoded, language: str, given: Sequence[int], frames: int, beam: int) -> Reading | None:
        """Return a reading without what is given; None where there is no room for one."""
        self._options.check_cancelled()
        whisper = self._options.whisper
        prompt = [*self._prompts.leading(self._prompts.first), *self._prompts.start(language), *given]
        budget = min(token_budget(frames, whisper, full=False), room(len(prompt), len(given)))
        if budget < 1:
            return None
        (found,) = self._network.generate(
            encoded,
            [prompt],
            whisper,
            beam_size=beam,
            temperature=self._options.temperature[0],
            prefix=len(given),
            budget=budget,
            suppressed=[*self._suppressed, *(self._spaces if language not in UNSPACED else ())],
        )
        own = found.tokens[len(given) :]
        text = self._tokens.decode(own).strip()
        ratio = compression_ratio(text)
        return Reading(own, text, found.log_probability, found.no_speech_prob, 0.0, ratio, budget)

    def _fails(self, reading: Reading, frames: int) -> bool:
        """Whether the clip is to be read alone. What has no word does, too: alone it may be heard."""
        whisper = self._options.whisper
        said = any(letter.isalnum() for letter in reading.text)
        return not said or is_silence(reading, whisper) or self._astray(reading, frames)

    def _astray(self, reading: Reading, frames: int) -> bool:
        whisper = self._options.whisper
        return whisper.window_guards and bool(led_astray(reading, frames, self._tokens.timestamp_begin, whisper))

    def _segment(
        self,
        encoded: Encoded,
        reading: Reading,
        given: Sequence[int],
        language: str,
        sound: Audio,
        samples: int,
        window: int,
    ) -> Segment:
        """Return a reading of the last `samples` of the sound, with times from their start."""
        words: tuple[Word, ...] = ()
        if self._options.word_timestamps:
            words = self._words(encoded, (given, reading.tokens), language, sound, samples)
        return Segment(
            reading.text.lstrip(CLOSING + " "),
            0.0,
            samples / SAMPLE_RATE,
            min(1.0, math.exp(reading.log_probability)),
            words,
            reading.no_speech_prob,
            reading.compression_ratio,
            window_s=window / MEL_RATE,
        )

    def _words(
        self, encoded: Encoded, tokens: tuple[Sequence[int], Sequence[int]], language: str, sound: Audio, samples: int
    ) -> tuple[Word, ...]:
        """Return the words behind those given, none of whose times lies outside of the last `samples`."""
        given, own = (tuple(each) for each in tokens)
        begin, end = (len(sound) - samples) / SAMPLE_RATE, len(sound) / SAMPLE_RATE
        row = AlignRow((*given, *own), -(-len(sound) // HOP))
        (aligned,) = align_rows(self._network, self._tokens, encoded, language, self._options.task, [row])
        pieces = [Piece(0.0, begin, given), Piece(begin, end, own)]
        placed = place(aligned, pieces, sounding(sound), self._options.whisper)
        said = [word for word in placed[1].words if any(letter.isalnum() for letter in word.text)]
        return tuple(_within(word, begin, end) for word in said)


def _within(word: Word, begin: float, end: float) -> Word:
    """Return a word on the clock that starts at `begin`, moved between there and `end`."""
    start, stop = (min(max(at, begin), end) - begin for at in (word.start, word.end))
    return replace(word, start=start, end=stop)
