"""The members of an archive: tar headers of regular files, written and read one after the other, from a pipe too.

Headers are Python's `TarInfo`, one block each. `tarfile.open` does not read what comes from others: an extended header
or long name goes into memory whole, whatever its size, before its caller sees anything. Nobody needs one here: a name
of up to 255 bytes and any size stand in the header itself, so that all other kinds of members are refused by name.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from ...errors import ModelCorrupt, ModelIncompatible, brief
from ..verify import foreign

BLOCK = tarfile.BLOCKSIZE  # 512 bytes
RECORD = tarfile.RECORDSIZE  # 10,240 bytes, in which other programs read
END = bytes(2 * BLOCK)
LONGEST_END = 1 << 20  # bytes of zeros behind the last member; tar writes less than a record, some drives more
USTAR_LIMIT = 1 << 33  # bytes; a larger size is written as GNU's tar does, which all read
CHUNK = 1 << 20  # bytes read at a time
STDIN = "standard input"  # the name of an archive that comes through it
AGAIN = "copy the archive again, or write it anew"
WRITER = "archives for this are made by malsori models bundle"
OTHER_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.DIRTYPE: "a folder",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.XHDTYPE: "an extended header",
    tarfile.XGLTYPE: "an extended header for all files",
    tarfile.SOLARIS_XHDTYPE: "an extended header",
    tarfile.GNUTYPE_LONGNAME: "a long name",
    tarfile.GNUTYPE_LONGLINK: "the long name of a link",
}
PACKED = {  # the first bytes of what is compressed, and the program that unpacks it
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive: its name, with `/` between folders, and its size in bytes."""

    name: str
    size: int


def header(member: Member) -> bytes:
    """Return the header of a member: the same for each owner, time and permission. Raises `ModelIncompatible`."""
    info = tarfile.TarInfo(member.name)
    info.size = member.size
    small = member.size < USTAR_LIMIT
    try:
        block = info.tobuf(tarfile.USTAR_FORMAT if small else tarfile.GNU_FORMAT, "utf-8", "strict")
    except ValueError as error:
        raise ModelIncompatible(member.name, f"a name that no archive holds ({brief(error)}); rename it") from error
    if len(block) != BLOCK:  # GNU's long name
        raise ModelIncompatible(member.name, "too long a name for a file of this size in an archive; rename it")
    return block


def padding(size: int) -> int:
    """Return how many zeros stand behind a file of this size, up to the next block."""
    return -size % BLOCK


def archive_size(members: list[Member]) -> int:
    """Return the size in bytes of an archive of these members."""
    filled = sum(BLOCK + member.size + padding(member.size) for member in members) + len(END)
    return filled + -filled % RECORD


class ArchiveReader:
    """An archive that is read once, from its beginning to its end: counted, hashed, and trusted in nothing.

    `name` is what messages call it, `size` its bytes where they are known, else 0.
    """

    def __init__(self, file: BinaryIO, name: str, size: int = 0) -> None:
        self._file, self.name, self.size = file, name, size
        self._sums = sha256()
        self.position = 0

    @property
    def sha256(self) -> str:
        """The sum in hex of what was read so far."""
        return self._sums.hexdigest()

    def next_member(self) -> Member | None:
        """Return the next member, None at the archive's end. What is behind the end must be zeros, and not many.

        Raises `ModelCorrupt` for anything but a regular file, and for a broken or missing header.
        """
        start = self.position
        block = self._read(BLOCK)
        if block == bytes(BLOCK):
            self._check_end()
            return None
        if len(block) < BLOCK:
            raise self._ended("the header of a file, or the end of the archive") if start else self._no_archive(block)
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, ValueError) as error:
            if not start:
                raise self._no_archive(block) from error
            raise self.wrong(f"the header of a file at byte {start}", "something else") from error
        if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            kind = OTHER_KINDS.get(info.type, f"a member of the unknown kind {info.type!r}")
            raise self.wrong(f"regular files ({WRITER})", f"{kind}, {_shown(info.name)}")
        if info.size < 0:
            raise self.wrong(f"a size of 0 or more for {_shown(info.name)}", str(info.size))
        return Member(info.name, info.size)

    def content(self, member: Member) -> Iterator[bytes]:
        """Yield the bytes of the member whose header was just read. Raises `ModelCorrupt` where they end early."""
        left = member.size
        while left:
            part = self._read(min(CHUNK, left))
            if not part:
                raise self._ended(f"{left} more bytes of {_shown(member.name)}")
            left -= len(part)
            yield part
        if len(self._read(padding(member.size))) < padding(member.size):
            raise self._ended(f"the end of {_shown(member.name)}")

    def wrong(self, expected: str, found: str, *, of: Member | None = None, mend: str = AGAIN) -> ModelCorrupt:
        """Return the error for an archive, or a member of it, that is not as expected."""
        name = self.name if of is None else f"{self.name}: {_shown(of.name)}"
        return ModelCorrupt(name, expected, found, mend)

    def _check_end(self) -> None:
        count = 0
        if len(self._read(BLOCK)) < BLOCK:
            raise self._ended("the end of the archive, which is two empty blocks")
        while part := self._read(RECORD):
            count += len(part)
            if part.count(0) != len(part) or count > LONGEST_END:
                raise self.wrong(f"nothing behind its end at byte {self.position - count}", "more")

    def _read(self, count: int) -> bytes:
        """Return the next bytes, fewer than `count` at the end alone. Raises `ModelCorrupt`."""
        parts: list[bytes] = []
        left = count
        try:
            while left and (part := self._file.read(left)):
                parts.append(part)
                left -= len(part)
        except OSError as error:
            raise self.wrong("an archive that can be read", error.strerror or str(error)) from error
        found = b"".join(parts)
        self.position += len(found)
        self._sums.update(found)
        return found

    def _ended(self, expected: str) -> ModelCorrupt:
        return self.wrong(expected, f"its end, {self.position} bytes in all: it was cut off")

    def _no_archive(self, start: bytes) -> ModelCorrupt:
        """Return the error for a file that does not begin with a tar header."""
        program = next((name for mark, name in PACKED.items() if start.startswith(mark)), "")
        expected = f"an archive of models ({WRITER})"
        if program:
            mend = f"{program} -dc FILE | malsori models unbundle - takes it"
            return self.wrong(expected, f"one that {program} has compressed", mend=mend)
        return self.wrong(expected, foreign(start) or ("other bytes" if start else "nothing"))


def _shown(name: str) -> str:
    return repr(name)
