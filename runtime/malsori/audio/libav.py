"""MP4/M4A, AAC and WebM/Matroska through PyAV (FFmpeg's libraries), from bytes whose format is already known.

FFmpeg gets an open file object, the one demuxer to use and the codecs to allow. It probes nothing, and every attempt to
open something else (references inside MP4, playlists, URLs) is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import CorruptAudio, EmptyAudio, UnsupportedFormat
from .limits import Limits
from .sniff import Format
from .source import Window
from .stream import Frames, Stream

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_DEMUXERS: dict[Format, str] = {"MP4": "mp4", "WebM": "matroska", "AAC": "aac"}
_CODECS = ("aac", "alac", "flac", "mp3", "mp3float", "opus", "libopus", "vorbis", "pcm_s16le", "pcm_s24le", "pcm_f32le")
_OPTIONS = {"codec_whitelist": ",".join(_CODECS), "protocol_whitelist": "", "enable_drefs": "0"}
_SLACK_SECONDS = 0.25  # encoder delay, which the durations of MP4 and WebM count and decoders drop


def open_libav(window: Window, kind: Format, name: str, limits: Limits, stack: ExitStack) -> Stream:
    """Read the first audio stream. Raises `UnsupportedFormat` (no such stream, other codec), `CorruptAudio`."""
    container = _open(window, kind, name, stack)
    if not container.streams.audio:
        raise UnsupportedFormat(name, "an audio stream", f"none in this {kind} file")
    audio = container.streams.audio[0]
    codec = audio.codec_context.name if audio.codec_context else "unknown"
    if codec not in _CODECS:
        raise UnsupportedFormat(name, f"{kind} with AAC, ALAC, FLAC, MP3, Opus, Vorbis or PCM", f"codec {codec}")
    pieces = _pieces(container, audio, kind, name, limits)
    first = next(pieces, None)  # the header may say half the true rate (HE-AAC): only a decoded frame knows
    if first is None:
        raise EmptyAudio(name, "sound", f"a {kind} file without any")
    rate, frames = first
    declared = _declared(container, audio, kind, rate)
    everything = chain([frames], (frames for _, frames in pieces))
    return Stream(rate, frames.shape[1], everything, declared, int(_SLACK_SECONDS * rate), lossy=True)


def _open(window: Window, kind: Format, name: str, stack: ExitStack) -> InputContainer:
    import av

    try:
        container: InputContainer = stack.enter_context(
            av.open(
                window,
                "r",
                format=_DEMUXERS[kind],
                container_options=dict(_OPTIONS),
                metadata_errors="replace",
                io_open=_refuse,
            )
        )
    except av.error.FFmpegError as error:
        raise CorruptAudio(name, f"a readable {kind} file", _words(error)) from error
    return container


def _refuse(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
    raise PermissionError(f"a sound file may not refer to another one ({url})")


def _pieces(
    container: InputContainer, audio: AudioStream, kind: Format, name: str, limits: Limits
) -> Iterator[tuple[int, Frames]]:
    """Yield decoded pieces with their sample rate, which must not change; checked before anything is converted."""
    import av

    done = 0
    shape = None
    # Packed by the resampler, because reading a planar frame of 8 channels or more crashes PyAV (seen in 18.1.0).
    packer = av.AudioResampler(format="flt")
    try:
        for frame in container.decode(audio):
            found = (frame.sample_rate, frame.layout.nb_channels)
            limits.check_shape(name, *found)
            if found != (shape or found):
                raise CorruptAudio(name, "one sample rate and channel count", f"another one after {done} frames")
            shape = found
            done += frame.samples
            for packed in packer.resample(frame):
                yield frame.sample_rate, packed.to_ndarray().reshape(-1, frame.layout.nb_channels)
    except av.error.FFmpegError as error:
        raise CorruptAudio(name, f"sound {kind} data", f"damage after {done} frames ({_words(error)})") from error


def _declared(container: InputContainer, audio: AudioStream, kind: Format, rate: int) -> int | None:
    """Return how many frames the container promises, None where FFmpeg would be guessing."""
    if kind == "MP4" and audio.duration and audio.time_base:
        return int(audio.duration * audio.time_base * rate)
    if kind == "WebM" and container.duration and len(container.streams) == 1:  # with video, it is the longer of the two
        return int(container.duration * rate) // 1_000_000
    return None


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
