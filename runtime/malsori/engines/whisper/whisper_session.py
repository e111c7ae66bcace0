"""An utterance while it is spoken: a window over its newest sound is read at each step, and stable words are committed.

Committed words are forced in the next reading, so that only what follows is decoded. Sound whose words are committed is
dropped, which keeps the window short however long somebody speaks. Partials are read greedily, at one temperature and
in the language detected first; the final has beam, fallback and language of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...errors import OptionError
from ...joining import Times
from ...types import SAMPLE_RATE, Audio
from ..session import Commit, SessionOptions, TextSoFar
from . import commitment
from .commitment import commit_rule
from .listening import UtteranceReader, UtteranceReading
from .prompt import MOST_PREFIX
from .sounding import sounding
from .tokenizer import HALF_CHARACTER
from .tokens import UNSPACED, TokenWord

STEP_S = 1.0
SHORTEST_STEP, LONGEST_STEP = 0.1, 10.0  # seconds
COMMIT: Commit = "agreement"
# Seconds of sound from which on committed sound is dropped, at a pause. In utterances of 19 s nano-whisper gets 9 % of
# the words wrong with 5 to 8 s, 14 % with 10 s and 32 % with 15 s; what a second costs grows with it too.
DROP_FROM_S = 6.0
MOST_HELD_S = 25.0  # seconds of sound held at most; a window of 30 s has room for a margin behind them
LEAST_FULL_DROP_S = MOST_HELD_S / 2  # seconds dropped at least when there is no more room
LEAST_DROP_S = 1.0  # seconds dropped at least, since finding the place takes a pass of the decoder
CTC_ONLY = ("method", "lookahead_s", "left_s", "window_s")


class WhisperSession:
    """One utterance; not to be shared by threads."""

    def __init__(self, reader: UtteranceReader, options: SessionOptions) -> None:
        """Raise `OptionError` for what sessions of Whisper models do not have."""
        _check(options)
        self.step = round((options.step_s or STEP_S) * SAMPLE_RATE)
        self._reader = reader
        self._how = options.commit or COMMIT
        self.commit_rule = commit_rule(self._how)
        self._language = reader.language  # of the readings that the rule has seen
        self._waiting: list[Audio] = []  # pushed and not read
        self._sound = np.zeros(0, np.float32)
        self._heard = 0  # samples of the utterance up to the end of the sound
        self._given = reader.given()  # committed words whose sound is held
        self._dropped: list[int] = []  # tokens of those whose sound was dropped
        self._stable = "".join(word.text for word in self._given).strip()
        self._rest: tuple[TokenWord, ...] = ()

    def push(self, sound: Audio) -> TextSoFar:
        """Take the sound that follows, which is read once there are `step` samples; return the text so far.

        Raises `EngineError` when CTranslate2 fails, `Cancelled` between two of its calls.
        """
        self._waiting.append(np.array(sound, np.float32))
        while sum(map(len, self._waiting)) >= self.step:
            self._buffer()
            self._read()
        return TextSoFar(self._joined(self._rest), self._stable)

    def _buffer(self) -> None:
        """Move waiting sound into the window, as much as it has room for."""
        fresh = np.concatenate(self._waiting)
        room = round(MOST_HELD_S * SAMPLE_RATE) - len(self._sound)
        self._sound = np.concatenate([self._sound, fresh[:room]])
        self._heard += min(len(fresh), room)
        self._waiting = [fresh[room:]]

    def _read(self) -> None:
        """Read the window, commit what is stable, and drop sound where there is much."""
        given = [token for word in self._given for token in word.tokens]
        reading = self._reader.read(self._sound, given, self._dropped)
        if reading is not None and reading.words is not None:
            self._commit_stable(reading, reading.words)
        if self._seconds > DROP_FROM_S or self._prompt_full:
            self._drop_sound(reading)

    def _commit_stable(self, reading: UtteranceReading, words: tuple[TokenWord, ...]) -> None:
        """Commit the stable words of a reading; none while the language is not certain."""
        if reading.language != self._language:
            self._language, self.commit_rule = reading.language, commit_rule(self._how)
        if self._reader.language is None:
            count = 0
            self.commit_rule.note(words, self._heard)
        else:
            count = self.commit_rule.count_stable(words, self._heard, lambda: self._sound_behind(reading, words))
        self._commit(words[:count])
        self._rest = words[count:]

    @property
    def _prompt_full(self) -> bool:
        """Whether the forced words leave the decoder too little room."""
        return sum(len(word.tokens) for word in self._given) > MOST_PREFIX

    @property
    def _seconds(self) -> float:
        return len(self._sound) / SAMPLE_RATE

    def _sound_behind(self, reading: UtteranceReading, words: Sequence[TokenWord]) -> list[float]:
        """Return the seconds of sound behind each word of a reading."""
        times = self._reader.times(reading, [*self._given, *words])
        return [self._seconds - end for _, end in times[len(self._given) :]]

    def _commit(self, words: Sequence[TokenWord]) -> None:
        self._stable = self._joined(words)
        self._given += tuple(words)

    def _joined(self, words: Sequence[TokenWord]) -> str:
        """Return the stable text with these words behind it."""
        text = "".join(word.text for word in words).replace(HALF_CHARACTER, "").rstrip()
        if not self._stable:
            return text.lstrip()
        apart = text[:1].isalnum() and not self._given and self._reader.language not in UNSPACED
        return f"{self._stable} {text}" if apart else self._stable + text

    def _drop_sound(self, reading: UtteranceReading | None) -> None:
        """Drop sound up to a pause behind committed words, or wherever possible when there is no more room."""
        full = len(self._sound) >= MOST_HELD_S * SAMPLE_RATE
        heard = sounding(self._sound)
        if not full and not self._prompt_full and not commitment.pauses(heard):
            return  # spares a pass of the decoder for the alignment
        # Where this reading was rejected, the words of the one before are aligned: their sound is about to be dropped.
        times = self._reader.times(reading, [*self._given, *self._rest]) if reading is not None else []
        place = commitment.cut_at_pause(times, len(self._given), heard, LEAST_FULL_DROP_S if full else LEAST_DROP_S)
        if place is None and self._prompt_full:
            place = commitment.latest_cut(times, len(self._given), LEAST_FULL_DROP_S if full else 0.0)
        if place is None and full:
            place = self._forced_cut(times, heard)
        if place is not None:
            self._drop(place)

    def _forced_cut(self, times: Sequence[Times], heard: Sequence[Times]) -> commitment.Cut:
        """Return where to cut when there is no room for more sound; commit unstable words where no cut is possible."""
        place = commitment.latest_cut(times, len(self._given), LEAST_FULL_DROP_S)
        if place is None:
            nowhere = commitment.ForcedCommit(len(self._given), self._seconds - commitment.RECENT_S)
            forced = commitment.forced_commit(times, heard, self._seconds) if times else nowhere
            count = max(0, forced.words - len(self._given))
            self._commit(self._rest[:count])
            self._rest = self._rest[count:]
            self.commit_rule.forget(count)
            place = commitment.latest_cut(times, len(self._given), LEAST_FULL_DROP_S) or forced.cut
        return place

    def _drop(self, place: commitment.Cut) -> None:
        gone, self._given = self._given[: place.words], self._given[place.words :]
        self._dropped += [token for word in gone for token in word.tokens]
        self._sound = self._sound[round(place.at * SAMPLE_RATE) :].copy()


def _check(options: SessionOptions) -> None:
    """Raise `OptionError` for options of CTC models, and for values out of their range."""
    for name in CTC_ONLY:
        if getattr(options, name) is not None:
            raise OptionError(f"{name}: sessions of Whisper models have no such option; leave it out")
    step = options.step_s
    if step is not None and not _is_number(step):
        bounds = f"from {SHORTEST_STEP:g} to {LONGEST_STEP:g}"
        raise OptionError(f"step_s: expected seconds {bounds}, found {step!r}")
    if options.commit not in (None, "agreement", "attention"):
        raise OptionError(f"commit: expected 'agreement' or 'attention', found {options.commit!r}")


def _is_number(step: object) -> bool:
    """Return whether it is a length that a step may have."""
    if not isinstance(step, (int, float)) or isinstance(step, bool) or not math.isfinite(step):
        return False
    return SHORTEST_STEP <= step <= LONGEST_STEP
