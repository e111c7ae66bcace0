"""Samples as callers have them: every form is heard as the same sound, or refused by name with what to type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import malsori
from malsori.audio import decode
from malsori.audio.intake import Intake
from malsori.errors import OptionError, UnsupportedFormat
from tests.shipped import ROOT
from tests.sounds import tone

TONE = tone(1.0)
NANO = ROOT / "models"


class Tensor:
    """What a framework has: an array for numpy where it lies in the CPU's memory."""

    def __init__(self, samples: NDArray[Any], device: str = "cpu") -> None:
        self.samples, self.device = samples, device

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        if self.device != "cpu":
            raise TypeError(f"can't convert {self.device}:0 device type tensor to numpy")
        return self.samples


def integers(kind: str) -> NDArray[Any]:
    full = 2 ** (8 * np.dtype(kind).itemsize - 1)
    middle = full if np.dtype(kind).kind == "u" else 0
    return np.clip(np.rint(TONE.astype(np.float64) * full) + middle, np.iinfo(kind).min, np.iinfo(kind).max).astype(
        kind
    )


def big(samples: NDArray[Any]) -> NDArray[Any]:
    return samples.astype(samples.dtype.newbyteorder(">"))


def read_only(samples: NDArray[Any]) -> NDArray[Any]:
    samples = samples.copy()
    samples.flags.writeable = False
    return samples


TAKEN: dict[str, Any] = {
    **{kind: integers(kind) for kind in ("int8", "uint8", "int16", "int32")},
    "int16 big-endian": big(integers("int16")),
    "int32 big-endian": big(integers("int32")),
    "float16": TONE.astype(np.float16),
    "float64": TONE.astype(np.float64),
    "float32 big-endian": big(TONE),
    "longdouble": TONE.astype(np.longdouble),
    "every second": np.repeat(TONE, 2)[::2],
    "backwards": TONE[::-1].copy()[::-1],
    "read only": read_only(TONE),
    "one column": TONE[:, np.newaxis],
    "one row": TONE[np.newaxis],
    "two columns": np.stack([TONE, TONE], axis=1),
    "two rows": np.stack([TONE, TONE]),
    "two rows in Fortran's order": np.asfortranarray(np.stack([TONE, TONE])),
    "a list": TONE.tolist(),
    "a tuple": tuple(TONE.tolist()),
    "rows in lists": [TONE.tolist(), TONE.tolist()],
    "a tensor": Tensor(TONE),
    "a tensor of rows": Tensor(np.stack([TONE, TONE])),
}


@pytest.mark.parametrize("form", TAKEN)
def test_every_form_of_samples_is_the_same_sound_whole_and_in_a_stream(form: str):
    tolerance = 1 / 127 if "int8" in form else 1e-3
    whole, intake = decode(TAKEN[form]), Intake()
    np.testing.assert_allclose(whole.samples, TONE, atol=tolerance)
    assert whole.warnings == ()
    np.testing.assert_allclose(np.concatenate([intake.push(TAKEN[form]), intake.flush()]), TONE, atol=tolerance)


