"""What the value of an option may be. Each kind reads it from a text, checks it, and says it as a JSON schema.

Numbers may be Python's and numpy's alike; True and False are none. Kinds that one class of options alone has stand
beside it: languages and hot words in `engines/options.py`, tracks in `sound_options.py`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from itertools import pairwise
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeGuard

from .errors import OptionError

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
LEAST_RATE, MOST_RATE = 4_000, 384_000  # Hz that sound may have
MOST_CHANNELS = 32  # that sound may have
LATEST = 1e9  # seconds, 31 years


def is_whole(value: object) -> TypeGuard[int]:
    """Return whether it is a whole number."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether it is a number, which may be infinite."""
    return isinstance(value, Real) and not isinstance(value, bool) and not math.isnan(value)


def is_finite(value: object) -> TypeGuard[float]:
    """Return whether it is a number that is not infinite."""
    return is_number(value) and math.isfinite(value)


def number_in(text: str, expected: str) -> float:
    """Return the number that a text is. Raises `OptionError`, which says what was `expected`."""
    try:
        return float(text)
    except ValueError:
        raise not_read(text, expected) from None


def not_read(text: str, expected: str) -> OptionError:
    """Return the error for a text that no value can be read from."""
    return OptionError(f"expected {expected}, found {text!r}")


def between(least: float, most: float, above: bool = False) -> str:
    """Return how a message says a range: `from 1 to 3`, `of 0 or more`, `above 0, at most 1`."""
    if math.isinf(least):
        return f"of {most:g} or less"
    if above:
        return f"above {least:g}" + ("" if math.isinf(most) else f", at most {most:g}")
    return f"of {least:g} or more" if math.isinf(most) else f"from {least:g} to {most:g}"


class Kind:
    """What the values of an option may be; here any text. With `or_none` also None; `expected` is what messages say.

    `schema` is the JSON schema of a value that is not None, an empty one where JSON has no such value.
    """

    expected, metavar = "a text", "TEXT"
    wrong = "{name}: expected {expected}, found {value!r}"
    schema: Mapping[str, Any] = {"type": "string"}

    def __init__(self, *, or_none: bool = False, expected: str = "", wrong: str = "") -> None:
        self.or_none, self.expected, self.wrong = or_none, expected or self.expected, wrong or self.wrong

    def read(self, text: str) -> Any:
        """Return the value that a flag or a query has as text. Raises `OptionError`, which does not name the option."""
        return text

    def plain(self, value: Any) -> Any:
        """Return a value in the form in which options keep it; one of another kind as it is, for `check` to refuse."""
        return value

    def allows(self, value: Any) -> bool:
        """Return whether it is such a value; None is none."""
        return isinstance(value, str)

    def check(self, name: str, value: Any) -> None:
        """Raise `OptionError` for what the option of this name cannot be."""
        if not (self.allows(value) or (value is None and self.or_none)):
            raise OptionError(self.wrong.format(name=name, expected=self.expected, value=value))


class Switch(Kind):
    """True or False; numpy's are kept as Python's."""

    expected, metavar = "True or False", "BOOL"
    schema: Mapping[str, Any] = {"type": "boolean"}

    def read(self, text: str) -> bool:
        if text.lower() not in TRUE | FALSE:
            raise not_read(text, "True or False")
        return text.lower() in TRUE

    def plain(self, value: Any) -> Any:
        return bool(value) if self.allows(value) else value

    def allows(self, value: Any) -> bool:
        return isinstance(value, bool) or (str(getattr(value, "dtype", "")) == "bool" and value.shape == ())


