"""Whispers of the published sizes with random weights, and the forms that `programs.py` compares; made once.

How long a network takes does not depend on its weights, but on the tokens that it says. So the last layer points away
from everything but some thousand words of one token each: such a decoder never ends on its own, every implementation
says exactly as many words as it may, and counting them proves that all have done the same work.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.whisper.ggml import write_ggml

if TYPE_CHECKING:
    from transformers import WhisperForConditionalGeneration, WhisperTokenizerFast

Context = dict[str, float]

LANGUAGES = {80: 99, 128: 100}  # of the published checkpoints, by mels
WORDS = 1000
WORD = re.compile(r"Ġ[a-z]{3,}")  # as the tokenizer spells a word with its space
TOWARDS = 10.0  # logits by which the words lead; the others' spread is 0.4 to 0.7
FULL: Context = {}
CAREFUL: Context = {"floor_s": 10.0, "margin_s": 2.0}
SHORT_WINDOW: Context = {"floor_s": 5.0, "margin_s": 1.0}  # what a model that has learned short windows gets


@dataclass(frozen=True, slots=True)
class Size:
    """A published architecture; `stock` is the window that its bundle gets before anybody has calibrated it."""

    d_model: int
    encoder_layers: int
    decoder_layers: int
    heads: int
    mels: int
    stock: Context

    def config(self) -> dict[str, int]:
        """Return the numbers of a Hugging Face config; feed-forward layers are four times as wide in all of them."""
        return {
            "d_model": self.d_model,
            "encoder_layers": self.encoder_layers,
            "decoder_layers": self.decoder_layers,
            "encoder_attention_heads": self.heads,
            "decoder_attention_heads": self.heads,
            "encoder_ffn_dim": 4 * self.d_model,
            "decoder_ffn_dim": 4 * self.d_model,
            "num_mel_bins": self.mels,
            **{"bos_token_id": 50_257, "eos_token_id": 50_257, "pad_token_id": 50_257},
            "decoder_start_token_id": 50_258,
        }


SIZES = {
    "tiny": Size(384, 4, 4, 6, 80, FULL),
    "small": Size(768, 12, 12, 12, 80, FULL),
    "turbo": Size(1280, 32, 4, 20, 128, CAREFUL),
}


@dataclass(frozen=True, slots=True)
class Forms:
    """One size in all its forms: folders of bundles, files of whisper.cpp and openai-whisper where those are there."""

    stock: Path
    calibrated: Path
    ggml: Path
    openai: Path


def forms(work: Path, name: str) -> Forms:
    """Return the forms of one size in `work`, made when they are missing: int8 bundles; for all but turbo the rest."""
    folder = work / name
    found = Forms(folder / "stock", folder / "calibrated", folder / "ggml-f16.bin", folder / "openai.pt")
    if not found.calibrated.exists():
        shutil.rmtree(folder, ignore_errors=True)  # what an interrupted run left
        checkpoint = save_checkpoint(folder / "checkpoint", SIZES[name])
        bundle(checkpoint, found.stock, SIZES[name].stock)
        if name != "turbo":  # minutes per clip in floats on a small machine
            save_openai(checkpoint, found.openai)
            write_ggml(found.openai, found.ggml)
        shutil.rmtree(checkpoint)
        calibrated(found.stock, found.calibrated)
    return found


def save_checkpoint(folder: Path, size: Size) -> Path:
    """Write a checkpoint of random weights; return its folder."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    from export.whisper_tokenizer import build_tokenizer

    torch.manual_seed(1)
    tokenizer = build_tokenizer(LANGUAGES[size.mels])
    model = WhisperForConditionalGeneration(WhisperConfig(vocab_size=len(tokenizer), **size.config()))
    speak_words_only(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=size.mels).save_pretrained(folder)
    return folder


def speak_words_only(model: WhisperForConditionalGeneration, tokenizer: WhisperTokenizerFast) -> None:
    """Let the decoder's last norm point along one direction, words in it and everything else against it."""
    import torch

    words = sorted(index for token, index in tokenizer.get_vocab().items() if WORD.fullmatch(token))[:WORDS]
    decoder = model.model.decoder
    direction = torch.nn.functional.normalize(torch.randn(model.config.d_model), dim=0)
    with torch.no_grad():
        decoder.layer_norm.bias += TOWARDS * direction
        decoder.embed_tokens.weight[words] += direction


def bundle(checkpoint: Path, folder: Path, context: Context) -> None:
    """Write the int8 bundle of a checkpoint; without the export's proof, which at this size takes minutes."""
    from dataclasses import replace

    from export.whisper import convert
    from export.whisper_checkpoint import Checkpoint
    from malsori.bundles import seal

    loaded = Checkpoint.load(str(checkpoint), languages=("ko", "en"))
    convert(loaded, folder, "int8")
    seal(folder, replace(loaded.manifest(), quantization="int8"))
    set_window(folder, context)


def calibrated(stock: Path, folder: Path) -> None:
    """Make the same bundle with the window of a calibrated model; the weights are shared on disk."""
    shutil.copytree(stock, folder, copy_function=lambda source, to: Path(to).hardlink_to(source))
    set_window(folder, SHORT_WINDOW)


def set_window(folder: Path, context: Context) -> None:
    """Write the window that clips get into a bundle's manifest, as calibration does."""
    manifest = folder / "manifest.json"
    facts = json.loads(manifest.read_text("utf-8")) | {"audio_context": context}
    manifest.unlink()  # it may be shared with another bundle
    manifest.write_text(json.dumps(facts, ensure_ascii=False, indent=2) + "\n", "utf-8")


NAMES = {  # of the parts of a layer: Hugging Face's, then openai-whisper's; in this order
    "model.": "",
    ".layers.": ".blocks.",
    "encoder_attn": "cross_attn",
    "self_attn": "attn",
    "attn_layer_norm": "attn_ln",
    "final_layer_norm": "mlp_ln",
    "fc1": "mlp.0",
    "fc2": "mlp.2",
    "q_proj": "query",
    "k_proj": "key",
    "v_proj": "value",
    "out_proj": "out",
    "encoder.layer_norm": "encoder.ln_post",
    "decoder.layer_norm": "decoder.ln",
    "embed_positions.weight": "positional_embedding",
    "embed_tokens": "token_embedding",
}


def save_openai(checkpoint: Path, path: Path) -> None:
    """Write a checkpoint as openai-whisper keeps its own, in float16."""
    import torch
    from transformers import WhisperForConditionalGeneration

    model = WhisperForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float16)
    weights = {renamed(name): value for name, value in model.state_dict().items() if name != "proj_out.weight"}
    torch.save({"dims": dimensions(model.config), "model_state_dict": weights}, path)


def renamed(name: str) -> str:
    """Return openai-whisper's name of a weight."""
    for theirs, its in NAMES.items():
        name = name.replace(theirs, its)
    return name


def dimensions(config: Any) -> dict[str, int]:
    """Return openai-whisper's numbers of an architecture, in its order."""
    return {
        "n_mels": config.num_mel_bins,
        "n_audio_ctx": config.max_source_positions,
        "n_audio_state": config.d_model,
        "n_audio_head": config.encoder_attention_heads,
        "n_audio_layer": config.encoder_layers,
        "n_vocab": config.vocab_size,
        "n_text_ctx": config.max_target_positions,
        "n_text_state": config.d_model,
        "n_text_head": config.decoder_attention_heads,
        "n_text_layer": config.decoder_layers,
    }
