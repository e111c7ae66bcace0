"""Every compressed format and container through PyAV (FFmpeg's libraries), from bytes whose format is already known.

FFmpeg gets an open file object, the one demuxer to use and the codecs to allow. It probes nothing, and every attempt to
open something else (references inside MP4, playlists, URLs) is refused.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import CorruptAudio
from .clock import SLACK_S, FileClock
from .demuxers import CODECS, DEMUXERS, LOSSLESS, Demuxer
from .limits import Limits
from .packets import Coded, Decoding, start_stream, words
from .pieces import Promise, ReadingOptions, SoundStream
from .promise import AviIndex, asf_seconds
from .sniff import Contained
from .source import FileRange
from .tracks import pick

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_SEEK = struct.Struct("<qq")  # where to, from where on
_NONE = -1  # no seek is waiting
_OPTIONS = {"codec_whitelist": ",".join(sorted(CODECS)), "protocol_whitelist": "", "enable_drefs": "0"}
_SLACK_S = 0.25  # encoder delay, which the durations of MP4 and WebM count and decoders drop
_EXACT_S = 0.001
_TRIES = 16  # errors in a row with no packet between them


class AvFile:
    """The file object for `av.open`. Call `check` whenever PyAV returns or raises: it raises what reading has raised.

    Python's signal handlers run where a function of Python's begins, before its first line, so a `try` inside `read`
    comes too late (most interrupts during decoding land there, since the main thread is in C until then). The method
    `send` of a generator is none of Python's functions, and the generator goes on within its `try`. Nor is `pack_into`:
    a seek only leaves its arguments behind, for the next `read` or `tell`.
    """

    def __init__(self, file: FileRange) -> None:
        self._errors: list[BaseException] = []
        waiting = bytearray(_SEEK.pack(0, io.SEEK_SET))
        serving = _serve(file, waiting, self._errors)
        next(serving)
        self.read: Callable[[int | None], bytes | int] = serving.send
        self.tell: Callable[[], bytes | int] = serving.__next__
        self.seek: Callable[[int, int], None] = partial(_SEEK.pack_into, waiting, 0)

    def check(self) -> None:
        """Raise the error that reading has raised, if any."""
        if self._errors:
            raise self._errors[0]


def _serve(
    file: FileRange, waiting: bytearray, errors: list[BaseException]
) -> Generator[bytes | int, int | None, None]:
    """Answer a count with so many bytes and None with the position; after an error, every count with an end of file."""
    position = 0
    answer: bytes | int = b""
    while True:
        try:
            while True:
                count = yield answer
                answer = b"" if count is not None else position
                offset, whence = _SEEK.unpack(waiting)
                if whence != _NONE:
                    base = {io.SEEK_CUR: position, io.SEEK_END: file.size}.get(whence, 0)
                    position = max(0, base + offset)
                    _SEEK.pack_into(waiting, 0, 0, _NONE)
                if count is None:
                    answer = position
                elif not errors:
                    answer = file.bytes_at(position, count)
                    position += len(answer)
        except GeneratorExit:
            return
        except BaseException as error:
            errors.append(error)
            answer = b""  # what was read last may be longer than what is asked for now


def open_libav(
    file: FileRange,
    kind: Contained,
    name: str,
    limits: Limits,
    stack: ExitStack,
    reading: ReadingOptions,
    clock: FileClock,
) -> SoundStream:
    """Read one track. Raises `UnsupportedFormat` (no such track, other codec), `CorruptAudio`, `OptionError`."""
    feed = AvFile(file)
    container = _open(feed, kind, name, stack)
    track, notes = pick(container.streams.audio, reading.track, CODECS, kind, name)
    demuxer = DEMUXERS[kind]
    if demuxer.clock:
        notes += _follow(container, demuxer, clock, reading)
    promise = _promise(container, track, demuxer, file)
    if kind == "FLAC":
        track.codec_context.options = {"err_detect": "crccheck+explode"}  # else a frame that is noise passes
    tick = float(track.time_base) if track.time_base else 0.0
    decoding = Decoding(
        track.decode, clock, name, limits, tick=tick, allow=reading.allow_truncated, exact=demuxer.exact
    )
    packets = _packets(container, track, feed, clock)
    index = AviIndex(file, track.index, clock) if kind == "AVI" else None
    stream = start_stream(decoding.pieces(index.counted(packets) if index else packets), clock, notes, kind, name)
    stream.promise = promise
    if index:
        stream.promise, index.stream = index.promise, stream
    stream.lossy = not track.codec_context.name.startswith(LOSSLESS)
    return stream


def _follow(container: InputContainer, demuxer: Demuxer, clock: FileClock, reading: ReadingOptions) -> list[str]:
    """Have the clock follow the container's; return a note where that begins late, as in a part of a file."""
    begins = None if container.start_time is None else container.start_time / 1_000_000
    part = demuxer.zero and not clock.elapsed and (begins or 0.0) > SLACK_S
    start = None if reading.start_at_zero else begins
    clock.follow(start, demuxer.longest_s, _EXACT_S if demuxer.exact else SLACK_S)
    return [f"the file's own clock begins at {begins:.2f} s, as in a part of one"] if part else []


