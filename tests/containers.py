"""One short sound in every container, codec, rate and channel layout that PyAV encodes. No tests here.

The sound is a burst each second, no two alike, so that what comes back can be told sample by sample: which second it is
and where it lies.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SECONDS = 4.0
FIRST_BURST = 0.5  # seconds; the next ones follow one a second
_BURST = 0.03  # seconds
_FLOOR = 1e-3  # noise at -60 dBFS, because encoders of speech turn digital silence into something of their own
_SEARCH = 0.45  # seconds to both sides of where a burst belongs
_TIME_HZ = 16_000
_FEWEST = {"libopencore_amrnb": 12_200, "wmav1": 64_000, "wmav2": 64_000}  # bit/s that an encoder cannot guess
_ANY = (8_000, 16_000, 22_050, 44_100, 48_000)
_RATES = {
    "libopus": (8_000, 16_000, 48_000),
    "ac3": (44_100, 48_000),
    "eac3": (44_100, 48_000),
    "mp2": (16_000, 22_050, 44_100, 48_000),
    "libopencore_amrnb": (8_000,),
    "nellymoser": (8_000, 22_050),
    "adpcm_swf": (22_050, 44_100),
    "g726": (8_000,),
}
_MONO = frozenset({"libopencore_amrnb", "nellymoser", "g726"})
_SURROUND = frozenset({"aac", "flac", "libopus", "ac3", "eac3", "pcm_s16le", "pcm_s24le", "alac", "wavpack"})
_NARROWER = {  # what a container holds less of than the codec has
    ("mp4", "libmp3lame"): (16_000, 22_050, 44_100, 48_000),
    ("flv", "libmp3lame"): (22_050, 44_100, 48_000),
    ("flv", "pcm_s16le"): (22_050, 44_100),
    ("vob", "pcm_dvd"): (48_000,),
}
_PCM = ("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw")
_OF_MOV = ("pcm_s16le", "pcm_s16be", "pcm_s24be", "pcm_f32le", "pcm_u8", "pcm_alaw", "pcm_mulaw")
_ADPCM = ("adpcm_ima_wav", "adpcm_ms", "adpcm_yamaha")
_HELD: dict[str, tuple[str, ...]] = {  # container: its codecs, both by their names in FFmpeg
    "wav": (*_PCM, *_ADPCM, "libmp3lame", "mp2", "ac3", "g726"),
    "w64": ("pcm_s16le",),
    "aiff": ("pcm_s16be", "pcm_s24be", "pcm_f32be", "pcm_mulaw", "adpcm_ima_qt"),
    "caf": ("pcm_s16be", "pcm_s16le", "alac", "flac", "adpcm_ima_qt"),
    "au": ("pcm_s16be", "pcm_s24be", "pcm_f32be", "pcm_alaw", "pcm_mulaw"),
    "flac": ("flac",),
    "ogg": ("libvorbis", "vorbis", "libopus", "flac"),
    "mp3": ("libmp3lame",),
    "mp2": ("mp2",),
    "adts": ("aac",),
    "latm": ("aac",),
    "mp4": ("aac", "alac", "flac", "libopus", "libmp3lame", "mp2", "ac3", "eac3", "pcm_s16le", "pcm_f32le"),
    "ipod": ("aac", "alac"),
    "mov": ("aac", "alac", "libmp3lame", "ac3", "adpcm_ima_qt", *_OF_MOV),
    "3gp": ("libopencore_amrnb", "aac"),
    "matroska": (
        "aac",
        "libmp3lame",
        "libopus",
        "libvorbis",
        "flac",
        "alac",
        "ac3",
        "eac3",
        "mp2",
        "wavpack",
        "tta",
        *_PCM[1:3],
    ),
    "webm": ("libopus", "libvorbis"),
    "mpegts": ("aac", "libmp3lame", "mp2", "ac3", "eac3", "libopus"),
    "mpeg": ("mp2", "ac3", "libmp3lame"),
    "vob": ("pcm_dvd",),
    "avi": ("pcm_s16le", "pcm_u8", "pcm_mulaw", "adpcm_ima_wav", "adpcm_ms", "libmp3lame", "mp2", "ac3", "aac"),
    "asf": ("wmav1", "wmav2", "libmp3lame", "aac", "pcm_s16le"),
    "amr": ("libopencore_amrnb",),
    "ac3": ("ac3",),
    "eac3": ("eac3",),
    "flv": ("aac", "libmp3lame", "nellymoser", "pcm_s16le", "adpcm_swf"),
    "wv": ("wavpack",),
    "tta": ("tta",),
    "nut": ("aac", "pcm_s16le"),
    "rm": ("ac3",),
    "ircam": ("pcm_s16le",),
}


DEMUXERS = {  # of the containers whose demuxer has another name
    "3gp": "mp4",
    "adts": "aac",
    "ipod": "mp4",
    "latm": "loas",
    "mov": "mp4",
    "mp2": "mp3",
    "vob": "mpeg",
    "webm": "matroska",
}


@dataclass(frozen=True, slots=True)
class Form:
    """How a sound is stored: muxer and encoder by FFmpeg's names, Hz, channel layout, the muxer's options, bit/s.

    `bit_rate` 0 is the encoder's own choice. `variant` names what the options do.
    """

    container: str
    codec: str
    rate: int = 48_000
    layout: str = "mono"
    options: tuple[tuple[str, str], ...] = ()
    bit_rate: int = 0
    variant: str = ""

    def __str__(self) -> str:
        parts = (self.container, self.codec, str(self.rate), self.layout, self.variant)
        return "-".join(part for part in (*parts, str(self.bit_rate or "")) if part)


FRAGMENTED = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)
_VARIANTS = (  # the same codecs, their containers written in another way
    Form("mp4", "aac", options=FRAGMENTED, variant="fragmented"),
    Form("mp4", "aac", options=(("movflags", "faststart"),), variant="faststart"),
    Form("mp4", "aac", options=(("use_editlist", "0"),), variant="no edit list"),
    Form("mp4", "libopus", options=FRAGMENTED, variant="fragmented"),
    Form("mp3", "libmp3lame", 44_100, options=(("write_xing", "0"),), variant="no Xing"),
    Form("wav", "pcm_s16le", options=(("rf64", "always"),), variant="RF64"),
    Form("webm", "libopus", options=(("live", "1"),), variant="live"),
    Form("matroska", "aac", options=(("live", "1"),), variant="live"),
    Form("ogg", "libopus", options=(("page_duration", "20000"),), variant="page a packet"),
)


def every_form() -> list[Form]:
    """Return all containers and codecs in all their rates and layouts."""
    return [form for pair in pairs() for form in forms_of(pair.container, pair.codec)] + list(_VARIANTS)


def pairs() -> list[Form]:
    """Return each container with each of its codecs once, in mono at the highest rate, then the variants."""
    return [_typical(container, codec) for container, codecs in _HELD.items() for codec in codecs] + list(_VARIANTS)


def forms_of(container: str, codec: str) -> list[Form]:
    """Return a container with a codec at all its rates, in one channel, two, and six where the codec holds them."""
    layouts = ["mono"] if codec in _MONO else ["stereo"] if codec == "vorbis" else ["mono", "stereo"]
    forms = [Form(container, codec, rate, layout) for rate in _rates(container, codec) for layout in layouts]
    if codec in _SURROUND and container not in ("flv", "avi", "latm"):
        forms.append(Form(container, codec, max(_rates(container, codec)), "5.1"))
    return forms


def _typical(container: str, codec: str) -> Form:
    return Form(container, codec, max(_rates(container, codec)), "stereo" if codec == "vorbis" else "mono")


def _rates(container: str, codec: str) -> tuple[int, ...]:
    return _NARROWER.get((container, codec)) or _RATES.get(codec, _ANY)


@cache
def bursts(rate: int, seconds: float = SECONDS) -> NDArray[np.float32]:
    """Return faint noise with a burst at each half second, every one of its own pitch."""
    sound = np.random.default_rng(13).normal(0, _FLOOR, round(seconds * rate)).astype(np.float32)
    for second in range(round(seconds)):
        start = round((second + FIRST_BURST) * rate)
        shape = _burst(second, rate)
        sound[start : start + len(shape)] += shape
    return sound


def _burst(second: int, rate: int) -> NDArray[np.float32]:
    """Return a chirp that rises by 600 Hz from 400 Hz on, and 200 Hz higher each second."""
    t = np.arange(round(_BURST * rate)) / rate
    phase = 2 * np.pi * ((400 + 200 * (second % 8)) * t + 600 / _BURST * t**2 / 2)
    return (0.5 * np.sin(phase) * np.hanning(len(t))).astype(np.float32)


def burst_times(sound: NDArray[np.float32], seconds: float = SECONDS, shift: float = 0.0) -> list[float | None]:
    """Return by how many ms each burst of 16 kHz sound lies behind its place, None where it is not found.

    `shift` is how many seconds later than in the original all of them are expected.
    """
    return [_late(sound, second, shift) for second in range(round(seconds))]


def _late(sound: NDArray[np.float32], second: int, shift: float) -> float | None:
    shape = _burst(second, _TIME_HZ)
    search = round(_SEARCH * _TIME_HZ)
    place = round((second + FIRST_BURST + shift) * _TIME_HZ)
    padded = np.pad(sound, (search, search + len(shape)))
    window = padded[max(0, place) : place + 2 * search + len(shape)]
    if len(window) < len(shape):
        return None
    match = np.correlate(window, shape)
    energy = np.convolve(window.astype(np.float64) ** 2, np.ones(len(shape)), "valid")
    likeness = match / np.sqrt(np.maximum(energy, 1e-3) * float(shape @ shape))
    best = int(likeness.argmax())
    return (best - search) * 1000 / _TIME_HZ if likeness[best] > 0.6 else None


def encoded(form: Form, mono: NDArray[np.float32] | None = None) -> bytes:
    """Return the bursts, or other mono samples at the form's rate, in all channels, stored as the form says."""
    mono = bursts(form.rate) if mono is None else mono
    if form.codec == "libvorbis":  # PyAV's FFmpeg has no such encoder, libsndfile has
        data = _vorbis(np.repeat(mono[:, None], _channels(form.layout), axis=1), form.rate)
        return data if form.container == "ogg" else remuxed(data, "ogg", form.container)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound")
        _write(path, form, mono)
        return path.read_bytes()


