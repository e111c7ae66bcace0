"""Reads a WAV: its header, and its samples where they are plain numbers. FFmpeg decodes coded ones (ADPCM, MP3).

FFmpeg's own reader is slower to load than a short recording is to read, and takes false headers for true.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from ..errors import CorruptAudio, UnsupportedFormat
from .clock import FileClock
from .limits import Limits
from .pieces import Form, Frames, Promise, SoundPiece, SoundStream
from .samples import from_24_bits, from_a_law, from_u_law, to_float
from .source import FileRange
from .tracks import converting

Convert: TypeAlias = Callable[[bytes], Frames]

_MAX_CHUNKS = 4_096
_STREAMED = 0x7FFF_0000  # sizes from here on are placeholders of programs that could not seek back
_PCM, _FLOAT, _ALAW, _ULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # of every WAVE_FORMAT_EXTENSIBLE that wraps a plain tag
_CODED = {  # tags whose samples FFmpeg decodes
    **{0x02: "Microsoft ADPCM", 0x11: "IMA ADPCM", 0x20: "Yamaha ADPCM", 0x31: "GSM 6.10", 0x22: "TrueSpeech"},
    **{0x50: "MPEG audio", 0x55: "MP3", 0x64: "G.726", 0x45: "G.726", 0x28F: "G.722", 0xFF: "AAC", 0x1600: "AAC"},
    **{0x160: "WMA 1", 0x161: "WMA 2", 0x162: "WMA Pro", 0x163: "WMA lossless", 0x2000: "AC-3", 0x2001: "DTS"},
}
_EXPECTED = "WAV with PCM of 8 to 32 bits, float, A-law, u-law, ADPCM, GSM or MPEG audio"
_SPEAKERS = (
    *("FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR"),
    *("TC", "TFL", "TFC", "TFR", "TBL", "TBC", "TBR"),
)


@dataclass(frozen=True, slots=True)
class WavHeader:
    """How samples are stored (format `tag`, `width` in bytes, `order` "<" or ">") and where in the file.

    `[start, stop)` are the bytes present, whole frames where the samples are plain. `declared` is the number of frames
    that the header promises, or those present when the file was streamed; of `coded` samples it is a number of bytes.
    """

    tag: int
    width: int
    order: str
    form: Form
    start: int
    stop: int
    declared: int

    @property
    def coded(self) -> bool:
        """Whether the samples need a decoder."""
        return self.tag in _CODED


def open_wav(file: FileRange, header: WavHeader, clock: FileClock) -> SoundStream:
    """Return the samples of a WAV that are plain numbers."""
    return SoundStream(header.form, _pieces(file, header, clock), clock, Promise(header.declared / header.form.rate))


def read_header(file: FileRange, name: str, limits: Limits) -> WavHeader:
    """Parse the chunks up to the samples. Raises `CorruptAudio` and `UnsupportedFormat`."""
    order = ">" if file.bytes_at(0, 4) == b"RIFX" else "<"
    chunks = _find_chunks(file, order)
    if b"fmt " not in chunks:
        raise CorruptAudio(name, "a WAV with a fmt chunk", "none")
    if b"data" not in chunks:
        raise CorruptAudio(name, "a WAV with a data chunk", "none (the file may be cut short)")
    at, size = chunks[b"fmt "]
    fmt = file.bytes_at(at, min(size, 40))
    if len(fmt) < 16:
        raise CorruptAudio(name, "a fmt chunk of 16 bytes or more", f"{len(fmt)} bytes")
    tag, channels, rate, _, align, bits = struct.unpack_from(f"{order}HHIIHH", fmt)
    limits.check_shape(name, rate, channels)
    tag = _plain_tag(tag, fmt, order, name)
    start, size = chunks[b"data"]
    present = max(0, file.size - start)
    promised = _data_bytes(file, start, size, present, order)
    found = min(present, promised)
    form = Form(rate, channels, _layout(fmt, order, channels))
    if tag in _CODED:
        return WavHeader(tag, 0, order, form, start, start + found, promised)
    width = _sample_bytes(name, channels, align, bits)
    if (tag, width) not in _CONVERT:
        raise UnsupportedFormat(name, _EXPECTED, f"samples of {bits} bits")
    frame = width * channels
    return WavHeader(tag, width, order, form, start, start + found // frame * frame, promised // frame)


def _pieces(file: FileRange, header: WavHeader, clock: FileClock) -> Iterator[SoundPiece]:
    channels = header.form.channels
    convert = _CONVERT[header.tag, header.width](header.order)
    frame = header.width * channels
    step = header.form.block * frame
    for at in range(header.start, header.stop, step):
        data = file.bytes_at(at, min(step, header.stop - at))
        data = data[: len(data) // frame * frame]
        if not data:  # the file has shrunk since
            return
        clock.advance(len(data) / frame / header.form.rate)
        yield SoundPiece(convert(data).reshape(-1, channels), header.form)


def _numbers(kind: str, order: str) -> Convert:
    return lambda data: to_float(np.frombuffer(data, f"{order}{kind}"))


_CONVERT: dict[tuple[int, int], Callable[[str], Convert]] = {
    (_PCM, 1): partial(_numbers, "u1"),
    (_PCM, 2): partial(_numbers, "i2"),
    (_PCM, 3): lambda order: lambda data: from_24_bits(data, order),
    (_PCM, 4): partial(_numbers, "i4"),
    (_FLOAT, 4): partial(_numbers, "f4"),
    (_FLOAT, 8): partial(_numbers, "f8"),
    (_ALAW, 1): lambda _: from_a_law,
    (_ULAW, 1): lambda _: from_u_law,
}


def _layout(fmt: bytes, order: str, channels: int) -> tuple[str, ...]:
    """Return the speaker of each channel by an extensible header; empty where it does not say."""
    tag = int.from_bytes(fmt[:2], "little" if order == "<" else "big")
    if tag != _EXTENSIBLE or len(fmt) < 24:
        return ()
    (mask,) = struct.unpack_from(f"{order}I", fmt, 20)
    layout = tuple(speaker for bit, speaker in enumerate(_SPEAKERS) if mask >> bit & 1)
    return layout if len(layout) == channels else ()


def _find_chunks(file: FileRange, order: str) -> dict[bytes, tuple[int, int]]:
    """Return position and declared size of the first fmt and data chunks; other chunks are skipped."""
    chunks: dict[bytes, tuple[int, int]] = {}
    at = 12
    for _ in range(_MAX_CHUNKS):
        head = file.bytes_at(at, 9)
        if head[:1] == b"\0":  # stray padding, which some writers add
            at, head = at + 1, head[1:]
        if len(head) < 8:
            break
        kind, size = struct.unpack_from(f"{order}4sI", head)
        chunks.setdefault(kind, (at + 8, size))
        if b"fmt " in chunks and b"data" in chunks:
            break
        at += 8 + size
        # Chunks are padded to even lengths, yet some writers forget it: a pad byte is zero, a chunk's name is not.
        at += size % 2 if file.bytes_at(at, 1) == b"\0" else 0
    return chunks


def _data_bytes(file: FileRange, start: int, size: int, present: int, order: str) -> int:
    """Return how many bytes of samples the file promises; those `present` where the size is a placeholder."""
    if file.bytes_at(0, 4) in (b"RF64", b"BW64") and size == 0xFFFF_FFFF:
        head = file.bytes_at(12, 24)  # ds64 comes first: its own header, RIFF size, data size (EBU Tech 3306)
        return int.from_bytes(head[16:24], "little") if head[:4] == b"ds64" else present
    if size >= _STREAMED and size > present:
        return present
    (riff,) = struct.unpack(f"{order}I", file.bytes_at(4, 4))
    if size == 0 and riff + 8 != file.size:
        return present  # an unfinished file: a finished one without samples has its true length in the RIFF header
    return size


def _plain_tag(tag: int, fmt: bytes, order: str, name: str) -> int:
    """Return the tag behind an extensible header. Raises `UnsupportedFormat` when it is outside the allow-list."""
    if tag == _EXTENSIBLE and fmt[26:40] == _GUID_TAIL:
        (tag,) = struct.unpack_from(f"{order}H", fmt, 24)
    if tag not in (_PCM, _FLOAT, _ALAW, _ULAW, *_CODED):
        raise UnsupportedFormat(name, _EXPECTED, f"WAV format {tag:#06x}; {converting(name)}")
    return tag


def _sample_bytes(name: str, channels: int, align: int, bits: int) -> int:
    """Return the bytes of one sample. 24 bits may sit in four; a block align of 0 means the writer did not say."""
    if not bits:
        raise CorruptAudio(name, "samples of 8 to 64 bits", "samples of 0 bits")
    width = (bits + 7) // 8
    if align == channels * 4 and width == 3:
        return 4
    if align not in (0, channels * width):
        raise CorruptAudio(name, f"{channels * width} bytes per frame ({channels} x {bits} bits)", str(align))
    return width
