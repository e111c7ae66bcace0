"""A part of an update that a client sends: absent fields stay as they are, null is the default."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from ...option import nearest
from ..refusal import Refusal

T = TypeVar("T")
Check = Callable[[str, Any], T]
"""Returns a value that a client sent in the form in which it is kept; gets its path first. Raises `Refusal`."""


class GivenObject:
    """A JSON object that a client sent, at `path`; it may have the fields `known`, `ignored` ones have no effect.

    Raises `Refusal` for anything else.
    """

    def __init__(self, path: str, value: Any, known: Collection[str], ignored: Collection[str] = ()) -> None:
        if not isinstance(value, dict):
            raise invalid(path, f"expected an object, found {shown(value)}")
        self.path, self._fields = path, value
        for name in value:
            if name not in known and name not in ignored:
                hint = nearest(name, [*known]) or f"; there are {', '.join(known)}"
                at = f"{path}.{ascii(name[:80])[1:-1]}"
                raise Refusal(400, "unknown_parameter", f"{at}: there is no such field{hint}", at)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def raw(self, name: str) -> Any:
        """Return a field as it came, None where it is absent."""
        return self._fields.get(name)

    def get(self, name: str, current: T, default: T, check: Check[T]) -> T:
        """Return a field: as it is now where it is absent, its default for null."""
        if name not in self._fields:
            return current
        value = self._fields[name]
        return default if value is None else check(f"{self.path}.{name}", value)


def invalid(path: str, message: str) -> Refusal:
    """Return the refusal of the value at a path."""
    return Refusal(400, "invalid_value", f"{path}: {message}", path)


def shown(value: Any) -> str:
    """Return how a message shows a value, which may be long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


def one_of(*words: str) -> Check[Any]:
    """Return the check of a word out of a few."""

    def check(path: str, value: Any) -> Any:
        if value not in words:
            raise invalid(path, f"expected {' or '.join(words)}, found {shown(value)}")
        return value

    return check


def number(least: float, most: float, *, whole: bool = False) -> Check[Any]:
    """Return the check of a number in a range."""

    def check(path: str, value: Any) -> Any:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
        if not is_number or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            raise invalid(path, f"expected {kind} from {least:g} to {most:g}, found {shown(value)}")
        return int(value) if whole else float(value)

    return check


def text(path: str, value: Any) -> str:
    """Return a text. Raises `Refusal` for what is none, or has characters that no text has."""
    if not isinstance(value, str):
        raise invalid(path, f"expected a text, found {shown(value)}")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise invalid(path, "expected a text of characters, found NUL or half of a surrogate pair")
    return value


def texts(most: int) -> Check[tuple[str, ...]]:
    """Return the check of a list of texts; empty ones are left out."""

    def check(path: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise invalid(path, f"expected a list of at most {most} texts, found {shown(value)}")
        return tuple(each.strip() for each in (text(path, each) for each in value) if each.strip())

    return check
