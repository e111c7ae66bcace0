"""Tiny wav2vec2 checkpoints with random weights, and recordings for them: every letter is a tone of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile
import torch
from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from malsori.types import SAMPLE_RATE

LETTERS = "가나다라"
TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|", *LETTERS]
LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}  # XLSR
GROUP = {"feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False}  # base-960h
TINY = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 48, "num_hidden_layers": 2}
TINY |= {"conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
LETTER = SAMPLE_RATE // 8  # samples of a tone


def save_checkpoint(folder: Path, tokens: list[str] = TOKENS, *, head: bool = True, **config: object) -> Path:
    """Write what fine-tuning leaves behind, or without `head` what pretraining does: no tokenizer, no head."""
    torch.manual_seed(1)
    settings = Wav2Vec2Config(vocab_size=len(tokens), pad_token_id=0, **(TINY | LAYER | config))
    model = Wav2Vec2ForCTC(settings)
    (model if head else model.wav2vec2).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    if head:
        path = folder / "vocab.json"
        path.write_text(json.dumps({token: index for index, token in enumerate(tokens)}), "utf-8")
        Wav2Vec2CTCTokenizer(str(path)).save_pretrained(folder)
    return folder


def record(folder: Path, texts: list[str], name: str = "train.tsv") -> Path:
    """Sing the texts into 16 kHz files and return their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["audio\ttext"]
    for number, text in enumerate(texts):
        soundfile.write(folder / f"{name}-{number}.wav", sing(text, number), SAMPLE_RATE)
        lines.append(f"{name}-{number}.wav\t{text}")
    manifest = folder / name
    manifest.write_text("\n".join(lines) + "\n", "utf-8")
    return manifest


def sing(text: str, seed: int) -> np.ndarray:
    """Return a tone for each letter and faint noise for everything else."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(LETTER) / SAMPLE_RATE
    parts = [
        0.3 * np.sin(2 * np.pi * 300 * 1.6 ** LETTERS.index(letter) * seconds) if letter in LETTERS else 0 * seconds
        for letter in text
    ]
    sound = np.concatenate([np.zeros(LETTER), *parts, np.zeros(LETTER)])
    return (sound + 1e-3 * rng.standard_normal(len(sound))).astype(np.float32)


def texts(count: int, seed: int = 0) -> list[str]:
    """Return different texts of two words."""
    rng = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        words = ("".join(rng.choice(list(LETTERS), rng.integers(1, 4))) for _ in range(2))
        found.setdefault(" ".join(words))
    return list(found)
