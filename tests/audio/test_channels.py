"""One channel of a recording, of any rate and container, by its number; what channels are called."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from malsori.audio import ChannelOf, Form, ReadingOptions, decode, decode_blocks, decode_channels, names_of
from malsori.audio.channels import picked, silenced
from malsori.audio.pieces import SoundPiece
from malsori.errors import AudioError, NoSuchChannel, OptionError
from malsori.types import Span
from tests.sounds import recording, tone


def tones(rate: int, channels: int = 2, seconds: float = 1.0) -> NDArray[np.float32]:
    return np.stack([tone(seconds, rate, 200.0 * (number + 1)) for number in range(channels)], axis=1)


def stored(sound: NDArray[np.float32], rate: int, format: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=format)
    return file.getvalue()


@pytest.mark.parametrize("format", ["WAV", "FLAC", "AIFF"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_channel_is_what_its_mono_file_is(rate: int, format: str) -> None:
    sound = tones(rate)
    for number in (1, 2):
        alone = decode(stored(sound[:, number - 1], rate, format)).samples
        assert np.array_equal(decode(ChannelOf(stored(sound, rate, format), number)).samples, alone)


@pytest.mark.parametrize("format", ["MP3", "OGG"])
def test_a_channel_of_a_coded_file_has_its_own_sound(format: str) -> None:
    data = stored(tones(44_100, seconds=3.0), 44_100, format)
    for number in (1, 2):
        spectrum = np.abs(np.fft.rfft(decode(ChannelOf(data, number)).samples[8_000:40_000]))
        assert spectrum.argmax() * 0.5 == 200.0 * number


def test_a_channel_of_an_array_is_a_column_of_it() -> None:
    sound = tones(16_000, channels=6)
    assert np.array_equal(decode(ChannelOf(sound, 5)).samples, sound[:, 4])


def test_no_number_is_the_mix() -> None:
    sound = tones(16_000)
    assert np.array_equal(decode(ChannelOf(sound, None)).samples, decode(sound).samples)


def test_all_channels_side_by_side_are_what_each_is_by_itself() -> None:
    data = stored(tones(44_100, channels=3), 44_100)
    with decode_channels(data, reading=ReadingOptions()) as blocks:
        together = np.concatenate(list(blocks))
    assert together.shape[1] == 3
    for number in (1, 2, 3):
        assert np.allclose(together[:, number - 1], decode(ChannelOf(data, number)).samples, atol=1e-6)


def test_a_channel_that_is_not_there_is_an_error_that_says_how_many_there_are(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(stored(tones(8_000), 8_000))
    with pytest.raises(NoSuchChannel, match=r"talk.wav: expected the channel 3, found 2 channels \(left, right\)"):
        decode_blocks(ChannelOf(path, 3))
    with pytest.raises(NoSuchChannel, match=r"found 1 channel$"):
        decode_blocks(ChannelOf(tone(), 2))
    assert issubclass(NoSuchChannel, AudioError)
    assert issubclass(NoSuchChannel, OptionError)


@pytest.mark.parametrize(
    ("form", "names"),
    [
        (Form(16_000, 1), ("channel 1",)),
        (Form(16_000, 2), ("left", "right")),
        (Form(16_000, 3), ("channel 1", "channel 2", "channel 3")),
        (
            Form(16_000, 6, ("FL", "FR", "FC", "LFE", "BL", "BR")),
            ("left", "right", "centre", "low frequencies", "back left", "back right"),
        ),
        (Form(16_000, 3, ("FL", "FR", "TFC")), ("left", "right", "channel 3")),
    ],
)
def test_channels_are_called_as_the_file_names_them(form: Form, names: tuple[str, ...]) -> None:
    assert names_of(form) == names


def test_a_recording_of_many_channels_gives_each_of_them() -> None:
    path = recording("formats/whispernet_multichannel.wav")
    with decode_channels(path, reading=ReadingOptions()) as blocks:
        count = blocks.form.channels
        together = np.concatenate(list(blocks))
    assert count >= 3
    for number in range(1, count + 1):
        assert np.allclose(decode(ChannelOf(path, number)).samples, together[:, number - 1], atol=1e-5)


def test_where_the_recording_goes_on_with_fewer_channels_the_others_are_silent() -> None:
    stereo, mono = stored(tones(44_100), 44_100, "MP3"), stored(tone(1.0, 44_100), 44_100, "MP3")
    with decode_blocks(ChannelOf(stereo + mono, 2)) as blocks:
        sound = np.concatenate(list(blocks))
    (line,) = (line for line in blocks.warnings if "channel" in line)
    assert line.startswith("channel 2 is silent where the recording has fewer channels: 1.0")
    assert np.abs(sound[2_000:14_000]).max() > 0.3
    assert np.abs(sound[20_000:]).max() < 1e-3
    assert np.abs(decode(ChannelOf(stereo + mono, 1)).samples[20_000:30_000]).max() > 0.3


def test_a_channel_that_begins_later_is_silent_before_it_where_that_is_asked_for() -> None:
    stereo, mono = stored(tones(44_100), 44_100, "MP3"), stored(tone(1.0, 44_100), 44_100, "MP3")
    with pytest.raises(NoSuchChannel):
        decode(ChannelOf(mono + stereo, 2))
    sound = decode(ChannelOf(mono + stereo, 2, padded=True)).samples
    assert np.abs(sound[:14_000]).max() < 1e-3
    assert np.abs(sound[20_000:30_000]).max() > 0.3


def test_the_line_about_a_missing_channel_says_where_it_is_missing_first() -> None:
    notes: list[str] = []
    forms = [Form(10, 2), Form(10, 1), Form(10, 2), Form(10, 1)]
    pieces = (SoundPiece(np.ones((5, form.channels), np.float32), form) for form in forms)
    found = np.concatenate([piece.frames for piece in picked(pieces, 2, notes)])
    assert found[:, 0].tolist() == [1.0] * 5 + [0.0] * 5 + [1.0] * 5 + [0.0] * 5
    assert notes == ["channel 2 is silent where the recording has fewer channels: 1.00 s, the first at 0.50 s"]


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=20),
    st.lists(st.integers(0, 300), min_size=0, max_size=8, unique=True).map(sorted),
)
def test_spans_are_silenced_in_any_cut_of_the_sound(sizes: list[int], edges: list[int]) -> None:
    sound = np.ones(sum(sizes), np.float32)
    spans = [Span(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=False)]
    blocks = np.split(sound, np.cumsum(sizes)[:-1])
    found = np.concatenate(list(silenced(iter(blocks), spans)))
    expected = sound.copy()
    for span in spans:
        expected[span.start : span.stop] = 0.0
    assert np.array_equal(found, expected)
    assert sound.all()  # the sound given is a caller's


def test_a_source_read_with_silent_spans_is_silent_there() -> None:
    sound = decode(ChannelOf(tones(16_000), 1, (Span(1_000, 2_000), Span(15_000, 20_000)))).samples
    assert len(sound) == 16_000
    assert not sound[1_000:2_000].any()
    assert not sound[15_000:].any()
    assert np.array_equal(sound[2_000:15_000], tones(16_000)[2_000:15_000, 0])
