"""`calibrate`: recordings read in windows of 30 s, then in shorter ones, and the shortest setting that is safe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ...bundles.families import FAMILIES
from ...bundles.manifest import Manifest
from ...engines.base import DecodeOptions
from ...engines.machine.cpus import cpu_threads
from ...engines.whisper.engine import WhisperEngine
from ...engines.whisper.features import MEL_RATE, WINDOW
from ...errors import AudioError, OptionError
from ...languages import code_of
from .figures import figures_of, understood
from .hearing import CERTAIN, TrialReader, TrialRecording, speech_of, transcript_of
from .outcome import Calibration
from .proof import Say
from .search import (
    FULL,
    LEAST_AT_FLOOR,
    CalibrationLimits,
    SearchProgress,
    clips_at_floor,
    distinct_settings,
    expected_seconds,
    search,
)
from .speed import host


def stop(path: Path, error: AudioError) -> None:
    """Raise the error, so that a recording that cannot be read ends a calibration."""
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
    """Return the errors and times of `engine` in windows of each setting, and which setting is safe.

    Only the stretches of speech of each recording count; the reference is a text in FILE.txt beside it, else the text
    of the full window. Settings that can no longer be chosen are not tried, unless `every` one is asked for. All speech
    is held in memory, 64 kB a second. The engine's manifest is replaced meanwhile, so it must not be in use elsewhere;
    `threads` is what it was loaded with. A recording that cannot be read goes to `unreadable`, and is left out if that
    returns.

    Raises:
        OptionError: no recordings, none that can be read or that the model understands, or options that it lacks.
        AudioError: a recording that cannot be read, as `unreadable` raises it.
    """
    if not paths:
        raise OptionError("a calibration needs at least one recording, found none")
    asked = DecodeOptions(language=language and code_of(language), beam_size=beam_size, temperature=CERTAIN)
    engine.check(asked)
    own, progress = engine.manifest, SearchProgress(say)
    reader = TrialReader(engine, asked, progress.heard)
    limits = limits or CalibrationLimits()
    try:
        recordings = _heard(reader, paths, progress, unreadable)
        known = [recording for recording in recordings if understood(recording.take)]
        _check(own.name, paths, recordings, known)
        lengths = [len(clip) for recording in known for clip in recording.clips]
        groups = distinct_settings(lengths)
        tried = search(reader, known, list(groups), limits, progress, every=every)
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
        seen=any(clips_at_floor(context, lengths) >= LEAST_AT_FLOOR for context in groups),
        given_up=tried.given_up,
        host=host() | {"threads": threads or cpu_threads(), "device": engine.device, "compute": engine.compute_type},
    )


def _check(
    name: str, paths: Sequence[Path], recordings: Sequence[TrialRecording], known: Sequence[TrialRecording]
) -> None:
    """Raise `OptionError` where no recording could be read, or none was understood."""
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
    reader: TrialReader,
    paths: Sequence[Path],
    progress: SearchProgress,
    unreadable: Callable[[Path, AudioError], None],
) -> list[TrialRecording]:
    """Return the recordings that can be read, with their runs in the full window."""
    found = []
    for path in paths:
        try:
            found.append(TrialRecording(path, transcript_of(path), speech_of(path)))
        except AudioError as error:
            unreadable(path, error)
    lengths = [len(clip) for recording in found for clip in recording.clips]
    progress.total = WINDOW / MEL_RATE * len(lengths) + expected_seconds(list(distinct_settings(lengths)), lengths)
    for recording in found:
        progress.say(f"hearing {recording.path.name}", progress.done, progress.total)
        reader.whole(recording)
    return found
