"""What a caller may ask of a stream beside what he may ask of a transcription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ...engines.base import Engine, Follower
from ...engines.session import SessionOptions
from ...errors import OptionError
from ...types import SAMPLE_RATE
from ..options import TranscribeOptions

UNSTREAMED = {  # options that have no meaning in a stream, and why
    "vad": "a stream is cut into utterances by the gate",
    "clip_timestamps": "a stream has no stretches known beforehand",
    "align_with": "the words of a final keep the times of its own model",
    "allow_truncated": "that is for files",
    "track": "a stream has one track",
    "start_at_zero": "a stream begins when it begins",
    "cancelled": "a stream ends with flush",
    "sample_rate": "a stream has its own sample_rate, in LiveOptions",
}
MOST_BACKLOG_S = 3_600.0  # 230 MB
# Seconds before an utterance that are heard along with it where the model can do that: see docs/measured.md.
CONTEXT_S, MOST_CONTEXT_S = 15.0, 25.0
UNCHAINED = ("condition_on_previous_text", "prefix")  # of Whisper: what leads an utterance is its context


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """The options of a stream.

    sample_rate: Hz of the blocks that are pushed, 4,000 to 384,000.
    partials: also tell what has been heard while somebody speaks.
    session: how the open utterance is heard.
    detector: "silero", "two-stage" or "webrtc"; None is that of the model that gives the finals.
    backlog_s: seconds of speech that may wait for their finals. With half of it waiting, sources that can wait are read
        no further; with all of it, new sound is dropped and told of. No utterance is longer than half of it.
    context_s: seconds of what was said just before that a final is read with, its sound and its words, 0 to 25; 0 reads
        each utterance by itself. None is what suits the model: 15 for Whisper, 0 for CTC and for demonstration models.
    ahead: with a context and a scheduler, begin to read a final while the pause that ends its utterance still lasts.
        Where somebody goes on speaking, that was work for nothing; what is read is the same.
    """

    sample_rate: float = SAMPLE_RATE
    partials: bool = True
    session: SessionOptions = field(default_factory=SessionOptions)
    detector: str | None = None
    backlog_s: float = 300.0
    context_s: float | None = None
    ahead: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.backlog_s <= MOST_BACKLOG_S:
            raise OptionError(
                f"backlog_s: expected seconds above 0, at most {MOST_BACKLOG_S:g}, found {self.backlog_s}"
            )
        if self.context_s is not None and not 0 <= self.context_s <= MOST_CONTEXT_S:
            raise OptionError(f"context_s: expected seconds from 0 to {MOST_CONTEXT_S:g}, found {self.context_s}")
        if not self.partials and self.session != SessionOptions():
            raise OptionError("options of a session are for partials, and there are to be none")


LIVE = LiveOptions()
SESSION = frozenset(spec.name for spec in fields(SessionOptions))
OWN = frozenset(spec.name for spec in fields(LiveOptions)) - {"partials", "session"}


def live_overridden(
    options: LiveOptions | None, overrides: Mapping[str, Any], *, partials: bool
) -> tuple[LiveOptions, dict[str, Any]]:
    """Return the options with those of the keywords put in that are theirs, and the other keywords."""
    chosen = options or LIVE
    own = {name: value for name, value in overrides.items() if name in OWN}
    session = {name: value for name, value in overrides.items() if name in SESSION}
    rest = {name: value for name, value in overrides.items() if name not in OWN | SESSION}
    given = replace(chosen, partials=chosen.partials and partials, session=replace(chosen.session, **session), **own)
    return given, rest


def check_streamed(options: TranscribeOptions) -> None:
    """Raise `OptionError` for an option of files that a stream does not have."""
    usual = TranscribeOptions()
    for name, reason in UNSTREAMED.items():
        if getattr(options, name) != getattr(usual, name):
            raise OptionError(f"{name}={getattr(options, name)!r}: {reason}")
    for name in UNCHAINED:
        if getattr(options.whisper, name):
            raise OptionError(f"{name}: a stream leads an utterance by what was said before it; leave it out")


def context_of(live: LiveOptions, engine: Engine) -> float:
    """Return the seconds before an utterance that a final is read with.

    Raises `OptionError` where some were asked for and the engine reads utterances by themselves.
    """
    able = isinstance(engine, Follower)
    if live.context_s and not able:
        raise OptionError(f"context_s: {engine.manifest.name} reads each utterance by itself; leave it out")
    if live.context_s is not None:
        return live.context_s
    # Demonstration models have not learned to go on behind what was said.
    return CONTEXT_S if able and not engine.manifest.demonstration else 0.0


def longest_utterance(options: TranscribeOptions, suits: float, most: float) -> float:
    """Return the seconds that an utterance may have: what was asked for, or what `suits` the engine, up to `most`.

    Raises `OptionError` where more was asked for.
    """
    asked = options.gate.max_speech_s
    if asked is not None and asked > most:
        raise OptionError(f"max_speech_s: expected at most {most:g}, half of the stream's backlog_s, found {asked:g}")
    return min(suits, most) if asked is None else asked
