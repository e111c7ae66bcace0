"""A row of a batch's input: one recording, with what is asked of it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import AudioError, OptionError


@dataclass(frozen=True, slots=True)
class InputRow:
    """A recording that was found.

    `source` is its path as given, or its URL; `below` its path below the folder, pattern or manifest that it was found
    by. `options` are its own, plain values of JSON as keywords of `transcribe`, and `id` names its results where a
    manifest gives one. `size` are its bytes, `changed` is its time in nanoseconds; 0 where unknown. `trouble`
    is why it cannot be heard, where that is known beforehand.
    """

    source: str
    below: str
    options: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    trouble: AudioError | OptionError | None = None
    size: int = 0
    changed: int = 0
