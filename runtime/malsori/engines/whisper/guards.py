"""Whether a reading stands: what a short window does to a model that is lost in it, and what heat is tried against."""

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

SPARE_TOKENS = 20  # a reading may have beyond what its length allows: times, and words that are long in tokens
USUAL_PER_SECOND = 9  # tokens; English has 4, French and Korean up to 8
TOKENS_PER_SECOND = 20  # the fastest speech: some 8 syllables, in Korean of up to two tokens, elsewhere of three
SHARED_LIMIT = 4 * MEL_RATE  # mel frames: clips as long as that, rounded up, are cut off at the same length
NGRAM = 4  # tokens that said over and over are a loop
NGRAM_SHARE = 0.5  # of all n-grams that may be repetitions
LEAST_NGRAMS = 12  # "no no no no" is speech
BRIEF = 5 * MEL_RATE // 2  # mel frames, 2.5 s: less sound than this is doubted more
BRIEF_NO_SPEECH, LIKELY = 0.5, -0.7  # probability, mean log-probability
BRIEF_SILENT = 0.75  # probability; of 160 words spoken in so little sound (base, tiny.en) none has more than 0.74
DOUBT = 0.2  # by which the no-speech probability of a reading may be lower where that is poor
ECHO_NO_SPEECH, ECHO_LIKELY = 0.4, -1.5  # probability, mean log-probability
PAST_END = 1.0  # seconds by which a time may lie behind the sound; the margin of silence is heard as longer speech


