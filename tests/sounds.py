"""Sounds for tests: recordings from outside the repository, tones, and WAVs with any header. No tests here."""

from __future__ import annotations

import csv
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.shipped import ROOT

SPEECH = ROOT.parent / "shared" / "speech"


def recordings(folder: str) -> list[Path]:
    """Return the recordings of a folder, none when they are not on this machine."""
    return sorted((SPEECH / folder).glob("*"))


def recording(name: str) -> Path:
    """Return one recording; skips the test when it is not on this machine."""
    path = SPEECH / name
    if not path.is_file():
        pytest.skip(f"needs the recording {name} in ../shared/speech")
    return path


def note(name: str) -> str:
    """Return what the index of the recordings says of one of them."""
    with recording("INDEX.tsv").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return next(row["note"] for row in rows if row["file"] == name)


def tone(seconds: float = 1.0, rate: int = 16_000, hertz: float = 440.0) -> NDArray[np.float32]:
    """Return a sine of amplitude 0.4."""
    return (0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def pcm16(samples: NDArray[np.float32]) -> bytes:
    """Return samples as PCM16."""
    return np.rint(samples * 32_767).astype("<i2").tobytes()


def wav(
    data: bytes,
    *,
    tag: int = 1,
    channels: int = 1,
    rate: int = 16_000,
    bits: int = 16,
    align: int | None = None,
    data_size: int | None = None,
    riff_size: int | None = None,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """Return a WAV whose header says what it is told to, true or not; `before` and `after` are chunks around `data`."""
    align = channels * ((bits + 7) // 8) if align is None else align
    size = len(data) if data_size is None else data_size
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, channels, rate, rate * align & 0xFFFF_FFFF, align, bits)
    body = fmt + before + struct.pack("<4sI", b"data", size) + data + after
    return b"RIFF" + struct.pack("<I", 4 + len(body) if riff_size is None else riff_size) + b"WAVE" + body


def contained(
    container: str, codec: str, samples: NDArray[np.float32], rate: int, options: dict[str, str] | None = None
) -> bytes:
    """Return mono samples encoded by PyAV: ("mp4", "aac"), ("webm", "libopus"), ("matroska", "flac"), ..."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound")
        _encode(path, container, codec, samples, rate, options or {})
        return path.read_bytes()


def _encode(
    path: Path, container: str, codec: str, samples: NDArray[np.float32], rate: int, options: dict[str, str]
) -> None:
    import av

    with av.open(str(path), "w", format=container, options=options) as output:
        stream: Any = output.add_stream(codec, rate=rate)
        stream.layout = "mono"
        convert = av.AudioResampler(format=stream.format, layout="mono", rate=rate)
        for start in range(0, len(samples), 1_024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1_024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            for converted in convert.resample(frame):
                output.mux(stream.encode(converted))
        output.mux(stream.encode(None))


def fault(name: str) -> Path:
    """Return one of the small inputs that went wrong once; skips the test when it is not on this machine."""
    path = SPEECH.parent / "faults" / name
    if not path.is_file():
        pytest.skip(f"needs the input {name} in ../shared/faults")
    return path
