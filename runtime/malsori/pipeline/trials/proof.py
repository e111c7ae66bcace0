"""`prove`: recordings through one engine or two, some clips again for repeatability, and timings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...engines.base import Engine, HasLogits
from ...errors import OptionError
from ...joining import joined
from ...types import SAMPLE_RATE, Audio
from . import speed
from .figures import edit_distance, plain
from .hearing import HeardClip, check_comparable, listen, options_for, speech_of, transcript_of
from .verdict import UNREAD, Errors, FrameAgreement, Proof, Repeats

NONE = Errors()
REPEATED = 60.0  # seconds of speech that are recognised again, and timed

Say = Callable[[str, float, float], None]
"""Called with what is being done, how much of it is done, and of how much in all, 0 where that is unknown."""


def prove(
    engine: Engine,
    recordings: Sequence[Path],
    *,
    against: Engine | None = None,
    lengths: Sequence[float] = speed.LENGTHS,
    say: Say = lambda label, done, total: None,
) -> Proof:
    """Return how accurate `engine` is on the recordings, how far its texts are from those of `against`, and its speed.

    `against` is usually the same model before it was quantized. Only the stretches of speech of each recording count; a
    text in FILE.txt beside it is its transcript. Memory does not grow with the number of recordings.

    Raises:
        OptionError: the two are not the same model, or there are no recordings.
        AudioError: a recording that cannot be read.
    """
    if against is not None:
        check_comparable(engine, against)
    if not recordings:
        raise OptionError("a proof needs at least one recording, found none")
    tally = Tally()
    for number, path in enumerate(recordings):
        say(f"hearing {path.name}", number, len(recordings))
        _hear(tally, engine, against, path)
    say("hearing the same again", 0, 0)
    repeats = repeated(engine, tally.kept)
    speeds = []
    for length in lengths:
        say(f"timing clips of {length:g} s", 0, 0)
        speeds.append(speed.measure(engine, against, np.concatenate(tally.kept), length))
    return Proof(
        model=engine.manifest.name,
        recordings=len(recordings),
        seconds=tally.samples / SAMPLE_RATE,
        repeats=repeats,
        speeds=tuple(speeds),
        against=_name_beside(engine, against),
        frames=tally.frames,
        loss=tally.loss,
        unread=tally.unread,
        cer=tally.cer,
        cer_against=tally.cer_against,
        host=speed.host() | {"device": getattr(engine, "device", "cpu"), "native": getattr(engine, "native", False)},
    )


@dataclass(slots=True)
class Tally:
    """The figures of the recordings so far, and `kept`, the first minute of speech in them."""

    kept: list[Audio] = field(default_factory=list)
    samples: int = 0
    frames: FrameAgreement | None = None
    loss: Errors = NONE
    unread: int = 0
    cer: Errors | None = None
    cer_against: Errors | None = None


def _hear(tally: Tally, engine: Engine, against: Engine | None, path: Path) -> None:
    clips = speech_of(path)
    for clip in clips:
        if sum(map(len, tally.kept)) < REPEATED * SAMPLE_RATE:
            tally.kept.append(clip)
    tally.samples += sum(map(len, clips))
    ours, said = one_by_one(engine, clips), transcript_of(path)
    if said is not None:
        tally.cer = (tally.cer or Errors()) + errors(plain(said), plain(text(ours)))
    if against is not None:
        _compare(tally, ours, one_by_one(against, clips), said, _blank(engine))


def _compare(
    tally: Tally, ours: Sequence[HeardClip], theirs: Sequence[HeardClip], said: str | None, blank: int | None
) -> None:
    understood = True
    if said is not None:
        missed = errors(plain(said), plain(text(theirs)))
        tally.cer_against = (tally.cer_against or Errors()) + missed
        understood = (missed.rate or 0) <= UNREAD
    tally.unread += not understood
    if understood:
        tally.loss += errors(text(theirs), text(ours))
    for own, other in zip(ours, theirs, strict=True):
        if blank is not None and own.logits is not None and other.logits is not None:
            tally.frames = (tally.frames or FrameAgreement()) + agreement(own.logits, other.logits, blank)


def one_by_one(engine: Engine, clips: Sequence[Audio]) -> list[HeardClip]:
    """Return the text of each clip of one recording, each recognised in a call of its own."""
    options = options_for(engine, clips)
    return [heard for clip in clips for heard in listen(engine, [clip], options)]


def text(heard: Sequence[HeardClip]) -> str:
    """Return the text of a recording from those of its clips."""
    return joined(heard)


def errors(reference: str, heard: str) -> Errors:
    """Return the character errors of one text; spaces count as characters."""
    return Errors(edit_distance(reference, heard), len(reference))


def agreement(ours: NDArray[np.float32], theirs: NDArray[np.float32], blank: int) -> FrameAgreement:
    """Compare the logits of a clip, float32 `(frames, vocabulary)`, frame by frame."""
    best, other = ours.argmax(-1), theirs.argmax(-1)
    same, spoken = best == other, (best != blank) | (other != blank)
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    cosine = float((a * b).sum() / norms) if norms else 1.0
    return FrameAgreement(len(same), int(same.sum()), int(spoken.sum()), int((same & spoken).sum()), cosine)


def repeated(engine: Engine, clips: Sequence[Audio]) -> Repeats:
    """Return how texts and logits differ when clips are recognised alone, alone again, and all in one call."""
    options = replace(options_for(engine, clips), batch_size=len(clips))
    alone, again = ([listen(engine, [clip], options)[0] for clip in clips] for _ in range(2))
    batched = listen(engine, clips, options)
    return Repeats(
        clips=len(clips),
        again=_other_texts(alone, again),
        batched=_other_texts(alone, batched),
        again_difference=_difference(alone, again),
        batched_difference=_difference(alone, batched),
    )


def _other_texts(first: Sequence[HeardClip], second: Sequence[HeardClip]) -> int:
    return sum(one.text != other.text for one, other in zip(first, second, strict=True))


def _difference(first: Sequence[HeardClip], second: Sequence[HeardClip]) -> float | None:
    pairs = [(one.logits, other.logits) for one, other in zip(first, second, strict=True)]
    gaps = [float(np.abs(a - b).max(initial=0)) for a, b in pairs if a is not None and b is not None]
    return max(gaps, default=None)


def _blank(engine: Engine) -> int | None:
    return engine.vocabulary.blank if isinstance(engine, HasLogits) else None


def _name_beside(engine: Engine, against: Engine | None) -> str | None:
    """Return the name of the other bundle in messages, with its quantization where both have the same name."""
    if against is None:
        return None
    other, own = against.manifest, engine.manifest
    if other.name != own.name:
        return other.name
    return "float32" if other.quantization == "none" else f"{other.name} in {other.quantization}"
