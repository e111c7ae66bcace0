"""The bytes of a byte-level token, and Whisper's tokenizer rebuilt from CTranslate2's list of tokens.

A token may hold a part of a character. Folders without tokenizer.json get a rebuilt tokenizer.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from ...bundles.infer.ct2_folder import VOCABULARIES, vocabulary
from ...errors import ModelCorrupt, ModelIncompatible

HALF_CHARACTER = "\ufffd"  # in the place of bytes that are no complete character
BYTE_TOKEN = 256  # the first tokens, of a single byte each
END = "<|endoftext|>"  # the first special token
TIME = "<|0.00|>"


def spelled_bytes(token: str | None) -> bytes:
    """Return the bytes of a byte-level token; none for None, its UTF-8 for one that is not in GPT-2's alphabet."""
    name = token or ""
    try:
        return bytes([BYTES[letter] for letter in name])
    except KeyError:
        return name.encode("utf-8")


def character_ends(spelled: bytes) -> set[int]:
    """Return 0 and the positions at which a character ends; invalid bytes end where their U+FFFD does."""
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
    """Return GPT-2's letters for bytes: visible Latin-1 characters are themselves, other bytes U+0100 and following."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + rank): byte for rank, byte in enumerate(hidden)}


BYTES = _byte_alphabet()


def rebuilt(folder: Path) -> Any:
    """Return a tokenizer (of the package tokenizers) rebuilt from the list of tokens in `folder`; it takes some 2 s.

    Raises `ModelCorrupt` where there is no list, `ModelIncompatible` for one that is not Whisper's.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise ModelCorrupt(str(folder / "tokenizer.json"), "a file of a Whisper bundle", "nothing")
    tokens = vocabulary(folder)
    if END not in tokens or tokens.index(END) < BYTE_TOKEN:
        raise ModelIncompatible(str(folder), f"its list of tokens has no {END}, so it is not Whisper's")
    end = tokens.index(END)
    ranks = {token: number for number, token in enumerate(tokens[:end])}
    merges = [_made_of(token, ranks, folder) for token in tokens[BYTE_TOKEN:end] if len(token) > 1]
    tokenizer = Tokenizer(BPE(ranks, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    times = tokens.index(TIME) if TIME in tokens else len(tokens)
    orders = [AddedToken(token, special=True, normalized=False) for token in tokens[end:times]]
    tokenizer.add_special_tokens(orders)
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in tokens[times:]])
    return tokenizer


def _made_of(token: str, ranks: dict[str, int], folder: Path) -> tuple[str, str]:
    """Return the pair of tokens whose merge is a token. Example: "the" with "th" learned before it gives ("th", "e").

    Raises `ModelIncompatible` where one of the two is no token.
    """
    parts = list(token)
    while len(parts) > 2:
        pairs = [ranks.get(left + right, len(ranks)) for left, right in pairwise(parts)]
        first = min(range(len(pairs)), key=pairs.__getitem__)
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
    if lacking := [part for part in parts if part not in ranks]:
        reason = f"its list of tokens has {token!r}, but not {lacking[0]!r}, of which that is made"
        raise ModelIncompatible(str(folder), f"{reason}; get the tokenizer.json that belongs to the model")
    return parts[0], parts[1]
