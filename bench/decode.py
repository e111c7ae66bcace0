"""An hour of MP3, M4A, Opus, FLAC and WAV to mono 16 kHz: time and memory, against faster-whisper's `decode_audio`.

    python -m bench.decode

The hour is the English sample over and over, in noise so that no encoder meets digital silence, encoded by PyAV into a
temporary folder. Time is that of the decoding alone, in a process that has read a short file of the same kind before,
ours and the peer's in turn. Both have the whole hour as float32 at the end; ours in blocks (`decode_blocks`) is a row
of its own, and what a file of an hour costs in memory when it is read in blocks is held against ten minutes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from bench import command
from bench.places import SAMPLES
from bench.processes import printed_json
from bench.results import Row, alternate, row, tell, write
from malsori.audio import decode

LONG, SHORT = 60, 10  # minutes
RUNS = 5
GROWTH = 4  # MB that an hour may take more than ten minutes: the index of an MP4's samples, and the allocator's moods
_PIECE_S = 10
_NOISE = 1e-3
_IMPORTS = {
    "ours": "from malsori.audio import decode\nread = lambda path: len(decode(path).samples)",
    "in blocks": "from malsori.audio import decode_blocks\nread = lambda path: sum(map(len, decode_blocks(path)))",
    "faster-whisper": "from faster_whisper.audio import decode_audio\nread = lambda path: len(decode_audio(path))",
}
_PROGRAM = """
import json, sys, time
from bench.processes import memory_mb
{imports}
read(sys.argv[1])
start = time.perf_counter()
samples = read(sys.argv[2])
seconds = time.perf_counter() - start
print(json.dumps({{"seconds": seconds, "peak": memory_mb(), "heard": samples / 16_000}}))
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: suffix, muxer, encoder, Hz, channels, bit/s (0: the encoder's own choice)."""

    suffix: str
    container: str
    codec: str
    rate: int
    channels: int
    bit_rate: int = 0

    def __str__(self) -> str:
        kbps = f", {self.bit_rate // 1000} kbit/s" if self.bit_rate else ""
        return f"{self.suffix}, {self.rate / 1000:g} kHz, {'mono' if self.channels == 1 else 'stereo'}{kbps}"


KINDS = (
    Kind("mp3", "mp3", "libmp3lame", 44_100, 2, 128_000),
    Kind("m4a", "ipod", "aac", 44_100, 2, 128_000),
    Kind("opus", "ogg", "libopus", 48_000, 1, 32_000),
    Kind("flac", "flac", "flac", 44_100, 2),
    Kind("wav", "wav", "pcm_s16le", 44_100, 2),
)


def pieces(rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield speech in noise for ever, ten seconds at a time, as many of them different as the noise makes them."""
    speech = soxr.resample(decode(SAMPLES / "english.wav").samples, 16_000, rate)
    chance = np.random.default_rng(0)
    at, size = 0, _PIECE_S * rate
    while True:
        piece = np.take(speech, range(at, at + size), mode="wrap")
        yield (piece + chance.normal(0, _NOISE, size)).clip(-1, 1).astype(np.float32)
        at = (at + size) % len(speech)


def encode(path: Path, kind: Kind, minutes: float) -> None:
    """Write a file of `minutes`, holding ten seconds of its sound."""
    import av

    layout = "mono" if kind.channels == 1 else "stereo"
    with av.open(str(path), "w", format=kind.container) as output:
        stream: Any = output.add_stream(kind.codec, rate=kind.rate, layout=layout)
        if kind.bit_rate:
            stream.bit_rate = kind.bit_rate
        convert = av.AudioResampler(format=stream.format, layout=layout, rate=kind.rate)
        for index, piece in zip(range(round(minutes * 60 / _PIECE_S)), pieces(kind.rate), strict=False):
            both = np.ascontiguousarray(np.stack([piece] * kind.channels))
            frame = av.AudioFrame.from_ndarray(both, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = kind.rate, index * len(piece)
            for converted in convert.resample(frame):
                output.mux(stream.encode(converted))
        output.mux(stream.encode(None))


def read(who: str, warm_up: Path, path: Path) -> dict[str, float]:
    """Decode in a process of its own; return `seconds`, its `peak` in MB, and the seconds `heard`."""
    program = _PROGRAM.format(imports=_IMPORTS[who])
    found: dict[str, float] = printed_json("-c", program, str(warm_up), str(path))
    return found


def measure(kind: Kind, folder: Path) -> list[Row]:
    """Measure one kind of file."""
    files = {minutes: folder / f"{minutes:g}.{kind.suffix}" for minutes in (0.5, SHORT, LONG)}
    for minutes, path in files.items():
        encode(path, kind, minutes)
    peaks: dict[str, list[float]] = {}

    def seconds(who: str) -> float:
        found = read(who, files[0.5], files[LONG])
        if abs(found["heard"] - LONG * 60) > 0.2:
            raise SystemExit(f"{kind}: {who} hears {found['heard']:.2f} s of {LONG * 60}")
        peaks.setdefault(who, []).append(found["peak"])
        return found["seconds"]

    who = ("ours", "in blocks", "faster-whisper")
    times = alternate({name: lambda name=name: seconds(name) for name in who}, RUNS)  # type: ignore[misc]
    blocks = {"ours": times.pop("in blocks"), "faster-whisper": times["faster-whisper"]}
    ten = [read("in blocks", files[0.5], files[SHORT])["peak"] for _ in range(RUNS)]
    target = "at least 1x faster-whisper"
    shortest = max(ten)
    rows = [
        row(f"an hour of {kind}", "time, whole", "s", times, target=target),
        row(f"an hour of {kind}", "time, in blocks", "s", blocks, target=target),
        row(
            f"an hour of {kind}",
            "peak memory, whole",
            "MB",
            {"ours": peaks["ours"], "faster-whisper": peaks["faster-whisper"]},
            digits=0,
        ),
        row(
            f"an hour of {kind}",
            "peak memory, in blocks",
            "MB",
            {"ours": peaks["in blocks"][-RUNS:], f"{SHORT} min": ten},
            target=f"below {shortest + GROWTH:.0f}",
            digits=1,
        ),
    ]
    tell(rows)
    for path in files.values():
        path.unlink()
    return rows


def main() -> None:
    """Measure every kind and write the result file."""
    command.parser(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [each for kind in KINDS for each in measure(kind, Path(folder))]
    print(write("decode", rows))


if __name__ == "__main__":
    main()
