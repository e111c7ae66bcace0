"""Sound in: any allowed file, bytes or array to mono 16 kHz float32, whole or in blocks."""

from .channels import channels_of, names_of
from .decode import Blocks, DecodedAudio, decode, decode_blocks, decode_channels
from .intake import Block, Intake
from .limits import Limits
from .mono import Resampler
from .opened import AudioSource, ChannelOf
from .pieces import Form, Frames, ReadingOptions
from .ring import RingBuffer
from .samples import Pcm16Decoder, from_pcm16, to_pcm16

__all__ = [
    "AudioSource",
    "Block",
    "Blocks",
    "ChannelOf",
    "DecodedAudio",
    "Form",
    "Frames",
    "Intake",
    "Limits",
    "Pcm16Decoder",
    "ReadingOptions",
    "Resampler",
    "RingBuffer",
    "channels_of",
    "decode",
    "decode_blocks",
    "decode_channels",
    "from_pcm16",
    "names_of",
    "to_pcm16",
]
