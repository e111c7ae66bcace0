"""Sound in: any allowed file, bytes or array to mono 16 kHz float32, whole or in blocks."""

from .decode import AudioSource, Blocks, Clip, decode, decode_blocks
from .intake import Block, Intake
from .limits import Limits
from .pcm import Pcm16Decoder, from_pcm16, to_pcm16
from .resample import Resampler
from .ring import RingBuffer

__all__ = [
    "AudioSource",
    "Block",
    "Blocks",
    "Clip",
    "Intake",
    "Limits",
    "Pcm16Decoder",
    "Resampler",
    "RingBuffer",
    "decode",
    "decode_blocks",
    "from_pcm16",
    "to_pcm16",
]