REFUSED: list[tuple[Any, str]] = [
    (integers("int16").astype(np.int64), r"found int64, whose full scale nobody knows; .*x.astype\('int16'\)"),
    (integers("int16").astype(np.uint16), "found uint16, whose full scale nobody knows"),
    (
        integers("int16").astype(np.int32),
        r"at their full scale.*found int32 with a peak of 13107, .*x.astype\('int16'\)",
    ),
    (TONE * 32_767, "in .-1, 1., found a peak of 13106.8; divide by 32768"),
    ((TONE * 32_767).tolist(), "divide by 32768"),
    (TONE * 2.0**23, "divide by 8388608"),
    (TONE.astype(np.float64) * 2.0**31, "divide by 2147483648"),
    (TONE.astype(np.float64) * 1e30, r"divide by abs\(x\).max\(\)"),
    (np.zeros(1000, bool), "found bool"),
    (np.zeros(1000, complex), "found complex128; pass x.real"),
    (np.array([0.1, None] * 100), "found object"),
    (np.array(["a"] * 100), "found str"),
    (np.zeros((2, 3, 1000)), "found 3 dimensions"),
    (np.float32(0.5), "found 0 dimensions"),
    (np.zeros((80, 3000)), r"one axis of 1 to 32 channels .* found the shape \(80, 3000\); a spectrogram is no sound"),
    (np.zeros((3, 20)), r"found the shape \(3, 20\); pass one channel"),
    ([[0.1, 0.2], [0.3]], r"in the CPU's memory, found a list that is no array"),
    (
        Tensor(TONE, "cuda"),
        r"found a Tensor that is no array \(can't convert cuda:0 .*try .detach\(\).cpu\(\).numpy\(\)",
    ),
]


@pytest.mark.parametrize(("samples", "words"), REFUSED)
def test_samples_that_can_be_meant_in_two_ways_are_refused_with_what_to_type(samples: Any, words: str):
    with pytest.raises(UnsupportedFormat, match=f"<array>: expected .*{words}"):
        decode(samples)


def test_a_few_clicks_beyond_full_scale_are_clipped_and_told_of():
    clicked = TONE.copy()
    clicked[::2000] = 100.0
    found = decode(clicked)
    assert found.samples.max() == 1.0
    assert found.warnings == ("8 samples beyond full scale were clipped (peak 100)",)


def test_a_loud_mix_is_clipped_and_not_taken_for_another_scale():
    assert decode(TONE * 10).warnings[0].endswith("were clipped (peak 4)")


def test_silence_in_32_bits_has_no_other_scale():
    assert not decode(np.zeros(1000, np.int32)).samples.any()


@pytest.mark.parametrize("rate", [44_100, 44_100.0, np.int64(44_100), np.float32(44_100)])
def test_a_rate_may_be_any_number_that_is_whole(rate: Any):
    sound = tone(1.0, 44_100)
    assert len(decode(sound, sample_rate=rate).samples) == 16_000
    intake = Intake(rate)
    assert len(intake.push(sound, sample_rate=rate)) + len(intake.flush()) == 16_000


@pytest.mark.parametrize("rate", [44_100.5, float("nan"), float("inf"), 10**400, "44100", True, None, 1 + 0j])
def test_a_rate_that_is_not_whole_is_refused(rate: Any):
    for take in (lambda: decode(TONE, sample_rate=rate) if rate is not None else Intake(rate), lambda: Intake(rate)):
        with pytest.raises(UnsupportedFormat, match="expected a sample rate in whole Hz, found"):
            take()


def test_the_public_functions_share_all_that():
    transcriber = malsori.load(NANO / "nano-ctc-ko", device="cpu", threads=1)
    sound = malsori.decode(NANO.parent / "samples" / "korean.wav").samples
    rows = (np.stack([sound, sound]) * 32_768).astype(np.int16)
    text = transcriber.transcribe(sound).text
    assert transcriber.transcribe(rows, sample_rate=16_000.0).text == text
    assert [found.text for found in transcriber.transcribe_many([rows, sound.tolist()])] == [text, text]
    assert malsori.align(rows, text, transcriber).words
    assert len(transcriber.embed(rows)) == len(transcriber.embed(sound))
    assert transcriber.detect_language(rows) == transcriber.detect_language(sound)
    stream = transcriber.stream(partials=False, sample_rate=16_000.0)
    events = [*stream.push(rows), *stream.flush()]
    assert [event.text for event in events if isinstance(event, malsori.Final)] == [text]


def test_one_array_is_no_list_of_recordings():
    transcriber = malsori.load(NANO / "nano-ctc-ko", device="cpu", threads=1)
    with pytest.raises(OptionError, match="takes a list of recordings, found a single one"):
        transcriber.transcribe_many(TONE)
