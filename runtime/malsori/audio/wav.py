"""Read a WAV header: how the samples are stored and which bytes of the file they are.

The samples themselves are converted by libsndfile, told by this header; libsndfile's own header parser (which accepts
1 Hz, 64 channels and cut files in silence) never sees a WAV. ADPCM, GSM and the like are refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..errors import CorruptAudio, UnsupportedFormat
from .limits import Limits
from .source import Window

_MAX_CHUNKS = 4_096
_STREAMED = 0x7FFF_0000  # sizes from here on are placeholders of programs that could not seek back
_PCM, _FLOAT, _ALAW, _ULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")  # of every WAVE_FORMAT_EXTENSIBLE that wraps a plain tag
_SUBTYPES = {
    (_PCM, 1): "PCM_U8",
    (_PCM, 2): "PCM_16",
    (_PCM, 3): "PCM_24",
    (_PCM, 4): "PCM_32",
    (_FLOAT, 4): "FLOAT",
    (_FLOAT, 8): "DOUBLE",
    (_ALAW, 1): "ALAW",
    (_ULAW, 1): "ULAW",
}
_EXPECTED = "WAV with PCM of 8 to 32 bits, float, A-law or u-law samples"
_REFUSED = {0x2: "Microsoft ADPCM", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x50: "MPEG", 0x55: "MP3 inside WAV"}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """`subtype` is libsndfile's name of the sample format; `[start, stop)` are the bytes of whole frames present.

    `declared` is the number of frames that the header promises, or those present when the file was streamed.
    """

    subtype: str
    rate: int
    channels: int
    start: int
    stop: int
    declared: int


def read_header(window: Window, name: str, limits: Limits) -> WavHeader:
    """Parse the chunks up to the samples. Raises `CorruptAudio` and `UnsupportedFormat`."""
    chunks = _find_chunks(window)
    if b"fmt " not in chunks:
        raise CorruptAudio(name, "a WAV with a fmt chunk", "none")
    if b"data" not in chunks:
        raise CorruptAudio(name, "a WAV with a data chunk", "none (the file may be cut short)")
    at, size = chunks[b"fmt "]
    fmt = window.bytes_at(at, min(size, 40))
    if len(fmt) < 16:
        raise CorruptAudio(name, "a fmt chunk of 16 bytes or more", f"{len(fmt)} bytes")
    tag, channels, rate, _, align, bits = struct.unpack_from("<HHIIHH", fmt)
    limits.check_shape(name, rate, channels)
    tag = _plain_tag(tag, fmt, name)
    width = _sample_bytes(name, channels, align, bits)
    if (tag, width) not in _SUBTYPES:
        raise UnsupportedFormat(name, _EXPECTED, f"samples of {bits} bits")
    start, size = chunks[b"data"]
    frame = width * channels
    present = max(0, window.size - start)
    promised = _data_bytes(window, start, size, present)
    found = min(present, promised) // frame
    return WavHeader(_SUBTYPES[tag, width], rate, channels, start, start + found * frame, promised // frame)


def _find_chunks(window: Window) -> dict[bytes, tuple[int, int]]:
    """Return where the first fmt and data chunks begin and what size they claim; other chunks are stepped over."""
    chunks: dict[bytes, tuple[int, int]] = {}
    at = 12
    for _ in range(_MAX_CHUNKS):
        head = window.bytes_at(at, 9)
        if head[:1] == b"\0":  # stray padding, which some writers add
            at, head = at + 1, head[1:]
        if len(head) < 8:
            break
        kind, size = struct.unpack_from("<4sI", head)
        chunks.setdefault(kind, (at + 8, size))
        if b"fmt " in chunks and b"data" in chunks:
            break
        at += 8 + size
        # Chunks are padded to even lengths, yet some writers forget it: a pad byte is zero, a chunk's name is not.
        at += size % 2 if window.bytes_at(at, 1) == b"\0" else 0
    return chunks


def _data_bytes(window: Window, start: int, size: int, present: int) -> int:
    """Return how many bytes of samples the file promises; what is present, where the size is only a placeholder."""
    if window.bytes_at(0, 4) in (b"RF64", b"BW64") and size == 0xFFFF_FFFF:
        head = window.bytes_at(12, 24)  # ds64 comes first: its own header, RIFF size, data size (EBU Tech 3306)
        return int.from_bytes(head[16:24], "little") if head[:4] == b"ds64" else present
    if size >= _STREAMED and size > present:
        return present
    if size == 0 and int.from_bytes(window.bytes_at(4, 4), "little") + 8 != window.size:
        return present  # an unfinished file: a finished one without samples has its true length in the RIFF header
    return size


def _plain_tag(tag: int, fmt: bytes, name: str) -> int:
    """Return the tag behind an extensible header. Raises `UnsupportedFormat` when it is outside the allow-list."""
    if tag == _EXTENSIBLE and fmt[26:40] == _GUID_TAIL:
        tag = int.from_bytes(fmt[24:26], "little")
    if tag not in (_PCM, _FLOAT, _ALAW, _ULAW):
        raise UnsupportedFormat(name, _EXPECTED, _REFUSED.get(tag, f"WAV format {tag:#06x}"))
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