class Choice(Kind):
    """One of a few words."""

    wrong = "no {name} {value!r}; there are {expected}"

    def __init__(self, *words: str, or_none: bool = False, wrong: str = "") -> None:
        super().__init__(or_none=or_none, expected=", ".join(words), wrong=wrong)
        self.words, self.schema = words, {"enum": list(words)}

    def allows(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.words


class Number(Kind):
    """A number from `least` to `most`, or `above` the least, and a multiple of `step`; a `finite` one is not inf."""

    metavar = "X"

    def __init__(
        self,
        least: float = -math.inf,
        most: float = math.inf,
        unit: str = "a number",
        *,
        above: bool = False,
        finite: bool = False,
        step: int = 0,
        or_none: bool = False,
        expected: str = "",
    ) -> None:
        super().__init__(or_none=or_none, expected=expected or f"{unit} {between(least, most, above)}")
        self.least, self.most, self.above, self.finite, self.step = least, most, above, finite, step
        bounds = {"exclusiveMinimum" if above else "minimum": least, "maximum": most, "multipleOf": step or math.inf}
        self.schema = {"type": "number", **{name: value for name, value in bounds.items() if math.isfinite(value)}}

    def read(self, text: str) -> float:
        """Return the number. Checked are its sign where the range begins at 0, and that a `finite` one is finite."""
        signs = f"a number {between(0, math.inf, self.above)}"
        value = number_in(text, "a number" if self.least else signs)
        signed = self.least != 0 or (value > 0 if self.above else value >= 0)
        if not signed or (self.finite and not math.isfinite(value)):
            raise not_read(text, self.expected if signed else signs)
        return value

    def allows(self, value: Any) -> bool:
        inside = is_number(value) and self.least <= value <= self.most and not (self.above and value == self.least)
        return inside and (math.isfinite(value) or not self.finite) and not (self.step and value % self.step)


class Threshold(Number):
    """A number, or None for no threshold."""

    def __init__(self, least: float = -math.inf, most: float = math.inf) -> None:
        super().__init__(least, most, "None or a number", or_none=True)

    def read(self, text: str) -> Any:
        return None if text.lower() == "none" else number_in(text, "a number or none")


class Whole(Number):
    """A whole number."""

    metavar = "N"

    def __init__(self, least: float = 0, most: float = math.inf, *, or_none: bool = False, expected: str = "") -> None:
        super().__init__(least, most, "a whole number", or_none=or_none, expected=expected)
        self.schema = {**self.schema, "type": "integer"}

    def read(self, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise not_read(text, "a whole number") from None

    def allows(self, value: Any) -> bool:
        return is_whole(value) and super().allows(value)


class Count(Number):
    """How many of something: a whole number from 1 on, to `most`."""

    metavar = "N"

    def __init__(self, most: float = math.inf, *, or_none: bool = False) -> None:
        expected = "" if math.isinf(most) else f"1 to {most}"
        super().__init__(1, most, "a whole number", or_none=or_none, expected=expected)
        self.schema = {**self.schema, "type": "integer"}

    def read(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or int(text) < 1:
            raise not_read(text, "a whole number of 1 or more")
        return int(text)

    def allows(self, value: Any) -> bool:
        return is_whole(value) and super().allows(value)


class Seconds(Kind):
    """Ascending times; in a text with commas between."""

    expected, metavar = "ascending seconds of 0 or more", "TIMES"
    schema: Mapping[str, Any] = {"type": "array", "items": Number(0, LATEST).schema}

    def read(self, text: str) -> tuple[float, ...]:
        return tuple(number_in(part, "seconds such as 0,12.5,60,72") for part in text.split(",") if part.strip())

    def plain(self, value: Any) -> Any:
        try:
            return self.read(value) if isinstance(value, str) else value
        except OptionError:
            return value

    def allows(self, value: Any) -> bool:
        times = value if isinstance(value, (list, tuple)) else (math.nan,)
        known = all(is_finite(time) and 0 <= time <= LATEST for time in times)
        return known and all(earlier < later for earlier, later in pairwise(times))


class FilePath(Kind):
    """The path of a file."""

    expected, metavar = "a path", "FILE"

    def plain(self, value: Any) -> Any:
        return Path(value) if self.allows(value) else value

    def allows(self, value: Any) -> bool:
        return isinstance(value, (str, os.PathLike))


class Function(Kind):
    """A function without arguments, which neither flags nor JSON can give."""

    expected = "a function without arguments"
    schema: Mapping[str, Any] = {}

    def allows(self, value: Any) -> bool:
        return callable(value)
