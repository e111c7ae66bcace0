"""Down-mix by what each channel is: dialogue in the centre is heard, and nothing clips."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from malsori.audio import decode
from malsori.audio.mono import Mixer, weights_of
from tests.sounds import tone
from tests.tracks import Track, muxed

SURROUND = ("FL", "FR", "FC", "LFE", "BL", "BR")


def in_channel(index: int, channels: int, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    frames = np.zeros((len(samples), channels), np.float32)
    frames[:, index] = samples
    return frames


def wavex(frames: NDArray[np.float32], mask: int) -> bytes:
    channels = frames.shape[1]
    data = frames.astype("<f4").tobytes()
    tail = bytes.fromhex("000000001000800000aa00389b71")
    fmt = struct.pack("<HHIIHHHHIH", 0xFFFE, channels, 16_000, 64_000 * channels, 4 * channels, 32, 22, 32, mask, 3)
    body = b"fmt " + struct.pack("<I", 40) + fmt + tail + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def test_weights_are_those_of_bs_775_and_add_up_to_one() -> None:
    weights = weights_of(SURROUND)
    assert weights is not None
    left, right, centre, effects, *back = weights.tolist()
    assert (left, centre / left, back[0] / centre) == (right, pytest.approx(2**0.5, rel=1e-3), pytest.approx(0.5))
    assert effects == 0
    assert sum(weights) == pytest.approx(1)


@pytest.mark.parametrize("layout", [(), ("FC",), ("FL", "FR"), ("FL", "FR", "AMBI3"), ("LFE", "LFE2")])
def test_layouts_of_equals_and_unknown_ones_are_averaged(layout: tuple[str, ...]) -> None:
    assert weights_of(layout) is None


def test_a_mix_of_full_scale_in_all_channels_does_not_clip() -> None:
    (mono,) = Mixer().mixed(iter([np.ones((100, 6), np.float32)]), weights_of(SURROUND))
    np.testing.assert_allclose(mono, 1, atol=1e-6)


def test_speech_in_the_centre_is_louder_than_in_a_plain_mean_and_music_beside_it_is_not() -> None:
    weights = weights_of(SURROUND)
    (centre,) = Mixer().mixed(iter([in_channel(2, 6, tone())]), weights)
    (left,) = Mixer().mixed(iter([in_channel(0, 6, tone())]), weights)
    assert np.abs(centre).max() > 1.7 * 0.4 / 6
    assert np.abs(centre).max() > 1.4 * np.abs(left).max()


def test_low_frequency_effects_alone_are_left_out() -> None:
    mixer = Mixer()
    (mono,) = mixer.mixed(iter([in_channel(3, 6, tone(hertz=60))]), weights_of(SURROUND))
    assert not mono.any()
    assert mixer.warnings() == ()


def test_a_wav_that_says_which_channel_is_which_is_mixed_by_it() -> None:
    centre = in_channel(2, 6, tone())
    assert np.abs(decode(wavex(centre, 0x3F)).samples).max() == pytest.approx(0.4 * 0.2929, rel=1e-2)
    assert np.abs(decode(wavex(centre, 0)).samples).max() == pytest.approx(0.4 / 6, rel=1e-2)
    assert np.abs(decode(wavex(centre, 0x1F)).samples).max() == pytest.approx(0.4 / 6, rel=1e-2)  # five of six


@pytest.mark.parametrize(("codec", "container"), [("aac", "mp4"), ("ac3", "matroska"), ("flac", "matroska")])
def test_the_centre_of_a_film_is_heard(codec: str, container: str) -> None:
    frames = in_channel(2, 6, tone(2, 48_000))
    clip = decode(muxed(container, Track(frames, codec, 48_000, "5.1")))
    assert np.abs(clip.samples).max() == pytest.approx(0.4 * 0.2929, abs=0.03)


def test_speech_in_one_of_two_channels_is_heard() -> None:
    clip = decode(in_channel(1, 2, tone()))
    np.testing.assert_allclose(clip.samples, tone() / 2, atol=1e-6)


def test_channels_that_change_in_the_middle_are_mixed_each_in_its_way() -> None:
    mono, stereo = tone(2), np.stack([tone(1), tone(1)], axis=1)
    parts = []
    for frames in (mono, stereo):
        file = io.BytesIO()
        soundfile.write(file, frames, 16_000, format="FLAC")
        parts.append(file.getvalue())
    clip = decode(b"".join(parts))
    np.testing.assert_allclose(clip.samples, np.concatenate([mono, tone(1)]), atol=1e-4)
