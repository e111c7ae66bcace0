"""Chunks of any rate, width and number of channels, in any cut."""

from __future__ import annotations

import random

import numpy as np
import pytest

from malsori.audio.samples import from_pcm16
from malsori.service.refusal import Refusal
from malsori.service.wyoming.chunk_sound import ChunkForm, ChunkSound, chunk_form
from malsori.types import Audio
from tests.service.wyoming.talking import FORM, speech

FORMS = [
    ChunkForm(rate, width, channels)
    for rate in (8_000, 16_000, 44_100)
    for width in (1, 2, 3, 4)
    for channels in (1, 2)
]


def tone(form: ChunkForm, seconds: float = 0.5) -> bytes:
    """A tone of 440 Hz in all channels, as it is stored."""
    at = np.arange(round(form.rate * seconds)) / form.rate
    wave = np.repeat(0.5 * np.sin(2 * np.pi * 440 * at), form.channels)
    if form.width == 1:
        return np.rint(wave * 128 + 128).astype(np.uint8).tobytes()
    stored = (wave * 2 ** (8 * form.width - 1)).astype("<i4").view(np.uint8).reshape(-1, 4)
    return stored[:, : form.width].tobytes()


def heard(form: ChunkForm, parts: list[bytes]) -> Audio:
    sound = ChunkSound()
    return np.concatenate([*(sound.push(form, part) for part in parts), sound.flush()])


def cut(data: bytes, seed: int) -> list[bytes]:
    cuts = sorted(random.Random(seed).sample(range(len(data)), 40))
    return [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_becomes_the_same_tone(form: ChunkForm) -> None:
    found = heard(form, [tone(form)])
    assert abs(len(found) - 8_000) <= 1
    at = np.arange(1_000, 7_000) / 16_000
    assert found[1_000:7_000] == pytest.approx(
        0.5 * np.sin(2 * np.pi * 440 * at), abs=0.01
    )  # 8 bits are steps of 0.008


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_any_cut_gives_the_same_samples(form: ChunkForm) -> None:
    data = tone(form) + b"\x7f" * (form.frame - 1)  # and half a sample
    whole = heard(form, [data])
    for seed in range(5):
        assert np.array_equal(heard(form, cut(data, seed)), whole)


def test_pcm_at_16_khz_is_taken_exactly() -> None:
    assert np.array_equal(heard(ChunkForm(16_000, 2, 1), cut(speech("korean"), 3)), from_pcm16(speech("korean")))


def test_sound_of_another_form_goes_on_behind_that_before() -> None:
    sound, first, second = ChunkSound(), ChunkForm(16_000, 2, 1), ChunkForm(44_100, 4, 2)
    parts = [sound.push(first, tone(first)), sound.push(second, tone(second)), sound.flush()]
    assert abs(sum(map(len, parts)) - 16_000) <= 2


def test_nothing_at_all_is_no_sound() -> None:
    sound = ChunkSound()
    assert len(sound.flush()) == len(sound.push(ChunkForm(16_000, 2, 1), b"")) == 0


def test_a_chunk_that_does_not_say_what_it_is_is_like_those_before() -> None:
    usual = ChunkForm(44_100, 4, 2)
    assert chunk_form({}, usual) == usual
    assert chunk_form({"rate": None, "width": 2}, usual) == ChunkForm(44_100, 2, 2)
    assert chunk_form(FORM, None) == ChunkForm(16_000, 2, 1)


@pytest.mark.parametrize("wrong", [{"rate": 3_999}, {"rate": True}, {"width": 1.0}, {"channels": 33}, {"width": "2"}])
def test_what_no_sound_is_stored_like_is_refused_by_its_name(wrong: dict[str, object]) -> None:
    with pytest.raises(Refusal) as caught:
        chunk_form(FORM | wrong, None)
    assert caught.value.param == next(iter(wrong))
    assert caught.value.code == "unsupported_format"
