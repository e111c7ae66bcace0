"""PCM16 bytes and float32 samples are two forms of the same thing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from malsori.audio import Pcm16Decoder, from_pcm16, to_pcm16


def test_every_pcm16_value_survives_the_way_there_and_back() -> None:
    data = np.arange(-32_768, 32_768, dtype="<i2").tobytes()
    assert to_pcm16(from_pcm16(data)) == data


def test_full_scale_is_one_and_beyond_it_is_clipped() -> None:
    assert from_pcm16(b"\x00\x80\xff\x7f").tolist() == [-1.0, 32_767 / 32_768]
    assert to_pcm16(np.array([-2, -1, 1, 2], np.float32)) == b"\x00\x80\x00\x80\xff\x7f\xff\x7f"


@given(cuts=st.lists(st.integers(0, 41), max_size=8))
def test_any_cut_of_the_bytes_gives_the_same_samples(cuts: list[int]) -> None:
    data = bytes(range(100, 141))
    decoder = Pcm16Decoder()
    parts = [decoder.push(data[start:stop]) for start, stop in pairwise([0, *sorted(cuts), len(data)])]
    np.testing.assert_array_equal(np.concatenate([*parts, decoder.flush()]), from_pcm16(data))


def test_half_a_sample_does_not_leak_into_the_next_stream() -> None:
    decoder = Pcm16Decoder()
    decoder.push(b"\x01")
    assert decoder.flush().size == 0
    np.testing.assert_array_equal(decoder.push(b"\x00\x40"), [0.5])
