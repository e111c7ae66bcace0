"""`calibrate`: every clip once in each window that a setting would give it, in turns, against the clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from ...bundles.manifest import Manifest
from ...engines.base import DecodeOptions
from ...engines.cpus import cpu_threads
from ...engines.whisper.engine import WhisperEngine
from ...engines.whisper.features import MEL_RATE, WINDOW
from ...errors import AudioError, OptionError
from ...types import Audio
from ..proof.listening import CERTAIN, options_for
from ..proof.recordings import speech_of, transcript_of
from ..proof.run import Say
from ..proof.speed import host
from .choice import Limits
from .figures import Heard, Run, Take, figures_of, understood
from .results import Calibration
from .settings import FULL, distinct, windows_of

BUDGET = 2.0  # seconds for one clip, as long as each window had its turn
MOST = 3  # turns

clock = perf_counter


def stop(path: Path, error: AudioError) -> None:
    """Let one recording that cannot be read end a calibration."""
    raise error


def calibrate(
    engine: WhisperEngine,
    recordings: Sequence[Path],
    *,
    limits: Limits | None = None,
    language: str | None = None,
    beam_size: int | None = None,
    threads: int | None = None,
    say: Say = lambda label, done, total: None,
    unreadable: Callable[[Path, AudioError], None] = stop,
) -> Calibration:
    """Return what `engine` hears in the recordings through windows of each length, how fast, and what is safe.

    Of each recording the stretches of speech count; a text in FILE.txt beside it is what was said, without one it is
    what the full window hears. Memory does not grow with their number but for the texts. The engine's manifest is
    another one meanwhile, so it must not be in use elsewhere; `threads` is what it was loaded with. A recording that
    cannot be read goes to `unreadable`, and is left out if that returns.

    Raises:
        OptionError: no recordings, none that can be read or that the model understands, or options that it has not.
        AudioError: a recording that cannot be read, unless `unreadable` thinks otherwise.
    """
    if not recordings:
        raise OptionError("a calibration needs at least one recording, found none")
    asked = DecodeOptions(language=language, beam_size=beam_size, temperature=CERTAIN)
    engine.check(asked)
    listener = Listener(engine, asked)
    own = engine.manifest
    try:
        takes = _takes(listener, recordings, say, unreadable)
    finally:
        engine.manifest = own
    if not takes:
        raise OptionError(
            f"a calibration needs at least one recording that can be read, found none of {len(recordings)}"
        )
    heard = [take for take in takes if understood(take)]
    if not any(take.reference for take in heard):
        raise OptionError(
            f"{own.name} understands none of the recordings at 30 s either, so nothing can be told of shorter windows; "
            "--audio with speech that it knows, and --language if it takes it for another"
        )
    lengths = [clip.samples for take in heard for clip in take.clips]
    groups = distinct(lengths)
    return Calibration(
        model=own.name,
        takes=len(heard),
        transcripts=sum(take.transcript is not None for take in heard),
        unread=len(takes) - len(heard),
        samples=sum(lengths),
        limits=limits or Limits(),
        full=figures_of(FULL, heard),
        settings=tuple(figures_of(context, heard) for context in groups),
        same=groups,
        host=host() | {"threads": threads or cpu_threads(), "device": engine.device, "compute": engine.compute_type},
    )


def check_kind(manifest: Manifest) -> None:
    """Raise `OptionError` for a bundle that has no window to calibrate."""
    if manifest.kind != "whisper":
        raise OptionError(
            f"{manifest.name} is a {manifest.kind} bundle, which hears a clip at its own length; only Whisper bundles "
            "have a window to calibrate (malsori models list)"
        )


def _takes(
    listener: Listener, recordings: Sequence[Path], say: Say, unreadable: Callable[[Path, AudioError], None]
) -> list[Take]:
    takes = []
    for number, path in enumerate(recordings):
        try:
            takes.append(_take(listener, path, number, len(recordings), say))
        except AudioError as error:
            unreadable(path, error)
    return takes


def _take(listener: Listener, path: Path, number: int, total: int, say: Say) -> Take:
    """Listen to one recording."""
    say(f"hearing {path.name}", number, total)
    clips = speech_of(path)
    options = listener.options(clips)
    heard = []
    for index, clip in enumerate(clips):
        say(f"hearing {path.name}", number + index / len(clips), total)
        heard.append(listener.hear(clip, options))
    return Take(transcript_of(path), tuple(heard))


@dataclass(slots=True)
class Listener:
    """An engine whose windows are chosen from outside; the first clip is heard once more, to warm it up."""

    engine: WhisperEngine
    asked: DecodeOptions
    _turns: int = 0

    def options(self, clips: Sequence[Audio]) -> DecodeOptions:
        """Return how to listen to the clips of one recording: in one language, which the full window tells."""
        if self.asked.language is not None:
            return self.asked
        self._set(WINDOW)
        return replace(self.asked, language=options_for(self.engine, clips).language)

    def hear(self, clip: Audio, options: DecodeOptions) -> Heard:
        """Hear one clip in all of its windows; every turn, also of the next clip, changes the order."""
        windows = windows_of(len(clip))
        if not self._turns:
            self._once(clip, windows[-1], options)
        turns = [self._turn(clip, windows, options)]
        spent = sum(run.seconds for run in turns[0].values())
        for _ in range(1, int(np.clip(BUDGET / max(spent, 1e-9), 1, MOST))):
            turns.append(self._turn(clip, windows, options))
        runs = {
            window: replace(turns[0][window], seconds=median(turn[window].seconds for turn in turns))
            for window in windows
        }
        return Heard(len(clip), runs)

    def _turn(self, clip: Audio, windows: Sequence[int], options: DecodeOptions) -> dict[int, Run]:
        order = windows[::-1] if self._turns % 2 else windows
        self._turns += 1
        return {window: self._once(clip, window, options) for window in order}

    def _once(self, clip: Audio, window: int, options: DecodeOptions) -> Run:
        """Hear a clip in a window of so many mel frames; reading again at 30 s is part of the time."""
        self._set(window)
        before, start = self.engine.counters.retries, clock()
        hypothesis = self.engine.transcribe([clip], options)[0]
        seconds = clock() - start
        text = " ".join(segment.text for segment in hypothesis.segments)
        return Run(text, seconds, self.engine.counters.retries > before)

    def _set(self, window: int) -> None:
        context = {"floor_s": window / MEL_RATE, "margin_s": 0.0}
        self.engine.manifest = replace(self.engine.manifest, audio_context=context)
