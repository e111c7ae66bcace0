"""What a caller may ask of a stream beside the options of a transcription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...engines.base import Engine, Follower
from ...engines.session import SessionOptions
from ...errors import OptionError
from ...kinds import LEAST_RATE, MOST_RATE, Choice, Number, Switch
from ...option import check, group, non_defaults, option, put
from ...types import SAMPLE_RATE
from ...vad import DETECTORS
from ..options import TranscribeOptions

UNSTREAMED = {  # options that have no meaning in a stream, and why
    "vad": "a stream is cut into utterances by the gate",
    "clip_timestamps": "a stream has no stretches known beforehand",
    "align_with": "the words of a final keep the times of its own model",
    "allow_truncated": "that is for files",
    "track": "a stream has one track",
    "channels": "a stream is the mix of its channels; one stream for each is what tells speakers apart",
    "speakers": "a stream does not tell speakers apart",
    "start_at_zero": "a stream begins when it begins",
    "cancelled": "a stream ends with flush",
    "sample_rate": "a stream has its own sample_rate, in LiveOptions",
    "max_seconds": "a stream ends with flush",
}
MOST_BACKLOG_S = 3_600.0  # 230 MB
# Seconds before an utterance that are heard along with it where the model can do that: see docs/measured.md.
CONTEXT_S, MOST_CONTEXT_S = 15.0, 25.0
DETECTOR_NAMES, NO_DETECTOR = tuple(DETECTORS), "no detector named {value!r}; there are {expected}"
UNCHAINED = ("condition_on_previous_text", "prefix")  # of Whisper: what leads an utterance is its context


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """The options of a stream.

    sample_rate: rate in Hz of the blocks that are pushed.
    partials: also tell what has been heard so far while somebody speaks.
    detector: what tells speech from noise. None is the detector of the model that gives the finals.
    backlog_s: seconds of speech that may wait for their finals. With half of it waiting, sources that can wait are read
        no further; with all of it, new sound is dropped and told of. No utterance is longer than half of it.
    context_s: seconds before an utterance that its final is read with. Their sound and their words lead the utterance;
        0 reads each utterance by itself. None is what suits the model: 15 for Whisper, 0 for CTC and for demonstration
        models.
    ahead: begin to read a final while the pause that ends its utterance still lasts. That needs a context and a
        scheduler. Where somebody goes on speaking, the work was for nothing; the words are the same either way.
    """

    sample_rate: float = option(SAMPLE_RATE, Number(LEAST_RATE, MOST_RATE, "Hz"), "--rate")
    partials: bool = option(True, Switch(), "--no-partials")
    session: SessionOptions = group(SessionOptions())
    detector: str | None = option(None, Choice(*DETECTOR_NAMES, or_none=True, wrong=NO_DETECTOR))
    backlog_s: float = option(300.0, Number(0, MOST_BACKLOG_S, "seconds", above=True))
    context_s: float | None = option(None, Number(0, MOST_CONTEXT_S, "seconds", or_none=True), "--context")
    ahead: bool = option(True, Switch(), "--no-ahead")

    def __post_init__(self) -> None:
        check(self, "sample_rate")  # which `Intake` refuses, as every source of sound does
        if not self.partials and self.session != SessionOptions():
            raise OptionError("options of a session are for partials, and there are to be none")


LIVE = LiveOptions()


def live_overridden(
    options: LiveOptions | None, overrides: Mapping[str, Any], *, partials: bool
) -> tuple[LiveOptions, dict[str, Any]]:
    """Return the options with those of the keywords put in that are theirs, and the other keywords."""
    rest = dict(overrides)
    chosen = put(options or LIVE, rest)
    return replace(chosen, partials=chosen.partials and partials), rest


def check_streamed(options: TranscribeOptions) -> None:
    """Raise `OptionError` for an option of files that a stream does not have."""
    asked = {**non_defaults(options.source), **non_defaults(options.speech), **non_defaults(options.decoding)}
    if options.align_with is not None:
        asked["align_with"] = options.align_with
    for name, reason in UNSTREAMED.items():
        if name in asked:
            raise OptionError(f"{name}={asked[name]!r}: {reason}")
    for name in UNCHAINED:
        if asked.get(name):
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
    asked = options.speech.gate.max_speech_s
    if asked is not None and asked > most:
        raise OptionError(f"max_speech_s: expected at most {most:g}, half of the stream's backlog_s, found {asked:g}")
    return min(suits, most) if asked is None else asked
