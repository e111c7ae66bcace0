"""`calibrate`: what is heard at 30 s, then in those shorter windows that can still be taken, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...bundles.families import FAMILIES
from ...bundles.manifest import Manifest
from ...bundles.names import code_of
from ...engines.base import DecodeOptions
from ...engines.machine.cpus import cpu_threads
from ...engines.whisper.engine import WhisperEngine
from ...engines.whisper.features import MEL_RATE, WINDOW
from ...errors import AudioError, OptionError
from .figures import figures_of, understood
from .hearing import CERTAIN, TrialReader, TrialRecording, speech_of, transcript_of
from .outcome import Calibration
from .proof import Say
from .search import FULL, WITNESSES, CalibrationLimits, SearchProgress, distinct, expected, search, witnesses
from .speed import host


def stop(path: Path, error: AudioError) -> None:
    """Let one recording that cannot be read end a calibration."""
    raise error


def calibrate(
    engine: WhisperEngine,
    paths: Sequence[Path],
    *,
    limits: CalibrationLimits | None = None,
    language: str | None = None,
    beam_size: int | None = None,
    threads: int | None = None,
    every: bool = False,
    say: Say = lambda label, done, total: None,
    unreadable: Callable[[Path, AudioError], None] = stop,
) -> Calibration:
    """Return what `engine` hears in the recordings through windows of each length, how fast, and what is safe.

    Of each recording the stretches of speech count; a text in FILE.txt beside it is what was said, without one it is
    what the full window hears. Settings that cannot be taken any more are not heard, unless `every` one is asked for.
    All speech is held in memory, 64 kB a second. The engine's manifest is another one meanwhile, so it must not be in
    use elsewhere; `threads` is what it was loaded with. A recording that cannot be read goes to `unreadable`, and is
    left out if that returns.

    Raises:
        OptionError: no recordings, none that can be read or that the model understands, or options that it has not.
        AudioError: a recording that cannot be read, unless `unreadable` thinks otherwise.
    """
    if not paths:
        raise OptionError("a calibration needs at least one recording, found none")
    asked = DecodeOptions(language=language and code_of(language), beam_size=beam_size, temperature=CERTAIN)
    engine.check(asked)
    own, progress = engine.manifest, SearchProgress(say)
    listener = TrialReader(engine, asked, progress.heard)
    limits = limits or CalibrationLimits()
    try:
        recordings = _heard(listener, paths, progress, unreadable)
        known = [recording for recording in recordings if understood(recording.take)]
        _check(own.name, paths, recordings, known)
        lengths = [len(clip) for recording in known for clip in recording.clips]
        groups = distinct(lengths)
        tried = search(listener, known, list(groups), limits, progress, every=every)
    finally:
        engine.manifest = own
    return Calibration(
        model=own.name,
        takes=len(known),
        transcripts=sum(recording.transcript is not None for recording in known),
        unread=len(recordings) - len(known),
        samples=sum(lengths),
        limits=limits,
        full=figures_of(FULL, [recording.take for recording in known]),
        settings=tried.heard,
        same=groups,
        seen=any(witnesses(context, lengths) >= WITNESSES for context in groups),
        given_up=tried.given_up,
        host=host() | {"threads": threads or cpu_threads(), "device": engine.device, "compute": engine.compute_type},
    )


def _check(
    name: str, paths: Sequence[Path], recordings: Sequence[TrialRecording], known: Sequence[TrialRecording]
) -> None:
    """Raise `OptionError` where nothing was heard that could tell anything."""
    if not recordings:
        raise OptionError(f"a calibration needs at least one recording that can be read, found none of {len(paths)}")
    if not any(recording.take.reference for recording in known):
        raise OptionError(
            f"{name} understands none of the recordings at 30 s either, so nothing can be told of shorter windows; "
            "--audio with speech that it knows, and --language if it takes it for another"
        )


def check_kind(manifest: Manifest) -> None:
    """Raise `OptionError` for a bundle that has no window to calibrate."""
    if not FAMILIES[manifest.kind].windowed:
        raise OptionError(
            f"{manifest.name} is a {manifest.kind} bundle, which hears a clip at its own length; only Whisper bundles "
            "have a window to calibrate (malsori models list)"
        )


def _heard(
    listener: TrialReader,
    paths: Sequence[Path],
    progress: SearchProgress,
    unreadable: Callable[[Path, AudioError], None],
) -> list[TrialRecording]:
    """Return the recordings that can be read, heard at 30 s."""
    found = []
    for path in paths:
        try:
            found.append(TrialRecording(path, transcript_of(path), speech_of(path)))
        except AudioError as error:
            unreadable(path, error)
    lengths = [len(clip) for recording in found for clip in recording.clips]
    progress.total = WINDOW / MEL_RATE * len(lengths) + expected(list(distinct(lengths)), lengths)
    for recording in found:
        progress.say(f"hearing {recording.path.name}", progress.done, progress.total)
        listener.whole(recording)
    return found
