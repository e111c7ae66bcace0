"""Files with one or more sound tracks, made by PyAV: layouts, languages, late starts, lost packets. No tests here."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Track:
    """One track: `samples` are `(frames,)` or `(frames, channels)`; times are seconds.

    It begins at `start`; packets from `lost[0]` up to `lost[1]` are left out; from `leap[0]` on, times are later by
    `leap[1]`.
    """

    samples: NDArray[np.float32]
    codec: str = "aac"
    rate: int = 16_000
    layout: str = "mono"
    language: str = ""
    default: bool = False
    start: float = 0.0
    lost: tuple[float, float] = (0.0, 0.0)
    leap: tuple[float, float] = (0.0, 0.0)


def muxed(container: str, *tracks: Track, options: dict[str, str] | None = None) -> bytes:
    """Return a file with the tracks."""
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound")
        with av.open(str(path), "w", format=container, options=options or {}) as output:
            packets = []
            for track in tracks:
                stream: Any = output.add_stream(track.codec, rate=track.rate)
                stream.layout = track.layout
                if track.language:
                    stream.metadata["language"] = track.language
                if track.default:
                    stream.disposition = av.stream.Disposition.default
                packets += _packets(stream, track)
            for _, packet in sorted(packets, key=lambda timed: timed[0]):
                output.mux(packet)
        return path.read_bytes()


def _packets(stream: Any, track: Track) -> list[tuple[float, Any]]:
    import av

    convert = av.AudioResampler(format=stream.format, layout=track.layout, rate=track.rate)
    rows = np.atleast_2d(track.samples.T).astype(np.float32)
    coded = []
    for at in range(0, rows.shape[1], 1_024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(rows[:, at : at + 1_024]), "fltp", track.layout)
        frame.sample_rate, frame.pts, frame.time_base = track.rate, at, Fraction(1, track.rate)
        for converted in convert.resample(frame):
            coded += stream.encode(converted)
    kept = []
    for packet in [*coded, *stream.encode(None)]:
        time = float(packet.pts * packet.time_base)
        if track.lost[0] <= time < track.lost[1]:
            continue
        later = track.start + (track.leap[1] if track.leap[1] and time >= track.leap[0] else 0.0)
        packet.pts += round(later / packet.time_base)
        packet.dts = packet.pts
        kept.append((time + later, packet))
    return kept
