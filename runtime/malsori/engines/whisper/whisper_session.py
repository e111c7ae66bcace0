"""An utterance while it is spoken: a short window over its open end is read again and again, and words are committed.

What is committed leads the next reading, so that only what follows is decoded anew. Sound whose words are committed is
let go, which keeps the window short however long somebody speaks. A partial text is read greedily, without a second
temperature and in the language that was told first; the final has all that.
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
from .commitment import rule
from .listening import Look, UtteranceReader
from .prompt import MOST_PREFIX
from .sounding import sounding
from .tokenizer import HALF_LETTER
from .tokens import UNSPACED, TokenWord

STEP_S = 1.0
SHORTEST_STEP, LONGEST_STEP = 0.1, 10.0  # seconds
COMMIT: Commit = "agreement"
# Seconds of sound from which on what is committed of it is let go, at a pause. In utterances of 19 s nano-whisper gets
# 9 % of the words wrong with 5 to 8 s, 14 % with 10 s and 32 % with 15 s; what a second costs grows with it too.
ROLL_S = 6.0
MOST_S = 25.0  # seconds of sound that are ever held; there is room for a margin behind them
HALF_S = MOST_S / 2  # seconds to let go of at least when there is no more room
LEAST_S = 1.0  # seconds to let go of at least; it takes a pass of the decoder
CTC_ONLY = ("method", "lookahead_s", "left_s", "window_s")


class WhisperSession:
    """One utterance; not to be shared by threads."""

    def __init__(self, listener: UtteranceReader, options: SessionOptions) -> None:
        """Raise `OptionError` for what sessions of Whisper models do not have."""
        _check(options)
        self.step = round((options.step_s or STEP_S) * SAMPLE_RATE)
        self._listener = listener
        self._how = options.commit or COMMIT
        self.rule = rule(self._how)
        self._language = listener.language  # of the readings that the rule knows
        self._waiting: list[Audio] = []  # pushed and not looked at
        self._sound = np.zeros(0, np.float32)
        self._heard = 0  # samples of the utterance up to the end of the sound
        self._given = listener.given()  # committed words that are in the sound
        self._let_go: list[int] = []  # tokens of those that no longer are
        self._stable = "".join(word.text for word in self._given).strip()
        self._rest: tuple[TokenWord, ...] = ()

    def push(self, sound: Audio) -> TextSoFar:
        """Take the sound that follows; it is looked at once there are `step` samples. Return the text so far.

        Raises `EngineError` when CTranslate2 fails, `Cancelled` between two of its calls.
        """
        self._waiting.append(np.array(sound, np.float32))
        while sum(map(len, self._waiting)) >= self.step:
            self._take()
            self._look()
        return TextSoFar(self._joined(self._rest), self._stable)

    def _take(self) -> None:
        """Add what waits to the sound, as much as there is room for."""
        fresh = np.concatenate(self._waiting)
        room = round(MOST_S * SAMPLE_RATE) - len(self._sound)
        self._sound = np.concatenate([self._sound, fresh[:room]])
        self._heard += min(len(fresh), room)
        self._waiting = [fresh[room:]]

    def _look(self) -> None:
        """Read on, commit, and let go."""
        given = [token for word in self._given for token in word.tokens]
        look = self._listener.look(self._sound, given, self._let_go)
        if look is not None and look.words is not None:
            self._take_in(look, look.words)
        if self._seconds > ROLL_S or self._crowded:
            self._roll_over(look)

    def _take_in(self, look: Look, words: tuple[TokenWord, ...]) -> None:
        """Commit what stands of a reading; nothing does that was read in a language which may turn out another."""
        if look.language != self._language:
            self._language, self.rule = look.language, rule(self._how)
        if self._listener.language is None:
            count = 0
            self.rule.note(words, self._heard)
        else:
            count = self.rule.count_stable(words, self._heard, lambda: self._behind(look, words))
        self._commit(words[:count])
        self._rest = words[count:]

    @property
    def _crowded(self) -> bool:
        """Whether the decoder has too little room behind what it is given."""
        return sum(len(word.tokens) for word in self._given) > MOST_PREFIX

    @property
    def _seconds(self) -> float:
        return len(self._sound) / SAMPLE_RATE

    def _behind(self, look: Look, words: Sequence[TokenWord]) -> list[float]:
        """Return how many seconds of sound there are behind each of the words that were read."""
        times = self._listener.times(look, [*self._given, *words])
        return [self._seconds - end for _, end in times[len(self._given) :]]

    def _commit(self, words: Sequence[TokenWord]) -> None:
        self._stable = self._joined(words)
        self._given += tuple(words)

    def _joined(self, words: Sequence[TokenWord]) -> str:
        """Return the text with these words behind what is stable."""
        text = "".join(word.text for word in words).replace(HALF_LETTER, "").rstrip()
        if not self._stable:
            return text.lstrip()
        apart = text[:1].isalnum() and not self._given and self._listener.language not in UNSPACED
        return f"{self._stable} {text}" if apart else self._stable + text

    def _roll_over(self, look: Look | None) -> None:
        """Let go of sound: up to a pause behind committed words; when there is no more room, whatever it takes."""
        full = len(self._sound) >= MOST_S * SAMPLE_RATE
        heard = sounding(self._sound)
        if not full and not self._crowded and not commitment.pauses(heard):
            return  # there is nothing to ask the network for
        # What a reading before this one said stands in for one that was astray: its sound is about to be let go.
        times = self._listener.times(look, [*self._given, *self._rest]) if look is not None else []
        place = commitment.at_pause(times, len(self._given), heard, HALF_S if full else LEAST_S)
        if place is None and self._crowded:
            place = commitment.anywhere(times, len(self._given), HALF_S if full else 0.0)
        if place is None and full:
            place = self._forced(times, heard)
        if place is not None:
            self._let_go_of(place)

    def _forced(self, times: Sequence[Times], heard: Sequence[Times]) -> commitment.Cut:
        """Return where to cut when there is no room for more sound; commit what was read if nothing was for long."""
        place = commitment.anywhere(times, len(self._given), HALF_S)
        if place is None:
            nowhere = commitment.Cut(len(self._given), self._seconds - commitment.RECENT)
            forced = commitment.by_force(times, heard, self._seconds) if times else nowhere
            count = max(0, forced.words - len(self._given))
            self._commit(self._rest[:count])
            self._rest = self._rest[count:]
            self.rule.forget(count)
            place = commitment.anywhere(times, len(self._given), HALF_S) or forced
        return place

    def _let_go_of(self, place: commitment.Cut) -> None:
        gone, self._given = self._given[: place.words], self._given[place.words :]
        self._let_go += [token for word in gone for token in word.tokens]
        self._sound = self._sound[round(place.at * SAMPLE_RATE) :].copy()


def _check(options: SessionOptions) -> None:
    """Refuse what belongs to CTC models, and numbers that are none."""
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
    """Whether it is a length that a step may have."""
    if not isinstance(step, (int, float)) or isinstance(step, bool) or not math.isfinite(step):
        return False
    return SHORTEST_STEP <= step <= LONGEST_STEP
