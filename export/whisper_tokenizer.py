"""Rebuild Whisper's multilingual tokenizer offline from the BPE ranks inside the `openai-whisper` package.

The ranks say which byte strings are tokens and in which order they were learned; a Hugging Face tokenizer wants the
merges that made them, which replaying the ranks gives back. Training code and tests take the tokenizer from here; the
checkpoint that they save holds a `tokenizer.json`, which is all that the export and the runtime read.

    python export/whisper_tokenizer.py FOLDER [--num-languages 99|100]
"""

from __future__ import annotations

import argparse
import base64
import sys
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers.models import BPE
    from transformers import WhisperTokenizerFast

RANKS = "whisper/assets/multilingual.tiktoken"  # inside the openai-whisper distribution
TIMESTAMPS = 1501  # <|0.00|> ... <|30.00|>, 0.02 s apart


def ranks_file() -> Path:
    """Return the path of the ranks in the installed `openai-whisper`; nothing of that package is imported.

    Raises:
        FileNotFoundError: with the line that installs the package.
    """
    try:
        path = Path(str(metadata.distribution("openai-whisper").locate_file(RANKS)))
    except metadata.PackageNotFoundError:
        path = Path(RANKS)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not there; pip install --no-deps openai-whisper==20250625")
    return path


def read_ranks(path: Path) -> dict[bytes, int]:
    """Return token bytes -> rank, 50,257 of them: one `base64 rank` per line.

    The last line of the file is `= 50256`, an empty token that keeps the numbering of the first release.
    """
    lines = (line.split() for line in path.read_bytes().splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in lines}


def byte_alphabet() -> dict[int, str]:
    """Return GPT-2's printable stand-in for each of the 256 bytes: itself, or the next free code point from 256 on."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}


def split_token(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """Return the pair whose merge made `token`: merge its bytes with the lower ranks only, until two parts are left.

    `b"the"` with `b"th"` ranked before it gives `(b"th", b"e")`.
    """
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        pairs = [ranks.get(left + right, len(ranks)) for left, right in pairwise(parts)]
        first = min(range(len(pairs)), key=pairs.__getitem__)
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
    left, right = parts
    return left, right


def special_tokens(num_languages: int) -> list[str]:
    """Return the special tokens in the order of their ids, from 50,257 on; timestamps follow them.

    Raises:
        ValueError: for more or fewer languages than a published Whisper has.
    """
    from transformers.models.whisper.tokenization_whisper import LANGUAGES  # torch's neighbour: seconds to import

    if num_languages not in (99, 100):
        raise ValueError(f"num_languages: expected 99 (up to large-v2) or 100 (large-v3, turbo), found {num_languages}")
    # Checkpoints on the hub call the same id <|nocaptions|> with 99 languages and <|nospeech|> with 100; every reader
    # knows both names, and CTranslate2's converter mistakes the second for a language unless it is told the languages.
    silence = "<|nocaptions|>" if num_languages == 99 else "<|nospeech|>"
    return [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{code}|>" for code in list(LANGUAGES)[:num_languages]),
        *("<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", silence, "<|notimestamps|>"),
    ]


def build_tokenizer(num_languages: int = 99, ranks_path: Path | None = None) -> WhisperTokenizerFast:
    """Return the tokenizer of the multilingual checkpoints: 51,865 entries with 99 languages, 51,866 with 100.

    `ranks_path` defaults to the file in the installed `openai-whisper` package. Takes about two seconds.

    Raises:
        FileNotFoundError: when the package is not installed.
        ValueError: for another number of languages.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
    from transformers import WhisperTokenizerFast

    specials = special_tokens(num_languages)
    bare = Tokenizer(_bpe(read_ranks(ranks_path or ranks_file())))
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # GPT-2's expression, which Whisper kept
    bare.decoder = decoders.ByteLevel()
    tokenizer = WhisperTokenizerFast(tokenizer_object=bare, pad_token=specials[0], model_max_length=1024)
    tokenizer.add_special_tokens({"additional_special_tokens": [*specials]})
    times = (AddedToken(f"<|{i * 0.02:.2f}|>", normalized=False, special=False) for i in range(TIMESTAMPS))
    tokenizer.add_tokens(list(times))
    tokenizer.set_prefix_tokens()
    return tokenizer


def _bpe(ranks: dict[bytes, int]) -> BPE:
    from tokenizers.models import BPE

    alphabet = byte_alphabet()

    def printable(token: bytes) -> str:
        return "".join(alphabet[byte] for byte in token)

    learned = (token for token in sorted(ranks, key=ranks.__getitem__) if len(token) > 1)
    merges = [(printable(left), printable(right)) for left, right in (split_token(token, ranks) for token in learned)]
    return BPE(vocab={printable(token): rank for token, rank in ranks.items()}, merges=merges, fuse_unk=False)


def save(folder: Path, num_languages: int = 99) -> Path:
    """Write `tokenizer.json`, `vocab.json`, `merges.txt` and the tokenizer's configs into `folder`; return it."""
    build_tokenizer(num_languages).save_pretrained(folder)
    return folder


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(description="Write Whisper's multilingual tokenizer as Hugging Face files.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--num-languages", type=int, default=99, choices=(99, 100))
    options = parser.parse_args(arguments)
    print(save(options.folder, options.num_languages))
    return 0


if __name__ == "__main__":
    sys.exit(main())
