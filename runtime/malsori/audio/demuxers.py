"""Which of FFmpeg's demuxers and codecs may be used, and how far each container's times and lengths are trusted."""

from __future__ import annotations

from dataclasses import dataclass

from .clock import LONGEST_S
from .sniff import Contained

_JOINED_S = 10.0  # MPEG recordings are joined as they are: a longer leap is another recording's clock
LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta", "ape", "shorten", "wmalossless", "truehd", "mlp")
_PCM = (
    *(f"pcm_{kind}{order}" for kind in ("s16", "s24", "s32", "s64", "f32", "f64") for order in ("le", "be")),
    *("pcm_u8", "pcm_s8", "pcm_mulaw", "pcm_alaw", "pcm_bluray", "pcm_dvd"),
)
CODECS = frozenset(
    (
        *("aac", "aac_latm", "ac3", "eac3", "dca", "truehd", "mlp", "opus", "libopus", "vorbis", "speex", "nellymoser"),
        *("mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float", "amrnb", "amrwb", "gsm", "gsm_ms", "g722", "g726"),
        *("flac", "alac", "wavpack", "tta", "ape", "shorten", "truespeech"),
        *("wmav1", "wmav2", "wmapro", "wmalossless", "wmavoice"),
        *("adpcm_ima_wav", "adpcm_ima_qt", "adpcm_ms", "adpcm_swf", "adpcm_yamaha"),
        *_PCM,
    )
)


@dataclass(frozen=True, slots=True)
class Demuxer:
    """One of FFmpeg's demuxers by its `name`, and which of a file's times and lengths are trusted.

    `clock`: packets have times to compare with; `exact`: these count samples; `zero`: they begin at 0 in a whole file.
    A gap longer than `longest_s` is no gap but another clock. `promise` is the duration that an intact file keeps: that
    of the "track", of the "file", in WMA's "header", or "" for none; most files keep one that is not `firm`, not all.
    """

    name: str
    clock: bool = False
    exact: bool = False
    zero: bool = False
    promise: str = ""
    firm: bool = True
    longest_s: float = LONGEST_S


DEMUXERS: dict[Contained, Demuxer] = {
    "WAV": Demuxer("wav"),
    "Wave64": Demuxer("w64", promise="track"),
    "AIFF": Demuxer("aiff", promise="track"),
    "AU": Demuxer("au", promise="track"),
    "CAF": Demuxer("caf", promise="track"),
    "SPHERE": Demuxer("nistsphere", promise="track"),
    "FLAC": Demuxer("flac", clock=True, exact=True, promise="track"),
    "OGG": Demuxer("ogg", clock=True, zero=True, promise="track"),
    "MP4": Demuxer("mp4", clock=True, promise="track"),
    "WebM": Demuxer("matroska", clock=True, zero=True, promise="file"),
    "AVI": Demuxer("avi"),
    "FLV": Demuxer("flv", clock=True, promise="file", firm=False),
    "WMA": Demuxer("asf", clock=True, promise="header", firm=False),
    "MPEG-TS": Demuxer("mpegts", clock=True, longest_s=_JOINED_S),
    "MPEG-PS": Demuxer("mpeg", clock=True, longest_s=_JOINED_S),
    "AMR": Demuxer("amr"),
    "AC-3": Demuxer("ac3"),
    "DTS": Demuxer("dts"),
    "LATM": Demuxer("loas"),
    "WavPack": Demuxer("wv", promise="track"),
    "TTA": Demuxer("tta", promise="track"),
    "Monkey's Audio": Demuxer("ape", promise="track"),
    "Shorten": Demuxer("shn"),
    "VOC": Demuxer("voc"),
}
