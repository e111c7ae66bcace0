"""Whisper's tokenizer from the list of tokens that CTranslate2 keeps, for folders that have no tokenizer.json.

The list says which strings of bytes are tokens and in which order they were learned; a tokenizer also wants the merges
that made them. Replaying the order gives them back (as `export/whisper_tokenizer.py` does from openai-whisper's file):
the last two parts of a token, merged by the lower numbers alone, are the pair that made it.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from ...bundles.infer.whisper import VOCABULARIES, vocabulary
from ...errors import ModelCorrupt, ModelIncompatible

BYTES = 256  # tokens of a single byte, the first ones
END = "<|endoftext|>"  # from here on the tokens are orders
TIME = "<|0.00|>"


def rebuilt(folder: Path) -> Any:
    """Return the tokenizer (of the package tokenizers) that the list of tokens in `folder` stands for: some 2 s.

    Raises `ModelCorrupt` where there is no list, `ModelIncompatible` for one that is no list of Whisper's tokens.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE

    if not any((folder / name).is_file() for name in VOCABULARIES):
        raise ModelCorrupt(str(folder / "tokenizer.json"), "a file of a Whisper bundle", "nothing")
    tokens = vocabulary(folder)
    if END not in tokens or tokens.index(END) < BYTES:
        raise ModelIncompatible(str(folder), f"its list of tokens has no {END}, so it is not Whisper's")
    end = tokens.index(END)
    ranks = {token: number for number, token in enumerate(tokens[:end])}
    merges = [_made_of(token, ranks, folder) for token in tokens[BYTES:end] if len(token) > 1]
    tokenizer = Tokenizer(BPE(ranks, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    times = tokens.index(TIME) if TIME in tokens else len(tokens)
    orders = [AddedToken(token, special=True, normalized=False) for token in tokens[end:times]]
    tokenizer.add_special_tokens(orders)
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in tokens[times:]])
    return tokenizer


def _made_of(token: str, ranks: dict[str, int], folder: Path) -> tuple[str, str]:
    """Return the pair whose merge made a token. Example: "the" with "th" learned before it gives ("th", "e").

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
