"""The contract of sessions: the state of one open utterance of a stream.

Engines are shared and keep no state; a session belongs to one stream, and gives partials only. The final of an
utterance is the engine's hypothesis of all of it, as in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

from ..kinds import Choice, Number
from ..option import option
from ..types import Audio

Method: TypeAlias = Literal["cached", "recomputed"]
Commit: TypeAlias = Literal["agreement", "attention"]


_LENGTH = Number(0, unit="seconds", above=True, finite=True, or_none=True)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How an open utterance is heard; None is what suits the engine. Lengths are seconds of sound.

    step_s: seconds of new sound between two partials.
    method: how partials are made: keep the encoder's states or not (CTC). "cached" computes each frame once and attends
        to what is kept of the frames before; "recomputed" runs the last `window_s` through the encoder at each step.
    lookahead_s: seconds of the newest sound, whose words are read but may still change.
    left_s: seconds of earlier sound that each frame attends to, with cached states.
    window_s: seconds of sound that are computed anew at each step, without cached states.
    commit: what makes a word of a partial stable (Whisper). It is stable once two readings agree on it, or, which is
        sooner, once the decoder's attention to it ends well before the newest sound.
    """

    step_s: float | None = option(None, _LENGTH, "--step")
    method: Method | None = option(None, Choice(*get_args(Method), or_none=True), family="CTC")
    lookahead_s: float | None = option(None, Number(0, unit="seconds", or_none=True), family="CTC")
    left_s: float | None = option(None, _LENGTH, family="CTC")
    window_s: float | None = option(None, _LENGTH, family="CTC")
    commit: Commit | None = option(None, Choice(*get_args(Commit), or_none=True), family="Whisper")


@dataclass(frozen=True, slots=True)
class TextSoFar:
    """The text of an open utterance so far. It begins with `stable`, and so do all later ones."""

    text: str
    stable: str

    def __post_init__(self) -> None:
        assert self.text.startswith(self.stable), (self.text, self.stable)


class Session(Protocol):
    """One open utterance; not to be shared by threads."""

    step: int  # samples of new sound between two partials

    def push(self, sound: Audio) -> TextSoFar:
        """Take the next samples of the utterance, of any length; return the text of all of it.

        Raises `EngineError`, after which the session cannot be used, and `Cancelled`.
        """
        ...