@dataclass(frozen=True, slots=True)
class Reading:
    """What the decoder made of one window: tokens without prompt and end, times among them.

    `log_probability` is the mean per token, natural; `budget` the tokens it had beside the first `given`, which were
    given.
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
        """Whether the decoder came to an end by itself."""
        return len(self.tokens) - self.given < self.budget


class LedAstray(Exception):
    """A reading from a short window does not stand, and nobody asked for another one."""


def token_budget(frames: int, options: WhisperOptions, *, full: bool) -> int:
    """Return how many tokens a window with so many mel frames of sound may have; all that fit where it is `full`."""
    most = options.max_new_tokens or MOST_TOKENS
    if full or not options.window_guards:
        return most
    return min(most, SPARE_TOKENS + -(-TOKENS_PER_SECOND * frames // MEL_RATE))


def token_limit(frames: int, options: WhisperOptions, *, full: bool) -> int:
    """Return after how many tokens the decoder stops: the budget of the longest clip that may share the call."""
    return token_budget(-(-frames // SHARED_LIMIT) * SHARED_LIMIT, options, full=full)


def early_limit(limit: int, *, full: bool) -> int:
    """Return after how many tokens it is first looked whether a decoder is lost: what most people say in that time.

    A loop is cut off there, and anything else is read again with all of its `limit`.
    """
    if full or limit <= SPARE_TOKENS:
        return limit
    return SPARE_TOKENS + (limit - SPARE_TOKENS) * USUAL_PER_SECOND // TOKENS_PER_SECOND


def compression_ratio(text: str) -> float:
    """Return how many times shorter zlib makes the text; 1 for none."""
    content = text.encode()
    return len(content) / len(zlib.compress(content)) if content else 1.0


def too_poor(reading: Reading, options: WhisperOptions) -> bool:
    """Whether another temperature is to be tried: a loop, or a reading that its own decoder finds unlikely."""
    if is_silence(reading, options):
        return False
    looped = options.compression_ratio_threshold
    return _unlikely(reading, options) or (looped is not None and reading.compression_ratio > looped)


def is_silence(reading: Reading, options: WhisperOptions) -> bool:
    """Whether there are no words: the model says so before it reads, and what it then reads is unlikely."""
    threshold = options.no_speech_threshold
    poor = options.log_prob_threshold is None or _unlikely(reading, options)
    return threshold is not None and reading.no_speech_prob > threshold and poor


def made_up(reading: Reading, frames: int, options: WhisperOptions) -> bool:
    """Whether noise was read as what people say to a camera ("Thank you."). `frames` of sound, mel.

    The model doubts it in both ways, before it reads and of what it read, if not as much as silence. What was spoken is
    hardly ever: of 155 recordings in 14 languages stock base reads one like that, a single digit as "Thank you."; of
    123 in English tiny.en reads four, all single digits.
    """
    threshold, unsure = options.no_speech_threshold, reading.log_probability < LIKELY
    if threshold is None:
        return False
    if frames < BRIEF:
        return reading.no_speech_prob > (BRIEF_NO_SPEECH if unsure else BRIEF_SILENT)
    return unsure and reading.no_speech_prob > threshold - DOUBT * _unlikely(reading, options)


def wordless(reading: Reading, frames: int, options: WhisperOptions) -> Why | None:
    """Return why nothing of what was read at last was said, None where it was.

    It is silence, or what is made up, or a loop in what may be silence.
    """
    if is_silence(reading, options):
        return "no_speech"
    longest, threshold = options.compression_ratio_threshold, options.no_speech_threshold
    loop = longest is not None and reading.compression_ratio > longest
    silent = loop and threshold is not None and reading.no_speech_prob > threshold
    return "made_up" if silent or made_up(reading, frames, options) else None


def nobody_speaks(reading: Reading, options: WhisperOptions) -> bool:
    """Whether nobody is heard in a window, by its reading without the hot words and prompt that were echoed in it.

    Of 214 echoes of hot words in noise none is left with stock base, of 150 with tiny.en one. Of 70 and 79 recordings
    of a single hot word, digits and words cut out of sentences, 1 and 4 are then no longer read rightly.
    """
    doubted = reading.no_speech_prob > ECHO_NO_SPEECH or reading.log_probability < ECHO_LIKELY
    return options.no_speech_threshold is not None and doubted


def led_astray(reading: Reading, frames: int, timestamp_begin: int, options: WhisperOptions) -> str:
    """Return why a reading from a short window does not stand, or "" where it does. `frames` of sound, mel.

    Not the fault of the window is what would fail at 30 s too; that is found there.
    """
    if not reading.ended and reading.budget < (options.max_new_tokens or inf):  # the caller's own limit is no fault
        return "no end"
    if looped := loops(reading, timestamp_begin, options):
        return looped
    if _unlikely(reading, options):
        return "log-probability"
    times = [token - timestamp_begin for token in reading.tokens if token >= timestamp_begin]
    if times and (times != sorted(times) or times[-1] * FRAMES > frames + PAST_END * MEL_RATE):
        return "times"
    return ""


def loops(reading: Reading, timestamp_begin: int, options: WhisperOptions) -> str:
    """Return by what a reading shows that it says one thing over and over, or "" where it does not."""
    looped = options.compression_ratio_threshold
    if looped is not None and reading.compression_ratio > looped:
        return "compression ratio"
    return "repetition" if _repeats([token for token in reading.tokens if token < timestamp_begin]) else ""


def _unlikely(reading: Reading, options: WhisperOptions) -> bool:
    threshold = options.log_prob_threshold
    return threshold is not None and reading.log_probability < threshold


def _repeats(tokens: Sequence[int]) -> bool:
    """Whether most n-grams have been said before; zlib sees no loop in a short text."""
    ngrams = Counter(zip(*(tokens[shift:] for shift in range(NGRAM)), strict=False))
    total = ngrams.total()
    return total >= LEAST_NGRAMS and 1 - len(ngrams) / total > NGRAM_SHARE


JUDGED = 8  # words of a piece that are looked at
UNLIKELY = 0.15  # probability of a word
SHORT_WORD, LONG_WORD = 0.133, 2.0  # seconds that a spoken word has
ANOMALOUS = 3.0  # score from which on nobody said it
BRINK = 2.0  # seconds from a window's start, or to its end, that count as silence around a piece


def plausible(
    pieces: Sequence[WindowSegment], begin: float, size: int, following: int, rest: int, options: WhisperOptions
) -> tuple[list[WindowSegment], int]:
    """Return the pieces that stand and the mel frame of the window to go on from; without a threshold all of them.

    `begin` is where the window starts in seconds, `size` its mel frames of sound, `rest` those to the clip's end.
    """
    threshold = options.hallucination_silence_threshold
    if threshold is None or not any(piece.words for piece in pieces):
        return list(pieces), following
    first = next(index for index, piece in enumerate(pieces) if piece.words)
    if anomalous(pieces[first]) and pieces[first].start > threshold:
        return [], round(pieces[first].start * MEL_RATE)
    end = 0.0 if begin == 0 else -BRINK  # where the last piece that stands ended; before the window, unknown
    for index, piece in enumerate(pieces):
        if not piece.words:
            continue
        behind = pieces[index + 1] if index + 1 < len(pieces) else None
        if anomalous(piece) and _silent(piece, behind, end, begin, size / MEL_RATE, threshold):
            near_end = rest / MEL_RATE - piece.end < threshold
            return list(pieces[:index]), rest if near_end else round(max(1.0, piece.start) * MEL_RATE)
        end = piece.end
    return list(pieces), following


def anomalous(piece: WindowSegment) -> bool:
    """Whether the piece's words are unlikely, or far too short or too long, in sum."""
    words = [word for word in piece.words if any(letter.isalnum() for letter in word.text)][:JUDGED]
    score = sum(map(_strangeness, words))
    return bool(words) and (score >= ANOMALOUS or score + 0.01 >= len(words))


def _strangeness(word: Word) -> float:
    seconds = word.end - word.start
    return (word.probability < UNLIKELY) + max(0.0, SHORT_WORD - seconds) * 15 + max(0.0, seconds - LONG_WORD)


def _silent(
    piece: WindowSegment, behind: WindowSegment | None, end: float, begin: float, window: float, threshold: float
) -> bool:
    """Whether nobody speaks before the piece and behind it."""
    before = piece.start - end > threshold or begin + piece.start < threshold or piece.start < BRINK
    if behind is None:
        return before and (window - piece.end > threshold or window - piece.end < BRINK)
    return before and (behind.start - piece.end > threshold or anomalous(behind))
