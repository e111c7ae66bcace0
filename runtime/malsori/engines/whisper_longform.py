"""Whisper's way through a clip of any length: decode a window, read off how far it got, go on from there.

The loop of openai/whisper `transcribe` (arXiv 2212.04356, section 4.5) over faster-whisper's parts: prompt, decoding
with temperature fallback, splitting at timestamps, word times. faster-whisper's own loop is not used because it fills
the last window with zeros in log-mel space (see `whisper_windows`), encodes the first window twice when it detects the
language, and never ends where a window's only timestamps are 0 (CTranslate2 lets a segment end where it began).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..types import Segment, Word
from .base import DecodeOptions
from .whisper_windows import MEL_RATE, WINDOW, Windows

BEAM = 5  # hypotheses kept where nobody said how many
COMPRESSION_RATIO = 2.4  # text that gzip shrinks more than this is a loop: try the next temperature
LOG_PROBABILITY = -1.0  # mean per token; below it the guess is poor: try the next temperature
NO_SPEECH = 0.6  # above it, and with a poor guess, the window is silence
PROMPT_RESET = 0.5  # text decoded hotter than this does not lead the next window
FIRST_TIMESTAMP = 1.0  # seconds; the latest that a window's first segment may start
LEAST_STEP = MEL_RATE // 10  # mel frames the loop advances at least, so that it ends; a shorter rest holds no word
LEAST_ALIGNED = MEL_RATE // 10  # mel frames to align words over; below 2 CTranslate2 gives no path and lookups fail
OPENING = "\"'“¿([{-"  # punctuation that belongs to the word behind it
CLOSING = "\"'.。,，!！?？:：”)]}、"  # punctuation that belongs to the word before it


@dataclass(slots=True)
class LongForm:
    """One clip on its way through the shared `model` (faster-whisper's). Use it once."""

    model: Any
    tokenizer: Any
    windows: Windows
    options: DecodeOptions
    _spoken: list[int] = field(default_factory=list)  # tokens that lead the next window
    _last_word_end: float = 0.0  # seconds

    def segments(self) -> Iterator[Segment]:
        """Yield what is heard, window by window; times in seconds from the clip's start, not yet cut to its end."""
        decoding = decoding_options(self.tokenizer, self.options)
        if self.options.initial_prompt:
            prompt = self.tokenizer.encode(" " + self.options.initial_prompt.strip())
            self._spoken += [token for token in prompt if token < self.tokenizer.eot]  # words, no orders to the model
        start = 0
        while self.windows.frames - start >= (LEAST_STEP if start else 1):
            encoded = self.windows.encode(start)
            prompt = self.model.get_prompt(self.tokenizer, self._spoken)
            decoded = self.model.generate_with_fallback(encoded, prompt, self.tokenizer, decoding)
            result, log_probability, temperature, compression = decoded
            size = min(WINDOW, self.windows.frames - start)
            if result.no_speech_prob > NO_SPEECH and log_probability <= LOG_PROBABILITY:
                start += size
                continue
            pieces, following = self._split(result.sequences_ids[0], start, size, encoded)
            confidence = min(1.0, math.exp(log_probability))
            for piece in pieces:
                text = self.tokenizer.decode(piece["tokens"]).strip()
                if not text:
                    continue
                begin, end = float(piece["start"]), float(piece["end"])  # word times leave numpy's floats here
                self._spoken += piece["tokens"]
                words = _words(piece.get("words", ()))
                yield Segment(text, begin, end, confidence, words, result.no_speech_prob, compression)
            if temperature > PROMPT_RESET:
                self._spoken.clear()
            start = max(following, start + LEAST_STEP)

    def _split(self, tokens: list[int], start: int, size: int, encoded: Any) -> tuple[list[dict[str, Any]], int]:
        """Return the window's pieces (`start`, `end`, `tokens`, perhaps `words`) and where the next window starts."""
        pieces, following, _ = self.model._split_segments_by_timestamps(
            tokenizer=self.tokenizer,
            tokens=tokens,
            time_offset=start / MEL_RATE,
            segment_size=size,
            segment_duration=size / MEL_RATE,
            seek=start,
        )
        # What starts in the silence behind the sound was not heard; aligned, it would be pulled back into the sound.
        limit = self.windows.frames / MEL_RATE
        pieces = [piece for piece in pieces if piece["start"] < min(piece["end"], limit)]
        if not self.options.word_timestamps:
            return pieces, following
        decoded = [(piece["start"], piece["end"]) for piece in pieces]
        aligned = max(size, LEAST_ALIGNED)
        self.model.add_word_timestamps(
            [pieces], self.tokenizer, encoded, aligned, OPENING, CLOSING, last_speech_timestamp=self._last_word_end
        )
        for piece, (begin, end) in zip(pieces, decoded, strict=True):
            if piece["end"] <= piece["start"]:  # its words found no room; the text stands, at the times decoded
                piece["start"], piece["end"] = begin, end
        ends = [word["end"] for piece in pieces for word in piece["words"]]
        self._last_word_end = ends[-1] if ends else self._last_word_end
        # openai/whisper now goes on from the last word's end. That would let a flag for times change the words.
        return pieces, following


def decoding_options(tokenizer: Any, options: DecodeOptions) -> Any:
    """Return faster-whisper's `TranscriptionOptions`: ours, and openai/whisper's values for the rest."""
    from faster_whisper.transcribe import TranscriptionOptions, get_suppressed_tokens

    return TranscriptionOptions(
        beam_size=BEAM if options.beam_size is None else options.beam_size,
        best_of=5,
        patience=1,
        length_penalty=1,
        repetition_penalty=1,
        no_repeat_ngram_size=0,
        log_prob_threshold=LOG_PROBABILITY,
        no_speech_threshold=NO_SPEECH,
        compression_ratio_threshold=COMPRESSION_RATIO,
        condition_on_previous_text=True,
        prompt_reset_on_temperature=PROMPT_RESET,
        temperatures=list(options.temperature),
        initial_prompt=None,
        prefix=None,
        suppress_blank=True,
        suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        without_timestamps=False,
        max_initial_timestamp=FIRST_TIMESTAMP,
        word_timestamps=options.word_timestamps,
        prepend_punctuations=OPENING,
        append_punctuations=CLOSING,
        multilingual=False,
        max_new_tokens=None,
        clip_timestamps=[],
        hallucination_silence_threshold=None,
        hotwords=None,
    )


def cut(segments: Iterator[Segment], duration: float) -> Iterator[Segment]:
    """Yield the segments that start before `duration` seconds, none of whose times lies beyond it.

    Whisper counts in steps of 0.02 s over a window with silence behind the sound, and may place words into it.
    """
    for segment in segments:
        if segment.start >= duration:
            continue
        words = tuple(
            Word(word.text, min(word.start, duration), min(word.end, duration), word.probability)
            for word in segment.words
        )
        end = min(segment.end, duration)
        ratio = segment.compression_ratio
        yield Segment(segment.text, segment.start, end, segment.confidence, words, segment.no_speech_prob, ratio)


def _words(timings: Sequence[dict[str, Any]]) -> tuple[Word, ...]:
    spoken = ((timing, timing["word"].strip()) for timing in timings)
    return tuple(
        Word(text, float(timing["start"]), float(timing["end"]), float(timing["probability"]))
        for timing, text in spoken
        if text
    )
