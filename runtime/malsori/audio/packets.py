"""Packets to pieces of sound with PyAV: what does not decode costs only itself, gaps become silence, forms may change.

Which packets there are is told by `libav.py` (FFmpeg's demuxers) and `mpeg.py` (files that are nothing but frames).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import CorruptAudio, EmptyAudio
from .clock import LOOSE_S, Clock
from .limits import Limits
from .samples import to_float
from .stream import PIECE_FRAMES, Form, Piece, Stream, silence

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler, Packet

Coded: TypeAlias = "Packet | float | Exception"
"""A packet; or seconds that are missing here; or why there are no more."""

USE_ANYWAY = "allow_truncated=True, or --allow-truncated, uses what is there"
_SAFE_PLANES = 8  # reading a planar frame of so many channels crashes PyAV (seen in 18.1.0)
_LONGEST_PACKET_S = 10.0  # what a packet that does not decode may claim


class Decoding:
    """Decodes the packets of one track. `decode` is PyAV's, `tick` the seconds of a step of its clock."""

    def __init__(
        self,
        decode: Callable[[Packet], list[Any]],
        clock: Clock,
        name: str,
        limits: Limits,
        *,
        tick: float = 0.0,
        allow: bool = False,
    ) -> None:
        self._decode, self._clock, self._name, self._limits = decode, clock, name, limits
        self._tick, self._allow = tick, allow
        self._batch: _Batch | None = None
        self._failure: CorruptAudio | None = None
        self._usual_s = 0.0  # how long a packet is where it does not say so

    def pieces(self, packets: Iterator[Coded]) -> Iterator[Piece]:
        """Yield the sound, with silence for gaps and for what does not decode.

        Without `allow`, a packet that does not decode raises `CorruptAudio`, but for the very last: where a file ends
        within a packet, its promise tells how much is missing, if it makes one.
        """
        for packet in packets:
            if isinstance(packet, float):
                self._clock.lose(packet)
                continue
            if isinstance(packet, Exception):
                self._fail(packet)
            if self._failure is not None and not self._allow and (isinstance(packet, Exception) or packet.size):
                raise self._failure
            if not isinstance(packet, Exception):
                for frame in self._frames(packet):
                    yield from self._take(frame)
        yield from self._rest()
        self._clock.end()

    def _frames(self, packet: Packet) -> list[AudioFrame]:
        import av

        try:
            return self._decode(packet)
        except av.error.FFmpegError as error:
            self._fail(error)
            if packet.size:
                said = (packet.duration or 0) * self._tick
                self._clock.lose(min(said or self._usual_s, _LONGEST_PACKET_S))
            return []

    def _fail(self, error: Exception) -> None:
        found = f"damage at {self._clock.elapsed:.2f} s ({words(error)}); {USE_ANYWAY}"
        self._failure = self._failure or CorruptAudio(self._name, "intact sound", found)
        self._failure.__cause__ = error

    def _take(self, frame: AudioFrame) -> Iterator[Piece]:
        """Add a frame to the batch; yield the batch before when it is full, or has another form, or silence follows."""
        count, rate = frame.samples, frame.sample_rate
        batch = self._batch
        if batch is None or not batch.takes(frame):
            yield from self._rest()
            self._limits.check_shape(self._name, rate, frame.layout.nb_channels)
            if batch is not None and batch.form.rate != rate:
                self._clock.slack_s = LOOSE_S
            batch = self._batch = _Batch(frame)
        pts = frame.pts
        gap = self._clock.silence_before(None if pts is None else pts * self._tick)
        if gap or batch.count + count > batch.room:
            if batch.count:
                yield Piece(batch.frames(), batch.form)
            yield from self._silence(gap)
        batch.add(frame)
        self._usual_s = count / rate
        self._clock.advance(self._usual_s)

    def _silence(self, seconds: float) -> Iterator[Piece]:
        if seconds > 0 and self._batch is not None:
            self._clock.advance(seconds)
            yield from silence(seconds, self._batch.form)

    def _rest(self) -> Iterator[Piece]:
        if self._batch is not None and self._batch.count:
            yield Piece(self._batch.frames(), self._batch.form)


def begun(pieces: Iterator[Piece], clock: Clock, notes: list[str], kind: str, name: str) -> Stream:
    """Return a stream of pieces, whose first one tells the form. Raises `EmptyAudio` where there is none."""
    first = next(pieces, None)
    if first is None:
        raise EmptyAudio(name, "sound", f"a {kind} file without any")
    return Stream(first.form, chain([first], pieces), clock, lossy=True, notes=notes)


class _Batch:
    """Frames of one form, as the decoder gives them, side by side until they are worth numpy's while."""

    def __init__(self, frame: AudioFrame) -> None:
        layout = tuple(channel.name for channel in frame.layout.channels)
        self.form = Form(frame.sample_rate, len(layout), layout)
        self.room = PIECE_FRAMES
        self.count = 0
        self._kind = frame.format.name
        self._packer: AudioResampler | None = None
        self._planar = frame.format.is_planar
        if self._planar and len(layout) >= _SAFE_PLANES:
            import av

            self._packer, self._planar = av.AudioResampler(format="flt"), False
        self._dtype = _DTYPES["flt" if self._packer else self._kind.removesuffix("p")]
        self._store = self._empty(self.room)

    def takes(self, frame: AudioFrame) -> bool:
        """Whether the frame is of the same form and kind."""
        form = self.form
        return bool(
            frame.sample_rate == form.rate
            and frame.format.name == self._kind
            and frame.layout.nb_channels == form.channels
        )

    def add(self, frame: AudioFrame) -> None:
        """Copy a frame behind the others."""
        if frame.samples > self.room:
            self.room = frame.samples
            self._store = self._empty(self.room)
        for whole in self._packer.resample(frame) if self._packer else (frame,):
            start, stop = self.count, self.count + whole.samples
            if self._planar:
                for row, plane in zip(self._store, whole.planes, strict=True):
                    row[start:stop] = np.frombuffer(plane, self._dtype, stop - start)
            else:
                values = np.frombuffer(whole.planes[0], self._dtype, (stop - start) * self.form.channels)
                self._store[:, start:stop] = values.reshape(-1, self.form.channels).T
            self.count = stop

    def frames(self) -> NDArray[np.float32]:
        """Return what was added as `(frames, channels)`, and start over."""
        frames = to_float(self._store[:, : self.count]).T
        self.count = 0
        return frames

    def _empty(self, room: int) -> NDArray[Any]:
        return np.empty((self.form.channels, room), self._dtype)


_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


def words(error: Exception) -> str:
    """Return FFmpeg's own words for an error."""
    return str(getattr(error, "strerror", None) or error).lower()
