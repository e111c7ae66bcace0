"""Which format bytes are in, told by their content. The name of a file plays no part, and no decoder is asked.

A prober that guesses is a way in: FFmpeg's would take a text file that begins with `ffconcat` for a list of other local
files and open them. So a decoder only sees bytes whose signature stands here, and is told which format they are in.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..errors import EmptyAudio, UnsupportedFormat
from .source import Window

Format: TypeAlias = Literal["WAV", "FLAC", "OGG", "MP3", "MP4", "WebM", "AAC"]

EXPECTED = "WAV, FLAC, OGG (Vorbis, Opus), MP3, MP4/M4A, AAC or WebM"
_HEAD_BYTES = 4_096
_MAX_TAGS = 256  # ID3 tags in a row; real files have one
_MP3_KBPS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG-1 layer III
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG-2 and 2.5 layer III
}
_MP3_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_CUE = re.compile(rb"\d[.,]\d{1,3}\s*-->\s*\d")  # the times of a subtitle's cue
_OTHERS = (
    (b"FORM", "AIFF"),
    (b"caff", "CAF"),
    (b".snd", "AU"),
    (b"RIFX", "big-endian WAV"),
    (b"riff", "Wave64"),
    (b"RIFF", "RIFF that is not WAVE"),
    (b"wvpk", "WavPack"),
    (b"0&\xb2u", "WMA"),
    (b"NIST_1A", "NIST SPHERE"),
    (b"#!AMR", "AMR"),
    (b"MAC ", "Monkey's Audio"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program (ELF)"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"version https://git-lfs", "a git-lfs pointer (the file itself was not fetched)"),
    (b"<!doctype", "an HTML page"),
    (b"<html", "an HTML page"),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The format and where it begins: `offset` bytes in, behind any ID3 tags."""

    format: Format
    offset: int


def identify(window: Window, name: str) -> Identity:
    """Tell the format from the content. Raises `EmptyAudio` (no bytes), `UnsupportedFormat` (which says what it is)."""
    if not window.size:
        raise EmptyAudio(name, "a sound file", "an empty file")
    offset = _after_tags(window)
    head = window.bytes_at(offset, _HEAD_BYTES)
    if head[:4] == b"OggS":
        _check_ogg_codec(head, name)
    found = _by_magic(head) or _by_frames(window, offset)
    if found is None:
        raise UnsupportedFormat(name, EXPECTED, describe(head))
    return Identity(found, offset)


def is_sound(content: bytes) -> bool:
    """Whether bytes are in a format that malsori reads."""
    try:
        identify(Window(io.BytesIO(content), 0, len(content)), "")
    except (EmptyAudio, UnsupportedFormat):
        return False
    return True


def describe(head: bytes) -> str:
    """Say what bytes that are no known sound look like."""
    for magic, words in _OTHERS:
        if head.startswith(magic) or head.lower().startswith(magic):
            return words
    if not head:
        return "nothing but tags"
    if _is_text(head):
        return "a subtitle (malsori align SOUND SUBTITLE retimes one)" if _CUE.search(head) else "text"
    return f"unknown content (it begins with the bytes {head[:4].hex(' ')})"


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # incremental: the head may end inside a character
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def _after_tags(window: Window) -> int:
    """Return where the sound begins behind ID3v2 tags, which are stepped over and never read (album art)."""
    offset = 0
    for _ in range(_MAX_TAGS):
        head = window.bytes_at(offset, 10)
        if len(head) < 10 or head[:3] != b"ID3":
            break
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        offset += 10 + size + (10 if head[5] & 0x10 else 0)
    return offset


def _by_magic(head: bytes) -> Format | None:
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return "WAV"
    if head[:4] == b"fLaC":
        return "FLAC"
    if head[:4] == b"OggS":
        return "OGG"
    if head[4:8] == b"ftyp":
        return "MP4"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "WebM"
    return None


def _by_frames(window: Window, offset: int) -> Format | None:
    """Recognise MP3 and AAC, which have no file header: two frames in a row, or one that fills the rest."""
    head = window.bytes_at(offset, 7)
    for kind, length_of in (("MP3", mp3_frame_bytes), ("AAC", _adts_frame_bytes)):
        length = length_of(head)
        if not length:
            continue
        following = window.bytes_at(offset + length, 7)
        if length_of(following) or (offset + length == window.size):
            return "MP3" if kind == "MP3" else "AAC"
    return None


def mp3_frame_bytes(head: bytes) -> int:
    """Return the length in bytes of the MPEG layer III frame that `head` begins, 0 when it begins none.

    Header fields: ISO 11172-3 section 2.4.2.3. Bit rates that the table does not know ("free format") are refused.
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # sync and layer III
        return 0
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or rate == 3:
        return 0
    bits_per_frame = (144 if version == 3 else 72) * 1_000
    return bits_per_frame * _MP3_KBPS[version == 3][bitrate] // _MP3_RATES[version][rate] + (head[2] >> 1 & 1)


def _adts_frame_bytes(head: bytes) -> int:
    """Return the length in bytes of the ADTS frame that `head` begins, 0 when it begins none (ISO 13818-7, 6.2)."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


def _check_ogg_codec(head: bytes, name: str) -> None:
    payload = head[27 + head[26] :] if len(head) > 27 else b""
    if payload.startswith((b"\x01vorbis", b"OpusHead")):
        return
    codecs = ((b"Speex", "Speex"), (b"\x7fFLAC", "FLAC"), (b"\x80theora", "Theora video"))
    codec = next((words for magic, words in codecs if payload.startswith(magic)), "an unknown codec")
    raise UnsupportedFormat(name, "OGG with Vorbis or Opus", f"OGG with {codec}")
