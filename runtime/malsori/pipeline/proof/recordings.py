"""The recordings of a proof: which files, the speech in them, and what was said where a transcript stands beside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ...audio import decode, decode_blocks
from ...bundles.places import checkout
from ...errors import OptionError
from ...types import SAMPLE_RATE, Audio
from ...vad import GateOptions, SileroDetector
from ..speech import pieces_of

ENDINGS = (".aac", ".flac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm")  # looked for in folders
TRANSCRIPT = ".txt"
SAMPLES = {"english.wav": "en", "korean.wav": "ko", "numbers.wav": "ko"}  # in samples/ of the checkout


def find_recordings(given: Sequence[Path], languages: Collection[str]) -> list[Path]:
    """Return the files given, in that order, and in the place of a folder the recordings in it, sorted.

    With nothing given these are the samples of the checkout in the languages of the model, or all of them for a model
    that knows none of these. Raises `OptionError` for a folder without recordings, and where there is no checkout.
    """
    if not given:
        return _samples(languages)
    return [path for entry in given for path in (_inside(entry) if entry.is_dir() else [entry])]


def transcript_of(path: Path) -> str | None:
    """Return the text in FILE.txt beside a recording, its lines joined by spaces; None where there is no such file."""
    try:
        lines = path.with_suffix(TRANSCRIPT).read_text("utf-8-sig").split()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{path.with_suffix(TRANSCRIPT)}: expected a transcript in UTF-8, found {error}") from error
    return " ".join(lines)


def speech_of(path: Path) -> list[Audio]:
    """Return the stretches of speech of a recording, in order, as the gate finds them (30 s at most each).

    Silence is left out: two networks that agree on silence agree on nothing that matters. A recording without speech
    counts whole, cut into such lengths, since somebody took it for speech.
    """
    options = GateOptions()
    with decode_blocks(path) as blocks:
        speech = [piece.audio for piece in pieces_of(blocks, SileroDetector(), options)]
    if speech:
        return speech
    samples, longest = decode(path).samples, round(options.longest * SAMPLE_RATE)
    return [samples[start : start + longest] for start in range(0, len(samples), longest)]


def _samples(languages: Collection[str]) -> list[Path]:
    root = checkout()
    found = [(root / "samples" / name, code) for name, code in SAMPLES.items()] if root else []
    there = [(path, code) for path, code in found if path.is_file()]
    if not there:
        raise OptionError("no recordings here to prove a model on; give some with --audio DIR or --audio FILE ...")
    known = [path for path, code in there if code in languages]
    return known or [path for path, _ in there]


def _inside(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not found:
        raise OptionError(f"{folder}: expected recordings in it ({', '.join(ENDINGS)}), found none")
    return found
