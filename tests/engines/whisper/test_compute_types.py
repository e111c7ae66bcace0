"""Compute types: what a device makes of what it does not have, and that doctor tells it."""

from __future__ import annotations

import pytest

from malsori.cli import doctor
from malsori.engines.machine import devices
from malsori.engines.whisper.model_files import TYPES, computing, describe

AVX2 = ("float32", "int8", "int8_float32")
INTEL = (*AVX2, "int16")
AMPERE = ("bfloat16", "float16", "float32", "int8", "int8_bfloat16", "int8_float16", "int8_float32")


@pytest.mark.parametrize("there", [AVX2, INTEL, AMPERE])
def test_what_a_device_has_is_computed_as_it_is_stored(there: tuple[str, ...]) -> None:
    assert all(computing(kind, there) == kind for kind in there)


@pytest.mark.parametrize(
    ("stored", "there", "expected"),
    [
        ("float16", AVX2, "float32"),
        ("bfloat16", AVX2, "float32"),
        ("int16", AVX2, "float32"),
        ("int8_float16", AVX2, "int8_float32"),
        ("int8_bfloat16", AVX2, "int8_float32"),
        ("int16", AMPERE, "float32"),
        ("int16", INTEL, "int16"),
        ("int8", ("float32",), None),
        ("float32", (), None),
        ("int4", AMPERE, None),
    ],
)
def test_a_type_that_a_device_does_not_have_is_widened_and_never_narrowed(
    stored: str, there: tuple[str, ...], expected: str | None
) -> None:
    assert computing(stored, there) == expected


def test_a_line_tells_what_there_is_and_what_is_widened_to_what() -> None:
    assert describe(AVX2) == (
        "int8, int8_float32, float32; computed wider: int8_float16 and int8_bfloat16 in int8_float32, "
        "float16, bfloat16 and int16 in float32"
    )
    assert describe(AMPERE).endswith("float32; computed wider: int16 in float32")
    assert describe(("float32",)).endswith("; not to be had: int8, int8_float16, int8_bfloat16, int8_float32")
    assert describe(()) == "no compute type"


def test_a_type_of_a_later_ctranslate2_is_told_too() -> None:
    assert "float8" in describe((*TYPES, "float8"))


def test_doctor_accounts_for_every_type_on_the_cpu() -> None:
    fact = next(fact for fact in doctor.report() if fact.name == "whisper on cpu")
    assert fact.ok
    assert all(kind in fact.value.replace(";", ",").replace(" and ", ", ") for kind in TYPES)


def test_doctor_tells_the_types_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda", lambda library: devices.Availability(True, "1 device"))
    monkeypatch.setattr(devices, "compute_types", lambda device: AMPERE if device == "cuda" else AVX2)
    facts = {fact.name: fact.value for fact in doctor.report()}
    assert facts["whisper on cuda"] == f"1 device; {describe(AMPERE)}"
    assert facts["whisper on cpu"] == describe(AVX2)
