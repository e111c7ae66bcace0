"""Finds the format of a file by its content; its name plays no part, and no decoder is tried.

A prober that guesses is a security hole: FFmpeg's would take a text file that begins with `ffconcat` for a list of
other local files and open them. So a decoder only gets bytes whose signature is listed here, and is given their format.
"""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from ..errors import EmptyAudio, UnsupportedFormat
from .elementary import PARSERS, find_flac_frame, find_frames, frames_at, id3_bytes
from .source import FileRange
from .tracks import converting

Bare: TypeAlias = Literal["MP3", "AAC"]
Contained: TypeAlias = Literal[
    "WAV",
    "FLAC",
    "OGG",
    "MP4",
    "WebM",
    "Wave64",
    "AIFF",
    "AU",
    "CAF",
    "SPHERE",
    "AVI",
    "FLV",
    "WMA",
    "MPEG-TS",
    "MPEG-PS",
    "AMR",
    "AC-3",
    "DTS",
    "LATM",
    "WavPack",
    "TTA",
    "Monkey's Audio",
    "Shorten",
    "VOC",
]
Format: TypeAlias = Bare | Contained

EXPECTED = f"a sound file ({', '.join(get_args(Contained))}, MP3 or AAC)"
_HEAD_BYTES = 4_096
_SEARCHED_BYTES = 1 << 18  # a recording that begins in the middle of a frame has its first whole one in them
_MAX_TAGS = 256  # ID3 tags in a row; real files have one
_MAGIC: tuple[tuple[int, bytes, Contained], ...] = (
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "OGG"),
    (4, b"ftyp", "MP4"),
    *((4, atom, "MP4") for atom in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")),
    (0, b"\x1a\x45\xdf\xa3", "WebM"),
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", "Wave64"),
    (0, b".snd", "AU"),
    (0, b"caff\x00\x01", "CAF"),
    (0, b"NIST_1A\n", "SPHERE"),
    (0, b"FLV\x01", "FLV"),
    (0, bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), "WMA"),
    (0, b"\x00\x00\x01\xba", "MPEG-PS"),
    (0, b"#!AMR\n", "AMR"),
    (0, b"#!AMR-WB\n", "AMR"),
    (0, b"\x7f\xfe\x80\x01", "DTS"),
    (0, b"wvpk", "WavPack"),
    (0, b"TTA1", "TTA"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"ajkg", "Shorten"),
    (0, b"Creative Voice File\x1a", "VOC"),
)
_FORMS: dict[tuple[bytes, bytes], Contained] = {  # IFF and RIFF: the kind follows the length
    **dict.fromkeys([(b"RIFF", b"WAVE"), (b"RIFX", b"WAVE"), (b"RF64", b"WAVE"), (b"BW64", b"WAVE")], "WAV"),
    **dict.fromkeys([(b"FORM", b"AIFF"), (b"FORM", b"AIFC")], "AIFF"),
    (b"RIFF", b"AVI "): "AVI",
}
_CUE = re.compile(rb"\d[.,]\d{1,3}\s*-->\s*\d")  # the times of a subtitle's cue
_OTHERS = (
    (b"FORM", "IFF that is not AIFF"),
    (b"RIFX", "RIFX that is not WAVE"),
    (b"RIFF", "RIFF that is neither WAVE nor AVI"),
    (b"MThd", "MIDI (notes, no sound)"),
    (b".RMF", "RealMedia"),
    (b".ra\xfd", "RealAudio"),
    (b"DSD ", "DSF (DSD)"),
    (b"MP+", "Musepack"),
    (b"MPCK", "Musepack"),
    (b"tBaK", "TAK"),
    (b"OFR ", "OptimFROG"),
    (b"\x02dss", "DSS"),
    (b"\x03dss", "DSS"),
    (b"\x06\x0e\x2b\x34", "MXF"),
    (b"nut/multimedia container", "NUT"),
    (b"\x64\xa3", "IRCAM"),
    (b"SQLite format 3", "a database (SQLite)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "a PDF"),
    (b"\x7fELF", "a program (ELF)"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\xff\xfe", "text (UTF-16)"),
    (b"\xfe\xff", "text (UTF-16)"),
    (b"version https://git-lfs", "a git-lfs pointer (the file itself was not fetched)"),
    (b"<!doctype", "an HTML page"),
    (b"<html", "an HTML page"),
)
_MEDIA = ("RealMedia", "RealAudio", "DSF (DSD)", "Musepack", "TAK", "OptimFROG", "DSS", "MXF", "NUT", "IRCAM")
_CONVERTIBLE = frozenset(("IFF that is not AIFF", *_MEDIA))
_UNKNOWN = "unknown content"


@dataclass(frozen=True, slots=True)
class Identity:
    """The format, and the `offset` in bytes where it begins, behind ID3 tags and `junk` bytes of something else."""

    format: Format
    offset: int
    junk: int = 0


def identify(file: FileRange, name: str) -> Identity:
    """Return the format by the content. Raises `EmptyAudio` (no bytes), `UnsupportedFormat` (which says what it is)."""
    if not file.size:
        raise EmptyAudio(name, "a sound file", "an empty file")
    offset = _after_tags(file)
    head = file.bytes_at(offset, _HEAD_BYTES)
    found = _by_magic(head) or _by_sync_bytes(head)
    if found is not None:
        return Identity(found, offset)
    words = describe(head)
    bare = _by_frames(file, offset, searched=words.startswith(_UNKNOWN))
    if bare is None:
        more = f"; {converting(name)}" if words in _CONVERTIBLE else ""
        known = not more and not words.startswith(_UNKNOWN)  # what is no sound at all needs no list of what is read
        raise UnsupportedFormat(name, "a sound file" if known else EXPECTED, words + more)
    return bare


def is_sound(content: bytes) -> bool:
    """Return whether bytes are in a format that malsori reads."""
    try:
        identify(FileRange(io.BytesIO(content), 0, len(content)), "")
    except (EmptyAudio, UnsupportedFormat):
        return False
    return True


def describe(head: bytes) -> str:
    """Return, for an error, what bytes look like that are in no format malsori reads."""
    for magic, words in _OTHERS:
        if head.startswith(magic) or head.lower().startswith(magic):
            return words
    if not head:
        return "nothing but tags"
    if _is_text(head):
        return "a subtitle (malsori align SOUND SUBTITLE retimes one)" if _CUE.search(head) else "text"
    return f"{_UNKNOWN} (it begins with the bytes {head[:4].hex(' ')})"


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # incremental: the head may end inside a character
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def _after_tags(file: FileRange) -> int:
    """Return the offset behind all ID3v2 tags, which are skipped and never read (album art)."""
    offset = 0
    for _ in range(_MAX_TAGS):
        size = id3_bytes(file.bytes_at(offset, 10))
        if not size:
            break
        offset += size
    return offset


def _by_magic(head: bytes) -> Contained | None:
    form = _FORMS.get((head[:4], head[8:12]))
    if form is not None:
        return form
    return next((kind for at, magic, kind in _MAGIC if head.startswith(magic, at)), None)


def _by_sync_bytes(head: bytes) -> Contained | None:
    """Return a format that has no file header, by its sync bytes at regular distances; None for none."""
    for packet, first in ((188, 0), (192, 4), (204, 0)):
        signs = head[first::packet][:8]
        if len(signs) >= 3 and set(signs) == {0x47}:
            return "MPEG-TS"
    size = _latm_bytes(head)
    if size and _latm_bytes(head[size:]):
        return "LATM"
    size = _ac3_bytes(head)
    if size and (head[size : size + 2] == b"\x0b\x77" or len(head) == size):
        return "AC-3"
    return None


def _latm_bytes(head: bytes) -> int:
    """Return the length of the LATM frame that `head` begins, 0 for none (ISO 14496-3, 1.7.2)."""
    sync = len(head) > 2 and head[0] == 0x56 and head[1] >> 5 == 7
    return 3 + ((head[1] & 0x1F) << 8 | head[2]) if sync else 0


def _ac3_bytes(head: bytes) -> int:
    """Return the length of the AC-3 or E-AC-3 frame that `head` begins, 0 for none (ETSI TS 102 366, 4.4.1 and E.1)."""
    if len(head) < 6 or head[:2] != b"\x0b\x77":
        return 0
    if head[5] >> 3 > 10:
        return 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    rate, code = head[4] >> 6, head[4] & 0x3F
    if rate == 3 or code > 37:
        return 0
    kbps = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)[code // 2]
    return 2 * (kbps * 2 if rate == 0 else kbps * 3 if rate == 2 else kbps * 320 // 147 + code % 2)


def _by_frames(file: FileRange, offset: int, *, searched: bool) -> Identity | None:
    """Return MP3 or AAC, which have no file header, by two frames in a row, or by one that is all; None for neither.

    If `searched`, four frames in a row, or two of FLAC, also count further on: the file was cut out of a stream.
    """
    kinds = get_args(Bare)
    for kind in kinds:
        if frames_at(file, offset, PARSERS[kind]) > 1:
            return Identity(kind, offset)
    stop = min(file.size, offset + _SEARCHED_BYTES)
    if not searched:
        return None
    starts: dict[Format, int | None] = {kind: find_frames(file, offset, stop, PARSERS[kind]) for kind in kinds}
    starts["FLAC"] = find_flac_frame(file, offset, stop)
    found = [(start, kind) for kind, start in starts.items() if start is not None]
    return Identity(min(found)[1], min(found)[0], min(found)[0] - offset) if found else None