def _open(feed: AvFile, kind: Contained, name: str, stack: ExitStack) -> InputContainer:
    import av

    try:
        container: InputContainer = av.open(
            feed,
            "r",
            format=DEMUXERS[kind].name,
            # Nothing nested in the file (subtitles in AVI) is opened by another demuxer.
            container_options={**_OPTIONS, "format_whitelist": DEMUXERS[kind].name},
            metadata_errors="replace",
            io_open=_refuse,
        )
    except av.error.FFmpegError as error:
        feed.check()
        raise CorruptAudio(name, f"a readable {kind} file", words(error)) from error
    except Exception:
        feed.check()
        raise
    stack.enter_context(container)
    feed.check()
    return container


def _refuse(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
    raise PermissionError(f"a sound file may not refer to another one ({url})")


def _packets(container: InputContainer, track: AudioStream, feed: AvFile, clock: FileClock) -> Iterator[Coded]:
    """Yield the packets of a track; go on behind places where the demuxer fails."""
    import av

    tries, read = 0, 0
    while True:
        try:
            for packet in container.demux(track):
                feed.check()
                tries = 0 if packet.size else tries
                read = max(read, (packet.pos or 0) + packet.size)
                yield packet
            feed.check()
            if tries and read:  # nothing more was found: about as long as its bytes are
                yield clock.elapsed * max(0, container.size - read) / read
            return
        except av.error.FFmpegError as error:
            feed.check()
            tries += 1
            if tries == _TRIES:
                yield error
                yield av.Packet()  # what the decoder holds back
                return
        except IndexError:  # PyAV 18.1.0, once all packets are out, for a track that was not there from the beginning
            feed.check()
            yield av.Packet()
            return
        except Exception:
            feed.check()
            raise


def _promise(container: InputContainer, track: AudioStream, demuxer: Demuxer, file: FileRange) -> Promise:
    """Return the length that the container promises; without slack where samples are stored uncoded and counted."""
    plain = track.codec_context.name.startswith(("pcm_", "flac"))
    exact = plain and (demuxer.exact or not demuxer.clock)
    return Promise(_seconds(container, track, demuxer, file), 0.0 if exact else _SLACK_S, demuxer.firm)


def _seconds(container: InputContainer, track: AudioStream, demuxer: Demuxer, file: FileRange) -> float | None:
    """Return how many seconds the container promises, None where FFmpeg would be guessing."""
    seconds = 0.0
    if demuxer.promise == "track" and track.duration and track.time_base:
        seconds = float(track.duration * track.time_base)
    elif len(container.streams) > 1:
        pass  # the file's is the longest track's
    elif demuxer.promise == "file" and container.duration:
        seconds = container.duration / 1_000_000
    elif demuxer.promise == "header":
        seconds = asf_seconds(file) or 0.0
    return seconds if seconds > 0 else None  # less than nothing is a header's fault
