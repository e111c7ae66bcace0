"""The bytes that a token spells, and where in bytes characters end: a token may hold half a character."""

from __future__ import annotations

HALF_LETTER = "\ufffd"  # what stands for bytes of a letter whose others are not there


def spelled_bytes(token: str | None) -> bytes:
    """Return what a byte-level token spells; nothing for None, its UTF-8 for one that is not in GPT-2's letters."""
    name = token or ""
    try:
        return bytes([BYTES[letter] for letter in name])
    except KeyError:
        return name.encode("utf-8")


def character_ends(spelled: bytes) -> set[int]:
    """Return the positions at which a character ends, and 0; bytes that are none end where U+FFFD stands for them."""
    ends, position = {0}, 0
    while position < len(spelled):
        try:
            text, invalid = spelled[position:].decode("utf-8"), 0
        except UnicodeDecodeError as error:
            text = spelled[position : position + error.start].decode("utf-8")
            invalid = error.end - error.start
        for character in text:
            position += len(character.encode("utf-8"))
            ends.add(position)
        position += invalid
        ends.add(position)
    return ends


def _byte_alphabet() -> dict[str, int]:
    """Return GPT-2's letters for bytes: what Latin-1 shows stands for itself, the others follow from U+0100 on."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + rank): byte for rank, byte in enumerate(hidden)}


BYTES = _byte_alphabet()