def _channels(layout: str) -> int:
    import av

    return int(av.AudioLayout(layout).nb_channels)


def _write(path: Path, form: Form, mono: NDArray[np.float32]) -> None:
    import av

    with av.open(str(path), "w", format=form.container, options=dict(form.options)) as output:
        stream: Any = output.add_stream(form.codec, rate=form.rate, layout=form.layout)
        if form.codec == "vorbis":
            stream.codec_context.options = {"strict": "experimental"}
        if bit_rate := form.bit_rate or _FEWEST.get(form.codec, 0):
            stream.bit_rate = bit_rate
        for frame in _frames(form, mono, stream):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def _frames(form: Form, mono: NDArray[np.float32], stream: Any) -> Iterator[Any]:
    import av

    convert = av.AudioResampler(format=stream.format, layout=form.layout, rate=form.rate)
    for start in range(0, len(mono), 4_096):
        piece = np.repeat(mono[None, start : start + 4_096], _channels(form.layout), axis=0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=form.layout)
        frame.sample_rate, frame.pts = form.rate, start
        yield from convert.resample(frame)


def _vorbis(frames: NDArray[np.float32], rate: int) -> bytes:
    import soundfile

    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, frames.shape[1], format="OGG", subtype="VORBIS") as output:
        for start in range(0, len(frames), 4_096):  # libsndfile overflows its stack with a long block of Vorbis
            output.write(frames[start : start + 4_096])
    return file.getvalue()


def remuxed(data: bytes, container: str, into: str, options: dict[str, str] | None = None, start: float = 0.0) -> bytes:
    """Return the packets of one container, as they are, in another, `start` seconds later."""
    import av

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sound")
        with (
            av.open(io.BytesIO(data), format=container) as source,
            av.open(str(path), "w", format=into, options=options or {}) as target,
        ):
            stream = target.add_stream_from_template(source.streams.audio[0])
            for packet in source.demux(audio=0):
                if packet.dts is None:
                    continue
                packet.pts = packet.dts = packet.dts + round(start / packet.time_base)
                packet.stream = stream
                target.mux(packet)
        return path.read_bytes()
