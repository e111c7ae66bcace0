"""Checks of readings: fall back to the next temperature, read in a longer window, or drop as silence or invention.

Silence, log-probability and compression ratio are openai/whisper's thresholds (arXiv 2212.04356, section 4.5); the
checks of short windows are our own.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ...types import Why, Word
from .features import MEL_RATE
from .options import MOST_TOKENS, WhisperOptions
from .segments import FRAMES, WindowSegment

SPARE_TOKENS = 20  # tokens added to the budget of every window, for time tokens and words of many tokens
USUAL_PER_SECOND = 9  # tokens; English has 4, French and Korean up to 8
TOKENS_PER_SECOND = 20  # the fastest speech: some 8 syllables, in Korean of up to two tokens, elsewhere of three
SHARED_LIMIT = 4 * MEL_RATE  # mel frames, 4 s: lengths are rounded up to a multiple of it for the limit of a call
NGRAM = 4  # tokens
NGRAM_SHARE = 0.5  # of all n-grams that may be repetitions
LEAST_NGRAMS = 12  # "no no no no" is speech
SHORT_FRAMES = 5 * MEL_RATE // 2  # mel frames, 2.5 s: shorter sound has stricter no-speech thresholds
SHORT_NO_SPEECH, LIKELY_LOG_PROB = 0.5, -0.7  # probability, mean log-probability
SHORT_SILENT = 0.75  # probability; of 160 words spoken in so little sound (base, tiny.en) none has more than 0.74
POOR_NO_SPEECH_DROP = 0.2  # taken off the no-speech threshold where the log-probability is below its own
ECHO_NO_SPEECH, ECHO_LOG_PROB = 0.4, -1.5  # probability, mean log-probability
PAST_END_S = 1.0  # seconds by which a time token may lie behind the sound, in the margin of silence
JUDGED_WORDS = 8  # first words of a segment that are scored
UNLIKELY_WORD = 0.15  # probability of a word
SHORT_WORD_S, LONG_WORD_S = 0.133, 2.0  # seconds; shorter and longer words add to the score
ANOMALOUS_SCORE = 3.0  # score from which on a segment counts as not spoken
WINDOW_EDGE_S = 2.0  # seconds from a window's start, or to its end, that count as silence around a segment


@dataclass(frozen=True, slots=True)
class Reading:
    """The decoder's output for one window: tokens without prompt and end, time tokens among them.

    `log_probability` is the mean per token, natural. The first `given` tokens were forced; `budget` is how many more
    the decoder was allowed.
    """

    tokens: tuple[int, ...]
    text: str
    log_probability: float
    no_speech_prob: float
    temperature: float
    compression_ratio: float
    budget: int
    given: int = 0

    @property
    def ended(self) -> bool:
        """Whether the decoder emitted its end token within the budget."""
        return len(self.tokens) - self.given < self.budget


class ReadingRejected(Exception):
    """Raised for a rejected reading of a short window where the caller wants no retry in a longer one."""


def token_budget(frames: int, options: WhisperOptions, *, full: bool) -> int:
    """Return the tokens that a window with `frames` mel frames of sound may have; for a `full` window all that fit."""
    most = options.max_new_tokens or MOST_TOKENS
    if full or not options.window_guards:
        return most
    return min(most, SPARE_TOKENS + -(-TOKENS_PER_SECOND * frames // MEL_RATE))


def token_limit(frames: int, options: WhisperOptions, *, full: bool) -> int:
    """Return the tokens after which the decoder stops: the budget of the longest clip that may share the call."""
    return token_budget(-(-frames // SHARED_LIMIT) * SHARED_LIMIT, options, full=full)


def early_limit(limit: int, *, full: bool) -> int:
    """Return the tokens after which a reading is first checked for a loop: what most people say in that time.

    A loop is stopped there; any other reading is decoded again with the whole `limit`.
    """
    if full or limit <= SPARE_TOKENS:
        return limit
    return SPARE_TOKENS + (limit - SPARE_TOKENS) * USUAL_PER_SECOND // TOKENS_PER_SECOND


def compression_ratio(text: str) -> float:
    """Return the UTF-8 length of a text over its length compressed by zlib; 1 for an empty text."""
    content = text.encode()
    return len(content) / len(zlib.compress(content)) if content else 1.0


def is_poor(reading: Reading, options: WhisperOptions) -> bool:
    """Return whether the next temperature is to be tried: for a loop, or a log-probability below its threshold."""
    if is_silence(reading, options):
        return False
    looped = options.compression_ratio_threshold
    return _unlikely(reading, options) or (looped is not None and reading.compression_ratio > looped)


def is_silence(reading: Reading, options: WhisperOptions) -> bool:
    """Return whether there is no speech: no-speech probability above, log-probability below its threshold."""
    threshold = options.no_speech_threshold
    poor = options.log_prob_threshold is None or _unlikely(reading, options)
    return threshold is not None and reading.no_speech_prob > threshold and poor


def made_up(reading: Reading, frames: int, options: WhisperOptions) -> bool:
    """Return whether a reading of `frames` mel frames was probably invented in noise, such as "Thank you.".

    Both probabilities are then poor, if not as poor as for silence. Spoken words are hardly ever taken for it: of 155
    recordings in 14 languages stock base has one such reading, a single digit as "Thank you."; of 123 in English
    tiny.en has four, all single digits.
    """
    threshold, unsure = options.no_speech_threshold, reading.log_probability < LIKELY_LOG_PROB
    if threshold is None:
        return False
    if frames < SHORT_FRAMES:
        return reading.no_speech_prob > (SHORT_NO_SPEECH if unsure else SHORT_SILENT)
    return unsure and reading.no_speech_prob > threshold - POOR_NO_SPEECH_DROP * _unlikely(reading, options)


def why_wordless(reading: Reading, frames: int, options: WhisperOptions) -> Why | None:
    """Return why the last reading of a window is dropped (silence, invention, a loop in silence), None to keep it."""
    if is_silence(reading, options):
        return "no_speech"
    longest, threshold = options.compression_ratio_threshold, options.no_speech_threshold
    loop = longest is not None and reading.compression_ratio > longest
    silent = loop and threshold is not None and reading.no_speech_prob > threshold
    return "made_up" if silent or made_up(reading, frames, options) else None


def has_no_speech(reading: Reading, options: WhisperOptions) -> bool:
    """Return whether a window has no speech, by a `reading` made without hot words and prompt, where those were echoed.

    Of 214 echoes of hot words in noise none is left with stock base, of 150 with tiny.en one. Of 70 and 79 recordings
    of a single hot word, digits and words cut out of sentences, 1 and 4 are then no longer read rightly.
    """
    doubted = reading.no_speech_prob > ECHO_NO_SPEECH or reading.log_probability < ECHO_LOG_PROB
    return options.no_speech_threshold is not None and doubted


def why_rejected(reading: Reading, frames: int, timestamp_begin: int, options: WhisperOptions) -> str:
    """Return why a reading of a short window with `frames` mel frames of sound is rejected, or "" where it is accepted.

    A rejected window is read again in a longer one. Faults that a window of 30 s would have too are left to the checks
    there.
    """
    if not reading.ended and reading.budget < (options.max_new_tokens or inf):  # the caller's own limit is no fault
        return "no end"
    if looped := loop_sign(reading, timestamp_begin, options):
        return looped
    if _unlikely(reading, options):
        return "log-probability"
    times = [token - timestamp_begin for token in reading.tokens if token >= timestamp_begin]
    if times and (times != sorted(times) or times[-1] * FRAMES > frames + PAST_END_S * MEL_RATE):
        return "times"
    return ""


def loop_sign(reading: Reading, timestamp_begin: int, options: WhisperOptions) -> str:
    """Return which measure shows a loop, text repeated over and over, or "" where there is none."""
    looped = options.compression_ratio_threshold
    if looped is not None and reading.compression_ratio > looped:
        return "compression ratio"
    return "repetition" if _repeats([token for token in reading.tokens if token < timestamp_begin]) else ""


def _unlikely(reading: Reading, options: WhisperOptions) -> bool:
    threshold = options.log_prob_threshold
    return threshold is not None and reading.log_probability < threshold


def _repeats(tokens: Sequence[int]) -> bool:
    """Return whether most n-grams are repetitions; in a short text the compression ratio shows no loop."""
    ngrams = Counter(zip(*(tokens[shift:] for shift in range(NGRAM)), strict=False))
    total = ngrams.total()
    return total >= LEAST_NGRAMS and 1 - len(ngrams) / total > NGRAM_SHARE


def drop_implausible(
    segments: Sequence[WindowSegment], begin: float, size: int, following: int, rest: int, options: WhisperOptions
) -> tuple[list[WindowSegment], int]:
    """Return the segments before the first anomalous one in silence, and the mel frame of the window to go on from.

    openai/whisper's `hallucination_silence_threshold`; without one, all segments. `begin` is the window's start in
    seconds, `size` its mel frames of sound, `rest` the mel frames to the clip's end.
    """
    threshold = options.hallucination_silence_threshold
    if threshold is None or not any(segment.words for segment in segments):
        return list(segments), following
    first = next(index for index, segment in enumerate(segments) if segment.words)
    if anomalous(segments[first]) and segments[first].start > threshold:
        return [], round(segments[first].start * MEL_RATE)
    end = 0.0 if begin == 0 else -WINDOW_EDGE_S  # of the last segment kept; before the window, unknown
    for index, segment in enumerate(segments):
        if not segment.words:
            continue
        behind = segments[index + 1] if index + 1 < len(segments) else None
        if anomalous(segment) and _silent(segment, behind, end, begin, size / MEL_RATE, threshold):
            near_end = rest / MEL_RATE - segment.end < threshold
            return list(segments[:index]), rest if near_end else round(max(1.0, segment.start) * MEL_RATE)
        end = segment.end
    return list(segments), following


def anomalous(segment: WindowSegment) -> bool:
    """Return whether a segment's words are, in sum, too unlikely, too short or too long to have been spoken."""
    words = [word for word in segment.words if any(letter.isalnum() for letter in word.text)][:JUDGED_WORDS]
    score = sum(map(_strangeness, words))
    return bool(words) and (score >= ANOMALOUS_SCORE or score + 0.01 >= len(words))


def _strangeness(word: Word) -> float:
    seconds = word.end - word.start
    return (word.probability < UNLIKELY_WORD) + max(0.0, SHORT_WORD_S - seconds) * 15 + max(0.0, seconds - LONG_WORD_S)


def _silent(
    segment: WindowSegment, behind: WindowSegment | None, end: float, begin: float, window: float, threshold: float
) -> bool:
    """Return whether there is silence before and behind the segment, in a window of `window` seconds."""
    before = segment.start - end > threshold or begin + segment.start < threshold or segment.start < WINDOW_EDGE_S
    if behind is None:
        return before and (window - segment.end > threshold or window - segment.end < WINDOW_EDGE_S)
    return before and (behind.start - segment.end > threshold or anomalous(behind))
