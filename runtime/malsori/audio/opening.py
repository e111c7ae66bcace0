"""Opens a file with the reader of its format: the one place that knows all readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain

from ..errors import AudioError, CorruptAudio, EmptyAudio
from .bare import CUT_BYTES, open_bare
from .clock import FileClock
from .libav import open_libav
from .limits import Limits
from .packets import USE_ANYWAY
from .parts import parts_of
from .pieces import ReadingOptions, SoundPiece, SoundStream
from .promise import check_promise, ogg_notes
from .sniff import Contained, Identity, identify
from .source import FileRange
from .tracks import check_only
from .wav import open_wav, read_header


def open_stream(file: FileRange, name: str, limits: Limits, stack: ExitStack, reading: ReadingOptions) -> SoundStream:
    """Return the sound of a file; its reader is closed with `stack`. Raises `AudioError`, `OptionError`."""
    found = identify(file, name)
    stream = _open(file, found, name, limits, stack, reading)
    if found.junk >= CUT_BYTES:
        stream.notes.insert(0, f"{found.junk} bytes in front are no sound and were stepped over")
    return stream


def _open(
    file: FileRange, found: Identity, name: str, limits: Limits, stack: ExitStack, reading: ReadingOptions
) -> SoundStream:
    if found.format == "MP3" or found.format == "AAC":
        check_only(reading.track, name)
        return open_bare(file, found.offset, found.format, name, limits, reading)
    opener = _Opener(found.format, name, limits, stack, reading, FileClock())
    parts = parts_of(file.part(found.offset, file.size), found.format)
    stream = opener.open(next(parts), stack)
    stream.pieces = chain(stream.pieces, opener.others(parts, stream))
    return stream


@dataclass(frozen=True, slots=True)
class _Opener:
    """Opens the parts of a file, all on one clock."""

    kind: Contained
    name: str
    limits: Limits
    stack: ExitStack
    reading: ReadingOptions
    clock: FileClock

    def open(self, file: FileRange, stack: ExitStack) -> SoundStream:
        """Open one part; its reader is closed with `stack`."""
        if self.kind == "WAV":
            return self._open_wav(file, stack)
        stream = open_libav(file, self.kind, self.name, self.limits, stack, self.reading, self.clock)
        if self.kind == "OGG":
            stream.notes += ogg_notes(file)
        return stream

    def others(self, parts: Iterator[FileRange], stream: SoundStream) -> Iterator[SoundPiece]:
        """Yield the sound of the parts behind the first one; their notes and promises go to its `stream`."""
        opened = self.stack.enter_context(ExitStack())
        for file in parts:
            opened.close()  # the part before: a recorded radio stream may have hundreds, one for each song
            allow = self.reading.allow_truncated
            check_promise(stream, self.name, allow_truncated=allow)
            self.clock.join()
            try:
                part = self.open(file, opened)
            except EmptyAudio:
                continue
            except AudioError as error:
                if not allow:
                    raise
                reason = str(error).removeprefix(f"{self.name}: ")
                _note_once(stream, f"what follows at {self.clock.elapsed:.2f} s was left out: {reason}")
                continue
            stream.promise = part.promise
            for note in part.notes:
                _note_once(stream, note)
            yield from part.pieces

    def _open_wav(self, file: FileRange, stack: ExitStack) -> SoundStream:
        header = read_header(file, self.name, self.limits)
        check_only(self.reading.track, self.name)
        if not header.coded:
            return open_wav(file, header, self.clock)
        present = header.stop - header.start
        if present < header.declared and not self.reading.allow_truncated:
            raise CorruptAudio(self.name, f"{header.declared} bytes of sound", f"{present} bytes; {USE_ANYWAY}")
        stream = open_libav(file, "WAV", self.name, self.limits, stack, self.reading, self.clock)
        if present < header.declared:
            self.clock.cut = True
            stream.notes.append(f"cut short: expected {header.declared} bytes of sound, found {present}")
        return stream


def _note_once(stream: SoundStream, line: str) -> None:
    if line not in stream.notes:
        stream.notes.append(line)
