"""The microphones that there are, and which of them is meant by a number or a part of a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import NoMicrophone

SEE = "malsori live --list-devices shows them"


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A microphone by the number and the name that choose it; `rate` is its own in Hz, 0 where nobody says."""

    number: int
    name: str
    channels: int = 0
    rate: int = 0
    default: bool = False
    note: str = ""


def pick(devices: Sequence[InputDevice], wanted: int | str) -> InputDevice:
    """Return the device of that number, of that name, or else the first whose name has it in it.

    Raises `NoMicrophone` where there is none.
    """
    text = str(wanted).strip()
    if text.isdigit():
        found = [device for device in devices if device.number == int(text)]
    else:
        named = [device for device in devices if device.name == text]
        found = named or [device for device in devices if text.casefold() in device.name.casefold()]
    if not found or not text:
        names = ", ".join(f"{device.number} {device.name}" for device in devices) or "none"
        raise NoMicrophone(f"microphone {text!r}", f"a number or a part of a name; {SEE}", f"these: {names}")
    return found[0]
