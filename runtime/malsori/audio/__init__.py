"""Sound in: any allowed file, bytes or array to mono 16 kHz float32, whole or in blocks."""

from .decode import AudioSource, Blocks, Clip, decode, decode_blocks
from .limits import Limits
from .pcm import Pcm16Decoder, from_pcm16, to_pcm16
from .resample import Resampler

__all__ = [
    "AudioSource",
    "Blocks",
    "Clip",
    "Limits",
    "Pcm16Decoder",
    "Resampler",
    "decode",
    "decode_blocks",
    "from_pcm16",
    "to_pcm16",
]
