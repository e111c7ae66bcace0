"""A Whisper of openai-whisper's format as the file that whisper.cpp reads, weights of two or more dimensions in f16.

The file, as whisper.cpp's `models/convert-pt-to-ggml.py` describes it, all numbers 32-bit little-endian: the magic
word, the architecture's numbers and 1 for f16; the mel filters behind their shape; the tokens behind their count, each
behind its length; then the weights: number of dimensions, length of the name, 1 for f16 or 0 for f32, the dimensions in
reverse, the name, the data.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

MAGIC = 0x67676D6C  # "ggml"
ORDER = (  # of the architecture's numbers in the file
    "n_vocab n_audio_ctx n_audio_state n_audio_head n_audio_layer "
    "n_text_ctx n_text_state n_text_head n_text_layer n_mels"
).split()
MULTILINGUAL = 51_865  # tokens, of the smallest vocabulary of many languages
FULL_PRECISION = ("encoder.positional_embedding", "decoder.positional_embedding")  # f32 although of two dimensions


def write_ggml(checkpoint: Path, path: Path) -> None:
    """Write `path` from a checkpoint; tokens and mel filters are those of the installed openai-whisper."""
    import torch

    from export.whisper_tokenizer import ranks_file, read_ranks

    loaded = torch.load(checkpoint, weights_only=True)
    ranks = read_ranks(ranks_file().with_name(ranks_name(loaded["dims"]["n_vocab"])))
    with np.load(ranks_file().with_name("mel_filters.npz")) as stored:
        filters = stored[f"mel_{loaded['dims']['n_mels']}"].astype("<f4")
    with path.open("wb") as file:
        _numbers(file, MAGIC, *(loaded["dims"][name] for name in ORDER), 1)
        _numbers(file, *filters.shape)
        file.write(filters.tobytes())
        _tokens(file, sorted(ranks, key=ranks.__getitem__))
        for name, weight in loaded["model_state_dict"].items():
            write_weight(file, name, weight.numpy())


def ranks_name(vocabulary: int) -> str:
    """Return the file of openai-whisper's tokens for a model of so many: those of English alone have GPT-2's."""
    return "multilingual.tiktoken" if vocabulary >= MULTILINGUAL else "gpt2.tiktoken"


def write_weight(file: BinaryIO, name: str, weight: NDArray[np.floating]) -> None:
    """Write one weight as whisper.cpp wants it: the convolutions' biases as columns."""
    if name.endswith(("conv1.bias", "conv2.bias")):
        weight = weight.reshape(-1, 1)
    half = weight.ndim > 1 and weight.shape[-1] > 1 and name not in FULL_PRECISION
    _numbers(file, weight.ndim, len(name.encode()), int(half), *reversed(weight.shape))
    file.write(name.encode())
    file.write(np.ascontiguousarray(weight, "<f2" if half else "<f4").tobytes())


def _tokens(file: BinaryIO, tokens: list[bytes]) -> None:
    _numbers(file, len(tokens))
    for token in tokens:
        _numbers(file, len(token))
        file.write(token)


def _numbers(file: BinaryIO, *numbers: int) -> None:
    file.write(struct.pack(f"<{len(numbers)}i", *numbers))
