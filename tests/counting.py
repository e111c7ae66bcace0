"""How many seconds of sound others find in a file: FFmpeg's program, and FFmpeg's libraries packet by packet. No tests.

Both are asked for the first audio stream, and neither is stopped by damage: what decodes is counted.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_RATE = 16_000
_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Count:
    """Seconds of sound that decode, where on the container's clock they lie, and what does not decode.

    `start` and `stop` are seconds from the container's own start, `broken` the packets that a decoder refused or that
    their container calls damaged, `broken_s` the seconds that these say they last, less those before the first that
    decodes, which are the rest of what was cut off. `unread_s` is about how long those bytes last that are behind an
    error of the container, `frame_s` what the longest frame lasts.
    """

    seconds: float
    start: float = 0.0
    stop: float = 0.0
    broken: int = 0
    broken_s: float = 0.0
    unread_s: float = 0.0
    frame_s: float = 0.0

    @property
    def lengths(self) -> tuple[float, ...]:
        """The lengths that are right: what decodes, the same with its gaps, and with what goes before it as well."""
        return self.seconds, self.stop - self.start, self.stop


def ffmpeg() -> str:
    """Return the program; skips the test where it is not installed."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("needs the program ffmpeg (apt-get install ffmpeg)")
    return program


def by_ffmpeg(path: Path) -> float:
    """Return the seconds that `ffmpeg -i FILE -map 0:a:0` plays, 0 where it plays nothing."""
    command = [ffmpeg(), "-nostdin", "-v", "quiet", "-i", str(path), "-map", "0:a:0"]
    command += ["-ac", "1", "-ar", str(_RATE), "-f", "s16le", "-"]
    done = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=False)
    return len(done.stdout) / 2 / _RATE


def by_packets(source: Path | bytes, container: str | None = None) -> Count:
    """Count what PyAV decodes, each packet on its own; `container` is FFmpeg's name of it, None lets it probe.

    Raises what PyAV raises for a file that it cannot open or that has no audio stream.
    """
    import av

    file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    with av.open(file, format=container, metadata_errors="replace") as opened:
        stream = opened.streams.audio[0]
        base = (opened.start_time or 0) / 1_000_000
        seconds, broken, unread, last, start, stop, longest = 0.0, [], 0.0, 0, None, None, 0.0
        for packet in _packets(opened, stream):
            if packet is None:
                unread = (opened.size - last) * seconds / max(1, last)
                break
            last = max(last, (packet.pos or 0) + packet.size)
            frames = _frames(stream, packet, broken)
            if not seconds:
                broken = [0.0 for _ in broken]
            for frame in frames:
                seconds += frame.samples / frame.sample_rate
                longest = max(longest, frame.samples / frame.sample_rate)
                if frame.time is not None:
                    start = frame.time - base if start is None else start
                    stop = max(stop or 0.0, frame.time - base + frame.samples / frame.sample_rate)
        if opened.format.name in ("avi", "flac"):  # whose times are reckoned from a header that may not be theirs
            stop = (start or 0.0) + seconds
        return Count(seconds, start or 0.0, stop or seconds, len(broken), sum(broken), unread, longest)


def _frames(stream: Any, packet: Any, broken: list[float]) -> list[Any]:
    """Return the frames of a packet; note in `broken` how long it says it is when it is damaged."""
    import av

    lasts = float((packet.duration or 0) * packet.time_base) if packet.time_base else 0.0
    try:
        frames: list[Any] = stream.codec_context.decode(packet)
    except av.error.FFmpegError:
        broken.append(lasts)
        return []
    if packet.is_corrupt:
        broken.append(0.0)
    return frames


def _packets(opened: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets; None, once, for an error of the container that ends them."""
    import av

    try:
        yield from opened.demux(stream)
    except av.error.FFmpegError:
        yield None
