"""A path, bytes in memory or a binary file object, opened as one seekable `FileRange`; nothing is decoded here.

Only regular files are opened by path, and opening never waits.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, TypeAlias

from ..errors import AudioNotFound
from .limits import Limits

Source: TypeAlias = "str | Path | bytes | BinaryIO"

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}
_NOT_ONE_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_COPY_BYTES = 1 << 20
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # Windows has no such flag, and no FIFOs among its files


class FileRange(io.RawIOBase):
    """The bytes `[start, stop)` of an open file, as a file of its own that decoders may read and seek in.

    An error while reading looks like the end of the file to the decoder, which could not pass it on through C, and is
    kept in `failures` (shared with the parts).
    """

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self._file = file
        self._start = start
        self._position = 0
        self.size = max(0, stop - start)
        self.failures: list[Exception] = []

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed: any buffer
        view = memoryview(buffer).cast("B")
        data = self.bytes_at(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def bytes_at(self, position: int, count: int) -> bytes:
        """Return up to `count` bytes from `position` on; fewer at the end. The reading position stays."""
        count = left = max(0, min(count, self.size - position))
        parts: list[bytes] = []
        try:
            self._file.seek(self._start + position)
            while left > 0 and (part := self._file.read(left)):
                parts.append(_binary(part))
                left -= len(part)
        except MemoryError:
            raise
        except Exception as error:  # a caller's object raises what it likes, and C would print it and go on
            self.failures.append(error)
        return b"".join(parts)[:count]  # some objects return more than they are asked for

    def part(self, start: int, stop: int, kind: type[FileRange] | None = None) -> FileRange:
        """Return the bytes `[start, stop)` of this range as a range of its own, an instance of `kind`."""
        part = (kind or FileRange)(self._file, self._start + start, self._start + min(stop, self.size))
        part.failures = self.failures
        return part


def _binary(part: bytes) -> bytes:
    if not isinstance(part, bytes | bytearray | memoryview):
        raise TypeError(f"expected a file that returns bytes, found {type(part).__name__}")
    return part


def one_line(name: str) -> str:
    """Return `name` with line breaks, control characters and undecodable bytes escaped: a message is one line."""
    return _NOT_ONE_LINE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), name)


def name_of(source: Source) -> str:
    """Return what messages call the source: its path, the file object's name, or `<bytes>`, `<file>`."""
    if isinstance(source, str | Path):
        return one_line(os.fspath(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return "<bytes>"
    name = getattr(source, "name", None)
    return one_line(name) if isinstance(name, str) else "<file>"


def open_file(source: Source, name: str, limits: Limits, stack: ExitStack) -> FileRange:
    """Return `source` as one file; what is opened for it is closed with `stack`, a caller's file object is not.

    A file object counts from its present position; one that cannot seek is copied to a temporary file first.
    Raises `AudioNotFound` and `AudioTooLong` (more than `limits.max_bytes`).
    """
    file, start = _open(source, name, limits, stack)
    try:
        stop = file.seek(0, io.SEEK_END)
    except OSError as error:  # as the files in /proc, which call themselves regular
        raise AudioNotFound(name, "a file with an end", _reason(error)) from error
    limits.check_bytes(name, stop - start)
    return FileRange(file, start, stop)


def can_seek(file: object) -> bool:
    """Return whether a file object can seek; a pipe cannot, and is read to its end first."""
    seekable = getattr(file, "seekable", None)  # a SpooledTemporaryFile has none before Python 3.11
    return seekable is not None and bool(seekable())


def copied(source: BinaryIO, name: str, stack: ExitStack) -> str:
    """Return the path of a temporary copy of a file object from its present position on, removed with `stack`."""
    import tempfile

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="malsori-"))
    path = os.path.join(folder, "sound")
    with open(path, "wb") as file:
        for part in _parts(source, name):
            file.write(_binary(part))
    return path


def check_readable(path: str | Path) -> None:
    """Raise `AudioNotFound` for a path that is no readable regular file; nothing is read."""
    with ExitStack() as stack:
        open_regular(path, name_of(path), stack)


def _open(source: Source, name: str, limits: Limits, stack: ExitStack) -> tuple[BinaryIO, int]:
    if isinstance(source, str | Path):
        return open_regular(source, name, stack), 0
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source), 0
    if isinstance(source, io.TextIOBase) or not hasattr(source, "read"):
        raise TypeError(f"expected a path, bytes, a binary file or a numpy array, found {type(source).__name__}")
    if can_seek(source):
        try:
            return source, source.tell()
        except OSError as error:
            raise AudioNotFound(name, "a file that tells its position", _reason(error)) from error
    return _spooled(source, name, limits, stack), 0


def open_regular(path: str | Path, name: str, stack: ExitStack) -> BinaryIO:
    """Open a regular file, which `stack` closes. Raises `AudioNotFound` for any other, and for one not to be read.

    Its kind is checked before opening (opening a device may act on it) and after (no race).
    """
    if "\0" in os.fspath(path):
        raise AudioNotFound(name, "the path of a file", "a path with a null byte")
    try:
        mode = os.stat(path).st_mode
    except UnicodeEncodeError as error:
        raise AudioNotFound(name, "the path of a file", "characters that no path can hold") from error
    except OSError as error:
        raise AudioNotFound(name, "a readable file", _reason(error)) from error
    _check_regular(mode, name)
    try:
        # O_NONBLOCK: should a FIFO have taken the file's place since, opening it must not wait for a writer.
        file = open(path, "rb", opener=lambda path, flags: os.open(path, flags | _NO_WAITING))  # noqa: SIM115
    except OSError as error:
        raise AudioNotFound(name, "a readable file", _reason(error)) from error
    stack.callback(file.close)
    _check_regular(os.fstat(file.fileno()).st_mode, name)
    return file


def _check_regular(mode: int, name: str) -> None:
    if not stat.S_ISREG(mode):
        raise AudioNotFound(name, "a regular file", _KINDS.get(stat.S_IFMT(mode), "something else"))


def _reason(error: OSError) -> str:
    return "no such file" if isinstance(error, FileNotFoundError) else (error.strerror or str(error)).lower()


def _spooled(source: BinaryIO, name: str, limits: Limits, stack: ExitStack) -> BinaryIO:
    import tempfile

    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    for part in _parts(source, name):
        file.write(part)
        limits.check_bytes(name, file.tell())
    return file


def _parts(source: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        while part := source.read(_COPY_BYTES):
            yield part
    except OSError as error:
        raise AudioNotFound(name, "a readable file", f"a read error ({error})") from error
