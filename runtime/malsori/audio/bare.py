"""MP3, MP2 and AAC without a container: frames to sound, without the encoder's delay; joined files are noted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .clock import FileClock
from .elementary import PARSERS, FrameHead, Skipped, frames
from .limits import Limits
from .packets import Coded, Decoding, start_stream
from .pieces import Promise, ReadingOptions, SoundPiece, SoundStream
from .sniff import Bare
from .source import FileRange

if TYPE_CHECKING:
    from av import Packet

_DECODER_DELAY = 529  # samples by which every MP3 decoder is late; LAME's tag counts the encoder's alone
_SLACK_S = 0.06  # the length of two frames
CUT_BYTES = 2_000
"""Less than two frames of 320 kbit/s: a recording that was cut begins and ends with up to as much of a broken frame."""

_CUT_S = 0.1
_MENDED = 8  # frames: longer junk is not damaged headers, and how long it lasts is unknown


def open_bare(
    file: FileRange, offset: int, kind: Bare, name: str, limits: Limits, reading: ReadingOptions
) -> SoundStream:
    """Read the frames from `offset` on. Raises `CorruptAudio` and `EmptyAudio`."""
    clock = FileClock()
    walk = _Walk(file, offset, kind, clock)
    decoding = Decoding(walk.decode, clock, name, limits, allow=reading.allow_truncated)
    stream = start_stream(walk.trimmed(decoding.pieces(walk.packets())), clock, walk.notes, kind, name)
    stream.promise = walk.promise
    walk.stream = stream
    return stream


@dataclass(frozen=True, slots=True)
class _Tag:
    """The tag in the first frame of an MP3: how many frames follow, and samples to leave out at both ends."""

    frames: int | None = None
    delay: int = 0
    padding: int = 0


class _Walk:
    """Walks over the frames of a file and compares them with what its tags say. Counts are in samples."""

    def __init__(self, file: FileRange, offset: int, kind: Bare, clock: FileClock) -> None:
        self._file, self._offset, self._kind, self._clock = file, offset, kind, clock
        self._parse = PARSERS[kind]
        self._contexts: dict[str, Any] = {}
        self._codec = ""
        self._cuts: list[tuple[int, int]] = []
        self._samples = 0
        self._seconds = 0.0
        self._junk = _Junk()
        self.promise = Promise()
        self.stream: SoundStream | None = None
        self.notes: list[str] = []

    def decode(self, packet: Packet) -> list[Any]:
        """Decode a frame with the decoder of its layer."""
        import av

        if self._codec not in self._contexts:
            self._contexts[self._codec] = av.CodecContext.create(self._codec, "r")
        frames: list[Any] = self._contexts[self._codec].decode(packet)
        return frames

    def packets(self) -> Iterator[Coded]:
        """Yield a packet per frame; frames that only hold a tag are left out."""
        from av import Packet

        head: FrameHead | None = None
        parted = False
        for found in frames(self._file, self._offset, self._parse):
            if isinstance(found, Skipped):
                parted = parted or found.tag
                yield from self._missing_seconds(found, head)
                continue
            head = self._parse(found)
            assert head is not None
            tag = _tag(found, head) if head.codec == "mp3float" else None
            if tag is not None or (parted and self._kind == "MP3"):
                self._part(tag or _Tag(), head)
            parted = False
            if tag is None:
                self._codec = head.codec
                self._count(head, 1)
                yield Packet(found)
        if self._codec:
            yield Packet()
        self.notes += self._junk.notes()

    def trimmed(self, pieces: Iterator[SoundPiece]) -> Iterator[SoundPiece]:
        """Yield the pieces without what the tags say to be the encoder's delay and padding."""
        start = 0
        for piece in pieces:
            stop = start + len(piece.frames)
            kept = start
            for first, last in [*self._cuts, (stop, stop)]:
                if first > kept:
                    part = piece.frames[kept - start : min(first, stop) - start]
                    if len(part):
                        yield SoundPiece(part, piece.form)
                kept = min(max(kept, last), stop)
            start = stop

    def _part(self, tag: _Tag, head: FrameHead) -> None:
        """Begin a part of a file that was joined from several: its samples to leave out, and what its tag promises."""
        at, earlier = self._samples, self._seconds
        if at:
            self._clock.join(earlier)
        delay = tag.delay + _DECODER_DELAY if tag.delay else 0
        padding = max(0, tag.padding - _DECODER_DELAY) if tag.frames else 0
        end = at + (tag.frames or 0) * head.samples
        self._cuts = [cut for cut in self._cuts if cut[1] <= at]
        self._cuts += [(at, at + delay), (end - padding, end)]
        self._seconds -= (delay + padding) / head.rate
        promised = earlier + (end - at - delay - padding) / head.rate
        self.promise = Promise(promised if tag.frames else None, _SLACK_S)
        if self.stream is not None:
            self.stream.promise = self.promise

    def _count(self, head: FrameHead, frames: int) -> None:
        self._samples += frames * head.samples
        self._seconds += frames * head.samples / head.rate

    def _missing_seconds(self, found: Skipped, head: FrameHead | None) -> Iterator[float]:
        """Yield the seconds that junk stands for, where it is frames with damaged headers; else add it to the junk."""
        if found.tag:
            return
        if head is None:
            self._junk.add(found, 0.0, 0.0)
            return
        count = round(found.size / head.size)
        if 1 <= count <= _MENDED and abs(found.size - count * head.size) <= count:
            self._count(head, count)
            yield count * head.samples / head.rate
        elif found.at + found.size == self._file.size and found.size < head.size:
            if self._parse(self._file.bytes_at(found.at, 9)):
                yield head.samples / head.rate
        else:
            self._junk.add(found, self._clock.elapsed, found.size / head.size * head.samples / head.rate)


class _Junk:
    """Counts bytes that are no frames."""

    def __init__(self) -> None:
        self._size = 0
        self._at = self._lasts = 0.0

    def add(self, found: Skipped, at: float, lasts: float) -> None:
        """Count them; `at` is the time in seconds, `lasts` how many seconds as many bytes of frames would last."""
        self._at = self._at if self._size else at
        self._size += found.size
        self._lasts += lasts

    def notes(self) -> list[str]:
        """Return a line on how much it was; none below `CUT_BYTES` and `_CUT_S`."""
        if self._size < CUT_BYTES and self._lasts <= _CUT_S:
            return []
        return [f"{self._size} bytes that are no sound were stepped over, the first at {self._at:.2f} s"]


def _tag(frame: bytes, head: FrameHead) -> _Tag | None:
    """Return what a Xing, Info or VBRI tag says, which lies behind the side information; None for a frame of sound.

    The bytes of delay and padding are LAME's, 141 behind the name: 12 bits each.
    """
    mono = frame[3] >> 6 == 3
    long = head.samples == 1_152
    at = 4 + ((17 if mono else 32) if long else (9 if mono else 17))
    if frame[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(frame[at + 4 : at + 8], "big")
        count = int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else 0
        lame = at + 8 + 4 * bool(flags & 1) + 4 * bool(flags & 2) + 100 * bool(flags & 4) + 4 * bool(flags & 8)
        gaps = int.from_bytes(frame[lame + 21 : lame + 24], "big") if len(frame) >= lame + 24 else 0
        return _Tag(count or None, gaps >> 12, gaps & 0xFFF)
    if frame[36:40] == b"VBRI":
        return _Tag(int.from_bytes(frame[50:54], "big") or None)
    return None
