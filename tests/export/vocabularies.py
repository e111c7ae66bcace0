"""What a tiny checkpoint knows of letters: its tokenizer, written as fine-tuning leaves it. No tests here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from transformers import Wav2Vec2CTCTokenizer


def save_tokenizer(folder: Path, tokens: Sequence[str], **settings: object) -> None:
    """Write `vocab.json`, the tokens with ids from 0, and the tokenizer's own files."""
    path = folder / "vocab.json"
    path.write_text(json.dumps({token: index for index, token in enumerate(tokens)}), "utf-8")
    Wav2Vec2CTCTokenizer(str(path), **settings).save_pretrained(folder)
