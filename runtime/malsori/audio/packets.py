"""Decodes packets to pieces of sound with PyAV: gaps and packets that do not decode become silence, forms may change.

The packets come from `libav.py` (FFmpeg's demuxers) and `bare.py` (files that are nothing but frames).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..errors import CorruptAudio, EmptyAudio
from .clock import FileClock
from .limits import Limits
from .pieces import Form, SoundPiece, SoundStream, silence
from .samples import to_float

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler, Packet

Coded: TypeAlias = "Packet | float | Exception"
"""A packet; or the seconds that are missing here; or the error after which there are no more."""

USE_ANYWAY = "--allow-truncated (allow_truncated=True) uses what is there"
_SAFE_PLANES = 8  # reading a planar frame of so many channels crashes PyAV (seen in 18.1.0)
_LONGEST_PACKET_S = 10.0  # what a packet that does not decode may claim
_DTYPES = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}


class Decoding:
    """Decodes the packets of one track. `decode` is PyAV's, `tick` the unit of packet times in seconds.

    With an `exact` clock packet times count samples of the first rate, and a gap is damage.
    """

    def __init__(
        self,
        decode: Callable[[Packet], list[Any]],
        clock: FileClock,
        name: str,
        limits: Limits,
        *,
        tick: float = 0.0,
        allow: bool = False,
        exact: bool = False,
    ) -> None:
        self._decode, self._clock, self._name, self._limits = decode, clock, name, limits
        self._tick, self._allow, self._exact = tick, allow, exact
        self._batch: _Batch | None = None
        self._failure: CorruptAudio | None = None
        self._usual_s = 0.0  # the length of the last frame, for a packet that has no duration

    def pieces(self, packets: Iterator[Coded]) -> Iterator[SoundPiece]:
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
                self._clock.stop(words(packet))
            if self._failure is not None and not self._allow and (isinstance(packet, Exception) or packet.size):
                raise self._failure
            if isinstance(packet, Exception):
                continue
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
                duration = (packet.duration or 0) * self._tick
                self._clock.lose(min(duration or self._usual_s, _LONGEST_PACKET_S))
            return []

    def _fail(self, error: Exception) -> None:
        found = f"damage at {self._clock.elapsed:.2f} s ({words(error)}); {USE_ANYWAY}"
        self._failure = self._failure or CorruptAudio(self._name, "intact sound", found)
        self._failure.__cause__ = error

    def _take(self, frame: AudioFrame) -> Iterator[SoundPiece]:
        """Add a frame to the batch; yield full batches, one of another form before it, and silence for a gap."""
        batch = self._batch
        if batch is None or not batch.takes(frame):
            yield from self._rest()
            batch = self._new_batch(frame)
        pts = frame.pts
        gap = self._clock.silence_before(None if pts is None else pts * self._tick)
        if gap:
            if self._exact and not self._allow:
                found = f"{gap:.2f} s missing at {self._clock.elapsed:.2f} s; {USE_ANYWAY}"
                raise CorruptAudio(self._name, "intact sound", found)
            self._clock.advance(gap)
            yield from self._rest()
            yield from silence(gap, batch.form)  # piece by piece: an hour of it is a gigabyte, and more in stereo
        self._usual_s = frame.samples / batch.form.rate
        self._clock.advance(self._usual_s)
        batch.add(frame)
        if batch.count >= batch.room:
            yield from batch.blocks()

    def _new_batch(self, frame: AudioFrame) -> _Batch:
        rate = frame.sample_rate
        self._limits.check_shape(self._name, rate, frame.layout.nb_channels)
        if self._batch is not None and self._batch.form.rate != rate:
            self._clock.change_rate(exact=self._exact)
        self._batch = _Batch(frame)
        return self._batch

    def _rest(self) -> tuple[SoundPiece, ...]:
        return self._batch.rest() if self._batch is not None else ()


def start_stream(pieces: Iterator[SoundPiece], clock: FileClock, notes: list[str], kind: str, name: str) -> SoundStream:
    """Return a stream of the pieces, with the form of the first one. Raises `EmptyAudio` where there is none."""
    first = next(pieces, None)
    if first is None:
        raise EmptyAudio(name, "sound", f"a {kind} file without any")
    return SoundStream(first.form, chain([first], pieces), clock, lossy=True, notes=notes)


class _Batch:
    """Collects decoded frames of one form until they are a block: numpy is slow on single frames."""

    def __init__(self, frame: AudioFrame) -> None:
        import av

        self._layout, self._kind = frame.layout, frame.format.name
        names = tuple(channel.name for channel in frame.layout.channels)
        self.form = Form(frame.sample_rate, len(names), names)
        self.room = self.form.block
        self._planar = frame.format.is_planar
        self._packer: AudioResampler | None = None
        if self._planar and len(names) >= _SAFE_PLANES:
            self._packer, self._planar = av.AudioResampler(format="flt"), False
        self._dtype = _DTYPES["flt" if self._packer else self._kind.removesuffix("p")]
        self._fifo = av.AudioFifo()

    @property
    def count(self) -> int:
        """How many samples per channel are waiting."""
        return int(self._fifo.samples)

    def takes(self, frame: AudioFrame) -> bool:
        """Return whether the frame is of the same rate, layout and sample format."""
        return bool(
            frame.sample_rate == self.form.rate and frame.format.name == self._kind and frame.layout == self._layout
        )

    def add(self, frame: AudioFrame) -> None:
        """Append a frame."""
        for whole in self._packer.resample(frame) if self._packer else (frame,):
            whole.pts = None  # else the queue checks that they follow each other
            self._fifo.write(whole)

    def blocks(self) -> Iterator[SoundPiece]:
        """Yield the whole blocks."""
        while self._fifo.samples >= self.room:
            yield self._piece(self.room)

    def rest(self) -> tuple[SoundPiece, ...]:
        """Return the rest, less than a block, as one piece; none when there is none."""
        return (self._piece(self._fifo.samples),) if self._fifo.samples else ()

    def _piece(self, count: int) -> SoundPiece:
        planes = self._fifo.read(count).planes
        if self._planar:
            rows = np.stack([np.frombuffer(plane, self._dtype, count) for plane in planes])
        else:
            values = np.frombuffer(planes[0], self._dtype, count * self.form.channels)
            rows = np.ascontiguousarray(values.reshape(count, -1).T)
        return SoundPiece((rows if rows.dtype == np.float32 else to_float(rows)).T, self.form)


def words(error: Exception) -> str:
    """Return FFmpeg's own words for an error."""
    return str(getattr(error, "strerror", None) or error).lower()
