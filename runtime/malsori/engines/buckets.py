"""Fixed lengths for a GPU: a clip is padded to the next one, so that a device sees few shapes instead of hundreds.

    frames of a clip    steps     buckets                       padding at most
       1 ..   64            8     8 16 24 32 40 48 56 64        7 frames
      65 ..  128            8     72 80 ... 128                 1/9
     129 ..  256           16     144 160 ... 256               1/9
    1025 .. 2048          128     1152 1280 ... 2048            1/9

All are multiples of 8, as the matrix products of tensor cores want them.
"""

from __future__ import annotations

STEP = 8  # frames; 160 ms
STEPS = 8  # buckets in each doubling
LARGEST = 1536  # frames; the bucket of a window of 30 s


def bucket(frames: int) -> int:
    """Return the length to which `frames`, 1 or more, are padded."""
    step = max(STEP, (1 << (frames - 1).bit_length()) // (2 * STEPS))
    return -(-frames // step) * step
