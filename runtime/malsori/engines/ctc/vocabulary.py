"""The tokens of a CTC model and their roles: blank, word delimiter, special, or text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ...bundles.infer.onnx_export import VOCABULARY
from ...errors import ModelIncompatible

SPECIAL = re.compile(r"<[^<>]+>|\[[^\[\]]+\]")  # <pad> <s> </s> <unk> [PAD] [UNK], as checkpoints spell them


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Token texts by id. `delimiters` are the ids that end a word, `silent` the ids that never become text."""

    tokens: tuple[str, ...]
    blank: int
    delimiters: frozenset[int]
    silent: frozenset[int]

    def __len__(self) -> int:
        return len(self.tokens)

    @classmethod
    def build(cls, tokens: tuple[str, ...], blank: str, word_delimiter: str) -> Vocabulary:
        """Return the vocabulary of `tokens`; white space delimits words too. Raises `ValueError` without a `blank`."""
        roles = list(enumerate(tokens))
        delimiters = frozenset(index for index, token in roles if token == word_delimiter or token.isspace())
        silent = frozenset(index for index, token in roles if token in (blank, "") or SPECIAL.fullmatch(token))
        return cls(tokens, tokens.index(blank), delimiters, silent - delimiters)

    @classmethod
    def read(
        cls, folder: Path, blank: str, word_delimiter: str, width: int | None = None, lower_case: bool = False
    ) -> Vocabulary:
        """Read `vocab.json`, a mapping of token to id as Hugging Face writes it. Raises `ModelIncompatible`.

        With `lower_case` letters are lowered, as some tokenizers do. With `width`, the number of logits, tokens without
        a logit are left out, and logits without a token never become text: published checkpoints have both.
        """
        path = folder / VOCABULARY
        try:
            ids: dict[str, int] = dict(json.loads(path.read_text("utf-8")))
            if width is not None:
                ids = {token: number for token, number in ids.items() if number < width}
                ids |= {f"<{number}>": number for number in set(range(width)) - set(ids.values())}
            tokens = tuple(sorted(ids, key=ids.__getitem__))
            if [ids[token] for token in tokens] != list(range(len(tokens))):
                raise ValueError("ids are not 0, 1, 2, ...")
            if lower_case:
                kept = (blank, word_delimiter)
                tokens = tuple(t if t in kept or SPECIAL.fullmatch(t) else t.lower() for t in tokens)
            return cls.build(tokens, blank, word_delimiter)
        except OSError as error:
            raise ModelIncompatible(str(path), f"cannot be read ({error.strerror})") from error
        except (ValueError, TypeError, AttributeError) as error:
            reason = f"expected tokens with ids from 0 and the blank {blank!r} among them ({error})"
            raise ModelIncompatible(str(path), reason) from error
