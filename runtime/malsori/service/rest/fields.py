"""The texts of a form as values: one or several, with brackets behind their names or without, each taken once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import OptionError, brief
from ...kinds import Kind, Switch
from ..messages import read_object
from ..refusal import Refusal
from ..serve_options import ServiceLimits

LIMITS = ServiceLimits()  # of objects in fields, which are shorter than any message
LONGEST_VALUE = 200  # letters of a field that is no text for the model and no list
LONGEST_MESSAGE = 300  # letters
# Control characters but tabulator and line breaks, and halves of surrogate pairs.
_UNWRITTEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_KEY = re.compile(r"(?P<name>[^\[\]]+)\[(?P<key>[^\[\]]*)\]")


class FormFields:
    """The texts of one form. A field that nobody has asked for is `left`; an empty one counts as not sent."""

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self._plain: dict[str, list[str]] = {}
        self._keyed: dict[str, list[tuple[str, str]]] = {}
        for name, values in texts.items():
            given = [value for value in values if value.strip()]
            if found := _KEY.fullmatch(name):
                self._keyed.setdefault(found["name"], []).extend((found["key"], value) for value in given)
            else:
                self._plain.setdefault(name, []).extend(given)

    @property
    def left(self) -> list[str]:
        """The names of the fields that nobody has asked for."""
        return sorted({*self._plain, *self._keyed})

    def raw(self, name: str) -> str | None:
        """Return the text of a field as it is, None where it was not sent. Raises `Refusal` where it was sent twice."""
        values = self._plain.pop(name, [])
        if len(values) > 1:
            raise invalid(name, f"expected once, found {len(values)} times")
        return values[0] if values else None

    def text(self, name: str, most: int | None = LONGEST_VALUE) -> str | None:
        """Return a text of `most` letters without control characters, None where it was not sent."""
        value = self.raw(name)
        return None if value is None else checked(name, value, most)

    def value(self, name: str, kind: Kind, most: int | None = LONGEST_VALUE) -> Any:
        """Return what a text says, None where it was not sent. Raises `Refusal` for what `kind` cannot be."""
        text = self.text(name, most)
        return None if text is None else read(name, kind, text.strip())

    def switch(self, name: str) -> bool:
        """Return whether a field is on; False where it was not sent."""
        return self.value(name, Switch()) or False

    def listed(self, name: str, *, parted: bool = True) -> list[str]:
        """Return the texts of all fields `name`, `name[]` and `name[0]`; with `parted` also those between commas."""
        values = [*self._plain.pop(name, []), *(value for _, value in self._keyed.pop(name, []))]
        parts = [part for value in values for part in (value.split(",") if parted else [value])]
        return [part.strip() for part in (checked(name, part, None) for part in parts) if part.strip()]

    def members(self, name: str) -> dict[str, Any] | str | None:
        """Return an object, sent as JSON or as fields `name[key]`; a text that is no JSON; None where it was not sent.

        Members sent as fields are texts.
        """
        keyed, text = self._keyed.pop(name, []), self.text(name, None)
        if keyed and text is not None:
            raise invalid(name, f"expected an object or {name}[...], found both")
        if keyed:
            return {checked(name, key): checked(name, value) for key, value in keyed}
        return text if text is None or not text.lstrip().startswith("{") else _object(name, text)


def read(name: str, kind: Kind, text: str) -> Any:
    """Return what a text says. Raises `Refusal` for what `kind` cannot be."""
    try:
        value = kind.read(text)
        kind.check(name, value)
    except (OptionError, ValueError) as error:
        raise invalid(name, str(error).removeprefix(f"{name}: ")) from error
    return value


def checked(name: str, text: str, most: int | None = LONGEST_VALUE) -> str:
    """Return a text. Raises `Refusal` for more than `most` letters, and for control characters."""
    if most is not None and len(text) > most:
        raise invalid(name, f"expected at most {most} letters, found {len(text)}")
    if found := _UNWRITTEN.search(text):
        raise invalid(name, f"expected a text without control characters, found {found[0]!a}")
    return text


def invalid(name: str, reason: str) -> Refusal:
    """Return the refusal of a field's value."""
    return Refusal(400, "invalid_value", f"{name}: {brief(ValueError(reason), LONGEST_MESSAGE)}", name)


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        return read_object(text, LIMITS)
    except Refusal as refusal:
        raise invalid(name, refusal.message) from refusal
