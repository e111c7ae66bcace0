"""What CTranslate2 stores weights in and computes in, and what a device makes of a type that it does not have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from ..errors import OptionError
from .devices import Device, compute_types

TYPES = ("int8", "int8_float16", "int8_bfloat16", "int8_float32", "float16", "bfloat16", "int16", "float32")
FLOATS = ("float16", "bfloat16", "float32")
# Never a narrower one: CTranslate2 by itself would compute 16-bit weights in 8 bits where it has no 16-bit products.
WIDER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "int8": ("int8_float32",),
        "int8_float16": ("int8_float32",),
        "int8_bfloat16": ("int8_float32",),
        "float16": ("float32",),
        "bfloat16": ("float32",),
        "int16": ("float32",),
    }
)


def computing(stored: str, there: Collection[str]) -> str | None:
    """Return what weights `stored` in one of `TYPES` are computed in on a device that has `there`; None for nothing."""
    return next((kind for kind in (stored, *WIDER.get(stored, ())) if kind in there), None)


def told(there: Collection[str]) -> str:
    """Return a line for people: what a device has, and what becomes of the types that it does not have.

    Example: `int8, int8_float32, float32; computed wider: float16, bfloat16, int16 in float32`.
    """
    widened: dict[str, list[str]] = {}
    for kind in TYPES:
        if kind not in there and (wider := computing(kind, there)):
            widened.setdefault(wider, []).append(kind)
    lost = ", ".join(kind for kind in TYPES if computing(kind, there) is None)
    parts = [
        ", ".join([*(kind for kind in TYPES if kind in there), *sorted(set(there) - set(TYPES))]) or "no compute type",
        f"computed wider: {', '.join(f'{_and(kinds)} in {wider}' for wider, kinds in widened.items())}" * bool(widened),
        f"not to be had: {lost}" * bool(there and lost),
    ]
    return "; ".join(part for part in parts if part)


def _and(kinds: list[str]) -> str:
    return " and ".join([*([", ".join(kinds[:-1])] if kinds[:-1] else []), kinds[-1]])


def compute_type_for(asked: str, stored: str, device: Device) -> str:
    """Return what CTranslate2 is to compute in; left to itself, it writes on stderr when it cannot do as stored.

    By default it is what the weights are stored in, but for floats on a CPU, which are computed in 8 bits: a CPU has no
    products of 16-bit floats, and those of 32 bits take longer and four times the memory. Raises `OptionError` for a
    compute type that the device does not have.
    """
    there = compute_types(device)
    if asked == "default" and device == "cpu" and stored in FLOATS and "int8" in there:
        return "int8"
    if asked == "default":
        return computing(stored, there) or "auto"
    if asked not in (*there, "auto"):
        choices = ", ".join(["default", "auto", *there])
        raise OptionError(f"compute type {asked!r} is not to be had on {device} here; there are {choices}")
    return asked
