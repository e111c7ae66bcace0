"""What a stream asks of an engine while somebody speaks: a session holds the state of one open utterance.

Engines are shared and keep no state; a session is private to its stream. It gives partials only. The final of an
utterance is the engine's own reading of the whole of it, as in a file.
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

    step_s: new sound between two partials.
    method: of partials: keep the encoder's states or not (CTC). "cached" computes each frame once and attends to what
        is kept of the frames before, "recomputed" runs the last `window_s` through the encoder at each step.
    lookahead_s: the newest sound, whose words are read but may still change.
    left_s: how far back is attended to. With cached states.
    window_s: how much is computed anew at each step. Without cached states.
    commit: what makes a word of a partial stable (Whisper). That two readings agree on it, or, sooner, that the
        decoder's attention to it ends well before the newest sound.
    """

    step_s: float | None = option(None, _LENGTH, "--step")
    method: Method | None = option(None, Choice(*get_args(Method), or_none=True), family="CTC")
    lookahead_s: float | None = option(None, Number(0, unit="seconds", or_none=True), family="CTC")
    left_s: float | None = option(None, _LENGTH, family="CTC")
    window_s: float | None = option(None, _LENGTH, family="CTC")
    commit: Commit | None = option(None, Choice(*get_args(Commit), or_none=True), family="Whisper")


@dataclass(frozen=True, slots=True)
class TextSoFar:
    """The text of an utterance so far. It begins with `stable`, and so does the text of every later one."""

    text: str
    stable: str

    def __post_init__(self) -> None:
        assert self.text.startswith(self.stable), (self.text, self.stable)


class Session(Protocol):
    """One utterance while it is spoken; not to be shared by threads."""

    step: int  # samples of new sound that are worth a `push`

    def push(self, sound: Audio) -> TextSoFar:
        """Take the sound that follows what was pushed before; return what has been heard of all of it.

        Any length is taken, also none. Raises `EngineError`, after which the session is of no use, and `Cancelled`.
        """
        ...
